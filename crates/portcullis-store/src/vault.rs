//! The vault: makes content keys, and opens one against a grant.
//!
//! Only the vault holds the ring of keks. A content key leaves it for the length of one
//! request and against a [`Grant`]; there is no other way to ask for one, and no way to list
//! or export them. What is kept in memory between two requests is sealed as in the database.
//!
//! A key that does not open was moved, changed or sealed elsewhere. The caller learns only
//! that the row is not as it was written; the audit log says what was wrong with it.
//!
//! SPEC: SEC-01, SEC-03, SEC-07, SEC-09.

use std::sync::Arc;

use portcullis_base::{Clock, ContentId, KeyId, Rng, Scheme, TrackClass};
use portcullis_keys::{
    ContentKey, new_key_id,
    sealed::{KekRing, Place, SealedError},
};
use portcullis_policy::{Grant, model::TrackKey};
use sqlx::{Row as _, SqliteConnection, SqlitePool};

use crate::{
    Author, Error,
    audit::{Action, Audit, Member, Outcome, Record},
    backend::writer::Writer,
    snapshot::{SealedContentKey, Snapshots, bump},
    store::signed_ms,
};

/// Makes, seals and opens keys.
#[derive(Debug)]
pub struct Vault {
    pub(crate) ring: Arc<KekRing>,
    pub(crate) writer: Writer,
    pub(crate) read: SqlitePool,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Vault {
    /// Makes the content's keys for these classes and schemes, in the order asked for. A key
    /// that exists is returned as it is: there is one per content, class and scheme.
    ///
    /// # Errors
    ///
    /// When the content does not exist, or the database fails.
    pub async fn create_keys(
        &self,
        content: &ContentId,
        wanted: &[(TrackClass, Scheme)],
        author: &Author,
    ) -> Result<Vec<TrackKey>, Error> {
        let (content, wanted, author) = (content.to_string(), wanted.to_vec(), author.clone());
        let (ring, rng, now_ms) = (self.ring.clone(), self.rng.clone(), self.clock.now_ms());
        let keys = self
            .writer
            .run(move |session| {
                Box::pin(async move {
                    let tenant: Option<String> =
                        sqlx::query_scalar("SELECT tenant FROM contents WHERE id = $1")
                            .bind(&content)
                            .fetch_optional(&mut session.conn)
                            .await?;
                    let Some(tenant) = tenant else {
                        return Err(Error::Missing { what: "content", name: content });
                    };
                    let mut keys = Vec::with_capacity(wanted.len());
                    for (class, scheme) in wanted {
                        let found = find(&mut session.conn, &content, class, scheme).await?;
                        let kid = match found {
                            Some(kid) => kid,
                            None => {
                                let row =
                                    NewKey { tenant: &tenant, content: &content, class, scheme };
                                let kid =
                                    row.insert(&mut session.conn, &ring, &*rng, now_ms).await?;
                                let record = author
                                    .record(Action::KeyCreate, &format!("kid:{kid}"), &tenant)
                                    .with(Member::After, &format!("{content}, {class}, {scheme}"));
                                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                                bump(&mut session.conn).await?;
                                kid
                            }
                        };
                        keys.push(TrackKey { kid, class, scheme });
                    }
                    Ok(keys)
                })
            })
            .await?;
        self.snapshots.refresh().await?;
        Ok(keys)
    }

    /// Opens the key a grant names.
    ///
    /// # Errors
    ///
    /// When the key is not there, is not the one of the grant's content and tenant, or does
    /// not open; or when it must be read and the database fails.
    pub async fn open(&self, grant: &Grant) -> Result<ContentKey, Error> {
        let kid = *grant.kid();
        let sealed = self.sealed(kid).await?;
        let bound =
            sealed.tenant == grant.tenant().as_str() && sealed.content == grant.content().as_str();
        if !bound {
            let fault = "the key belongs to another content or tenant";
            return Err(self.broken("content_keys", &kid.to_string(), fault).await);
        }
        let place = place(&sealed.tenant, &kid);
        match self.ring.open_content_key(&place, kid, &sealed.value) {
            Ok(key) => Ok(key),
            Err(error) => {
                let fault = error.fault().to_string();
                Err(self.broken("content_keys", &kid.to_string(), &fault).await)
            }
        }
    }

    /// The sealed row of a key, from memory or from the database.
    async fn sealed(&self, kid: KeyId) -> Result<Arc<SealedContentKey>, Error> {
        let snapshot = self.snapshots.current()?;
        if let Some(sealed) = snapshot.content_keys.get(&kid) {
            return Ok(sealed);
        }
        let row = sqlx::query("SELECT tenant, content, value FROM content_keys WHERE kid = $1")
            .bind(kid.to_string())
            .fetch_optional(&self.read)
            .await?;
        let Some(row) = row else {
            return Err(Error::Missing { what: "content key", name: kid.to_string() });
        };
        let sealed = Arc::new(SealedContentKey {
            tenant: row.try_get("tenant")?,
            content: row.try_get("content")?,
            value: row.try_get("value")?,
        });
        snapshot.content_keys.put(kid, sealed.clone());
        Ok(sealed)
    }

    /// Records what was wrong with a sealed row, and returns the error that does not say it.
    async fn broken(&self, table: &'static str, row: &str, fault: &str) -> Error {
        if let Err(error) = self.audit.append(&integrity(table, row, fault), Outcome::Refused).await
        {
            tracing::error!(error = ?error, table, row, "an integrity fault was not recorded");
        }
        Error::Integrity { table, row: row.to_owned() }
    }

    /// The same for those who cannot wait: the record is queued.
    pub(crate) fn broken_soon(&self, table: &'static str, row: &str, fault: &str) {
        tracing::error!(table, row, fault, "a row of `{table}` does not open");
        self.audit.append_soon(&integrity(table, row, fault), Outcome::Refused);
    }
}

fn integrity(table: &str, row: &str, fault: &str) -> Record {
    Record::new(Action::IntegrityFault, "vault", &format!("{table}:{row}"), "")
        .with(Member::Reason, fault)
}

/// A key about to be made.
struct NewKey<'a> {
    tenant: &'a str,
    content: &'a str,
    class: TrackClass,
    scheme: Scheme,
}

