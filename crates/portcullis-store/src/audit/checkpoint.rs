//! Signed statements of where a chain stands, made to be kept elsewhere.
//!
//! Who can write to the database can cut off the end of a chain and nobody can tell from the
//! database alone. So each node signs every minute, or every 10,000 records, how far it is,
//! and hands the line to whoever started the store. Nothing is written to the database here
//! except, once, the node's signing key, sealed.
//!
//! ```text
//! signed:  portcullis-audit-checkpoint/v1 \n node \n seq \n base64(h) \n time \n
//! printed: the same five fields and the signature in one line, separated by spaces
//! ```
//!
//! SPEC: SEC-103; RFC 8032.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{Clock, Rng, Secret};
use portcullis_keys::sealed::{KekRing, Place};
use sqlx::{SqliteConnection, SqlitePool};

use super::chain::Head;
use crate::Error;

/// Takes each checkpoint as it is made. Called by the writer between two groups: it must
/// hand the checkpoint on and return.
#[derive(Clone)]
pub struct CheckpointSink(Arc<dyn Fn(&Checkpoint) + Send + Sync>);

impl CheckpointSink {
    /// Calls `take` for each checkpoint.
    pub fn new(take: impl Fn(&Checkpoint) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for CheckpointSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckpointSink")
    }
}

/// Where the chain of a node stood, signed by that node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    node: String,
    seq: u64,
    mac: [u8; 32],
    time: String,
    signature: [u8; 64],
}

impl Checkpoint {
    fn sign(node: &str, head: Head, time: &str, key: &Ed25519KeyPair) -> Self {
        let signed = signed_text(node, head.seq, &head.mac, time);
        let signature = key.sign(signed.as_bytes());
        let signature =
            signature.as_ref().try_into().expect("an Ed25519 signature is 64 bytes long");
        Self { node: node.into(), seq: head.seq, mac: head.mac, time: time.into(), signature }
    }

    /// Whose chain.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The number of the last record.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) const fn mac(&self) -> &[u8; 32] {
        &self.mac
    }

    /// Whether the node with this public key signed it.
    pub(super) fn is_signed_by(&self, public_key: &[u8]) -> bool {
        let signed = signed_text(&self.node, self.seq, &self.mac, &self.time);
        signature::UnparsedPublicKey::new(&signature::ED25519, public_key)
            .verify(signed.as_bytes(), &self.signature)
            .is_ok()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mac, signature) = (STANDARD.encode(self.mac), STANDARD.encode(self.signature));
        write!(f, "{FORMAT} {} {} {mac} {} {signature}", self.node, self.seq, self.time)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the printed line. Says nothing about whether it is genuine.
    fn from_str(line: &str) -> Result<Self, CheckpointError> {
        let fields: Vec<&str> = line.split(' ').collect();
        let [FORMAT, node, seq, mac, time, signature] = fields.as_slice() else {
            return Err(CheckpointError);
        };
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| CheckpointError);
        Ok(Self {
            node: (*node).to_owned(),
            seq: seq.parse().map_err(|_| CheckpointError)?,
            mac: decode(mac)?.try_into().map_err(|_| CheckpointError)?,
            time: (*time).to_owned(),
            signature: decode(signature)?.try_into().map_err(|_| CheckpointError)?,
        })
    }
}

/// The line is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: expected a line starting with `{FORMAT}` and five more fields")]
pub struct CheckpointError;

/// Decides when to sign, and signs.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    node: String,
    key: Ed25519KeyPair,
    sink: CheckpointSink,
    clock: Arc<dyn Clock>,
    head: Head,
    signed: u64,
}

impl Checkpointer {
    pub(crate) const fn new(
        node: String,
        key: Ed25519KeyPair,
        sink: CheckpointSink,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { node, key, sink, clock, head: Head::START, signed: 0 }
    }

    /// Notes where the chain stands after a commit; signs when enough has been added.
    pub(crate) fn committed(&mut self, head: Option<Head>) {
        let Some(head) = head else { return };
        self.head = head;
        if head.seq.saturating_sub(self.signed) >= RECORDS_MAX {
            self.emit();
        }
    }

