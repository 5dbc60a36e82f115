//! The store: opened once, then asked one question per use.
//!
//! Opening puts the pieces together in an order that fails early: the file, its schema, the
//! root key, the ring, the audit chain, the snapshot. What can be asked stands in a file per
//! use beside this one. The store knows no HTTP and decides nothing.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use futures_util::future::BoxFuture;
use portcullis_base::{Clock, Rng, Secret};
use portcullis_keys::root::{Label, RootKey};
use sqlx::{Connection as _, SqlitePool};
use tokio::task::JoinHandle;

use crate::{
    Author, Change, Error, Location,
    audit::{Action, Audit, Chain, CheckpointSink, Checkpointer, Outcome, node_key},
    backend::{
        migrations, sqlite,
        writer::{Session, Writer},
    },
    ring,
    snapshot::Snapshots,
    uses::Uses,
    vault::Vault,
};

/// How to open the store.
#[derive(Debug)]
pub struct StoreOptions {
    /// Where the database lies.
    pub location: Location,
    /// The key everything in it is sealed under.
    pub root: RootKey,
    /// The name of this node in the audit log.
    pub node: String,
    /// Where signed checkpoints of the audit log go: out of the database.
    pub checkpoints: CheckpointSink,
}

/// Contents, policies, sealed keys and the audit log.
#[derive(Debug)]
pub struct Store {
    pub(crate) writer: Writer,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) clock: Arc<dyn Clock>,
    read: SqlitePool,
    audit: Arc<Audit>,
    vault: Vault,
    uses: Uses,
    api_key_pepper: Secret<32>,
    poll: JoinHandle<()>,
}

impl Store {
    /// Opens the database, or makes it.
    ///
    /// # Errors
    ///
    /// When the file cannot be used, is readable by others, is damaged, is newer than this
    /// program or belongs to another root key. Nothing was changed then, apart from a file
    /// that may have been made and a schema that may have been brought up to date.
    pub async fn open(
        options: &StoreOptions,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, Error> {
        let StoreOptions { location, root, node, checkpoints } = options;
        let sqlite::Opened { mut write, read, wal } = sqlite::open(location, &*rng).await?;
        let now_ms = signed_ms(clock.now_ms());
        let migrated = migrations::run(&mut write, now_ms).await?;

        let mac_key = hmac_key(root, Label::AuditMac);
        let mut chain = Chain::new(node.clone(), mac_key.clone());
        let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
        let opened = ring::open(&mut tx, root, &*rng, now_ms).await?;
        let author = Author::new(&format!("node:{node}"));
        let mut news = Vec::new();
        if migrated.from != migrated.to {
            let schema = format!("schema:{}", migrated.to);
            news.push(author.record(Action::SchemaMigrate, &schema, ""));
        }
        if let ring::Opened::Created(ring) = &opened {
            let kek = format!("kek:{}", ring.active_id());
            news.push(author.record(Action::KeyringChange, &kek, ""));
        }
        for record in news {
            chain.append(&mut tx, &record.draft(clock.now_ms(), Outcome::Ok)).await?;
        }
        let ring = Arc::new(opened.into_ring());
        let node_key = node_key(&mut tx, &ring, node, &*rng, now_ms).await?;
        tx.commit().await?;

        let checkpointer =
            Checkpointer::new(node.clone(), node_key, checkpoints.clone(), clock.clone());
        let writer = Writer::start(Session { conn: write, chain }, checkpointer, wal);
        let snapshots = Arc::new(Snapshots::new(read.clone(), clock.clone()));
        snapshots.refresh().await?;
        let audit_keys = (mac_key, hmac_key(root, Label::Pseudonym));
        let audit =
            Audit::new(writer.clone(), read.clone(), clock.clone(), audit_keys, ring.clone());
        let audit = Arc::new(audit);
        let vault = Vault {
            ring,
            writer: writer.clone(),
            read: read.clone(),
            snapshots: snapshots.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
        };
        let uses = Uses {
            writer: writer.clone(),
            read: read.clone(),
            clock: clock.clone(),
            rng,
            key: hmac_key(root, Label::ReplayDigest),
        };
        let poll = tokio::spawn(poll(snapshots.clone()));
        let api_key_pepper = root.derive(Label::ApiKeyPepper);
        Ok(Self { writer, snapshots, clock, read, audit, vault, uses, api_key_pepper, poll })
    }

    /// Finishes what is being written, signs a last checkpoint and closes the database.
    pub async fn close(self) {
        self.poll.abort();
        self.read.close().await;
        self.writer.close().await;
    }

    /// The vault: the only one who opens keys.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Counts the uses of tokens.
    #[must_use]
    pub const fn uses(&self) -> &Uses {
        &self.uses
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What API keys are hashed with, so that the database alone does not tell which key is
    /// good (SEC-61).
    #[must_use]
    pub const fn api_key_pepper(&self) -> &Secret<32> {
        &self.api_key_pepper
    }

    /// Grows with every change of contents, policies, lists and keys, so that callers may
    /// keep what they made of them.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn version(&self) -> Result<i64, Error> {
        Ok(self.snapshots.current()?.version)
    }

    pub(crate) const fn read(&self) -> &SqlitePool {
        &self.read
    }

    /// Deletes, in small steps, what nobody needs to remember any more: call it again until it
    /// returns 0.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn forget(&self) -> Result<u64, Error> {
        let uses = self.uses.forget().await?;
        let revocations = self.forget_revocations().await?;
        let sessions = self.forget_cookie_sessions().await?;
        Ok(uses.saturating_add(revocations).saturating_add(sessions))
    }

    /// Runs an operation that changes what a snapshot holds; when it returns, this node
    /// decides by the new state.
    pub(crate) async fn change<F>(&self, operation: F) -> Result<Change, Error>
    where
        F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<Change, Error>> + Send + 'static,
    {
        let change = self.writer.run(operation).await?;
        if change != Change::Unchanged {
            self.snapshots.refresh().await?;
        }
        Ok(change)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.poll.abort();
    }
}

/// Sees what other processes wrote.
async fn poll(snapshots: Arc<Snapshots>) {
    let mut second = tokio::time::interval(POLL_EVERY);
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        second.tick().await;
        match snapshots.refresh().await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(error = ?error, "policies cannot be refreshed, trying on");
            }
            Err(_) => {}
        }
    }
}

fn hmac_key(root: &RootKey, label: Label) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, root.derive(label).expose())
}

/// Milliseconds as the database stores them.
pub(crate) fn signed_ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

const POLL_EVERY: Duration = Duration::from_secs(1);
