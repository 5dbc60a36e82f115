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
use sqlx::{QueryBuilder, Row as _, SqliteConnection};

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
        let appended = self.append_all(conn, std::slice::from_ref(draft)).await?;
        appended.into_iter().next().unwrap_or(Err(Error::Closed))
    }

    /// Appends records with one statement, which costs little more than a single one does.
    /// Returns the number of each; one that is too long is left out, and has its error.
    ///
    /// # Errors
    ///
    /// When the database fails. The chain is as before then.
    pub(crate) async fn append_all(
        &mut self,
        conn: &mut SqliteConnection,
        drafts: &[Draft],
    ) -> Result<Vec<Result<u64, Error>>, Error> {
        let mut head = match self.head {
            Some(head) => head,
            None => read_head(conn, &self.node).await?,
        };
        let mut rows = Vec::with_capacity(drafts.len());
        let mut numbers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let seq = head.seq + 1;
            numbers.push(draft.text(&self.node, seq).map(|record| {
                head = Head { seq, mac: link(&self.key, &head.mac, &record) };
                rows.push((head, record));
                seq
            }));
        }
        if !rows.is_empty() {
            let mut insert = QueryBuilder::new("INSERT INTO audit (node, seq, record, mac) ");
            insert.push_values(rows, |mut row, (head, record)| {
                row.push_bind(&self.node)
                    .push_bind(number(head.seq))
                    .push_bind(record)
                    .push_bind(head.mac.to_vec());
            });
            insert.build().execute(conn).await?;
        }
        self.head = Some(head);
        Ok(numbers)
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
