//! Contents, key policies and lists: written once, read from memory.

use portcullis_base::{Scheme, Timestamp, TrackClass, UserId};
use portcullis_policy::model::{Entitlement, EntitlementRule, Window};
use portcullis_store::{Change, Error, Location};

use crate::support::{
    WANTED, add, author, content, file, folder, key_policy, memory, open, open_all, root, vandalize,
};

#[tokio::test]
async fn what_is_put_twice_is_written_once() {
    let bench = memory().await;
    let (store, author) = (&bench.store, author());
    let mut policy = key_policy("open");
    let mut film = content("film", "t1", "open");
    let list = [(user("alice"), Window::ALWAYS)];

    for expected in [Change::Created, Change::Unchanged] {
        assert_eq!(store.put_key_policy(&policy, &author).await.unwrap(), expected);
        assert_eq!(store.put_content(&film, &author).await.unwrap(), expected);
        let put = store.put_entitlements(&film.id, &list, &author).await.unwrap();
        assert_eq!(put, expected);
    }
    let version = store.version().unwrap();
    let records = store.audit().records("n1", 0, 100).await.unwrap().len();

    policy.entitlement = EntitlementRule::Listed;
    film.window = Window::new(Some(Timestamp(5)), None).unwrap();
    for (expected, news) in [(Change::Updated, 3), (Change::Unchanged, 3)] {
        assert_eq!(store.put_key_policy(&policy, &author).await.unwrap(), expected);
        assert_eq!(store.put_content(&film, &author).await.unwrap(), expected);
        let put = store.put_entitlements(&film.id, &[], &author).await.unwrap();
        assert_eq!(put, expected);
        let now = store.audit().records("n1", 0, 100).await.unwrap().len();
        assert_eq!(now, records + news);
        assert_eq!(store.version().unwrap(), version + 3);
    }
    assert_eq!(store.list_key_policies().unwrap(), [policy]);
    assert_eq!(store.list_contents().unwrap(), [film]);
}

#[tokio::test]
async fn facts_name_the_content_its_policy_and_one_viewers_entitlement() {
    let bench = memory().await;
    let store = &bench.store;
    let keys = add(store, "film", "t1").await;
    let window = Window::new(Some(Timestamp(5)), Some(Timestamp(9))).unwrap();
    let film = "film".parse().unwrap();
    store.put_entitlements(&film, &[(user("alice"), window)], &author()).await.unwrap();

    for (subject, expected) in [
        (None, Entitlement::Absent),
        (Some("bob"), Entitlement::Absent),
        (Some("Alice"), Entitlement::Absent),
        (Some("alice"), Entitlement::Listed { subject: user("alice"), window }),
    ] {
        let subject = subject.map(user);
        let facts = store.license_facts(&film, subject.as_ref()).unwrap().unwrap();
        assert_eq!(facts.entitled, expected);
        assert_eq!(facts.key_policy, key_policy("open"));
        assert_eq!(facts.content.keys, keys);
    }
    assert_eq!(store.license_facts(&"other".parse().unwrap(), None).unwrap(), None);
    assert_eq!(store.packaging_facts(&"other".parse().unwrap()).unwrap(), None);
}

#[tokio::test]
async fn a_content_needs_its_key_policy_and_keeps_its_tenant() {
    let bench = memory().await;
    let store = &bench.store;
    let missing = store.put_content(&content("film", "t1", "none"), &author()).await;
    assert!(matches!(missing, Err(Error::Missing { what: "key policy", .. })), "{missing:?}");

    add(store, "film", "t1").await;
    let taken = store.put_content(&content("film", "t2", "open"), &author()).await;
    assert!(matches!(taken, Err(Error::Taken { what: "content", .. })), "{taken:?}");

    let list = store.put_entitlements(&"none".parse().unwrap(), &[], &author()).await;
    assert!(matches!(list, Err(Error::Missing { what: "content", .. })), "{list:?}");
    let keys = store.vault().create_keys(&"none".parse().unwrap(), &WANTED, &author()).await;
    assert!(matches!(keys, Err(Error::Missing { what: "content", .. })), "{keys:?}");
}

