//! What was revoked: known to every process, in time, and never skipped.

use std::time::Duration;

use portcullis_base::{TenantId, Timestamp};
use portcullis_policy::model::{Standing, SubjectKind};
use portcullis_store::{Change, Error, Location, Revocation, Store, Subject};

use crate::support::{START_MS, author, file, folder, memory, open, root, vandalize};

const NOW: u64 = START_MS / 1000;

fn tenant() -> TenantId {
    "t1".parse().unwrap()
}

fn subject(kind: SubjectKind, id: &str) -> Subject {
    Subject::new(kind, id).unwrap()
}

fn revocation(kind: SubjectKind, id: &str, until: Option<u64>) -> Revocation {
    let until = until.map(Timestamp);
    Revocation { tenant: tenant(), subject: subject(kind, id), reason: "leaked".into(), until }
}

fn standing_at(store: &Store, kind: SubjectKind, id: &str, now: u64) -> Standing {
    store.revocations().standing(&tenant(), [(kind, id)], Timestamp(now))
}

fn standing(store: &Store, kind: SubjectKind, id: &str) -> Standing {
    standing_at(store, kind, id, NOW)
}

async fn revoke(store: &Store, kind: SubjectKind, id: &str) {
    store.revoke(&revocation(kind, id, None), &author()).await.unwrap();
}

/// Waits until the session stands like this, for two seconds at most.
async fn soon(store: &Store, session: &str, expected: Standing) {
    let stands = async {
        while standing(store, SubjectKind::Session, session) != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), stands).await.unwrap();
}

#[tokio::test]
async fn a_thing_is_revoked_for_its_tenant_and_as_what_it_is() {
    let bench = memory().await;
    let store = &bench.store;
    for kind in SubjectKind::ALL {
        let id = match kind {
            SubjectKind::Key => "10000000-1000-1000-1000-100000000001",
            SubjectKind::Tenant => "t2",
            SubjectKind::Token => "42e753340f86d361503853f9c1671f08",
            _ => "s-1",
        };
        assert_eq!(standing(store, kind, id), Standing::Good);
        assert!(!store.revocations().any(&tenant(), kind));
        revoke(store, kind, id).await;
        assert_eq!(standing(store, kind, id), Standing::Revoked(kind));
        assert!(store.revocations().any(&tenant(), kind));
        let other_tenant = "t3".parse().unwrap();
        let theirs = store.revocations().standing(&other_tenant, [(kind, id)], Timestamp(NOW));
        assert_eq!(theirs, Standing::Good);
    }
    assert_eq!(standing(store, SubjectKind::User, "s-2"), Standing::Good);
    let own = revocation(SubjectKind::Tenant, "t1", None);
    store.revoke(&own, &author()).await.unwrap();
    let whatever = standing(store, SubjectKind::User, "s-2");
    assert_eq!(whatever, Standing::Revoked(SubjectKind::Tenant));
}

#[tokio::test]
async fn a_revocation_ends_when_it_says_and_when_it_is_lifted() {
    let bench = memory().await;
    let (store, kind) = (&bench.store, SubjectKind::Session);
    let until = revocation(kind, "s-1", Some(NOW + 10));
    let change = |new: Revocation| async move { store.revoke(&new, &author()).await.unwrap() };
    assert_eq!(change(until.clone()).await, Change::Created);
    assert_eq!(change(until.clone()).await, Change::Unchanged);
    assert_eq!(standing_at(store, kind, "s-1", NOW + 9), Standing::Revoked(kind));
    assert_eq!(standing_at(store, kind, "s-1", NOW + 10), Standing::Good);
    assert_eq!(change(Revocation { until: None, ..until }).await, Change::Updated);
    assert_eq!(standing_at(store, kind, "s-1", u64::MAX), Standing::Revoked(kind));

    let lift =
        || async { store.lift_revocation(&tenant(), &subject(kind, "s-1"), &author()).await };
    lift().await.unwrap();
    assert_eq!(standing(store, kind, "s-1"), Standing::Good);
    assert!(matches!(lift().await, Err(Error::Missing { .. })), "there is nothing to lift");
    revoke(store, kind, "s-1").await;
    assert_eq!(standing(store, kind, "s-1"), Standing::Revoked(kind));
}

