//! Random cookie tokens: known by their digest, over when unused or old.

use std::time::Duration;

use portcullis_base::{Rng, Timestamp};
use portcullis_token::{
    cookie::{
        CookieClaims, CookieError, CookieLimits, CookieName, CookieRecord, CookieSite, CookieToken,
    },
    edge::{
        acl::Acl,
        carrier::{self, Carriers},
    },
};

use crate::support::Counting;

const OPENED: Timestamp = Timestamp(1_700_000_000);
const LIMITS: CookieLimits =
    CookieLimits { idle: Duration::from_secs(600), absolute: Duration::from_secs(3600) };
const PATH: &str = "/film/1.m4s";

#[derive(Debug)]
struct Filled(u8);

impl Rng for Filled {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

fn record(token: &CookieToken) -> CookieRecord {
    CookieRecord {
        digest: token.digest(),
        session: "s-1".into(),
        subject: Some("alice".into()),
        acl: Acl::parse("/film/*").unwrap(),
        opened: OPENED,
        seen: OPENED,
    }
}

fn at(
    change: impl FnOnce(&mut CookieRecord),
    path: &str,
    second: u64,
) -> Result<CookieClaims, CookieError> {
    let token = CookieToken::generate(&Counting);
    let mut record = record(&token);
    change(&mut record);
    let verified = token.verify(record, &LIMITS, path, Timestamp(OPENED.0 + second));
    verified.map(portcullis_token::Verified::into_claims)
}

#[test]
fn a_token_is_known_by_its_digest_and_by_no_other() {
    let claims = at(|_| {}, PATH, 0).unwrap();
    assert_eq!((claims.session.as_str(), claims.subject.as_deref()), ("s-1", Some("alice")));
    for byte in [0, 31] {
        let refused = at(|record| record.digest[byte] ^= 1, PATH, 0);
        assert_eq!(refused, Err(CookieError::Unknown));
    }
    // SHA-256 of the bytes 00 to 1f, computed apart from this implementation.
    assert_eq!(
        hex::encode(CookieToken::generate(&Counting).digest()),
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    );
}

#[test]
fn a_session_ends_when_it_is_not_used_and_when_it_is_old() {
    let ended = |second| Err(CookieError::Ended { end: Timestamp(OPENED.0 + second) });
    assert!(at(|_| {}, PATH, 599).is_ok());
    assert_eq!(at(|_| {}, PATH, 600), ended(600));
    let used_at = |second| move |record: &mut CookieRecord| record.seen.0 = OPENED.0 + second;
    assert!(at(used_at(1000), PATH, 1599).is_ok());
    assert_eq!(at(used_at(1000), PATH, 1600), ended(1600));
    assert!(at(used_at(3599), PATH, 3599).is_ok());
    assert_eq!(at(used_at(3599), PATH, 3600), ended(3600));
    // Another node's clock may be a little ahead.
    assert!(at(|record| record.opened.0 += 5, PATH, 0).is_ok());
}

#[test]
fn a_session_covers_what_it_says() {
    assert!(at(|_| {}, "/film/2.m4s", 0).is_ok());
    assert_eq!(at(|_| {}, "/other/2.m4s", 0), Err(CookieError::Path));
}

#[test]
fn uses_are_noted_from_time_to_time() {
    let noted = |second| at(|_| {}, PATH, second).unwrap().use_to_note;
    assert_eq!(noted(59), None);
    assert_eq!(noted(60), Some(Timestamp(OPENED.0 + 60)));
    let token = CookieToken::generate(&Counting);
    let limits = CookieLimits { idle: Duration::from_secs(40), ..LIMITS };
    let now = Timestamp(OPENED.0 + 10);
    let verified = token.verify(record(&token), &limits, PATH, now).unwrap();
    assert_eq!(verified.claims().use_to_note, Some(now));
}

#[test]
fn one_token_has_one_text() {
    let token = CookieToken::generate(&Filled(0xff));
    let text = token.expose_text();
    assert_eq!(*text, format!("{}8", "_".repeat(42)));
    assert_eq!(CookieToken::parse(&text).unwrap().digest(), token.digest());
    for bad in [
        "",
        &text[1..],
        &format!("{}9", "_".repeat(42)),
        &format!("{}=", &text[..42]),
        &format!("{}=", *text),
        &format!(" {}", &text[1..]),
        &"/".repeat(43),
        &"é".repeat(22)[..43 - 1],
    ] {
        assert_eq!(CookieToken::parse(bad).map(drop), Err(CookieError::Malformed), "{bad}");
    }
    assert_eq!(format!("{token:?}"), "CookieToken(Secret<32>)");
}

#[test]
fn the_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
    let name = CookieName::new("session").unwrap();
    let token = CookieToken::generate(&Filled(0));
    let value = "A".repeat(43);
    assert_eq!(
        *name.set(&token, CookieSite::Strict, &LIMITS, Duration::ZERO),
        format!("__Host-session={value}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict")
    );
    let rotated = name.set(&token, CookieSite::Lax, &LIMITS, Duration::from_secs(600));
    assert!(rotated.ends_with("; Path=/; Max-Age=3000; Secure; HttpOnly; SameSite=Lax"));
    assert_eq!(
        name.clear(CookieSite::Strict),
        "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
    );
    for bad in ["", "a b", "a;", "é", &"a".repeat(33)] {
        assert_eq!(CookieName::new(bad), None, "{bad}");
    }
}

#[test]
fn two_differing_cookies_are_not_chosen_between() {
    let name = CookieName::new("session").unwrap();
    let one = format!("{name}={}", "A".repeat(43));
    let both = format!("{one}; {name}={}", "B".repeat(42) + "A");
    let find = |cookies: &str| {
        let carriers = Carriers { cookies: &[cookies], ..Carriers::default() };
        let found = carrier::collect(name.as_str(), &carriers);
        found.map(|found| found.token.map(str::to_owned))
    };
    assert_eq!(find(&one).unwrap().unwrap().len(), 43);
    assert_eq!(find("other=1"), Ok(None));
    assert!(find(&both).is_err());
}
