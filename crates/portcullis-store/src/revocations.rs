//! What was revoked, in memory: looked up for every request, also by the edge.
//!
//! Entries are loaded by their version, so that one more costs one row and not the whole list;
//! who writes loads before the write returns, and other processes within a second. What this
//! node knows may be used for fifteen minutes without word from the database; then nobody can
//! say what was revoked, and that is said. An entry that does not parse is not skipped: it
//! might be the one that matters, so its tenant stands as unknown until it is repaired.
//!
//! SPEC: SEC-45, SEC-46, REL-40, REL-62.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::TryStreamExt as _;
use portcullis_base::{Clock, ContentId, KeyId, TenantId, Timestamp, UserId};
use portcullis_policy::model::{Standing, SubjectKind};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Author, Change, Error, Store,
    audit::{Action, Member, Outcome, Record},
    backend::writer::Session,
    store::signed_ms,
};

/// One thing that can be revoked, written in the one way it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    kind: SubjectKind,
    id: Box<str>,
}

impl Subject {
    /// Reads what `kind` of thing `text` names: a key id in any of its forms, a digest of a
    /// token as 32 hex digits, the ids of the others as they are.
    ///
    /// # Errors
    ///
    /// When no such thing can have this name.
    pub fn new(kind: SubjectKind, text: &str) -> Result<Self, SubjectError> {
        let one_line = |text: &str| {
            let fits = (1..=ID_BYTES_MAX).contains(&text.len());
            (fits && !text.contains(char::is_control)).then(|| text.to_owned())
        };
        let id = match kind {
            SubjectKind::ApiKey
            | SubjectKind::Device
            | SubjectKind::IssuerKey
            | SubjectKind::Session => one_line(text),
            SubjectKind::Content => text.parse::<ContentId>().ok().map(|id| id.to_string()),
            SubjectKind::Key => text.parse::<KeyId>().ok().map(|id| id.to_string()),
            SubjectKind::Tenant => text.parse::<TenantId>().ok().map(|id| id.to_string()),
            SubjectKind::Token => {
                let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                hex.then(|| text.to_ascii_lowercase())
            }
            SubjectKind::User => text.parse::<UserId>().ok().map(|id| id.to_string()),
        };
        id.map(|id| Self { kind, id: id.into() }).ok_or(SubjectError { kind })
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// The text names nothing of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be the id of a {kind}")]
pub struct SubjectError {
    kind: SubjectKind,
}

/// Something that was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Whose it is.
    pub tenant: TenantId,
    /// What was revoked.
    pub subject: Subject,
    /// Why, in the words of who did it; at most 256 bytes.
    pub reason: String,
    /// The first second in which it is good again; never if absent.
    pub until: Option<Timestamp>,
}

/// A revocation as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What was revoked.
    pub revocation: Revocation,
    /// Who did it.
    pub actor: String,
    /// Grows with every change of any revocation; no two share one.
    pub version: i64,
}

/// What was revoked, as this node knows it.
#[derive(Debug)]
pub struct Revocations {
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// When the database last confirmed it.
    confirmed_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    version: i64,
    tenants: HashMap<TenantId, OfTenant>,
}

#[derive(Debug, Default)]
struct OfTenant {
    /// Until when each is revoked.
    kinds: HashMap<SubjectKind, HashMap<Box<str>, Option<Timestamp>>>,
    damaged: bool,
}

