//! T01, T02: what lies in the database is of no use to a thief and of none to a vandal.

use std::fs;

use base64::{Engine as _, engine::general_purpose};
use portcullis_base::{KeyId, SecretBytes};
use portcullis_store::{Error, TokenKey, TokenKeyUse};

use crate::support::{
    add, author, content, file, folder, grants, key_policy, open_all, root, vandal, vandalize,
};

/// Everything of which a thief of the files would know how to make use.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    let hex = hex::encode(secret);
    forms.push(hex.to_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    for engine in [&general_purpose::STANDARD_NO_PAD, &general_purpose::URL_SAFE_NO_PAD] {
        // At each of the three positions a secret can have inside a longer base64 text, less
        // the characters at both ends that hold bits of something else.
        for before in 0..3_usize {
            let mut shifted = vec![0; before];
            shifted.extend_from_slice(secret);
            let text = engine.encode(shifted).into_bytes();
            forms.push(text[(before * 8).div_ceil(6)..text.len() - 1].to_vec());
        }
    }
    if let Ok(bytes) = <[u8; 16]>::try_from(secret) {
        let guid = KeyId::from_bytes(bytes).to_guid_bytes();
        forms.push(guid.to_vec());
        forms.push(hex::encode(guid).into_bytes());
        forms.push(KeyId::from_bytes(bytes).to_string().into_bytes());
        forms.push(KeyId::from_bytes(guid).to_string().into_bytes());
    }
    forms
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn the_files_hold_no_secret_in_any_form() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    let token_secret = *b"a token secret of thirty-two by.";
    let key = TokenKey {
        kid: "k".into(),
        algorithm: "HS256".into(),
        material: SecretBytes::new(token_secret.to_vec()),
    };
    let owner = "open".parse().unwrap();
    let put = bench.store.put_token_keys(&owner, TokenKeyUse::Verify, vec![key], &author()).await;
    put.unwrap();

    let mut secrets: Vec<Vec<u8>> =
        open_all(&bench.store, "film").await.iter().map(|key| key.expose().to_vec()).collect();
    assert_eq!(secrets.len(), 2);
    secrets.extend(token_secret.windows(16).map(<[u8]>::to_vec));
    secrets.push([1; 16].to_vec());
    for label in portcullis_keys::root::Label::ALL {
        secrets.extend(root(1).derive(label).expose().chunks(16).map(<[u8]>::to_vec));
    }

    let wal = fs::read(format!("{}-wal", path.display())).unwrap();
    let memory = fs::read(format!("{}-shm", path.display())).unwrap();
    bench.store.close().await;
    let database = fs::read(&path).unwrap();
    assert!(holds(&wal, b"film") && holds(&database, b"film"), "the search itself works");
    for secret in secrets {
        for form in forms(&secret) {
            for (name, bytes) in [("wal", &wal), ("shm", &memory), ("database", &database)] {
                assert!(!holds(bytes, &form), "{name} holds {}", hex::encode(&form));
            }
        }
    }
}

