//! How much the store can take: licenses recorded, facts told, keys opened, per second.
//!
//! The database is a file, written as durably as in production. The figures of
//! `docs/performance.md` come from here.

use std::{hint::black_box, sync::Arc};

use divan::{Bencher, counter::ItemsCount};
use portcullis_base::{Clock, Rng, Scheme, TrackClass};
use portcullis_drm::LicenseTerms;
use portcullis_keys::root::RootKey;
use portcullis_policy::{
    PackagingAsk, decide_packaging,
    model::{
        AddressRule, AllowedClasses, Content, EntitlementRule, KeyPolicy, Operator, Restriction,
        Window,
    },
};
use portcullis_store::{
    Author, Location, Store, StoreOptions,
    audit::{Action, CheckpointSink, Outcome, Record},
};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// Opening and closing records of 64 requests at a time.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn audit_begin_and_close(bencher: Bencher<'_, '_>) {
    let (_folder, runtime, store) = ready();
    bencher.counter(ItemsCount::new(TASKS * ENTRIES)).bench_local(|| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(entries(store.clone()))).collect();
            for task in tasks {
                task.await.expect("a task that does not panic");
            }
        });
    });
}

/// The same for a single request at a time: the latency of two durable commits.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn audit_begin_and_close_alone(bencher: Bencher<'_, '_>) {
    let (_folder, runtime, store) = ready();
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| {
        runtime.block_on(entries(store.clone()));
    });
}

/// Facts of one content out of 100, for a viewer on a list of 100.
#[divan::bench]
fn license_facts(bencher: Bencher<'_, '_>) {
    let (_folder, _runtime, store) = ready();
    let (film, viewer) = ("film".parse().expect(SOUND), "viewer-50".parse().expect(SOUND));
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        black_box(store.license_facts(black_box(&film), Some(&viewer))).expect(SOUND);
    });
}

/// Opening a key whose sealed row is in memory.
#[divan::bench]
fn vault_open(bencher: Bencher<'_, '_>) {
    let (_folder, runtime, store) = ready();
    let facts = store.packaging_facts(&"film".parse().expect(SOUND)).expect(SOUND).expect(SOUND);
    let operator = Operator::Local { tenant: "t1".parse().expect(SOUND) };
    let ask = PackagingAsk { scheme: Scheme::Cenc };
    let grants =
        decide_packaging(&operator, &facts, &ask).into_allowed().expect(SOUND).into_grants();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        drop(black_box(runtime.block_on(store.vault().open(&grants[0]))).expect(SOUND));
    });
}

async fn entries(store: Arc<Store>) {
    for _ in 0..ENTRIES {
        let record = Record::new(Action::LicenseIssue, "player", "content:film", "t1");
        let entry = store.audit().begin(record).await.expect(SOUND);
        entry.close(Outcome::Ok).await.expect(SOUND);
    }
}

fn ready() -> (tempfile::TempDir, Runtime, Arc<Store>) {
    let folder = tempfile::tempdir().expect(SOUND);
    let runtime = Runtime::new().expect(SOUND);
    let options = StoreOptions {
        location: Location::File(folder.path().join("portcullis.db")),
        root: RootKey::read(&(0..32).collect::<Vec<u8>>()).expect(SOUND),
        node: "n1".into(),
        checkpoints: CheckpointSink::new(|_| {}),
    };
    let store = runtime.block_on(async {
        let store = Store::open(&options, Arc::new(Stopped), Arc::new(System)).await.expect(SOUND);
        fill(&store).await;
        Arc::new(store)
    });
    (folder, runtime, store)
}

async fn fill(store: &Store) {
    let author = Author::new("local:bench");
    let policy = KeyPolicy {
        name: "open".parse().expect(SOUND),
        restriction: Restriction::Open,
        classes: AllowedClasses::Any,
        entitlement: EntitlementRule::Listed,
        addresses: AddressRule::NONE,
        terms: LicenseTerms::UNRESTRICTED,
    };
    store.put_key_policy(&policy, &author).await.expect(SOUND);
    let film = Content {
        id: "film".parse().expect(SOUND),
        tenant: "t1".parse().expect(SOUND),
        key_policy: policy.name,
        window: Window::ALWAYS,
        keys: Vec::new(),
    };
    store.put_content(&film, &author).await.expect(SOUND);
    for n in 0..CONTENTS {
        let other = Content { id: format!("film-{n}").parse().expect(SOUND), ..film.clone() };
        store.put_content(&other, &author).await.expect(SOUND);
    }
    let list: Vec<_> =
        (0..100).map(|n| (format!("viewer-{n}").parse().expect(SOUND), Window::ALWAYS)).collect();
    store.put_entitlements(&film.id, &list, &author).await.expect(SOUND);
    let wanted = [(TrackClass::Audio, Scheme::Cenc), (TrackClass::Hd, Scheme::Cenc)];
    store.vault().create_keys(&film.id, &wanted, &author).await.expect(SOUND);
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        1_767_323_045_678
    }
}

#[derive(Debug)]
struct System;

impl Rng for System {
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("the system has random bytes");
    }
}

const TASKS: usize = 64;
const ENTRIES: usize = 8;
const CONTENTS: usize = 100;

/// Why nothing here can fail: names, keys and rows are those written above.
const SOUND: &str = "a bench works on its own sound input";
