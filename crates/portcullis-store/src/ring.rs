//! The ring of keks in the database, and the root check beside it.
//!
//! Opens the ring at start, or makes it for an empty database. The keks lie there wrapped by
//! the root key; the root key itself is never written anywhere. A root key that is not the
//! one of this database is noticed here, before anything is opened or written.
//!
//! SPEC: SEC-01, SEC-05, SEC-06.

use portcullis_base::Rng;
use portcullis_keys::{
    root::RootKey,
    sealed::{KekRing, KeyEncryptionKey},
};
use sqlx::{Row as _, SqliteConnection};

use crate::Error;

/// The ring, and whether it is new.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It was made just now, in the transaction under way.
    Created(KekRing),
    /// It was there.
    Found(KekRing),
}

impl Opened {
    pub(crate) fn into_ring(self) -> KekRing {
        match self {
            Self::Created(ring) | Self::Found(ring) => ring,
        }
    }
}

/// Opens the ring, or makes it.
///
/// # Errors
///
/// When the root key is a wrong one, the ring was tampered with, or the database fails.
pub(crate) async fn open(
    conn: &mut SqliteConnection,
    root: &RootKey,
    rng: &dyn Rng,
    now_ms: i64,
) -> Result<Opened, Error> {
    let stored: Option<Vec<u8>> = sqlx::query_scalar("SELECT value FROM root_check WHERE id = 1")
        .fetch_optional(&mut *conn)
        .await?;
    let rows = sqlx::query("SELECT key_id, state, value FROM kek_ring ORDER BY key_id")
        .fetch_all(&mut *conn)
        .await?;
    let Some(stored) = stored else {
        return match rows.first() {
            None => create(conn, root, rng, now_ms).await,
            Some(_) => Err(broken("root_check", "1")),
        };
    };
    if stored != root.check() {
        return Err(Error::WrongRoot {
            root_key_id: root.key_id(),
            expected: stored.iter().map(|byte| format!("{byte:02x}")).collect(),
            found: root.key_id(),
        });
    }
    let mut active = None;
    let mut opening = Vec::new();
    for row in rows {
        let id: i64 = row.try_get("key_id")?;
        let state: String = row.try_get("state")?;
        let wrapped: Vec<u8> = row.try_get("value")?;
        let kek = u32::try_from(id)
            .ok()
            .and_then(|id| KeyEncryptionKey::unwrap(root, id, &wrapped).ok())
            .ok_or_else(|| broken("kek_ring", &id.to_string()))?;
        match state.as_str() {
            ACTIVE if active.is_none() => active = Some(kek),
            OPENING => opening.push(kek),
            _ => return Err(broken("kek_ring", &id.to_string())),
        }
    }
    let mut ring = KekRing::new(active.ok_or_else(|| broken("kek_ring", ACTIVE))?);
    for kek in opening {
        let id = kek.id();
        ring.add_opening(kek).map_err(|_| broken("kek_ring", &id.to_string()))?;
    }
    Ok(Opened::Found(ring))
}

async fn create(
    conn: &mut SqliteConnection,
    root: &RootKey,
    rng: &dyn Rng,
    now_ms: i64,
) -> Result<Opened, Error> {
    let kek = KeyEncryptionKey::generate(FIRST, rng).expect("the first id is not zero");
    let wrapped = kek.wrap(root, rng).expect("a kek is 32 bytes, far below the limit");
    sqlx::query("INSERT INTO root_check (id, value) VALUES (1, $1)")
        .bind(root.check().as_slice())
        .execute(&mut *conn)
        .await?;
    sqlx::query("INSERT INTO kek_ring (key_id, state, value, created_ms) VALUES ($1, $2, $3, $4)")
        .bind(i64::from(FIRST))
        .bind(ACTIVE)
        .bind(wrapped)
        .bind(now_ms)
        .execute(conn)
        .await?;
    Ok(Opened::Created(KekRing::new(kek)))
}

fn broken(table: &'static str, row: &str) -> Error {
    Error::Integrity { table, row: row.to_owned() }
}

const FIRST: u32 = 1;
const ACTIVE: &str = "active";
const OPENING: &str = "opening";
