//! The audit log: complete, in order, and not to be changed unseen.

use std::{fs, path::PathBuf};

use portcullis_store::{
    Error, Location,
    audit::{Action, Checkpoint, Member, Outcome, Record, verify::FaultKind},
};

use crate::support::{START_MS, add, file, folder, memory, open, open_at, root, vandal, vandalize};

fn record(object: &str) -> Record {
    Record::new(Action::LicenseIssue, "player", object, "t1").with(Member::RequestId, "r-1")
}

#[tokio::test]
async fn what_is_begun_is_durable_before_it_is_done_and_closed_in_order() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let audit = bench.store.audit();
    let mut first = audit.begin(record("content:a")).await.unwrap();
    let second = audit.begin(record("content:b")).await.unwrap();
    assert_eq!(stored(&path).await.last().unwrap().0, second.seq());

    first.note(Member::Reason, "window.closed");
    let (first_seq, second_seq) = (first.seq(), second.seq());
    // Neither is waited for: their places are taken all the same.
    drop(second.close(Outcome::Ok));
    drop(first.close(Outcome::Refused));
    let last = audit.append(&record("content:c"), Outcome::Ok).await.unwrap();
    let log = stored(&path).await;
    assert_eq!(log.last().unwrap().0, last);
    let [.., b, a, c] = log.as_slice() else { panic!("{log:?}") };
    for (entry, parts) in [
        (b, vec![format!("\"grant\":{second_seq},"), "\"outcome\":\"ok\"".into()]),
        (a, vec![format!("\"grant\":{first_seq},"), "\"outcome\":\"refused\"".into()]),
        (a, vec!["\"reason\":\"window.closed\"".into(), "\"request_id\":\"r-1\"".into()]),
        (c, vec!["\"object\":\"content:c\"".into(), format!("\"seq\":{last},")]),
    ] {
        for part in parts {
            assert!(entry.1.contains(&part), "{part} in {}", entry.1);
        }
    }
    assert!(!c.1.contains("grant"));
}

#[tokio::test]
async fn what_is_dropped_is_closed_as_abandoned() {
    let bench = memory().await;
    let audit = bench.store.audit();
    let entry = audit.begin(record("content:a")).await.unwrap();
    let opened = entry.seq();
    drop(entry);
    audit.append(&record("content:b"), Outcome::Ok).await.unwrap();
    let log = audit.records("n1", opened + 1, 1).await.unwrap();
    assert!(log[0].contains("\"outcome\":\"abandoned\""), "{log:?}");
}

#[tokio::test]
async fn what_was_never_closed_is_unknown_after_a_minute() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let open_one = bench.store.audit().begin(record("content:a")).await.unwrap();
    let closed = bench.store.audit().begin(record("content:b")).await.unwrap();
    closed.close(Outcome::Ok).await.unwrap();
    // A crash: what is on disk now, and nothing that follows.
    let (_elsewhere, copy) = folder();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", path.display());
        fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
    }
    for (after_s, expected) in [(60, vec![]), (61, vec![open_one.seq()])] {
        let now_ms = START_MS + after_s * 1000;
        let bench = open_at(Location::File(copy.clone()), root(1), "n1", now_ms).await.unwrap();
        let report = bench.store.audit().verify(&[]).await.unwrap();
        assert_eq!(report.faults, []);
        let unknown: Vec<_> = report.unknown.iter().map(|unknown| unknown.seq).collect();
        assert_eq!(unknown, expected, "{after_s}");
        bench.store.close().await;
    }
}