#[tokio::test]
async fn a_key_is_made_once_and_survives_a_restart() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let first = add(&bench.store, "film", "t1").await;
    let bytes: Vec<_> =
        open_all(&bench.store, "film").await.iter().map(|key| *key.expose()).collect();
    assert_ne!(bytes[0], bytes[1]);
    bench.store.close().await;

    let bench = file(&path).await;
    let film = "film".parse().unwrap();
    let wanted = [WANTED[1], (TrackClass::Sd, Scheme::Cbcs), WANTED[0]];
    let again = bench.store.vault().create_keys(&film, &wanted, &author()).await.unwrap();
    assert_eq!([again[2].kid, again[0].kid], [first[0].kid, first[1].kid]);
    assert!(again[1].kid != first[0].kid && again[1].kid != first[1].kid);
    let reopened: Vec<_> =
        open_all(&bench.store, "film").await.iter().map(|key| *key.expose()).collect();
    assert_eq!(bytes, reopened);
}

#[tokio::test]
async fn one_key_is_made_when_many_ask_at_once() {
    let bench = std::sync::Arc::new(memory().await);
    bench.store.put_key_policy(&key_policy("open"), &author()).await.unwrap();
    bench.store.put_content(&content("film", "t1", "open"), &author()).await.unwrap();
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let film = "film".parse().unwrap();
                bench.store.vault().create_keys(&film, &WANTED, &author()).await.unwrap()
            })
        })
        .collect();
    let mut made = Vec::new();
    for one in asking {
        made.push(one.await.unwrap());
    }
    made.dedup();
    assert_eq!(made.len(), 1);
}

#[tokio::test]
async fn another_process_is_noticed_within_two_seconds() {
    let (_folder, path) = folder();
    let here = file(&path).await;
    let there = open(Location::File(path.clone()), root(1), "n2").await.unwrap();
    add(&there.store, "film", "t1").await;
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if here.store.list_contents().unwrap().len() == 1 {
            assert_eq!(open_all(&here.store, "film").await.len(), 2);
            return;
        }
    }
    panic!("still not there");
}

#[tokio::test]
async fn a_snapshot_that_nothing_confirms_is_not_used_for_ever() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    add(&bench.store, "film", "t1").await;
    let film = "film".parse().unwrap();
    // The table is gone: the database answers, but with nothing that could be trusted.
    sqlx::query("ALTER TABLE versions RENAME TO lost")
        .execute(&mut crate::support::vandal(&path).await)
        .await
        .unwrap();
    bench.clock.advance_s(600);
    assert!(bench.store.license_facts(&film, None).is_ok());
    bench.clock.advance_s(1);
    let stale = bench.store.license_facts(&film, None);
    assert!(matches!(stale, Err(Error::Stale { seconds: 601 })), "{stale:?}");
}

#[tokio::test]
async fn a_damaged_row_refuses_what_it_belongs_to_and_nothing_else() {
    for (statement, list_only) in [
        ("UPDATE key_policies SET document = '{}' WHERE name = 'strict'", false),
        ("UPDATE contents SET opens = 9, closes = 5 WHERE id = 'bad'", false),
        ("UPDATE contents SET opens = -1 WHERE id = 'bad'", false),
        ("UPDATE content_keys SET tenant = 't2' WHERE content = 'bad'", false),
        ("UPDATE content_keys SET class = 'FREE' WHERE content = 'bad' AND class = 'SD'", false),
        ("UPDATE entitlements SET subject = 'a' || char(10) WHERE content = 'bad'", true),
    ] {
        let (_folder, path) = folder();
        let bench = file(&path).await;
        add(&bench.store, "good", "t1").await;
        bench.store.put_key_policy(&key_policy("strict"), &author()).await.unwrap();
        add(&bench.store, "bad", "t1").await;
        bench.store.put_content(&content("bad", "t1", "strict"), &author()).await.unwrap();
        let list = [(user("alice"), Window::ALWAYS)];
        let bad = "bad".parse().unwrap();
        bench.store.put_entitlements(&bad, &list, &author()).await.unwrap();
        bench.store.close().await;
        vandalize(&path, statement).await;

        let bench = file(&path).await;
        let good = bench.store.license_facts(&"good".parse().unwrap(), None);
        assert!(matches!(good, Ok(Some(_))), "{statement}");
        let facts = bench.store.license_facts(&bad, Some(&user("alice")));
        if list_only {
            assert_eq!(facts.unwrap().unwrap().entitled, Entitlement::Unavailable);
        } else {
            assert!(matches!(facts, Err(Error::Integrity { .. })), "{statement}: {facts:?}");
        }
    }
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}
