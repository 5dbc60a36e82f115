//! Key policies: written as a whole, read from the snapshot.
//!
//! What a policy means is not known here.

use portcullis_base::PolicyName;
use portcullis_policy::model::KeyPolicy;

use crate::{
    Author, Change, Error, Store,
    audit::{Action, Member, Outcome},
    codec,
    snapshot::bump,
    store::signed_ms,
};

impl Store {
    /// Makes or replaces a key policy. Asked for twice, it is written once.
    ///
    /// # Errors
    ///
    /// When the policy is too large, or the database fails.
    pub async fn put_key_policy(
        &self,
        policy: &KeyPolicy,
        author: &Author,
    ) -> Result<Change, Error> {
        let document = codec::write_key_policy(policy)
            .ok_or(Error::Long { what: "a key policy", max: DOCUMENT_BYTES_MAX })?;
        let name = policy.name.to_string();
        let now_ms = self.clock.now_ms();
        let record = author
            .record(Action::KeyPolicyPut, &format!("key_policy:{name}"), "")
            .with(Member::After, &document);
        self.change(move |session| {
            Box::pin(async move {
                let before: Option<String> =
                    sqlx::query_scalar("SELECT document FROM key_policies WHERE name = $1")
                        .bind(&name)
                        .fetch_optional(&mut session.conn)
                        .await?;
                if before.as_ref() == Some(&document) {
                    return Ok(Change::Unchanged);
                }
                sqlx::query(
                    "INSERT INTO key_policies (name, document, changed_ms) VALUES ($1, $2, $3)
                     ON CONFLICT (name) DO UPDATE
                     SET document = excluded.document, changed_ms = excluded.changed_ms",
                )
                .bind(&name)
                .bind(&document)
                .bind(signed_ms(now_ms))
                .execute(&mut session.conn)
                .await?;
                bump(&mut session.conn).await?;
                let (change, record) = match before {
                    None => (Change::Created, record),
                    Some(before) => (Change::Updated, record.with(Member::Before, &before)),
                };
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(change)
            })
        })
        .await
    }

    /// One key policy.
    ///
    /// # Errors
    ///
    /// When its row is damaged, or the snapshot is too old.
    pub fn key_policy(&self, name: &PolicyName) -> Result<Option<KeyPolicy>, Error> {
        match self.snapshots.current()?.key_policies.get(name) {
            None => Ok(None),
            Some(Some(policy)) => Ok(Some(policy.clone())),
            Some(None) => Err(Error::Integrity { table: "key_policies", row: name.to_string() }),
        }
    }

    /// Every key policy that is not damaged, by name.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn list_key_policies(&self) -> Result<Vec<KeyPolicy>, Error> {
        let snapshot = self.snapshots.current()?;
        let mut policies: Vec<_> = snapshot.key_policies.values().flatten().cloned().collect();
        policies.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(policies)
    }
}

const DOCUMENT_BYTES_MAX: usize = 64 << 10;
