//! The keys with which tokens are verified and signed, sealed.
//!
//! A set of keys belongs to an owner: a key policy, or a set of edge keys. The store does not
//! know what an algorithm's name means; it binds the name, the order and the key's id to the
//! sealed bytes, so that nobody who can only write to the database can make an HMAC secret
//! out of a public key. Public keys are sealed as well: exchanging one is as good as forging.

use portcullis_base::{PolicyName, SecretBytes};
use portcullis_keys::sealed::Place;
use sqlx::{Row as _, SqliteConnection};

use crate::{
    Author, Change, Error, Store,
    audit::{Action, Member, Outcome},
    snapshot::{SealedTokenKey, bump},
    store::signed_ms,
    vault::{Vault, too_long},
};

/// What a token key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKeyUse {
    /// Tokens are signed with it.
    Sign,
    /// Tokens are verified with it.
    Verify,
}

impl TokenKeyUse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
        }
    }
}

/// One key in the clear.
#[derive(Debug)]
pub struct TokenKey {
    /// Its id, as tokens name it; empty for none.
    pub kid: String,
    /// The name of its one algorithm: `HS256`, `ES256`, `edge`.
    pub algorithm: String,
    /// A secret, or a key in PEM.
    pub material: SecretBytes,
}

impl Store {
    /// Replaces an owner's keys of one use, primary first. Asked for twice, it is written
    /// once.
    ///
    /// # Errors
    ///
    /// When there are more than 8 keys, one is longer than 64 KiB, a stored one does not
    /// open, or the database fails.
    pub async fn put_token_keys(
        &self,
        owner: &PolicyName,
        key_use: TokenKeyUse,
        keys: Vec<TokenKey>,
        author: &Author,
    ) -> Result<Change, Error> {
        if keys.len() > KEYS_MAX {
            return Err(Error::Long { what: "a list of token keys", max: KEYS_MAX });
        }
        let vault = self.vault();
        let sealed = (0..)
            .zip(&keys)
            .map(|(position, key)| vault.seal_token_key(owner, key_use, position, key))
            .collect::<Result<Vec<_>, Error>>()?;
        let ring = vault.ring.clone();
        let (owner, now_ms) = (owner.clone(), self.clock.now_ms());
        let record = author.record(Action::TokenKeysPut, &format!("token_keys:{owner}"), "").with(
            Member::After,
            &keys
                .iter()
                .map(|key| format!("{} {} `{}`", key_use.as_str(), key.algorithm, key.kid))
                .collect::<Vec<_>>()
                .join(", "),
        );
        self.change(move |session| {
            Box::pin(async move {
                let before = read(&mut session.conn, &owner, key_use).await?;
                let same = before.len() == keys.len()
                    && before.iter().zip(&keys).all(|(sealed, key)| {
                        let row_key = row_key(&owner, sealed);
                        sealed.kid == key.kid
                            && sealed.algorithm == key.algorithm
                            && ring
                                .open(&place(&row_key), &sealed.value)
                                .is_ok_and(|old| old.ct_eq(key.material.expose()))
                    });
                if same {
                    return Ok(Change::Unchanged);
                }
                replace(&mut session.conn, &owner, key_use, &sealed, signed_ms(now_ms)).await?;
                bump(&mut session.conn).await?;
                session.record(&record.draft(now_ms, Outcome::Ok)).await?;
                Ok(if before.is_empty() { Change::Created } else { Change::Updated })
            })
        })
        .await
    }

    /// Opens an owner's keys of one use, primary first. Does not touch the database, unless
    /// a key does not open.
    ///
    /// # Errors
    ///
    /// When one of them does not open, or the snapshot is too old. Both mean: refuse.
    pub fn token_keys(
        &self,
        owner: &PolicyName,
        key_use: TokenKeyUse,
    ) -> Result<Vec<TokenKey>, Error> {
        let snapshot = self.snapshots.current()?;
        let Some(keys) = snapshot.token_keys.get(owner) else { return Ok(Vec::new()) };
        keys.iter()
            .filter(|key| key.purpose == key_use.as_str())
            .map(|key| self.vault().open_token_key(owner, key))
            .collect()
    }

