//! The audit log: what was done, by whom, in an order that nobody can change unseen.
//!
//! Records are lines of JSON, chained per node by a MAC whose key the database does not
//! hold ([`chain`]). Signed checkpoints leave the database as they are made ([`checkpoint`]),
//! so that cutting off the end shows too. [`verify`] reads everything again and says what is
//! wrong.
//!
//! What hands over a key is recorded twice: [`Audit::begin`] returns when the opening record
//! is durable, [`Entry::close`] adds the outcome. A crash in between leaves an opening
//! record without an outcome, which [`verify`] reports as unknown. The log never decides
//! anything, and viewers stand in it by pseudonym only ([`Audit::pseudonym`]).
//!
//! SPEC: SEC-18, SEC-100 to SEC-105.

mod chain;
mod checkpoint;
mod record;
pub mod verify;

use std::sync::Arc;

use aws_lc_rs::hmac;
use portcullis_base::{Clock, TenantId, UserId};
use sqlx::SqlitePool;

pub(crate) use chain::Chain;
pub use checkpoint::{Checkpoint, CheckpointError, CheckpointSink};
pub(crate) use checkpoint::{Checkpointer, node_key};
pub(crate) use record::Draft;
pub use record::{Action, Member, Outcome, Record};

use crate::{Error, backend::writer::Writer};

/// Writes and reads the audit log.
#[derive(Debug)]
pub struct Audit {
    writer: Writer,
    read: SqlitePool,
    clock: Arc<dyn Clock>,
    mac_key: hmac::Key,
    pseudonym_key: hmac::Key,
    /// The public halves of this and other nodes' keys come out of the vault.
    ring: Arc<portcullis_keys::sealed::KekRing>,
}

impl Audit {
    pub(crate) fn new(
        writer: Writer,
        read: SqlitePool,
        clock: Arc<dyn Clock>,
        keys: (hmac::Key, hmac::Key),
        ring: Arc<portcullis_keys::sealed::KekRing>,
    ) -> Self {
        let (mac_key, pseudonym_key) = keys;
        Self { writer, read, clock, mac_key, pseudonym_key, ring }
    }

    /// Records something that is over. Returns its number when it is durable.
    ///
    /// # Errors
    ///
    /// When it could not be made durable, or is too long.
    pub async fn append(&self, record: &Record, outcome: Outcome) -> Result<u64, Error> {
        self.writer.append(record.draft(self.clock.now_ms(), outcome)).await
    }

    /// Records something without waiting until it is durable.
    pub(crate) fn append_soon(&self, record: &Record, outcome: Outcome) {
        drop(self.writer.append_at_once(record.draft(self.clock.now_ms(), outcome)));
    }

    /// Records that something is about to happen. When this returns, the record is durable,
    /// and not earlier may the vault be asked for a key (SEC-104).
    ///
    /// # Errors
    ///
    /// When it could not be made durable, or is too long; then nothing may happen.
    pub async fn begin(&self, record: Record) -> Result<Entry, Error> {
        let seq = self.append(&record, Outcome::Open).await?;
        let entry = Open { writer: self.writer.clone(), clock: self.clock.clone(), record, seq };
        Ok(Entry(Some(entry)))
    }

    /// The name under which a viewer stands in records: the same for the same viewer, and of
    /// no use without the root key.
    // SPEC: SEC-18. A line feed, which neither part can contain, keeps tenant and
    // id apart.
    #[must_use]
    pub fn pseudonym(&self, tenant: &TenantId, user: &UserId) -> String {
        let text = format!("{tenant}\n{user}");
        let mac = hmac::sign(&self.pseudonym_key, text.as_bytes());
        let head = mac.as_ref().iter().take(PSEUDONYM_BYTES);
        head.fold(String::from("user:"), |name, byte| format!("{name}{byte:02x}"))
    }

    /// Reads records of one node in order, from number `from` on, at most `max` of them.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn records(&self, node: &str, from: u64, max: u32) -> Result<Vec<String>, Error> {
        let records = sqlx::query_scalar(
            "SELECT record FROM audit WHERE node = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
        )
        .bind(node)
        .bind(i64::try_from(from).unwrap_or(i64::MAX))
        .bind(i64::from(max))
        .fetch_all(&self.read)
        .await?;
        Ok(records)
    }

    /// Reads the whole log and checks it, also against checkpoints kept outside of the
    /// database.
    ///
    /// # Errors
    ///
    /// When the database fails. What is wrong with the log stands in the report.
    pub async fn verify(&self, checkpoints: &[Checkpoint]) -> Result<verify::Report, Error> {
        let now_ms = self.clock.now_ms();
        verify::run(&self.read, &self.mac_key, &self.ring, checkpoints, now_ms).await
    }
}

/// Something that has begun and must be closed with its outcome.
///
/// An entry that is dropped unclosed, by an early return or a panic, is closed as abandoned.
#[derive(Debug)]
#[must_use = "an entry says how it ended: close it"]
pub struct Entry(Option<Open>);

#[derive(Debug)]
struct Open {
    writer: Writer,
    clock: Arc<dyn Clock>,
    record: Record,
    seq: u64,
}

impl Entry {
    /// The number of the opening record.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.0.as_ref().map_or(0, |open| open.seq)
    }

    /// Adds something to the closing record that was not known before.
    pub fn note(&mut self, member: Member, text: &str) {
        if let Some(open) = &mut self.0 {
            open.record.set(member, text);
        }
    }

    /// Adds the closing record. It takes its place in the log before this returns; await the
    /// result to know that it is durable, or drop it to go on without.
    ///
    /// # Errors
    ///
    /// The future fails when the record could not be made durable.
    pub fn close(mut self, outcome: Outcome) -> impl Future<Output = Result<u64, Error>> + Send {
        let closing = self.0.take().map(|open| open.close(outcome));
        async move {
            match closing {
                Some(closing) => closing.await,
                None => Err(Error::Closed),
            }
        }
    }
}

impl Open {
    fn close(self, outcome: Outcome) -> impl Future<Output = Result<u64, Error>> + Send + use<> {
        let draft = self.record.draft(self.clock.now_ms(), outcome).closing(self.seq);
        self.writer.append_at_once(draft)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            drop(open.close(Outcome::Abandoned));
        }
    }
}

const PSEUDONYM_BYTES: usize = 12;
