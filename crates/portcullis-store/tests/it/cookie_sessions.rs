//! Sessions of random cookies: found by a digest, and by nothing that stands in the database.

use portcullis_base::{Rng, TenantId, Timestamp};
use portcullis_store::{CookieSession, Error};
use portcullis_token::cookie::CookieToken;

use crate::support::{START_MS, file, folder, memory};

const NOW: u64 = START_MS / 1000;

#[derive(Debug)]
struct Filled(u8);

impl Rng for Filled {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

fn tenant() -> TenantId {
    "t1".parse().unwrap()
}

fn session(token: &CookieToken) -> CookieSession {
    CookieSession {
        digest: token.digest(),
        tenant: tenant(),
        session: "s-1".into(),
        subject: None,
        acl: "/film/*".into(),
        opened: Timestamp(NOW),
        seen: Timestamp(NOW),
        ends: Timestamp(NOW + 3600),
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_cookie_until_it_ends() {
    let bench = memory().await;
    let store = &bench.store;
    let (one, other) = (CookieToken::generate(&Filled(1)), CookieToken::generate(&Filled(2)));
    let opened = session(&one);
    store.open_cookie_session(&opened).await.unwrap();
    let find =
        |digest: [u8; 32]| async move { store.cookie_session(&tenant(), &digest).await.unwrap() };
    assert_eq!(find(one.digest()).await, Some(opened.clone()));
    assert_eq!(find(other.digest()).await, None);
    let theirs = store.cookie_session(&"t2".parse().unwrap(), &one.digest()).await.unwrap();
    assert_eq!(theirs, None, "another tenant has no such session");
    let twice = store.open_cookie_session(&opened).await;
    assert!(matches!(twice, Err(Error::Database(_))), "{twice:?}");

    for (seen, expected) in [(NOW + 60, NOW + 60), (NOW + 30, NOW + 60)] {
        store.touch_cookie_session(&one.digest(), Timestamp(seen)).await.unwrap();
        assert_eq!(find(one.digest()).await.unwrap().seen, Timestamp(expected));
    }
    for _ in 0..2 {
        store.end_cookie_session(&tenant(), &one.digest()).await.unwrap();
        assert_eq!(find(one.digest()).await, None);
    }
    store.touch_cookie_session(&one.digest(), Timestamp(NOW + 90)).await.unwrap();
    assert_eq!(find(one.digest()).await, None, "using it does not bring it back");
}

#[tokio::test]
async fn after_a_login_the_old_cookie_opens_nothing() {
    let bench = memory().await;
    let store = &bench.store;
    let (planted, fresh) = (CookieToken::generate(&Filled(1)), CookieToken::generate(&Filled(2)));
    store.open_cookie_session(&session(&planted)).await.unwrap();
    let rotate = || async {
        let (old, new) = (planted.digest(), fresh.digest());
        store.rotate_cookie_session(&tenant(), &old, &new, Some("alice")).await
    };
    rotate().await.unwrap();
    assert!(matches!(rotate().await, Err(Error::Missing { .. })));
    let old = store.cookie_session(&tenant(), &planted.digest()).await.unwrap();
    assert_eq!(old, None);
    let new = store.cookie_session(&tenant(), &fresh.digest()).await.unwrap().unwrap();
    let expected = CookieSession {
        digest: fresh.digest(),
        subject: Some("alice".into()),
        ..session(&planted)
    };
    assert_eq!(new, expected, "the session is the same, its age included");
}

#[tokio::test]
async fn the_database_holds_no_cookie_and_forgets_old_sessions() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let token = CookieToken::generate(&Filled(0xc7));
    bench.store.open_cookie_session(&session(&token)).await.unwrap();
    bench.clock.advance_s(3599);
    assert_eq!(bench.store.forget().await.unwrap(), 0);
    let mut files = Vec::new();
    for entry in path.parent().unwrap().read_dir().unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |needle: &[u8]| files.windows(needle.len()).any(|window| window == needle);
    assert!(holds(&token.digest()));
    assert!(!holds(&[0xc7; 32]) && !holds(token.expose_text().as_bytes()));
    bench.clock.advance_s(1);
    assert_eq!(bench.store.forget().await.unwrap(), 1);
    let gone = bench.store.cookie_session(&tenant(), &token.digest()).await.unwrap();
    assert_eq!(gone, None);
}
