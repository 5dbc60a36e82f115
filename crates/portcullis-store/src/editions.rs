//! Editions: the different media that were encrypted under one content's keys, counted.
//!
//! In counter mode the same key and IV must never meet two plaintexts. The packager puts the
//! edition into every IV; here it is made sure that different media get different numbers and
//! that the same media get the same number again, so that they package to the same bytes.
//! What makes media the same is the caller's digest; nothing is known here of media or keys.
//!
//! Counting starts at a number cut from the digest, not at 0: should a restored backup have
//! forgotten editions, media that are new then meet a forgotten one by rare chance only, and
//! media that were there before get the number they had.

use portcullis_base::{ContentId, Scheme};
use sqlx::SqliteConnection;

use crate::{Error, Store};

impl Store {
    /// The number of the media with this digest among all that were encrypted under the
    /// content's keys for `scheme`. Media that are new get one that is free.
    ///
    /// # Errors
    ///
    /// When the content does not exist, 65,536 editions were counted already, or the database
    /// fails.
    pub async fn packaging_edition(
        &self,
        content: &ContentId,
        scheme: Scheme,
        version: &[u8; 32],
    ) -> Result<u16, Error> {
        let (content, version) = (content.to_string(), version.to_vec());
        self.writer
            .run(move |session| {
                Box::pin(async move {
                    let conn = &mut session.conn;
                    if let Some(known) = find(conn, &content, scheme, &version).await? {
                        return number(known);
                    }
                    let taken: Vec<i64> = sqlx::query_scalar(
                        "SELECT edition FROM editions WHERE content = $1 AND scheme = $2",
                    )
                    .bind(&content)
                    .bind(scheme.as_str())
                    .fetch_all(&mut *conn)
                    .await?;
                    let edition = first_free(&version, &taken)?;
                    insert(conn, content, scheme, &version, edition).await?;
                    Ok(edition)
                })
            })
            .await
    }
}

async fn find(
    conn: &mut SqliteConnection,
    content: &str,
    scheme: Scheme,
    version: &[u8],
) -> Result<Option<i64>, Error> {
    let known = sqlx::query_scalar(
        "SELECT edition FROM editions WHERE content = $1 AND scheme = $2 AND version = $3",
    )
    .bind(content)
    .bind(scheme.as_str())
    .bind(version)
    .fetch_optional(conn)
    .await?;
    Ok(known)
}

async fn insert(
    conn: &mut SqliteConnection,
    content: String,
    scheme: Scheme,
    version: &[u8],
    edition: u16,
) -> Result<(), Error> {
    let written = sqlx::query(
        "INSERT INTO editions (content, scheme, version, edition) VALUES ($1, $2, $3, $4)",
    )
    .bind(&content)
    .bind(scheme.as_str())
    .bind(version)
    .bind(i64::from(edition))
    .execute(conn)
    .await;
    match written {
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
            Err(Error::Missing { what: "content", name: content })
        }
        written => Ok(written.map(|_| ())?),
    }
}

/// The first number that is not taken, from the one the digest begins with on.
fn first_free(version: &[u8], taken: &[i64]) -> Result<u16, Error> {
    let start = version.first_chunk().map_or(0, |head| u16::from_be_bytes(*head));
    (0..=u16::MAX)
        .map(|step| start.wrapping_add(step))
        .find(|edition| !taken.contains(&i64::from(*edition)))
        .ok_or(FULL)
}

fn number(edition: i64) -> Result<u16, Error> {
    u16::try_from(edition).map_err(|_| FULL)
}

const FULL: Error = Error::Long { what: "the list of a content's editions", max: 1 << 16 };