impl Revocations {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: RwLock::default(), confirmed_ms: AtomicU64::new(0) }
    }

    /// How a request stands behind which these subjects of the tenant are; the first that was
    /// revoked is named.
    #[must_use]
    pub fn standing<'a>(
        &self,
        tenant: &'a TenantId,
        subjects: impl IntoIterator<Item = (SubjectKind, &'a str)>,
        now: Timestamp,
    ) -> Standing {
        if self.is_stale() {
            return Standing::Unknown;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(of_tenant) = known.tenants.get(tenant) else { return Standing::Good };
        if of_tenant.damaged {
            return Standing::Unknown;
        }
        let own = [(SubjectKind::Tenant, tenant.as_str())];
        let revoked = own.into_iter().chain(subjects).find(|(kind, id)| {
            let until = of_tenant.kinds.get(kind).and_then(|ids| ids.get(*id));
            until.is_some_and(|until| until.is_none_or(|until| now < until))
        });
        revoked.map_or(Standing::Good, |(kind, _)| Standing::Revoked(kind))
    }

    /// Whether anything of this kind is revoked, so that a caller may spare itself the making
    /// of an id. Also true when nobody can say.
    #[must_use]
    pub fn any(&self, tenant: &TenantId, kind: SubjectKind) -> bool {
        if self.is_stale() {
            return true;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = known.tenants.get(tenant);
        of_tenant.is_some_and(|of_tenant| {
            of_tenant.damaged || of_tenant.kinds.get(&kind).is_some_and(|ids| !ids.is_empty())
        })
    }

    fn is_stale(&self) -> bool {
        let confirmed_ms = self.confirmed_ms.load(Ordering::Acquire);
        self.clock.now_ms().saturating_sub(confirmed_ms) > STALE_MS_MAX
    }

    /// Loads what has changed.
    pub(crate) async fn refresh(&self, conn: &mut SqliteConnection) -> Result<(), Error> {
        let version: i64 =
            sqlx::query_scalar("SELECT value FROM versions WHERE name = 'revocations'")
                .fetch_one(&mut *conn)
                .await?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).version;
        if version == known {
            return Ok(());
        }
        // A version that went back is another database: a backup was restored.
        let after = if version < known { 0 } else { known };
        let now = self.clock.now();
        let mut changes = Vec::new();
        let mut rows = sqlx::query(
            "SELECT tenant, kind, subject, until FROM revocations WHERE version > $1
             ORDER BY version",
        )
        .bind(after)
        .fetch(conn);
        while let Some(row) = rows.try_next().await? {
            changes.push(Entry::read(&row)?);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if after == 0 {
            *known = Known::default();
        }
        known.version = version;
        for change in changes {
            known.apply(change, now);
        }
        drop(known);
        Ok(())
    }

    pub(crate) fn confirm(&self, at_ms: u64) {
        self.confirmed_ms.store(at_ms, Ordering::Release);
    }
}

impl Known {
    fn apply(&mut self, entry: Entry, now: Timestamp) {
        let Entry { tenant, subject, until } = entry;
        let Ok(tenant) = tenant.parse::<TenantId>() else {
            tracing::error!(tenant, "a revocation names no tenant of ours");
            return;
        };
        let of_tenant = self.tenants.entry(tenant).or_default();
        // What is over goes as it comes to light: when its like is written.
        for ids in of_tenant.kinds.values_mut() {
            if ids.len() >= SWEEP_FROM {
                ids.retain(|_, until| until.is_none_or(|until| now < until));
            }
        }
        match (subject, until) {
            (Ok(subject), Ok(until)) => {
                let ids = of_tenant.kinds.entry(subject.kind).or_default();
                if until.is_some_and(|until| until <= now) {
                    ids.remove(&subject.id);
                } else {
                    ids.insert(subject.id, until);
                }
            }
            _ => {
                tracing::error!("a row of `revocations` is not as it was written");
                of_tenant.damaged = true;
            }
        }
    }
}

/// A row, as far as it can be read.
struct Entry {
    tenant: String,
    subject: Result<Subject, Unreadable>,
    until: Result<Option<Timestamp>, Unreadable>,
}

struct Unreadable;

impl Entry {
    fn read(row: &SqliteRow) -> Result<Self, Error> {
        let kind: String = row.try_get("kind")?;
        let id: String = row.try_get("subject")?;
        let until: Option<i64> = row.try_get("until")?;
        let subject = kind.parse().ok().and_then(|kind| Subject::new(kind, &id).ok());
        let until = match until {
            None => Ok(None),
            Some(until) => u64::try_from(until).map(Timestamp).map(Some).map_err(|_| Unreadable),
        };
        let subject = subject.ok_or(Unreadable);
        Ok(Self { tenant: row.try_get("tenant")?, subject, until })
    }
}

impl Store {
    /// What was revoked, as this node knows it.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        self.snapshots.revocations()
    }

    /// Revokes something, or changes why and until when. Durable and in force on this node
    /// when it returns; other processes see it within a second.
    ///
    /// # Errors
    ///
    /// When the reason is too long, or the database fails.
    pub async fn revoke(&self, new: &Revocation, author: &Author) -> Result<Change, Error> {
        if new.reason.len() > REASON_BYTES_MAX {
            return Err(Error::Long { what: "the reason", max: REASON_BYTES_MAX });
        }
        let until =
            new.until.map_or_else(|| "for good".to_owned(), |until| format!("until {until}"));
        let record = self
            .revocation_record(Action::RevocationPut, &new.tenant, &new.subject, author)
            .with(Member::After, &until)
            .with(Member::Reason, &new.reason);
        let row = NewRow {
            revocation: new.clone(),
            actor: author.actor().to_owned(),
            now_ms: self.clock.now_ms(),
        };
        self.change(move |session| Box::pin(row.write(session, record))).await
    }

    /// Takes a revocation back. The entry stays for a day, as over, so that lists made from
    /// this one hear of it.
    ///
    /// # Errors
    ///
    /// When it is not revoked, or the database fails.
    pub async fn lift_revocation(
        &self,
        tenant: &TenantId,
        subject: &Subject,
        author: &Author,
    ) -> Result<Change, Error> {
        let record = self.revocation_record(Action::RevocationLift, tenant, subject, author);
        let (tenant, subject, now_ms) = (tenant.to_string(), subject.clone(), self.clock.now_ms());
        self.change(move |session| {
            Box::pin(async move {
                let version = next_version(&mut session.conn).await?;
                let lifted = sqlx::query(
                    "UPDATE revocations SET until = $1, version = $2
                     WHERE tenant = $3 AND kind = $4 AND subject = $5
                       AND (until IS NULL OR until > $1)",
                )
                .bind(signed_ms(now_ms) / 1000)
                .bind(version)
                .bind(&tenant)
                .bind(subject.kind.as_str())
                .bind(&*subject.id)
                .execute(&mut session.conn)
                .await?;
                if lifted.rows_affected() == 0 {
                    let name = subject.id.to_string();
                    return Err(Error::Missing { what: "revocation of a", name });
                }
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(Change::Updated)
            })
        })
        .await
    }

    /// The tenant's revocations that were written after `version`, in the order in which they
    /// were, at most `max`; those that are over included, for a day.
    ///
    /// # Errors
    ///
    /// When the database fails, or a row is not as it was written.
    pub async fn revocations_after(
        &self,
        tenant: &TenantId,
        version: i64,
        max: u32,
    ) -> Result<Vec<Listed>, Error> {
        let rows = sqlx::query(
            "SELECT tenant, kind, subject, reason, actor, until, version FROM revocations
             WHERE tenant = $1 AND version > $2 ORDER BY version LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(version)
        .bind(i64::from(max))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(Listed::read).collect()
    }

    /// Deletes what has been over for a day, at most 500. Returns how many.
    pub(crate) async fn forget_revocations(&self) -> Result<u64, Error> {
        let before = signed_ms(self.clock.now_ms()) / 1000 - KEPT_S;
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    let deleted = sqlx::query(
                        "DELETE FROM revocations WHERE version IN
                         (SELECT version FROM revocations WHERE until <= $1
                          ORDER BY until LIMIT 500)",
                    )
                    .bind(before)
                    .execute(&mut session.conn)
                    .await?;
                    Ok(deleted.rows_affected())
                })
            })
            .await
    }

    fn revocation_record(
        &self,
        action: Action,
        tenant: &TenantId,
        subject: &Subject,
        author: &Author,
    ) -> Record {
        // Viewers stand in the log by pseudonym only.
        let object = match (subject.kind, subject.id.parse()) {
            (SubjectKind::User, Ok(user)) => self.audit().pseudonym(tenant, &user),
            _ => subject.to_string(),
        };
        author.record(action, &object, tenant.as_str())
    }
}

