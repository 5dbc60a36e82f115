//! How often tokens were used.
//!
//! A use is reserved before anything is opened, confirmed when the license goes out, and
//! released when our side failed before that. Whether one is free is decided by one statement
//! that counts up or does not, so that no two processes on one database can both take the
//! last one. A repeat of the same token with the same challenge within 30 seconds is the same
//! use: players ask again when an answer is late.
//!
//! Nothing here looks into a token or decides whether it is good; what is stored is a keyed
//! digest. When the database cannot be written there is an error and no use, never a free one.
//! The reservation of a process that died stays taken: whether its license went out nobody
//! knows.
//!
//! SPEC: SEC-23, SEC-40 to SEC-44.

use std::{fmt, num::NonZeroU32, sync::Arc};

use aws_lc_rs::hmac;
use portcullis_base::{Clock, Rng, TenantId, Timestamp};
use portcullis_policy::{LimitedUse, TokenIdentity};
use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    Error,
    backend::writer::{Session, Writer},
    store::signed_ms,
};

/// Counts the uses of tokens.
pub struct Uses {
    pub(crate) writer: Writer,
    pub(crate) read: SqlitePool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) key: hmac::Key,
}

/// The keyed digest of a token's identity: the same for the same token, and of no use to
/// whoever reads it in a database or a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest([u8; 16]);

impl TokenDigest {
    /// A digest that was printed before.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({self})")
    }
}

/// What became of a wish for a use.
#[derive(Debug)]
#[must_use = "a use that is reserved is confirmed or given back"]
pub enum Reserved {
    /// There was one.
    Use(Use),
    /// None is left.
    UsedUp,
}

impl Uses {
    /// What a token of this tenant is known by.
    ///
    /// `None` when tenant, issuer or id are longer than 65 535 bytes, which those of a token
    /// never are.
    // SPEC: SEC-40.
    #[must_use]
    pub fn digest(&self, tenant: &TenantId, identity: &TokenIdentity) -> Option<TokenDigest> {
        let mac = hmac::sign(&self.key, &identity.framed(tenant.as_str())?);
        mac.as_ref().first_chunk().copied().map(TokenDigest)
    }

    /// Takes a use, if one is left, for the request with this challenge: the parts that make it
    /// the same request when a player asks again. Durable when it returns.
    ///
    /// # Errors
    ///
    /// When it cannot be counted. Then the token must not be accepted.
    pub async fn reserve(
        &self,
        wanted: &LimitedUse,
        challenge: &[&[u8]],
    ) -> Result<Reserved, Error> {
        let digest = self
            .digest(&wanted.tenant, &wanted.identity)
            .ok_or(Error::Long { what: "the identity of a token", max: usize::from(u16::MAX) })?;
        let mut id = [0; 16];
        self.rng.fill(&mut id);
        let ask = Ask {
            id: id.to_vec(),
            digest: digest.0.to_vec(),
            challenge: self.challenge(challenge),
            max: wanted.max,
            now_ms: signed_ms(self.clock.now_ms()),
            forget: seconds(wanted.over).saturating_add(REMEMBER_S),
        };
        // Whoever gives up waiting gives back what is then taken without them: the release is
        // queued behind the reservation.
        let mut waiting = Use(Some(Open { writer: self.writer.clone(), id: id.to_vec() }));
        let answer = self.writer.run(move |session| Box::pin(ask.run(session))).await;
        let open = waiting.0.take();
        Ok(match answer? {
            None => Reserved::UsedUp,
            Some(id) => Reserved::Use(Use(open.map(|open| Open { id, ..open }))),
        })
    }

    /// Keyed, since a request says more about a viewer than has to lie in a database.
    fn challenge(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"challenge");
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// How often a token was used so far. For people to look at: between looking and taking a
    /// use, somebody else may take it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count(&self, digest: TokenDigest) -> Result<u32, Error> {
        let uses: Option<i64> = sqlx::query_scalar("SELECT uses FROM replay WHERE digest = $1")
            .bind(digest.0.as_slice())
            .fetch_optional(&self.read)
            .await?;
        Ok(u32::try_from(uses.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// Forgets the uses of tokens that are over, at most 500 rows, so that nobody waits long
    /// for the writer. Returns how many; when it was 500 there may be more.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn forget(&self) -> Result<u64, Error> {
        let now = signed_ms(self.clock.now_ms()) / 1000;
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    let conn = &mut session.conn;
                    let uses = delete(conn, FORGET_USES, now, FORGET_MAX).await?;
                    let left = FORGET_MAX.saturating_sub(i64::try_from(uses).unwrap_or(i64::MAX));
                    Ok(uses.saturating_add(delete(conn, FORGET_TOKENS, now, left).await?))
                })
            })
            .await
    }
}

impl fmt::Debug for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uses")
    }
}

async fn delete(
    conn: &mut SqliteConnection,
    statement: &'static str,
    now: i64,
    max: i64,
) -> Result<u64, Error> {
    Ok(sqlx::query(statement).bind(now).bind(max).execute(conn).await?.rows_affected())
}

/// One wish for a use.
struct Ask {
    id: Vec<u8>,
    digest: Vec<u8>,
    challenge: Vec<u8>,
    max: NonZeroU32,
    now_ms: i64,
    forget: i64,
}

