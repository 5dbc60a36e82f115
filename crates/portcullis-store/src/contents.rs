//! Contents and the lists of who is entitled to them; facts for decisions.
//!
//! Keys of a content are made by the vault, never here. Viewers' ids stand in their list and
//! nowhere else: the audit log tells how many entries a list has, not which.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_base::{ContentId, Timestamp, UserId};
use portcullis_policy::{
    PackagingFacts,
    model::{Content, Entitlement, Facts, Standing, Window},
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    Author, Change, Error, Store,
    audit::{Action, Member, Outcome},
    snapshot::{State, bump},
    store::signed_ms,
};

/// A list as it is stored: subject, opens, closes.
type List = BTreeMap<String, (Option<i64>, Option<i64>)>;

impl Store {
    /// Makes or replaces a content. Its keys are left as they are: `content.keys` is not
    /// read. Asked for twice, it is written once.
    ///
    /// # Errors
    ///
    /// When the key policy does not exist, the id belongs to another tenant, or the database
    /// fails.
    pub async fn put_content(&self, content: &Content, author: &Author) -> Result<Change, Error> {
        let (id, tenant) = (content.id.to_string(), content.tenant.to_string());
        let after = Row {
            tenant: tenant.clone(),
            key_policy: content.key_policy.to_string(),
            window: stored(&content.window),
        };
        let now_ms = self.clock.now_ms();
        let record = author.record(Action::ContentPut, &format!("content:{id}"), &tenant);
        self.change(move |session| {
            Box::pin(async move {
                let before = Row::read(&mut session.conn, &id).await?;
                if before.as_ref() == Some(&after) {
                    return Ok(Change::Unchanged);
                }
                if before.as_ref().is_some_and(|before| before.tenant != after.tenant) {
                    return Err(Error::Taken { what: "content", name: id });
                }
                after.write(&mut session.conn, &id, signed_ms(now_ms)).await?;
                bump(&mut session.conn).await?;
                let record = record.with(Member::After, &after.describe());
                let (change, record) = match before {
                    None => (Change::Created, record),
                    Some(before) => {
                        (Change::Updated, record.with(Member::Before, &before.describe()))
                    }
                };
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(change)
            })
        })
        .await
    }

    /// Replaces the list of who is entitled to a content. Asked for twice, it is written
    /// once.
    ///
    /// # Errors
    ///
    /// When the content does not exist, or the database fails.
    pub async fn put_entitlements(
        &self,
        content: &ContentId,
        entitled: &[(UserId, Window)],
        author: &Author,
    ) -> Result<Change, Error> {
        let after: List =
            entitled.iter().map(|(user, window)| (user.to_string(), stored(window))).collect();
        let (id, author) = (content.to_string(), author.clone());
        let now_ms = self.clock.now_ms();
        self.change(move |session| {
            Box::pin(async move {
                let Some(row) = Row::read(&mut session.conn, &id).await? else {
                    return Err(Error::Missing { what: "content", name: id });
                };
                let before = read_list(&mut session.conn, &id).await?;
                if before == after {
                    return Ok(Change::Unchanged);
                }
                replace_list(&mut session.conn, &id, &before, &after).await?;
                bump(&mut session.conn).await?;
                let record = author
                    .record(Action::EntitlementsPut, &format!("content:{id}"), &row.tenant)
                    .with(Member::Before, &format!("{} entries", before.len()))
                    .with(Member::After, &format!("{} entries", after.len()));
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(if before.is_empty() { Change::Created } else { Change::Updated })
            })
        })
        .await
    }

    /// All that a license or token decision depends on; `None` when there is no such
    /// content. Does not touch the database.
    ///
    /// # Errors
    ///
    /// When a row of the content or of its key policy is damaged, or the snapshot is too
    /// old. Both mean: refuse.
    pub fn license_facts(
        &self,
        content: &ContentId,
        subject: Option<&UserId>,
    ) -> Result<Option<Facts>, Error> {
        let snapshot = self.snapshots.current()?;
        let Some(entry) = snapshot.contents.get(content) else { return Ok(None) };
        if entry.state == State::Damaged {
            return Err(Error::Integrity { table: "contents", row: content.to_string() });
        }
        let policy = snapshot.key_policies.get(&entry.content.key_policy);
        let key_policy = policy.and_then(Clone::clone).ok_or_else(|| Error::Integrity {
            table: "key_policies",
            row: entry.content.key_policy.to_string(),
        })?;
        let entitled = match (entry.state, subject) {
            (State::ListDamaged, _) => Entitlement::Unavailable,
            (_, None) => Entitlement::Absent,
            (_, Some(subject)) => match entry.entitled.get(subject) {
                None => Entitlement::Absent,
                Some(window) => Entitlement::Listed { subject: subject.clone(), window: *window },
            },
        };
        Ok(Some(Facts {
            content: entry.content.clone(),
            key_policy,
            entitled,
            // Unknown refuses: whoever verified the caller says how they stand.
            standing: Standing::Unknown,
            revoked_keys: BTreeSet::new(),
            used: None,
        }))
    }

