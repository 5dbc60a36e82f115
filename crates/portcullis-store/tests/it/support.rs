//! What the other modules share: a clock to move by hand, a random source that is none, a
//! store with one film in it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use portcullis_base::{Clock, Rng, Scheme, TrackClass};
use portcullis_drm::LicenseTerms;
use portcullis_keys::{ContentKey, root::RootKey};
use portcullis_policy::{
    Grant, PackagingAsk, decide_packaging,
    model::{
        AddressRule, AllowedClasses, Content, EntitlementRule, KeyPolicy, Operator, Restriction,
        TrackKey, Window,
    },
};
use portcullis_store::{
    Author, Error, Location, Store, StoreOptions,
    audit::{Checkpoint, CheckpointSink},
};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// 2026-01-02T03:04:05.678Z
pub(crate) const START_MS: u64 = 1_767_323_045_678;

#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance_s(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A xorshift generator. Every store of a test run gets another seed.
#[derive(Debug)]
struct TestRng(Mutex<u64>);

impl Rng for TestRng {
    fn fill(&self, out: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for byte in out {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *byte = (*state >> 32) as u8;
        }
    }
}

static SEED: AtomicU64 = AtomicU64::new(0x5eed);

pub(crate) fn root(byte: u8) -> RootKey {
    let mut bytes = [byte; 32];
    bytes[0] = 0xff;
    RootKey::read(&bytes).unwrap()
}

pub(crate) fn author() -> Author {
    Author::new("local:test").with_request("r-1", "command line")
}

/// A store, its clock and what it signed.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) checkpoints: Arc<Mutex<Vec<Checkpoint>>>,
}

pub(crate) async fn open(location: Location, root: RootKey, node: &str) -> Result<Bench, Error> {
    open_at(location, root, node, START_MS).await
}

pub(crate) async fn open_at(
    location: Location,
    root: RootKey,
    node: &str,
    now_ms: u64,
) -> Result<Bench, Error> {
    let clock = Arc::new(TestClock(AtomicU64::new(now_ms)));
    let seed = SEED.fetch_add(0x9e37_79b9, Ordering::Relaxed);
    let checkpoints = Arc::new(Mutex::new(Vec::new()));
    let kept = checkpoints.clone();
    let sink = CheckpointSink::new(move |one: &Checkpoint| kept.lock().unwrap().push(one.clone()));
    let options = StoreOptions { location, root, node: node.into(), checkpoints: sink };
    let rng = Arc::new(TestRng(Mutex::new(seed)));
    let store = Store::open(&options, clock.clone(), rng).await?;
    Ok(Bench { store, clock, checkpoints })
}

pub(crate) async fn memory() -> Bench {
    open(Location::Memory, root(1), "n1").await.unwrap()
}

pub(crate) async fn file(path: &Path) -> Bench {
    open(Location::File(path.into()), root(1), "n1").await.unwrap()
}

/// A folder that goes away, and the path of a database in it.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    (folder, path)
}

/// A connection past the store, as a thief or a vandal has it.
pub(crate) async fn vandal(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

pub(crate) async fn vandalize(path: &Path, statement: &'static str) {
    let done = sqlx::raw_sql(statement).execute(&mut vandal(path).await).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
}

pub(crate) fn key_policy(name: &str) -> KeyPolicy {
    KeyPolicy {
        name: name.parse().unwrap(),
        restriction: Restriction::Open,
        classes: AllowedClasses::Any,
        entitlement: EntitlementRule::Anyone,
        addresses: AddressRule::NONE,
        terms: LicenseTerms::UNRESTRICTED,
    }
}

pub(crate) fn content(id: &str, tenant: &str, key_policy: &str) -> Content {
    Content {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        key_policy: key_policy.parse().unwrap(),
        window: Window::ALWAYS,
        keys: Vec::new(),
    }
}

pub(crate) const WANTED: [(TrackClass, Scheme); 2] =
    [(TrackClass::Audio, Scheme::Cenc), (TrackClass::Sd, Scheme::Cenc)];

/// Puts a content with two keys into the store.
pub(crate) async fn add(store: &Store, id: &str, tenant: &str) -> Vec<TrackKey> {
    store.put_key_policy(&key_policy("open"), &author()).await.unwrap();
    store.put_content(&content(id, tenant, "open"), &author()).await.unwrap();
    store.vault().create_keys(&id.parse().unwrap(), &WANTED, &author()).await.unwrap()
}

/// Grants for all `cenc` keys of a content, from the decision that gives them.
pub(crate) fn grants(store: &Store, id: &str) -> Vec<Grant> {
    let facts = store.packaging_facts(&id.parse().unwrap()).unwrap().unwrap();
    let operator = Operator::Local { tenant: facts.content.tenant.clone() };
    let ask = PackagingAsk { scheme: Scheme::Cenc };
    let decision = decide_packaging(&operator, &facts, &ask);
    decision.into_allowed().unwrap().into_grants()
}

pub(crate) async fn open_all(store: &Store, id: &str) -> Vec<ContentKey> {
    let mut keys = Vec::new();
    for grant in grants(store, id) {
        keys.push(store.vault().open(&grant).await.unwrap());
    }
    keys
}
