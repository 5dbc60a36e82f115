//! Token keys: sealed, in order, and bound to their algorithm.

use portcullis_base::SecretBytes;
use portcullis_store::{Change, Error, TokenKey, TokenKeyUse};

use crate::support::{author, file, folder, memory, vandalize};

fn key(kid: &str, algorithm: &str, material: &[u8]) -> TokenKey {
    let material = SecretBytes::new(material.to_vec());
    TokenKey { kid: kid.into(), algorithm: algorithm.into(), material }
}

fn describe(keys: &[TokenKey]) -> Vec<(String, String, Vec<u8>)> {
    let one =
        |key: &TokenKey| (key.kid.clone(), key.algorithm.clone(), key.material.expose().to_vec());
    keys.iter().map(one).collect()
}

#[tokio::test]
async fn keys_come_back_in_order_and_apart_by_owner_and_use() {
    let bench = memory().await;
    let (store, author) = (&bench.store, author());
    let (mine, other) = ("mine".parse().unwrap(), "other".parse().unwrap());
    let set = || vec![key("", "HS256", b"b"), key("", "HS256", b"a"), key("k", "ES256", b"c")];
    for expected in [Change::Created, Change::Unchanged] {
        let put = store.put_token_keys(&mine, TokenKeyUse::Verify, set(), &author).await;
        assert_eq!(put.unwrap(), expected);
    }
    assert_eq!(describe(&store.trust(&mine).unwrap()), describe(&set()));
    assert!(store.trust(&other).unwrap().is_empty());
    assert!(store.token_keys(&mine, TokenKeyUse::Sign).unwrap().is_empty());

    let reversed = || set().into_iter().rev().collect::<Vec<_>>();
    let put = store.put_token_keys(&mine, TokenKeyUse::Verify, reversed(), &author).await;
    assert_eq!(put.unwrap(), Change::Updated);
    assert_eq!(describe(&store.trust(&mine).unwrap()), describe(&reversed()));
}

#[tokio::test]
async fn eight_keys_are_kept_and_nine_refused() {
    let bench = memory().await;
    let owner = "mine".parse().unwrap();
    for (count, expected) in [(8, true), (9, false)] {
        let keys = (0..count).map(|n| key("", "HS256", &[n])).collect();
        let put = bench.store.put_token_keys(&owner, TokenKeyUse::Verify, keys, &author()).await;
        assert_eq!(put.is_ok(), expected, "{count}");
    }
}

#[tokio::test]
async fn a_changed_algorithm_id_order_use_or_owner_does_not_open() {
    for statement in [
        "UPDATE token_keys SET algorithm = 'HS256'",
        "UPDATE token_keys SET algorithm = 'RS25', kid = '6' || kid",
        "UPDATE token_keys SET kid = 'other'",
        "UPDATE token_keys SET position = 1 - position + 2",
        "UPDATE token_keys SET purpose = 'verify'",
        "UPDATE token_keys SET owner = 'other'",
        "UPDATE token_keys SET value = (SELECT value FROM kek_ring)",
    ] {
        let (_folder, path) = folder();
        let bench = file(&path).await;
        let owner = "mine".parse().unwrap();
        let keys = vec![key("k0", "RS256", b"PEM"), key("k1", "RS256", b"PEM")];
        let put = bench.store.put_token_keys(&owner, TokenKeyUse::Sign, keys, &author()).await;
        put.unwrap();
        bench.store.close().await;
        vandalize(&path, statement).await;

        let bench = file(&path).await;
        for owner in [owner, "other".parse().unwrap()] {
            for key_use in [TokenKeyUse::Sign, TokenKeyUse::Verify] {
                match bench.store.token_keys(&owner, key_use) {
                    Ok(keys) => assert!(keys.is_empty(), "{statement}"),
                    Err(error) => assert!(matches!(error, Error::Integrity { .. })),
                }
            }
        }
        bench.store.close().await;
        let bench = file(&path).await;
        let log = bench.store.audit().records("n1", 0, 100).await.unwrap();
        assert!(log.iter().any(|record| record.contains("integrity.fault")), "{statement}");
    }
}