impl NewKey<'_> {
    async fn insert(
        &self,
        conn: &mut SqliteConnection,
        ring: &KekRing,
        rng: &dyn Rng,
        now_ms: u64,
    ) -> Result<KeyId, Error> {
        let kid = new_key_id(rng);
        let key = ContentKey::generate(kid, rng);
        let sealed =
            ring.seal(&place(self.tenant, &kid), key.expose(), rng).map_err(too_long("tenant"))?;
        sqlx::query(
            "INSERT INTO content_keys (kid, tenant, content, scheme, class, value, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(kid.to_string())
        .bind(self.tenant)
        .bind(self.content)
        .bind(self.scheme.as_str())
        .bind(self.class.as_str())
        .bind(sealed)
        .bind(signed_ms(now_ms))
        .execute(conn)
        .await?;
        Ok(kid)
    }
}

async fn find(
    conn: &mut SqliteConnection,
    content: &str,
    class: TrackClass,
    scheme: Scheme,
) -> Result<Option<KeyId>, Error> {
    let kid: Option<String> = sqlx::query_scalar(
        "SELECT kid FROM content_keys WHERE content = $1 AND scheme = $2 AND class = $3",
    )
    .bind(content)
    .bind(scheme.as_str())
    .bind(class.as_str())
    .fetch_optional(conn)
    .await?;
    match kid {
        None => Ok(None),
        Some(kid) => match kid.parse() {
            Ok(kid) => Ok(Some(kid)),
            Err(_) => Err(Error::Integrity { table: "content_keys", row: kid }),
        },
    }
}

/// Sealing fails for lengths only, and those are bounded long before.
pub(crate) fn too_long(what: &'static str) -> impl FnOnce(SealedError) -> Error {
    move |_| Error::Long { what, max: usize::from(u16::MAX) }
}

// SPEC: SEC-03 and its known answer.
const fn place<'a>(tenant: &'a str, kid: &'a KeyId) -> Place<'a> {
    Place {
        purpose: "content_key",
        tenant,
        table: "content_keys",
        row_key: kid.as_bytes(),
        column: "value",
    }
}