    /// The keys that verify the tokens of a key policy.
    ///
    /// # Errors
    ///
    /// As [`Store::token_keys`].
    pub fn trust(&self, policy: &PolicyName) -> Result<Vec<TokenKey>, Error> {
        self.token_keys(policy, TokenKeyUse::Verify)
    }
}

impl Vault {
    fn seal_token_key(
        &self,
        owner: &PolicyName,
        key_use: TokenKeyUse,
        position: i64,
        key: &TokenKey,
    ) -> Result<SealedTokenKey, Error> {
        let mut sealed = SealedTokenKey {
            purpose: key_use.as_str().to_owned(),
            position,
            algorithm: key.algorithm.clone(),
            kid: key.kid.clone(),
            value: Vec::new(),
        };
        let row_key = row_key(owner, &sealed);
        let value = self.ring.seal(&place(&row_key), key.material.expose(), &*self.rng);
        sealed.value = value.map_err(too_long("a token key"))?;
        Ok(sealed)
    }

    fn open_token_key(&self, owner: &PolicyName, key: &SealedTokenKey) -> Result<TokenKey, Error> {
        let row_key = row_key(owner, key);
        match self.ring.open(&place(&row_key), &key.value) {
            Ok(material) => {
                Ok(TokenKey { kid: key.kid.clone(), algorithm: key.algorithm.clone(), material })
            }
            Err(error) => {
                let row = format!("{owner} {} {}", key.purpose, key.position);
                self.broken_soon("token_keys", &row, &error.fault().to_string());
                Err(Error::Integrity { table: "token_keys", row })
            }
        }
    }
}

async fn read(
    conn: &mut SqliteConnection,
    owner: &PolicyName,
    key_use: TokenKeyUse,
) -> Result<Vec<SealedTokenKey>, Error> {
    let rows = sqlx::query(
        "SELECT position, algorithm, kid, value FROM token_keys
         WHERE owner = $1 AND purpose = $2 ORDER BY position",
    )
    .bind(owner.as_str())
    .bind(key_use.as_str())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(SealedTokenKey {
                purpose: key_use.as_str().to_owned(),
                position: row.try_get("position")?,
                algorithm: row.try_get("algorithm")?,
                kid: row.try_get("kid")?,
                value: row.try_get("value")?,
            })
        })
        .collect()
}

async fn replace(
    conn: &mut SqliteConnection,
    owner: &PolicyName,
    key_use: TokenKeyUse,
    keys: &[SealedTokenKey],
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM token_keys WHERE owner = $1 AND purpose = $2")
        .bind(owner.as_str())
        .bind(key_use.as_str())
        .execute(&mut *conn)
        .await?;
    for key in keys {
        sqlx::query(
            "INSERT INTO token_keys
             (owner, purpose, position, algorithm, kid, value, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(owner.as_str())
        .bind(&key.purpose)
        .bind(key.position)
        .bind(&key.algorithm)
        .bind(&key.kid)
        .bind(&key.value)
        .bind(now_ms)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What a sealed token key is bound to. Only the last part can contain a line feed.
fn row_key(owner: &PolicyName, key: &SealedTokenKey) -> Vec<u8> {
    let SealedTokenKey { purpose, position, algorithm, kid, .. } = key;
    format!("{owner}\n{purpose}\n{position}\n{}\n{algorithm}{kid}", algorithm.len()).into_bytes()
}

const fn place(row_key: &[u8]) -> Place<'_> {
    Place { purpose: "token_key", tenant: "", table: "token_keys", row_key, column: "value" }
}

/// SPEC: SEC-26: at most 8 keys are tried.
const KEYS_MAX: usize = 8;
