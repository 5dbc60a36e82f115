//! Reads a log again and says what is wrong with it.
//!
//! It reports and repairs nothing. Every fault names a node and a record, and one change
//! from outside gives one fault where that can be told: after a record that does not fit,
//! the chain is followed on from the MAC that is stored.
//!
//! | fault | seen by |
//! |---|---|
//! | edited | the MAC does not fit the text, but what follows vouches for the MAC |
//! | foreign | the record names another node, or nothing vouches for its MAC |
//! | gap | a number is missing |
//! | reordered | a record stands at another number than it names |
//! | rewritten | the MAC differs from that of a checkpoint |
//! | truncated | a checkpoint names a record beyond the end |
//!
//! SPEC: SEC-103, SEC-104.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::hmac;
use portcullis_base::json::{self, Limits, Object, Value};
use portcullis_keys::sealed::KekRing;
use sqlx::{Row as _, SqlitePool};

use super::{
    chain::{Head, link},
    checkpoint::{self, Checkpoint},
    record::Outcome,
};
use crate::Error;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The chains, by node.
    pub nodes: Vec<NodeReport>,
    /// What is wrong, at most 1,000 of it; empty for a sound log.
    pub faults: Vec<Fault>,
    /// What was begun more than 60 seconds ago and never closed.
    pub unknown: Vec<Unknown>,
    /// How many checkpoints were compared.
    pub checkpoints: usize,
}

/// One node's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Which node.
    pub node: String,
    /// How many records were read.
    pub records: u64,
    /// The number of the last.
    pub last: u64,
}

/// One thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In whose chain.
    pub node: String,
    /// At which record.
    pub seq: u64,
    /// What.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}`, record {}: {}", self.node, self.seq, self.kind)
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The text of the record was changed.
    #[error("the record was edited")]
    Edited,
    /// A checkpoint that this node did not sign.
    #[error("the checkpoint for this record was not signed by this node")]
    FalseCheckpoint,
    /// The record was not written by this node.
    #[error("the record was not written by this node")]
    Foreign,
    /// Records are missing before this one.
    #[error("{missing} records are missing before it")]
    Gap {
        /// How many.
        missing: u64,
    },
    /// The record was moved.
    #[error("the record was moved here from number {from}")]
    Reordered {
        /// From where.
        from: u64,
    },
    /// The chain is another one than when the checkpoint was signed.
    #[error("the chain was written anew since the checkpoint for this record")]
    Rewritten,
    /// The end was cut off after this record.
    #[error("the log was cut off after it, a checkpoint names record {expected}")]
    Truncated {
        /// The highest number a checkpoint names.
        expected: u64,
    },
}

/// Something that was begun and never closed: nobody knows how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// On which node.
    pub node: String,
    /// The number of the opening record.
    pub seq: u64,
    /// The opening record.
    pub record: String,
}

/// Reads everything and checks it.
pub(super) async fn run(
    read: &SqlitePool,
    key: &hmac::Key,
    ring: &KekRing,
    checkpoints: &[Checkpoint],
    now_ms: u64,
) -> Result<Report, Error> {
    let mut report = Report { checkpoints: checkpoints.len(), ..Report::default() };
    let mut by_node: BTreeMap<String, Vec<&Checkpoint>> = BTreeMap::new();
    let nodes: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT node FROM audit ORDER BY node").fetch_all(read).await?;
    for node in nodes {
        by_node.insert(node, Vec::new());
    }
    for checkpoint in checkpoints {
        by_node.entry(checkpoint.node().to_owned()).or_default().push(checkpoint);
    }
    for (node, mut checkpoints) in by_node {
        let public_key = checkpoint::public_key(read, ring, &node).await?;
        let mut walk = Walk::new(node, key, &mut report);
        checkpoints.retain(|checkpoint| {
            let genuine = public_key.as_ref().is_some_and(|key| checkpoint.is_signed_by(key));
            if !genuine {
                walk.fault(checkpoint.seq(), FaultKind::FalseCheckpoint);
            }
            genuine
        });
        let checkpoints = checkpoints.into_iter().map(|one| (one.seq(), one)).collect();
        walk.read(read, &checkpoints).await?;
        walk.finish(&checkpoints, now_ms);
    }
    Ok(report)
}

/// The walk along one chain.
struct Walk<'a> {
    node: String,
    key: &'a hmac::Key,
    report: &'a mut Report,
    records: u64,
    /// The record before, with the MAC as stored.
    last: Head,
    /// A record whose MAC did not fit, waiting for the next one to vouch for that MAC.
    doubtful: Option<u64>,
    /// MACs of records that stand elsewhere, by the number they name.
    moved: BTreeMap<u64, [u8; 32]>,
    /// What was begun: number, moment, text.
    open: BTreeMap<u64, (u64, String)>,
}