    /// Signs where the chain stands, unless that was signed before.
    pub(crate) fn emit(&mut self) {
        if self.head.seq <= self.signed {
            return;
        }
        let time = i64::try_from(self.clock.now().0).ok();
        let time = time.and_then(|second| jiff::Timestamp::from_second(second).ok());
        let time = time.unwrap_or(jiff::Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        (self.sink.0)(&Checkpoint::sign(&self.node, self.head, &time, &self.key));
        self.signed = self.head.seq;
    }
}

/// Reads the node's signing key, or makes it when the node is new.
///
/// # Errors
///
/// When the stored key does not open, or the database fails.
pub(crate) async fn node_key(
    conn: &mut SqliteConnection,
    ring: &KekRing,
    node: &str,
    rng: &dyn Rng,
    now_ms: i64,
) -> Result<Ed25519KeyPair, Error> {
    let stored: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM audit_nodes WHERE node = $1")
            .bind(node)
            .fetch_optional(&mut *conn)
            .await?;
    if let Some(stored) = stored {
        return open(ring, node, &stored);
    }
    let seed = Secret::<32>::fill_with(|seed| rng.fill(seed));
    let sealed = ring
        .seal(&place(node), seed.expose(), rng)
        .map_err(|_| Error::Long { what: "a node name", max: usize::from(u16::MAX) })?;
    sqlx::query("INSERT INTO audit_nodes (node, value, created_ms) VALUES ($1, $2, $3)")
        .bind(node)
        .bind(&sealed)
        .bind(now_ms)
        .execute(conn)
        .await?;
    open(ring, node, &sealed)
}

/// The public half of a node's key; `None` when this database knows no such node.
pub(super) async fn public_key(
    read: &SqlitePool,
    ring: &KekRing,
    node: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let stored: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM audit_nodes WHERE node = $1")
            .bind(node)
            .fetch_optional(read)
            .await?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(Some(open(ring, node, &stored)?.public_key().as_ref().to_vec()))
}

fn open(ring: &KekRing, node: &str, sealed: &[u8]) -> Result<Ed25519KeyPair, Error> {
    let broken = || Error::Integrity { table: "audit_nodes", row: node.to_owned() };
    let seed = ring.open(&place(node), sealed).map_err(|_| broken())?;
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| broken())
}

const fn place(node: &str) -> Place<'_> {
    let row_key = node.as_bytes();
    Place { purpose: "audit_key", tenant: "", table: "audit_nodes", row_key, column: "value" }
}

fn signed_text(node: &str, seq: u64, mac: &[u8; 32], time: &str) -> String {
    format!("{FORMAT}\n{node}\n{seq}\n{}\n{time}\n", STANDARD.encode(mac))
}

const FORMAT: &str = "portcullis-audit-checkpoint/v1";
const RECORDS_MAX: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = include_str!("../../../../vectors/audit/checkpoint.txt");

    fn payload() -> &'static str {
        LINE.split_once("\n\n").unwrap().1.trim_end()
    }

    #[test]
    fn the_published_signature_is_reproduced() {
        let seed: Vec<u8> = (0x20..0x40).collect();
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        assert_eq!(
            STANDARD.encode(key.public_key().as_ref()),
            "Kay64UG8yvCyLhqU000LxzYeUm0L/hLIl5S8kyKWbdc="
        );
        let published: Checkpoint = payload().parse().unwrap();
        let head = Head { seq: 3, mac: published.mac };
        assert_eq!(Checkpoint::sign("n1", head, "2026-01-02T03:05:00Z", &key), published);
        assert!(published.is_signed_by(key.public_key().as_ref()));
        assert!(!published.is_signed_by(&[0; 32]));
    }

    #[test]
    fn every_field_is_signed() {
        let seed: Vec<u8> = (0x20..0x40).collect();
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        for (from, to) in [(" n1 ", " n2 "), (" 3 ", " 4 "), (" HZ4", " HZ5"), (":05:", ":06:")] {
            let changed: Checkpoint = payload().replacen(from, to, 1).parse().unwrap();
            assert_ne!(changed.to_string(), payload());
            assert!(!changed.is_signed_by(key.public_key().as_ref()), "{changed}");
        }
    }

    #[test]
    fn a_line_prints_as_it_was_read_and_another_is_refused() {
        assert_eq!(payload().parse::<Checkpoint>().unwrap().to_string(), payload());
        for bad in ["", "portcullis-audit-checkpoint/v1 n1 3", &payload().replace(" 3 ", " x ")] {
            assert_eq!(bad.parse::<Checkpoint>(), Err(CheckpointError));
        }
    }
}