    /// All that a packaging decision depends on; `None` when there is no such content.
    ///
    /// # Errors
    ///
    /// As [`Store::license_facts`].
    pub fn packaging_facts(&self, content: &ContentId) -> Result<Option<PackagingFacts>, Error> {
        let snapshot = self.snapshots.current()?;
        match snapshot.contents.get(content) {
            None => Ok(None),
            Some(entry) if entry.state == State::Damaged => {
                Err(Error::Integrity { table: "contents", row: content.to_string() })
            }
            Some(entry) => Ok(Some(PackagingFacts { content: entry.content.clone() })),
        }
    }

    /// Every content that is not damaged, by id.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn list_contents(&self) -> Result<Vec<Content>, Error> {
        let snapshot = self.snapshots.current()?;
        let sound = snapshot.contents.values().filter(|entry| entry.state != State::Damaged);
        let mut contents: Vec<_> = sound.map(|entry| entry.content.clone()).collect();
        contents.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(contents)
    }

    /// Who is entitled to a content, by id.
    ///
    /// # Errors
    ///
    /// When the snapshot is too old.
    pub fn list_entitlements(&self, content: &ContentId) -> Result<Vec<(UserId, Window)>, Error> {
        let snapshot = self.snapshots.current()?;
        let Some(entry) = snapshot.contents.get(content) else { return Ok(Vec::new()) };
        let mut list: Vec<_> =
            entry.entitled.iter().map(|(user, window)| (user.clone(), *window)).collect();
        list.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(list)
    }
}

/// A content as it is stored.
#[derive(PartialEq, Eq)]
struct Row {
    tenant: String,
    key_policy: String,
    window: (Option<i64>, Option<i64>),
}

impl Row {
    async fn read(conn: &mut SqliteConnection, id: &str) -> Result<Option<Self>, Error> {
        let row =
            sqlx::query("SELECT tenant, key_policy, opens, closes FROM contents WHERE id = $1")
                .bind(id)
                .fetch_optional(conn)
                .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            tenant: row.try_get("tenant")?,
            key_policy: row.try_get("key_policy")?,
            window: (row.try_get("opens")?, row.try_get("closes")?),
        }))
    }

    async fn write(&self, conn: &mut SqliteConnection, id: &str, now_ms: i64) -> Result<(), Error> {
        let written = sqlx::query(
            "INSERT INTO contents (id, tenant, key_policy, opens, closes, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET key_policy = excluded.key_policy,
             opens = excluded.opens, closes = excluded.closes, changed_ms = excluded.changed_ms",
        )
        .bind(id)
        .bind(&self.tenant)
        .bind(&self.key_policy)
        .bind(self.window.0)
        .bind(self.window.1)
        .bind(now_ms)
        .execute(conn)
        .await;
        match written {
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(Error::Missing { what: "key policy", name: self.key_policy.clone() })
            }
            written => Ok(written.map(|_| ())?),
        }
    }

    /// For the audit log.
    fn describe(&self) -> String {
        let end = |end: Option<i64>| end.map_or_else(|| "open".to_owned(), |end| end.to_string());
        let (opens, closes) = self.window;
        format!("key policy {}, window {} to {}", self.key_policy, end(opens), end(closes))
    }
}

async fn read_list(conn: &mut SqliteConnection, content: &str) -> Result<List, Error> {
    let rows = sqlx::query("SELECT subject, opens, closes FROM entitlements WHERE content = $1")
        .bind(content)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("subject")?, (row.try_get("opens")?, row.try_get("closes")?))))
        .collect()
}

async fn replace_list(
    conn: &mut SqliteConnection,
    content: &str,
    before: &List,
    after: &List,
) -> Result<(), Error> {
    for subject in before.keys().filter(|subject| !after.contains_key(*subject)) {
        sqlx::query("DELETE FROM entitlements WHERE content = $1 AND subject = $2")
            .bind(content)
            .bind(subject)
            .execute(&mut *conn)
            .await?;
    }
    for (subject, window) in
        after.iter().filter(|(subject, window)| before.get(*subject) != Some(window))
    {
        sqlx::query(
            "INSERT INTO entitlements (content, subject, opens, closes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (content, subject) DO UPDATE
             SET opens = excluded.opens, closes = excluded.closes",
        )
        .bind(content)
        .bind(subject)
        .bind(window.0)
        .bind(window.1)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The two ends of a window as stored.
fn stored(window: &Window) -> (Option<i64>, Option<i64>) {
    let end = |end: Option<Timestamp>| end.map(|end| i64::try_from(end.0).unwrap_or(i64::MAX));
    (end(window.opens()), end(window.closes()))
}