impl<'a> Walk<'a> {
    const fn new(node: String, key: &'a hmac::Key, report: &'a mut Report) -> Self {
        Self {
            node,
            key,
            report,
            records: 0,
            last: Head::START,
            doubtful: None,
            moved: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    fn fault(&mut self, seq: u64, kind: FaultKind) {
        if self.report.faults.len() < FAULTS_MAX {
            self.report.faults.push(Fault { node: self.node.clone(), seq, kind });
        }
    }

    async fn read(
        &mut self,
        read: &SqlitePool,
        checkpoints: &BTreeMap<u64, &Checkpoint>,
    ) -> Result<(), Error> {
        // Starts below any number, so that a record numbered 0 or less is seen as well.
        let mut after = i64::MIN;
        loop {
            let rows = sqlx::query(
                "SELECT seq, record, mac FROM audit WHERE node = $1 AND seq > $2
                 ORDER BY seq LIMIT 1000",
            )
            .bind(&self.node)
            .bind(after)
            .fetch_all(read)
            .await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                after = row.try_get("seq")?;
                let record: String = row.try_get("record")?;
                let mac: Vec<u8> = row.try_get("mac")?;
                self.records += 1;
                match (u64::try_from(after), <[u8; 32]>::try_from(mac)) {
                    (Ok(seq), Ok(mac)) if seq > 0 => self.step(seq, record, mac, checkpoints),
                    (seq, _) => self.fault(seq.unwrap_or(0), FaultKind::Foreign),
                }
            }
        }
    }

    fn step(
        &mut self,
        seq: u64,
        record: String,
        mac: [u8; 32],
        checkpoints: &BTreeMap<u64, &Checkpoint>,
    ) {
        let missing = seq - self.last.seq - 1;
        if missing > 0 {
            self.fault(seq, FaultKind::Gap { missing });
        }
        if checkpoints.get(&seq).is_some_and(|checkpoint| *checkpoint.mac() != mac) {
            self.fault(seq, FaultKind::Rewritten);
        }
        let members = json::parse(record.as_bytes(), &LIMITS).ok();
        let members = members.as_ref().and_then(Value::as_object);
        let named = members.and_then(|members| members.get("seq")?.as_number()?.as_u64());
        let node = members.and_then(|members| members.get("node")?.as_str());
        let fits = {
            let moved = self.moved.get(&(seq - 1));
            let mut before = std::iter::once(&self.last.mac).chain(moved);
            missing > 0 || before.any(|before| link(self.key, before, &record) == mac)
        };
        if let Some(doubtful) = self.doubtful.take() {
            let kind = if fits && missing == 0 { FaultKind::Edited } else { FaultKind::Foreign };
            self.fault(doubtful, kind);
        }
        match named {
            Some(named) if named != seq && node == Some(&self.node) => {
                self.fault(seq, FaultKind::Reordered { from: named });
                self.moved.insert(named, mac);
            }
            Some(_) if node == Some(&self.node) && fits => {}
            Some(_) if node == Some(&self.node) => self.doubtful = Some(seq),
            _ if fits => self.fault(seq, FaultKind::Foreign),
            // Not even a record of ours any more; the next one tells whether it was.
            _ => self.doubtful = Some(seq),
        }
        if let Some(members) = members {
            self.pair(seq, members, &record);
        }
        self.last = Head { seq, mac };
    }

    /// Keeps account of what was begun and closed.
    fn pair(&mut self, seq: u64, members: &Object, record: &str) {
        let text = |name| members.get(name).and_then(Value::as_str);
        if text("outcome") == Some(Outcome::Open.as_str()) {
            let at = text("at").and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let at_ms = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
            self.open.insert(seq, (at_ms.unwrap_or(0), record.to_owned()));
        }
        let closes = members.get("grant").and_then(|grant| grant.as_number()?.as_u64());
        if let Some(opened) = closes {
            self.open.remove(&opened);
        }
    }

    fn finish(mut self, checkpoints: &BTreeMap<u64, &Checkpoint>, now_ms: u64) {
        if let Some(doubtful) = self.doubtful.take() {
            let vouched = checkpoints.get(&doubtful).is_some_and(|one| *one.mac() == self.last.mac);
            self.fault(doubtful, if vouched { FaultKind::Edited } else { FaultKind::Foreign });
        }
        if let Some((&expected, _)) = checkpoints.last_key_value()
            && expected > self.last.seq
        {
            self.fault(self.last.seq, FaultKind::Truncated { expected });
        }
        let node = self.node;
        for (seq, (at_ms, record)) in self.open {
            if at_ms.saturating_add(OPEN_MS_MAX) < now_ms {
                self.report.unknown.push(Unknown { node: node.clone(), seq, record });
            }
        }
        let last = self.last.seq;
        self.report.nodes.push(NodeReport { node, records: self.records, last });
    }
}

/// A record has at most 8 KiB and holds no objects.
const LIMITS: Limits =
    Limits { bytes_max: 16 << 10, depth_max: 4, values_max: 64, string_bytes_max: 16 << 10 };
const FAULTS_MAX: usize = 1000;
const OPEN_MS_MAX: u64 = 60_000;