#[tokio::test]
async fn a_key_opens_only_where_it_was_sealed() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "cheap", "t1").await;
    add(&bench.store, "premium", "t1").await;
    add(&bench.store, "foreign", "t2").await;
    // Grants are made before the vandal comes, and opened by a store that knows nothing.
    let cheap = grants(&bench.store, "cheap");
    let foreign = grants(&bench.store, "foreign");
    bench.store.close().await;
    let original = fs::read(&path).unwrap();

    for statement in [
        // The ciphertexts of two keys of one content, of two contents, of two tenants.
        "CREATE TABLE other AS SELECT * FROM content_keys;
         UPDATE content_keys SET value = other.value FROM other
         WHERE other.content = content_keys.content AND other.class <> content_keys.class",
        "CREATE TABLE other AS SELECT * FROM content_keys;
         UPDATE content_keys SET value = other.value FROM other
         WHERE other.content = 'premium' AND other.class = content_keys.class",
        "CREATE TABLE other AS SELECT * FROM content_keys;
         UPDATE content_keys SET value = other.value FROM other
         WHERE other.tenant <> content_keys.tenant AND other.class = content_keys.class",
        // The tenants; ciphertext, content and all else stay.
        "UPDATE content_keys SET tenant = CASE tenant WHEN 't1' THEN 't2' ELSE 't1' END",
        // Whole rows handed to another content.
        "UPDATE content_keys SET content = content || '2';
         UPDATE content_keys SET content = CASE content WHEN 'cheap2' THEN 'premium'
         WHEN 'premium2' THEN 'foreign' ELSE 'cheap' END",
        // Another purpose and table.
        "UPDATE content_keys SET value = (SELECT value FROM kek_ring)",
        "UPDATE content_keys SET value = (SELECT value FROM audit_nodes)",
        // One bit, one byte less, nothing.
        "UPDATE content_keys SET value = substr(value, 1, 49) ||
         CASE substr(value, 50) WHEN x'00' THEN x'01' ELSE x'00' END",
        "UPDATE content_keys SET value = substr(value, 1, 49)",
        "UPDATE content_keys SET value = x''",
    ] {
        fs::write(&path, &original).unwrap();
        vandalize(&path, statement).await;
        let bench = file(&path).await;
        for grant in cheap.iter().chain(&foreign) {
            let opened = bench.store.vault().open(grant).await;
            assert!(
                matches!(opened, Err(Error::Integrity { table: "content_keys", .. })),
                "{statement}: {opened:?}"
            );
        }
        let log = bench.store.audit().records("n1", 0, 1000).await.unwrap();
        let faults = log.iter().filter(|record| record.contains("\"integrity.fault\"")).count();
        assert_eq!(faults, cheap.len() + foreign.len(), "{statement}");
        bench.store.close().await;
    }

    fs::write(&path, &original).unwrap();
    let bench = file(&path).await;
    for grant in cheap.iter().chain(&foreign) {
        assert_eq!(bench.store.vault().open(grant).await.unwrap().kid(), *grant.kid());
    }
}

#[tokio::test]
async fn a_key_under_another_id_does_not_open() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let keys = add(&bench.store, "film", "t1").await;
    bench.store.close().await;
    let mut vandal = vandal(&path).await;
    for (from, to) in [(0, "x"), (1, "0"), (2, "1")] {
        let from = if from == 2 { "x".to_owned() } else { keys[from].kid.to_string() };
        let to = to.parse::<usize>().map_or(to.to_owned(), |index| keys[index].kid.to_string());
        sqlx::query("UPDATE content_keys SET kid = $1 WHERE kid = $2")
            .bind(to)
            .bind(from)
            .execute(&mut vandal)
            .await
            .unwrap();
    }
    drop(vandal);
    let bench = file(&path).await;
    for grant in grants(&bench.store, "film") {
        let opened = bench.store.vault().open(&grant).await;
        assert!(matches!(opened, Err(Error::Integrity { .. })), "{opened:?}");
    }
}

#[tokio::test]
async fn a_content_moved_to_another_tenant_gets_no_key() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    bench.store.close().await;
    vandalize(&path, "UPDATE contents SET tenant = 't2'").await;
    vandalize(&path, "UPDATE content_keys SET tenant = 't2'").await;
    let bench = file(&path).await;
    for grant in grants(&bench.store, "film") {
        assert_eq!(grant.tenant().as_str(), "t2");
        let opened = bench.store.vault().open(&grant).await;
        assert!(matches!(opened, Err(Error::Integrity { .. })), "{opened:?}");
    }
}

#[tokio::test]
async fn nothing_that_prints_prints_a_secret() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    bench.store.put_key_policy(&key_policy("other"), &author()).await.unwrap();
    bench.store.put_content(&content("film", "t1", "other"), &author()).await.unwrap();
    let keys = open_all(&bench.store, "film").await;
    let printed = format!("{bench:?} {keys:?} {:?}", grants(&bench.store, "film"));
    let as_list = |bytes: &[u8]| {
        let list: Vec<_> = bytes.iter().map(ToString::to_string).collect();
        list.join(", ").into_bytes()
    };
    for key in &keys {
        for form in forms(key.expose()).iter().chain([&as_list(key.expose())]) {
            assert!(!holds(printed.as_bytes(), form));
        }
    }
    assert!(!holds(printed.as_bytes(), &as_list(bench.store.api_key_pepper().expose())));
}
