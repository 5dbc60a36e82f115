//! Sessions whose token is a random cookie: found by the digest of its value.
//!
//! The value itself never gets here, so whoever reads the database can open no session with
//! what stands in it. Whether a session has ended, and what it covers, is decided where the
//! token is verified; here are rows. A viewer's id stands in plain, as on a content's list.
//!
//! SPEC: AMD cookie sessions.

use portcullis_base::{TenantId, Timestamp};
use sqlx::Row as _;

use crate::{Error, Store, store::signed_ms};

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSession {
    /// SHA-256 of the cookie's value.
    pub digest: [u8; 32],
    /// Whose it is.
    pub tenant: TenantId,
    /// The session's id; it stays when the cookie is replaced.
    pub session: String,
    /// The viewer, where that is known.
    pub subject: Option<String>,
    /// What the session covers, as text.
    pub acl: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was used last, as far as that was noted.
    pub seen: Timestamp,
    /// From when on it is over in any case.
    pub ends: Timestamp,
}

impl Store {
    /// Stores a session that was opened.
    ///
    /// # Errors
    ///
    /// When there is one with this digest, or the database fails.
    pub async fn open_cookie_session(&self, new: &CookieSession) -> Result<(), Error> {
        let new = new.clone();
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO cookie_sessions
                             (digest, tenant, session, subject, acl, opened, seen, ends)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    )
                    .bind(new.digest.to_vec())
                    .bind(new.tenant.as_str())
                    .bind(&new.session)
                    .bind(&new.subject)
                    .bind(&new.acl)
                    .bind(seconds(new.opened))
                    .bind(seconds(new.seen))
                    .bind(seconds(new.ends))
                    .execute(&mut session.conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// The tenant's session with this digest.
    ///
    /// # Errors
    ///
    /// When the row is not as it was written, or the database fails.
    pub async fn cookie_session(
        &self,
        tenant: &TenantId,
        digest: &[u8; 32],
    ) -> Result<Option<CookieSession>, Error> {
        let row = sqlx::query(
            "SELECT session, subject, acl, opened, seen, ends FROM cookie_sessions
             WHERE digest = $1 AND tenant = $2",
        )
        .bind(digest.as_slice())
        .bind(tenant.as_str())
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let session: String = row.try_get("session")?;
        let time = |column| -> Result<Timestamp, Error> {
            let second: i64 = row.try_get(column)?;
            let damaged = |_| Error::Integrity { table: "cookie_sessions", row: session.clone() };
            u64::try_from(second).map(Timestamp).map_err(damaged)
        };
        Ok(Some(CookieSession {
            digest: *digest,
            tenant: tenant.clone(),
            subject: row.try_get("subject")?,
            acl: row.try_get("acl")?,
            opened: time("opened")?,
            seen: time("seen")?,
            ends: time("ends")?,
            session,
        }))
    }

    /// Notes that a session was used. Without effect on one that is no more.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn touch_cookie_session(
        &self,
        digest: &[u8; 32],
        seen: Timestamp,
    ) -> Result<(), Error> {
        let digest = digest.to_vec();
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    // Never back: another node may have noted a later use.
                    sqlx::query(
                        "UPDATE cookie_sessions SET seen = $2 WHERE digest = $1 AND seen < $2",
                    )
                    .bind(digest)
                    .bind(seconds(seen))
                    .execute(&mut session.conn)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Replaces the cookie of a session, as at a login; the old one opens nothing from then on.
    /// The session keeps its id and its age.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when there is no session with the old digest, or when the database
    /// fails.
    pub async fn rotate_cookie_session(
        &self,
        tenant: &TenantId,
        old: &[u8; 32],
        new: &[u8; 32],
        subject: Option<&str>,
    ) -> Result<(), Error> {
        let (tenant, old, new) = (tenant.to_string(), old.to_vec(), new.to_vec());
        let subject = subject.map(str::to_owned);
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    let rotated = sqlx::query(
                        "UPDATE cookie_sessions SET digest = $3, subject = COALESCE($4, subject)
                         WHERE digest = $1 AND tenant = $2",
                    )
                    .bind(old)
                    .bind(tenant)
                    .bind(new)
                    .bind(subject)
                    .execute(&mut session.conn)
                    .await?;
                    if rotated.rows_affected() == 1 { Ok(()) } else { Err(no_such_session()) }
                })
            })
            .await
    }

    /// Ends a session, as at a logout. Ending one that is no more is no error.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_cookie_session(
        &self,
        tenant: &TenantId,
        digest: &[u8; 32],
    ) -> Result<(), Error> {
        let (tenant, digest) = (tenant.to_string(), digest.to_vec());
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM cookie_sessions WHERE digest = $1 AND tenant = $2")
                        .bind(digest)
                        .bind(tenant)
                        .execute(&mut session.conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Deletes sessions that are over in any case, at most 500. Returns how many.
    pub(crate) async fn forget_cookie_sessions(&self) -> Result<u64, Error> {
        let now = signed_ms(self.clock.now_ms()) / 1000;
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    let deleted = sqlx::query(
                        "DELETE FROM cookie_sessions WHERE digest IN
                         (SELECT digest FROM cookie_sessions WHERE ends <= $1
                          ORDER BY ends LIMIT 500)",
                    )
                    .bind(now)
                    .execute(&mut session.conn)
                    .await?;
                    Ok(deleted.rows_affected())
                })
            })
            .await
    }
}

fn no_such_session() -> Error {
    Error::Missing { what: "session with", name: "this cookie".to_owned() }
}

fn seconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}
