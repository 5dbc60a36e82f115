//! API keys: who may call, as a digest that does not tell which key is good.
//!
//! The text of a key and the digest of its secret are made elsewhere; here stand id, digest,
//! role, tenant and end. A key cannot be read back.
//!
//! SPEC: SEC-61.

use std::fmt;

use portcullis_base::{TenantId, Timestamp};
use portcullis_policy::model::{Role, Standing, SubjectKind};

use crate::{
    Author, Change, Error, Store,
    audit::{Action, Member, Outcome},
    snapshot::{StoredApiKey, bump},
    store::signed_ms,
};

/// Whom an API key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, the part that is not secret.
    pub id: String,
    /// For whom it acts.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// The first second in which it is no longer good.
    pub expires: Timestamp,
}

/// An API key to be stored.
pub struct NewApiKey {
    /// Whom it stands for.
    pub key: ApiKey,
    /// HMAC of the secret under [`Store::api_key_pepper`].
    pub digest: [u8; 32],
}

impl fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Store {
    /// Stores an API key. Asked for twice with the same digest, it is written once.
    ///
    /// # Errors
    ///
    /// When another key has the id, or the database fails.
    pub async fn create_api_key(&self, new: &NewApiKey, author: &Author) -> Result<Change, Error> {
        let ApiKey { id, tenant, role, expires } = new.key.clone();
        let (digest, now_ms) = (new.digest.to_vec(), self.clock.now_ms());
        let record = author
            .record(Action::ApiKeyCreate, &format!("apikey:{id}"), tenant.as_str())
            .with(Member::After, &format!("role {role}, expires {expires}"));
        self.change(move |session| {
            Box::pin(async move {
                let before: Option<Vec<u8>> =
                    sqlx::query_scalar("SELECT digest FROM api_keys WHERE id = $1")
                        .bind(&id)
                        .fetch_optional(&mut session.conn)
                        .await?;
                match before {
                    Some(before) if before == digest => return Ok(Change::Unchanged),
                    Some(_) => return Err(Error::Taken { what: "API key", name: id }),
                    None => {}
                }
                sqlx::query(
                    "INSERT INTO api_keys (id, tenant, role, digest, expires, created_ms)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(&id)
                .bind(tenant.as_str())
                .bind(role.as_str())
                .bind(&digest)
                .bind(i64::try_from(expires.0).unwrap_or(i64::MAX))
                .bind(signed_ms(now_ms))
                .execute(&mut session.conn)
                .await?;
                bump(&mut session.conn).await?;
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(Change::Created)
            })
        })
        .await
    }

    /// Whom the holder of a secret with this digest stands for; `None` for an unknown id, a
    /// wrong secret, an expired key and a revoked one alike, and after the same comparison.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn verify_api_key(&self, id: &str, digest: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
        let snapshot = self.snapshots.current()?;
        let known = snapshot.api_keys.get(id);
        // SECURITY: an unknown id costs the same comparison as a known one. The stand-in is no
        // digest anybody could present, and would open nothing if it were.
        let good = known.map_or(self.api_key_pepper(), |known| &known.digest).ct_eq(digest);
        let now = self.clock.now();
        let key = known.filter(|known| {
            let own = [(SubjectKind::ApiKey, id)];
            let standing = self.revocations().standing(&known.tenant, own, now);
            good && now < known.expires && standing == Standing::Good
        });
        Ok(key.map(|known| known.describe(id)))
    }

    /// Every API key, by id, without its digest.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn list_api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        let snapshot = self.snapshots.current()?;
        let mut keys: Vec<_> =
            snapshot.api_keys.iter().map(|(id, stored)| stored.describe(id)).collect();
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(keys)
    }
}

impl StoredApiKey {
    fn describe(&self, id: &str) -> ApiKey {
        let (tenant, role, expires) = (self.tenant.clone(), self.role, self.expires);
        ApiKey { id: id.to_owned(), tenant, role, expires }
    }
}