impl Ask {
    /// The id of the use that was joined or taken.
    async fn run(self, session: &mut Session) -> Result<Option<Vec<u8>>, Error> {
        let conn = &mut session.conn;
        if let Some(same) = self.join(conn).await? {
            return Ok(Some(same));
        }
        if self.take(conn).await?.is_none() {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO replay_uses (id, digest, challenge, taken_ms, holders, delivered, forget)
             VALUES ($1, $2, $3, $4, 1, 0, $5)",
        )
        .bind(&self.id)
        .bind(&self.digest)
        .bind(&self.challenge)
        .bind(self.now_ms)
        .bind(self.forget)
        .execute(conn)
        .await?;
        Ok(Some(self.id))
    }

    /// The use that the same request took a moment ago. It may be one whose license is on its
    /// way: whoever comes second holds it too, so that it is given back when both failed.
    async fn join(&self, conn: &mut SqliteConnection) -> Result<Option<Vec<u8>>, Error> {
        let same = sqlx::query_scalar(
            "UPDATE replay_uses SET holders = holders + 1
             WHERE digest = $1 AND challenge = $2 AND taken_ms > $3 AND taken_ms <= $4
             RETURNING id",
        )
        .bind(&self.digest)
        .bind(&self.challenge)
        .bind(self.now_ms.saturating_sub(SAME_USE_MS))
        .bind(self.now_ms)
        .fetch_optional(conn)
        .await?;
        Ok(same)
    }

    /// Counts up, if there is room.
    // INVARIANT: one statement decides whether a use is free (SEC-41).
    async fn take(&self, conn: &mut SqliteConnection) -> Result<Option<i64>, Error> {
        let uses = sqlx::query_scalar(
            "INSERT INTO replay (digest, uses, forget) VALUES ($1, 1, $2)
             ON CONFLICT (digest) DO UPDATE SET
                 uses = replay.uses + 1,
                 forget = CASE WHEN replay.forget < excluded.forget
                               THEN excluded.forget ELSE replay.forget END
             WHERE replay.uses < $3
             RETURNING uses",
        )
        .bind(&self.digest)
        .bind(self.forget)
        .bind(i64::from(self.max.get()))
        .fetch_optional(conn)
        .await?;
        Ok(uses)
    }
}

/// A use that is reserved. Dropped without a word, as when the player hangs up before there
/// is an answer, it is given back.
#[derive(Debug)]
#[must_use = "a use that is reserved is confirmed or given back"]
pub struct Use(Option<Open>);

#[derive(Debug)]
struct Open {
    writer: Writer,
    id: Vec<u8>,
}

impl Use {
    /// The license goes out: the use stays taken. It is noted with the next group of writes;
    /// should that fail, the use stays taken all the same.
    pub fn confirm(mut self) {
        if let Some(open) = self.0.take() {
            drop(open.end(End::Delivered));
        }
    }

    /// Nothing goes out, and the fault is ours: the use is given back, unless another request
    /// holds or has used it. When this returns, it is free again.
    ///
    /// # Errors
    ///
    /// When the database fails; then the use stays taken.
    pub async fn release(mut self) -> Result<(), Error> {
        match self.0.take() {
            None => Ok(()),
            Some(open) => open.end(End::Nothing).await,
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            drop(open.end(End::Nothing));
        }
    }
}

enum End {
    Delivered,
    Nothing,
}

impl Open {
    fn end(self, end: End) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let Self { writer, id } = self;
        let delivered = i64::from(matches!(end, End::Delivered));
        writer.run_at_once(move |session| {
            Box::pin(async move {
                let conn = &mut session.conn;
                sqlx::query(
                    "UPDATE replay_uses SET holders = holders - 1, delivered = delivered + $2
                     WHERE id = $1",
                )
                .bind(&id)
                .bind(delivered)
                .execute(&mut *conn)
                .await?;
                let unused: Option<Vec<u8>> = sqlx::query_scalar(
                    "DELETE FROM replay_uses WHERE id = $1 AND holders <= 0 AND delivered = 0
                     RETURNING digest",
                )
                .bind(&id)
                .fetch_optional(&mut *conn)
                .await?;
                if let Some(digest) = unused {
                    sqlx::query("UPDATE replay SET uses = uses - 1 WHERE digest = $1 AND uses > 0")
                        .bind(digest)
                        .execute(conn)
                        .await?;
                }
                Ok(())
            })
        })
    }
}

fn seconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

const FORGET_USES: &str = "DELETE FROM replay_uses WHERE id IN
    (SELECT id FROM replay_uses WHERE forget <= $1 ORDER BY forget LIMIT $2)";
const FORGET_TOKENS: &str = "DELETE FROM replay WHERE digest IN
    (SELECT digest FROM replay WHERE forget <= $1 ORDER BY forget LIMIT $2)";
const FORGET_MAX: i64 = 500;

/// How long a token that is over is remembered, beyond the leeway.
// SPEC: SEC-23.
const REMEMBER_S: i64 = 120;

// SPEC: SEC-42.
const SAME_USE_MS: i64 = 30_000;