#[tokio::test]
async fn many_at_once_make_one_chain_without_gaps() {
    let (_folder, path) = folder();
    let bench = std::sync::Arc::new(file(&path).await);
    // A second process that is the same node, as a command line beside a server.
    let beside = std::sync::Arc::new(file(&path).await);
    let mut tasks = Vec::new();
    for task in 0..64 {
        let bench = if task % 2 == 0 { bench.clone() } else { beside.clone() };
        tasks.push(tokio::spawn(async move {
            for _ in 0..5 {
                let entry = bench.store.audit().begin(record("content:a")).await.unwrap();
                entry.close(Outcome::Ok).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let report = bench.store.audit().verify(&[]).await.unwrap();
    assert_eq!((report.faults, report.unknown), (vec![], vec![]));
    let node = &report.nodes[0];
    assert_eq!(node.records, node.last);
    assert!(node.last >= 640, "{}", node.last);
}

/// A log of twelve records or more, closed, with the checkpoints that were signed.
async fn ready() -> (tempfile::TempDir, PathBuf, Vec<Checkpoint>) {
    let (folder, path) = folder();
    let bench = file(&path).await;
    for _ in 0..12 {
        bench.store.audit().append(&record("content:a"), Outcome::Ok).await.unwrap();
    }
    let checkpoints = bench.checkpoints.clone();
    bench.store.close().await;
    let checkpoints = checkpoints.lock().unwrap().clone();
    assert_eq!(checkpoints.len(), 1, "one is signed at the end");
    (folder, path, checkpoints)
}

#[tokio::test]
async fn every_change_from_outside_is_named() {
    let last = {
        let (_folder, _path, checkpoints) = ready().await;
        checkpoints[0].seq()
    };
    let foreign = "{\"action\":\"start\",\"node\":\"n1\",\"seq\":6}";
    for (statement, expected) in [
        (
            "UPDATE audit SET record = replace(record, 'content:a', 'content:b') WHERE seq = 5",
            vec![(5, FaultKind::Edited)],
        ),
        ("UPDATE audit SET record = 'nothing' WHERE seq = 5", vec![(5, FaultKind::Edited)]),
        ("DELETE FROM audit WHERE seq = 5", vec![(6, FaultKind::Gap { missing: 1 })]),
        ("DELETE FROM audit WHERE seq IN (1, 2)", vec![(3, FaultKind::Gap { missing: 2 })]),
        (
            "UPDATE audit SET seq = CASE seq WHEN 5 THEN -6 ELSE -5 END WHERE seq IN (5, 6);
             UPDATE audit SET seq = -seq WHERE seq < 0",
            vec![(5, FaultKind::Reordered { from: 6 }), (6, FaultKind::Reordered { from: 5 })],
        ),
        (
            "UPDATE audit SET mac = zeroblob(32) WHERE seq = 5",
            vec![(5, FaultKind::Foreign), (6, FaultKind::Edited)],
        ),
        (
            "UPDATE audit SET node = 'n2' WHERE seq > 3",
            vec![
                (3, FaultKind::Truncated { expected: last }),
                (4, FaultKind::Gap { missing: 3 }),
                (4, FaultKind::Foreign),
            ],
        ),
        ("DELETE FROM audit WHERE seq > 7", vec![(7, FaultKind::Truncated { expected: last })]),
        ("DELETE FROM audit", vec![(0, FaultKind::Truncated { expected: last })]),
    ] {
        let (_folder, path, checkpoints) = ready().await;
        sqlx::raw_sql(statement).execute(&mut vandal(&path).await).await.unwrap();
        // Another node reads, so that this one's chain stays as the vandal left it.
        let bench = open(Location::File(path), root(1), "reader").await.unwrap();
        let report = bench.store.audit().verify(&checkpoints).await.unwrap();
        let faults: Vec<_> = report.faults.iter().map(|fault| (fault.seq, fault.kind)).collect();
        assert_eq!(faults[..expected.len().min(faults.len())], expected, "{statement}");
        assert!(statement.contains("'n2'") || faults.len() == expected.len(), "{faults:?}");
    }
    let (_folder, path, checkpoints) = ready().await;
    sqlx::query("INSERT INTO audit (node, seq, record, mac) VALUES ('n1', $1, $2, zeroblob(32))")
        .bind(i64::try_from(last).unwrap() + 1)
        .bind(foreign)
        .execute(&mut vandal(&path).await)
        .await
        .unwrap();
    let bench = open(Location::File(path), root(1), "reader").await.unwrap();
    let report = bench.store.audit().verify(&checkpoints).await.unwrap();
    let kinds: Vec<_> = report.faults.iter().map(|fault| fault.kind).collect();
    assert!(matches!(kinds[..], [FaultKind::Foreign | FaultKind::Reordered { .. }]), "{kinds:?}");
}

#[tokio::test]
async fn an_end_that_is_cut_off_shows_only_against_checkpoints() {
    let (_folder, path, checkpoints) = ready().await;
    vandalize(&path, "DELETE FROM audit WHERE seq > 7").await;
    let bench = open(Location::File(path), root(1), "n1").await.unwrap();
    assert_eq!(bench.store.audit().verify(&[]).await.unwrap().faults, []);
    // The node writes on where the vandal left it, and past the checkpoint.
    for _ in 0..20 {
        bench.store.audit().append(&record("content:b"), Outcome::Ok).await.unwrap();
    }
    let faults = bench.store.audit().verify(&checkpoints).await.unwrap().faults;
    let seq = checkpoints[0].seq();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!((fault.seq, fault.kind), (seq, FaultKind::Rewritten));
}

#[tokio::test]
async fn a_checkpoint_is_good_for_its_own_node_and_number_only() {
    let (_folder, path, checkpoints) = ready().await;
    let line = checkpoints[0].to_string();
    let bench = open(Location::File(path), root(1), "n2").await.unwrap();
    let seq = checkpoints[0].seq();
    for (changed, good) in [
        (line.clone(), true),
        (line.replacen(" n1 ", " n2 ", 1), false),
        (line.replacen(&format!(" {seq} "), " 3 ", 1), false),
    ] {
        let checkpoint: Checkpoint = changed.parse().unwrap();
        let faults = bench.store.audit().verify(&[checkpoint]).await.unwrap().faults;
        let false_one = faults.iter().any(|fault| fault.kind == FaultKind::FalseCheckpoint);
        assert_eq!((faults.is_empty(), false_one), (good, !good), "{changed}");
    }
}

#[tokio::test]
async fn a_write_that_fails_leaves_no_record() {
    let bench = memory().await;
    add(&bench.store, "film", "t1").await;
    let before = bench.store.audit().records("n1", 0, 1000).await.unwrap().len();
    let film = crate::support::content("film", "t2", "open");
    let refused = bench.store.put_content(&film, &crate::support::author()).await;
    assert!(matches!(refused, Err(Error::Taken { .. })));
    assert_eq!(bench.store.audit().records("n1", 0, 1000).await.unwrap().len(), before);
    assert_eq!(bench.store.audit().verify(&[]).await.unwrap().faults, []);
}

#[tokio::test]
async fn a_viewer_has_one_pseudonym_per_tenant() {
    let bench = memory().await;
    let audit = bench.store.audit();
    let name = |tenant: &str, user: &str| {
        audit.pseudonym(&tenant.parse().unwrap(), &user.parse().unwrap())
    };
    assert_eq!(name("t1", "alice"), name("t1", "alice"));
    assert_ne!(name("t1", "alice"), name("t2", "alice"));
    assert_ne!(name("t1", "1alice"), name("t11", "alice"));
    assert!(!name("t1", "alice").contains("alice"));
    assert_eq!(name("t1", "alice").len(), "user:".len() + 24);
}

async fn stored(path: &std::path::Path) -> Vec<(u64, String)> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT seq, record FROM audit WHERE node = 'n1' ORDER BY seq")
            .fetch_all(&mut vandal(path).await)
            .await
            .unwrap();
    rows.into_iter().map(|(seq, record)| (u64::try_from(seq).unwrap(), record)).collect()
}
