//! Everything decisions read, in memory.
//!
//! No license waits for the database: contents, key policies, entitlements, API keys and
//! sealed token keys are loaded as a whole, and loaded again when the version row has grown.
//! Who writes loads before the write returns; what other processes write is seen within a
//! second, by polling. Content keys are not loaded, only kept once they were asked for, and
//! sealed: no secret is opened here.
//!
//! A row that does not parse takes nothing else down. It is logged, and what it belongs to
//! is answered with an error until it is repaired.
//!
//! SPEC: REL-40, REL-62.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::TryStreamExt as _;
use portcullis_base::{Clock, ContentId, KeyId, PolicyName, Secret, TenantId, Timestamp, UserId};
use portcullis_policy::model::{Content, KeyPolicy, Role, TrackKey, Window};
use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{Error, codec, revocations::Revocations};

/// One consistent state of the database.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) version: i64,
    /// `None` is a policy whose row does not parse.
    pub(crate) key_policies: HashMap<PolicyName, Option<KeyPolicy>>,
    pub(crate) contents: HashMap<ContentId, Entry>,
    pub(crate) token_keys: HashMap<PolicyName, Vec<SealedTokenKey>>,
    pub(crate) api_keys: HashMap<String, StoredApiKey>,
    /// Lives and dies with the snapshot, so that it never outlives a change.
    pub(crate) content_keys: ContentKeys,
}

/// A content with its list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) entitled: HashMap<UserId, Window>,
    pub(crate) state: State,
}

/// Whether all rows of a content parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The content or one of its keys does not parse.
    Damaged,
    /// An entry of its list does not parse.
    ListDamaged,
    /// Everything parsed.
    Sound,
}

/// A token key as stored.
#[derive(Clone, Debug)]
pub(crate) struct SealedTokenKey {
    pub(crate) purpose: String,
    pub(crate) position: i64,
    pub(crate) algorithm: String,
    pub(crate) kid: String,
    pub(crate) value: Vec<u8>,
}

/// An API key as stored.
#[derive(Debug)]
pub(crate) struct StoredApiKey {
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
    pub(crate) digest: Secret<32>,
    pub(crate) expires: Timestamp,
}

/// A content key as stored.
#[derive(Debug)]
pub(crate) struct SealedContentKey {
    pub(crate) tenant: String,
    pub(crate) content: String,
    pub(crate) value: Vec<u8>,
}

/// Sealed content keys that were asked for lately. At most 50,000; when full, any one goes.
#[derive(Debug, Default)]
pub(crate) struct ContentKeys(Mutex<HashMap<KeyId, Arc<SealedContentKey>>>);

impl ContentKeys {
    pub(crate) fn get(&self, kid: &KeyId) -> Option<Arc<SealedContentKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    pub(crate) fn put(&self, kid: KeyId, key: Arc<SealedContentKey>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= CONTENT_KEYS_MAX
            && let Some(any) = keys.keys().next().copied()
        {
            keys.remove(&any);
        }
        keys.insert(kid, key);
    }
}

/// Holds the current snapshot and replaces it.
#[derive(Debug)]
pub(crate) struct Snapshots {
    read: SqlitePool,
    clock: Arc<dyn Clock>,
    current: RwLock<Arc<Snapshot>>,
    /// When the database last confirmed the current one.
    confirmed_ms: AtomicU64,
    revocations: Revocations,
    loading: tokio::sync::Mutex<()>,
}

impl Snapshots {
    pub(crate) fn new(read: SqlitePool, clock: Arc<dyn Clock>) -> Self {
        Self {
            revocations: Revocations::new(clock.clone()),
            read,
            clock,
            current: RwLock::default(),
            confirmed_ms: AtomicU64::new(0),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The current snapshot.
    ///
    /// # Errors
    ///
    /// When the database has not confirmed it for ten minutes.
    pub(crate) fn current(&self) -> Result<Arc<Snapshot>, Error> {
        let confirmed_ms = self.confirmed_ms.load(Ordering::Acquire);
        let age_ms = self.clock.now_ms().saturating_sub(confirmed_ms);
        if age_ms > STALE_MS_MAX {
            return Err(Error::Stale { seconds: age_ms / 1000 });
        }
        Ok(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Loads a new snapshot if the version has grown.
    ///
    /// # Errors
    ///
    /// When the database fails; the old snapshot stays.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let _alone = self.loading.lock().await;
        let now_ms = self.clock.now_ms();
        let mut tx = self.read.begin().await?;
        // First: a large snapshot must not keep them waiting.
        self.revocations.refresh(&mut tx).await?;
        self.revocations.confirm(now_ms);
        let version: i64 = sqlx::query_scalar("SELECT value FROM versions WHERE name = 'snapshot'")
            .fetch_one(&mut *tx)
            .await?;
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).version;
        if version != known {
            let snapshot = Arc::new(load(&mut tx, version).await?);
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        }
        tx.commit().await?;
        self.confirmed_ms.store(now_ms, Ordering::Release);
        Ok(())
    }
}

/// Counts up the version; part of every write that changes what a snapshot holds.
pub(crate) async fn bump(conn: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("UPDATE versions SET value = value + 1 WHERE name = 'snapshot'")
        .execute(conn)
        .await?;
    Ok(())
}

async fn load(conn: &mut SqliteConnection, version: i64) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot { version, ..Snapshot::default() };
    let all = &mut snapshot;
    each(conn, "SELECT name, document FROM key_policies", |row| add_key_policy(all, row)).await?;
    each(conn, "SELECT id, tenant, key_policy, opens, closes FROM contents", |row| {
        add_content(all, row)
    })
    .await?;
    each(
        conn,
        "SELECT kid, content, tenant, scheme, class FROM content_keys ORDER BY scheme, class, kid",
        |row| add_track_key(all, row),
    )
    .await?;
    each(conn, "SELECT content, subject, opens, closes FROM entitlements", |row| {
        add_entitled(all, row)
    })
    .await?;
    each(
        conn,
        "SELECT owner, purpose, position, algorithm, kid, value FROM token_keys
         ORDER BY owner, purpose, position",
        |row| add_token_key(all, row),
    )
    .await?;
    each(conn, "SELECT id, tenant, role, digest, expires FROM api_keys", |row| {
        add_api_key(all, row)
    })
    .await?;
    Ok(snapshot)
}

/// Takes the rows one by one as they come: a large table never lies in memory as rows.
async fn each(
    conn: &mut SqliteConnection,
    question: &'static str,
    mut take: impl FnMut(&SqliteRow) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rows = sqlx::query(question).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        take(&row)?;
    }
    Ok(())
}

