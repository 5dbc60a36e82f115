//! The chain of one node: every record is bound to the one before.
//!
//! ```text
//! h(0) = 32 zero bytes        h(n) = HMAC-SHA-256(audit-mac, 0x01 | h(n-1) | record(n))
//! ```
//!
//! Numbers start at 1 and have no gaps. The head is read from the database in the
//! transaction that appends to it, because a server and a command line may be the same node.
//!
//! SPEC: SEC-102.

use aws_lc_rs::hmac;
use sqlx::{Row as _, SqliteConnection};

use super::record::Draft;
use crate::Error;

/// Where a chain stands: the number and the MAC of its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) mac: [u8; 32],
}

impl Head {
    /// Before the first record.
    pub(crate) const START: Self = Self { seq: 0, mac: [0; 32] };
}

/// Appends to the chain of one node.
#[derive(Debug)]
pub(crate) struct Chain {
    node: String,
    key: hmac::Key,
    // INVARIANT: `None`, or the head as it stands in the transaction under way.
    head: Option<Head>,
}

impl Chain {
    pub(crate) const fn new(node: String, key: hmac::Key) -> Self {
        Self { node, key, head: None }
    }

    /// The head, when it is known in this transaction.
    pub(crate) const fn head(&self) -> Option<Head> {
        self.head
    }

    /// Forgets the head: a transaction begins.
    pub(crate) const fn forget(&mut self) {
        self.head = None;
    }

    /// Goes back to an earlier head: what came after it was undone.
    pub(crate) const fn rewind(&mut self, head: Option<Head>) {
        self.head = head;
    }

    /// Appends a record and returns its number.
    ///
    /// # Errors
    ///
    /// When the record is too long or the database fails. The chain is as before then.
    pub(crate) async fn append(
        &mut self,
        conn: &mut SqliteConnection,
        draft: &Draft,
    ) -> Result<u64, Error> {
        let last = match self.head {
            Some(head) => head,
            None => read_head(conn, &self.node).await?,
        };
        let seq = last.seq + 1;
        let record = draft.text(&self.node, seq)?;
        let mac = link(&self.key, &last.mac, &record);
        sqlx::query("INSERT INTO audit (node, seq, record, mac) VALUES ($1, $2, $3, $4)")
            .bind(&self.node)
            .bind(number(seq))
            .bind(&record)
            .bind(mac.as_slice())
            .execute(conn)
            .await?;
        self.head = Some(Head { seq, mac });
        Ok(seq)
    }
}

/// The MAC of a record that follows the one with `last`.
pub(super) fn link(key: &hmac::Key, last: &[u8; 32], record: &str) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    context.update(&[0x01]);
    context.update(last);
    context.update(record.as_bytes());
    *context.sign().as_ref().first_chunk().expect("a SHA-256 MAC is 32 bytes long")
}

/// A sequence number as the database stores it.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

async fn read_head(conn: &mut SqliteConnection, node: &str) -> Result<Head, Error> {
    let row = sqlx::query("SELECT seq, mac FROM audit WHERE node = $1 ORDER BY seq DESC LIMIT 1")
        .bind(node)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(Head::START) };
    let seq: i64 = row.try_get("seq")?;
    let mac: Vec<u8> = row.try_get("mac")?;
    match (u64::try_from(seq), mac.try_into()) {
        (Ok(seq), Ok(mac)) => Ok(Head { seq, mac }),
        _ => Err(Error::Integrity { table: "audit", row: format!("{node} {seq}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_depends_on_key_predecessor_and_record() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]);
        let same = link(&key, &[0; 32], "{}");
        assert_eq!(same, link(&key, &[0; 32], "{}"));
        assert_ne!(same, link(&other, &[0; 32], "{}"));
        assert_ne!(same, link(&key, &[1; 32], "{}"));
        assert_ne!(same, link(&key, &[0; 32], "{ }"));
    }
}
