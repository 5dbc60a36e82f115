//! Opening the database: for the right root key, schema and user, or not at all.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use portcullis_store::{Error, Location};

use crate::support::{add, file, folder, open, open_all, root, vandalize};

#[tokio::test]
async fn another_root_key_is_refused_and_both_ids_are_named() {
    let (_folder, path) = folder();
    file(&path).await.store.close().await;
    let wrong = open(Location::File(path.clone()), root(2), "n1").await.unwrap_err();
    let (expected, got) = (root(1).key_id(), root(2).key_id());
    assert_ne!(expected, got);
    assert_eq!(
        wrong.to_string(),
        format!(
            "root key id {got} does not open this database (expected check {expected}, got {got})"
        )
    );
    file(&path).await;
}

#[tokio::test]
async fn a_ring_that_was_tampered_with_is_refused() {
    for statement in [
        "UPDATE kek_ring SET key_id = 2",
        "UPDATE kek_ring SET state = 'opening'",
        "UPDATE kek_ring SET value = x'00' || substr(value, 2)",
        "DELETE FROM kek_ring",
        "DELETE FROM root_check",
        "UPDATE audit_nodes SET value = (SELECT value FROM kek_ring)",
    ] {
        let (_folder, path) = folder();
        file(&path).await.store.close().await;
        vandalize(&path, statement).await;
        let refused = open(Location::File(path), root(1), "n1").await;
        assert!(matches!(refused, Err(Error::Integrity { .. })), "{statement}: {refused:?}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, path) = folder();
    file(&path).await.store.close().await;
    vandalize(&path, "INSERT INTO schema_migrations (version, applied_ms) VALUES (99, 0)").await;
    let newer = open(Location::File(path), root(1), "n1").await.unwrap_err();
    assert!(matches!(newer, Error::Newer { found: 99, .. }), "{newer:?}");
}

#[tokio::test]
async fn a_database_others_can_read_is_refused() {
    for (mode, expected) in [(0o600, true), (0o640, false), (0o604, false), (0o400, true)] {
        let (_folder, path) = folder();
        file(&path).await.store.close().await;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let opened = open(Location::File(path), root(1), "n1").await;
        match opened {
            // Root may write what is marked read-only; others cannot.
            Ok(_) | Err(Error::Full) => assert!(expected, "{mode:o}"),
            Err(error) => assert!(matches!(error, Error::Open { .. }) && !expected, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn files_and_folders_are_for_their_owner_only() {
    let (_folder, path) = folder();
    let path = path.parent().unwrap().join("deep/er/portcullis.db");
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        assert_eq!(mode(Path::new(&file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let (_folder, path) = folder();
    fs::write(&path, "no database ".repeat(1000)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = open(Location::File(path), root(1), "n1").await;
    assert!(matches!(refused, Err(Error::Database(_) | Error::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    bench.store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let refused = open(Location::File(path), root(1), "n1").await;
    assert!(matches!(refused, Err(Error::Database(_) | Error::Damaged { .. })), "{refused:?}");
}

/// What a crash leaves behind is what lies on disk while the store is open.
#[tokio::test]
async fn a_copy_taken_while_open_is_whole() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    let (_elsewhere, copy) = folder();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", path.display());
        fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
    }
    let bench = file(&copy).await;
    assert_eq!(open_all(&bench.store, "film").await.len(), 2);
    assert_eq!(bench.store.audit().verify(&[]).await.unwrap().faults, []);
}

#[tokio::test]
async fn nothing_is_written_after_closing() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    bench.store.close().await;
    let wal = format!("{}-wal", path.display());
    assert!(!Path::new(&wal).exists(), "the log was written back and removed");
}