fn add_key_policy(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let name: String = row.try_get("name")?;
    let document: String = row.try_get("document")?;
    let Ok(name) = name.parse::<PolicyName>() else {
        damaged("key_policies", &name);
        return Ok(());
    };
    let policy = codec::read_key_policy(name.clone(), &document);
    if policy.is_none() {
        damaged("key_policies", name.as_str());
    }
    snapshot.key_policies.insert(name, policy);
    Ok(())
}

fn add_content(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let id: String = row.try_get("id")?;
    let tenant: String = row.try_get("tenant")?;
    let key_policy: String = row.try_get("key_policy")?;
    let window = window(row)?;
    let (Ok(id), Ok(tenant), Ok(key_policy)) =
        (id.parse::<ContentId>(), tenant.parse(), key_policy.parse())
    else {
        damaged("contents", &id);
        return Ok(());
    };
    let state = if window.is_some() { State::Sound } else { State::Damaged };
    if state == State::Damaged {
        damaged("contents", id.as_str());
    }
    let window = window.unwrap_or(Window::ALWAYS);
    let content = Content { id: id.clone(), tenant, key_policy, window, keys: Vec::new() };
    snapshot.contents.insert(id, Entry { content, entitled: HashMap::new(), state });
    Ok(())
}

fn add_track_key(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let kid: String = row.try_get("kid")?;
    let content: String = row.try_get("content")?;
    let tenant: String = row.try_get("tenant")?;
    let scheme: String = row.try_get("scheme")?;
    let class: String = row.try_get("class")?;
    let Some(entry) = content.parse().ok().and_then(|id: ContentId| snapshot.contents.get_mut(&id))
    else {
        return Ok(());
    };
    match (kid.parse(), scheme.parse(), class.parse()) {
        (Ok(kid), Ok(scheme), Ok(class)) if tenant == entry.content.tenant.as_str() => {
            entry.content.keys.push(TrackKey { kid, class, scheme });
        }
        _ => {
            damaged("content_keys", &kid);
            entry.state = State::Damaged;
        }
    }
    Ok(())
}

fn add_entitled(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let content: String = row.try_get("content")?;
    let subject: String = row.try_get("subject")?;
    let Some(entry) = content.parse().ok().and_then(|id: ContentId| snapshot.contents.get_mut(&id))
    else {
        return Ok(());
    };
    match (subject.parse(), window(row)?) {
        (Ok(subject), Some(window)) => {
            entry.entitled.insert(subject, window);
        }
        _ if entry.state == State::Sound => {
            // The subject is a viewer; it does not go into a log.
            damaged("entitlements", &content);
            entry.state = State::ListDamaged;
        }
        _ => {}
    }
    Ok(())
}

fn add_token_key(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let owner: String = row.try_get("owner")?;
    let Ok(owner) = owner.parse::<PolicyName>() else {
        damaged("token_keys", &owner);
        return Ok(());
    };
    snapshot.token_keys.entry(owner).or_default().push(SealedTokenKey {
        purpose: row.try_get("purpose")?,
        position: row.try_get("position")?,
        algorithm: row.try_get("algorithm")?,
        kid: row.try_get("kid")?,
        value: row.try_get("value")?,
    });
    Ok(())
}

fn add_api_key(snapshot: &mut Snapshot, row: &SqliteRow) -> Result<(), Error> {
    let id: String = row.try_get("id")?;
    let tenant: String = row.try_get("tenant")?;
    let role: String = row.try_get("role")?;
    let digest: Vec<u8> = row.try_get("digest")?;
    let expires: i64 = row.try_get("expires")?;
    match (tenant.parse(), role.parse(), Secret::copy_from(&digest), u64::try_from(expires)) {
        (Ok(tenant), Ok(role), Some(digest), Ok(expires)) => {
            let expires = Timestamp(expires);
            snapshot.api_keys.insert(id, StoredApiKey { tenant, role, digest, expires });
        }
        _ => damaged("api_keys", &id),
    }
    Ok(())
}

/// The window of a row; `None` when it is none.
fn window(row: &SqliteRow) -> Result<Option<Window>, Error> {
    let end = |column| -> Result<Option<Option<Timestamp>>, Error> {
        let second: Option<i64> = row.try_get(column)?;
        Ok(match second {
            None => Some(None),
            Some(second) => u64::try_from(second).ok().map(|second| Some(Timestamp(second))),
        })
    };
    let (Some(opens), Some(closes)) = (end("opens")?, end("closes")?) else { return Ok(None) };
    Ok(Window::new(opens, closes).ok())
}

fn damaged(table: &'static str, row: &str) {
    tracing::error!(table, row, "a row of `{table}` is not as it was written, refusing it");
}

const CONTENT_KEYS_MAX: usize = 50_000;
const STALE_MS_MAX: u64 = 10 * 60 * 1000;
