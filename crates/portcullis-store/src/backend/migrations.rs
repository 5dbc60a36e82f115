//! Brings a database to the schema this program knows.
//!
//! Migrations are numbered and only go forward. All that are missing are applied in one
//! write transaction, so a crash leaves the old schema and two programs that start at once
//! do not both apply them. A database of a newer schema is refused.

use sqlx::{Connection as _, SqliteConnection};

use crate::Error;

/// What [`run`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Migrated {
    /// The schema before; 0 for an empty database.
    pub(crate) from: i64,
    /// The schema now.
    pub(crate) to: i64,
}

/// Applies what is missing.
///
/// # Errors
///
/// When the database is newer than this program, or a statement fails.
pub(crate) async fn run(conn: &mut SqliteConnection, now_ms: i64) -> Result<Migrated, Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            version BIGINT NOT NULL PRIMARY KEY,
            applied_ms BIGINT NOT NULL
        )",
    )
    .execute(&mut *tx)
    .await?;
    let from: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_migrations")
        .fetch_one(&mut *tx)
        .await?;
    let known = MIGRATIONS.len() as i64;
    if from > known {
        return Err(Error::Newer { found: from, known });
    }
    for (version, statements) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        sqlx::raw_sql(*statements).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO schema_migrations (version, applied_ms) VALUES ($1, $2)")
            .bind(version)
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(Migrated { from, to: known })
}

/// The migrations in order; the first has number 1. A released one is never edited.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_init.sql")];