#[tokio::test]
async fn another_process_sees_it_within_two_seconds_and_after_a_restart() {
    let (_folder, path) = folder();
    let here = file(&path).await;
    let there = open(Location::File(path.clone()), root(1), "n2").await.unwrap();
    let kind = SubjectKind::Session;
    for (number, revoked) in [(1, true), (2, true), (1, false), (3, true)] {
        let id = format!("s-{number}");
        let expected = if revoked {
            revoke(&here.store, kind, &id).await;
            Standing::Revoked(kind)
        } else {
            let subject = subject(kind, &id);
            here.store.lift_revocation(&tenant(), &subject, &author()).await.unwrap();
            Standing::Good
        };
        assert_eq!(standing(&here.store, kind, &id), expected);
        soon(&there.store, &id, expected).await;
    }
    there.store.close().await;
    here.store.close().await;
    let again = file(&path).await;
    assert_eq!(standing(&again.store, kind, "s-1"), Standing::Good);
    assert_eq!(standing(&again.store, kind, "s-2"), Standing::Revoked(kind));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_not_skipped() {
    for statement in [
        "UPDATE revocations SET kind = 'sessions'",
        "UPDATE revocations SET until = -1",
        "UPDATE revocations SET subject = ''",
    ] {
        let (_folder, path) = folder();
        let bench = file(&path).await;
        revoke(&bench.store, SubjectKind::Session, "s-1").await;
        bench.store.close().await;
        vandalize(&path, statement).await;
        let bench = file(&path).await;
        let stands = standing(&bench.store, SubjectKind::User, "anybody");
        assert_eq!(stands, Standing::Unknown, "{statement}");
        let listed = bench.store.revocations_after(&tenant(), 0, 10).await;
        assert!(matches!(listed, Err(Error::Integrity { .. })), "{listed:?}");
    }
}

#[tokio::test]
async fn without_word_from_the_database_nobody_can_say_after_a_quarter_of_an_hour() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    vandalize(&path, "INSERT INTO versions VALUES ('x', 0); DROP TABLE versions").await;
    let kind = SubjectKind::Session;
    bench.clock.advance_s(900);
    assert_eq!(standing(&bench.store, kind, "s-1"), Standing::Good);
    bench.clock.advance_s(1);
    assert_eq!(standing(&bench.store, kind, "s-1"), Standing::Unknown);
    assert!(bench.store.revocations().any(&tenant(), kind));
}

#[tokio::test]
async fn a_restored_backup_takes_back_what_came_after_it() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let kind = SubjectKind::Session;
    revoke(&bench.store, kind, "s-1").await;
    revoke(&bench.store, kind, "s-2").await;
    let restored = "DELETE FROM revocations WHERE subject = 's-2';
                    UPDATE versions SET value = 1 WHERE name = 'revocations'";
    vandalize(&path, restored).await;
    soon(&bench.store, "s-2", Standing::Good).await;
    assert_eq!(standing(&bench.store, kind, "s-1"), Standing::Revoked(kind));
}

#[tokio::test]
async fn lists_hear_of_every_change_in_order_and_of_ends_for_a_day() {
    let bench = memory().await;
    let store = &bench.store;
    for id in ["s-1", "s-2", "s-3"] {
        revoke(store, SubjectKind::Session, id).await;
    }
    store
        .lift_revocation(&tenant(), &subject(SubjectKind::Session, "s-1"), &author())
        .await
        .unwrap();
    let after = |version, max| async move {
        let listed = store.revocations_after(&tenant(), version, max).await.unwrap();
        let brief = |one: &portcullis_store::Listed| {
            (one.revocation.subject.id().to_owned(), one.revocation.until.is_some(), one.version)
        };
        listed.iter().map(brief).collect::<Vec<_>>()
    };
    let all =
        [("s-2".into(), false, 2), ("s-3".into(), false, 3), ("s-1".into(), true, 4)].to_vec();
    assert_eq!(after(0, 10).await, all);
    assert_eq!(after(2, 10).await, all[1..]);
    assert_eq!(after(0, 1).await, all[..1]);
    assert_eq!(after(4, 10).await, []);

    bench.clock.advance_s(86_399);
    assert_eq!(store.forget().await.unwrap(), 0);
    bench.clock.advance_s(1);
    assert_eq!(store.forget().await.unwrap(), 1);
    assert_eq!(after(0, 10).await, all[..2]);
}

#[tokio::test]
async fn viewers_stand_in_the_log_by_pseudonym() {
    let bench = memory().await;
    revoke(&bench.store, SubjectKind::User, "alice").await;
    revoke(&bench.store, SubjectKind::Session, "s-42").await;
    let records = bench.store.audit().records("n1", 1, 100).await.unwrap();
    let of_revocations: Vec<_> =
        records.iter().filter(|record| record.contains("revocation.put")).collect();
    assert_eq!(of_revocations.len(), 2, "{records:?}");
    assert!(!of_revocations[0].contains("alice"), "{}", of_revocations[0]);
    assert!(of_revocations[0].contains("\"reason\":\"leaked\""));
    assert!(of_revocations[1].contains("\"object\":\"session:s-42\""));
}

#[test]
fn a_subject_is_written_in_one_way() {
    let check = |kind, text: &str, expected: Option<&str>| {
        let subject = Subject::new(kind, text).ok();
        assert_eq!(subject.as_ref().map(Subject::id), expected, "{kind} {text:?}");
    };
    let kid = "8130520b-c116-45a9-824e-4a0082f3cb3c";
    check(SubjectKind::Key, kid, Some(kid));
    check(SubjectKind::Key, &kid.replace('-', "").to_uppercase(), Some(kid));
    check(SubjectKind::Key, "film", None);
    let digest = "42e753340f86d361503853f9c1671f08";
    check(SubjectKind::Token, digest, Some(digest));
    check(SubjectKind::Token, &digest.to_uppercase(), Some(digest));
    check(SubjectKind::Token, &digest[1..], None);
    check(SubjectKind::Token, &digest.replace('4', "g"), None);
    check(SubjectKind::Session, "S 1", Some("S 1"));
    check(SubjectKind::Session, "", None);
    check(SubjectKind::Session, "a\nb", None);
    check(SubjectKind::Device, &"d".repeat(256), Some(&"d".repeat(256)));
    check(SubjectKind::Device, &"d".repeat(257), None);
    check(SubjectKind::Content, "a/b", None);
    check(SubjectKind::User, "", None);
}