impl Listed {
    fn read(row: &SqliteRow) -> Result<Self, Error> {
        let tenant: String = row.try_get("tenant")?;
        let id: String = row.try_get("subject")?;
        let entry = Entry::read(row)?;
        let (Ok(tenant), Ok(subject), Ok(until)) = (tenant.parse(), entry.subject, entry.until)
        else {
            return Err(Error::Integrity { table: "revocations", row: id });
        };
        let reason = row.try_get("reason")?;
        Ok(Self {
            revocation: Revocation { tenant, subject, reason, until },
            actor: row.try_get("actor")?,
            version: row.try_get("version")?,
        })
    }
}

struct NewRow {
    revocation: Revocation,
    actor: String,
    now_ms: u64,
}

impl NewRow {
    async fn write(self, session: &mut Session, record: Record) -> Result<Change, Error> {
        let Revocation { tenant, subject, reason, until } = &self.revocation;
        let until = until.map(|until| i64::try_from(until.0).unwrap_or(i64::MAX));
        let before: Option<(String, Option<i64>)> = sqlx::query_as(
            "SELECT reason, until FROM revocations
             WHERE tenant = $1 AND kind = $2 AND subject = $3",
        )
        .bind(tenant.as_str())
        .bind(subject.kind.as_str())
        .bind(&*subject.id)
        .fetch_optional(&mut session.conn)
        .await?;
        let change = match &before {
            None => Change::Created,
            Some((why, end)) if why == reason && *end == until => return Ok(Change::Unchanged),
            Some(_) => Change::Updated,
        };
        let version = next_version(&mut session.conn).await?;
        sqlx::query(
            "INSERT INTO revocations
                 (tenant, kind, subject, reason, actor, until, version, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (tenant, kind, subject) DO UPDATE SET
                 reason = excluded.reason, actor = excluded.actor, until = excluded.until,
                 version = excluded.version",
        )
        .bind(tenant.as_str())
        .bind(subject.kind.as_str())
        .bind(&*subject.id)
        .bind(reason)
        .bind(&self.actor)
        .bind(until)
        .bind(version)
        .bind(signed_ms(self.now_ms))
        .execute(&mut session.conn)
        .await?;
        session.record(&record.draft(self.now_ms, Outcome::Ok)).await?;
        Ok(change)
    }
}

async fn next_version(conn: &mut SqliteConnection) -> Result<i64, Error> {
    let version = sqlx::query_scalar(
        "UPDATE versions SET value = value + 1 WHERE name = 'revocations' RETURNING value",
    )
    .fetch_one(conn)
    .await?;
    Ok(version)
}

const ID_BYTES_MAX: usize = 256;
const REASON_BYTES_MAX: usize = 256;

// SPEC: security rules §12, the edge without a database.
const STALE_MS_MAX: u64 = 15 * 60 * 1000;

/// How long a revocation that is over is kept.
const KEPT_S: i64 = 86_400;

/// From how many entries of a kind on it is worth looking for those that are over.
const SWEEP_FROM: usize = 1024;
