//! Edge tokens from issue to verification.

use std::net::IpAddr;

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::edge::{
    EdgeKeys, EdgeTokenError, FieldFault, IssueError, Lookup,
    access::{self, AccessRequest, Coverage, Covers},
    acl::Acl,
    path::{self, PathFault},
    session::{self, SessionRequest},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_000_600);

fn keys() -> EdgeKeys {
    let current = EdgeKeys::key_from_hex("52a152a152a152a152a152a152a152a1").unwrap();
    EdgeKeys { current, transition: None, salt: Some(SecretBytes::new(b"salt".to_vec())) }
}

fn lookup(path: &str) -> Lookup<'_> {
    Lookup { path, query: None, address: None, header_salt: "" }
}

fn acl(text: &str) -> Acl {
    Acl::parse(text).unwrap()
}

fn wish(covers: Covers<'_>) -> AccessRequest<'_> {
    AccessRequest { covers, start: None, end: END, address: None, id: None, data: None }
}

fn session_wish(acl: &Acl) -> SessionRequest<'_> {
    SessionRequest {
        acl,
        issued_at: NOW,
        end: END,
        address: None,
        id: None,
        data: None,
        header_salt: "",
    }
}

fn access_token() -> String {
    access::issue(&wish(Covers::Acl(&acl("/media/film/*"))), &keys()).unwrap()
}

fn session_token() -> String {
    session::issue(&session_wish(&acl("/media/film/*")), &keys()).unwrap()
}

fn verify_access(text: &str, lookup: &Lookup<'_>, now: Timestamp) -> Result<(), EdgeTokenError> {
    access::parse(text)?.verify(&keys(), lookup, now).map(drop)
}

fn verify_session(text: &str, lookup: &Lookup<'_>, now: Timestamp) -> Result<(), EdgeTokenError> {
    session::parse(text)?.verify(&keys(), lookup, now).map(drop)
}

#[test]
fn a_token_counts_from_its_start_until_just_before_its_end() {
    let acl = acl("/media/film/*");
    let start = Timestamp(1_700_000_010);
    let request = AccessRequest { start: Some(start), ..wish(Covers::Acl(&acl)) };
    let token = access::issue(&request, &keys()).unwrap();
    let at = |now| verify_access(&token, &lookup("/media/film/a"), Timestamp(now));
    assert_eq!(at(1_700_000_009), Err(EdgeTokenError::NotYet { start }));
    assert_eq!(at(1_700_000_010), Ok(()));
    assert_eq!(at(1_700_000_599), Ok(()));
    assert_eq!(at(1_700_000_600), Err(EdgeTokenError::Expired { end: END }));
    let at = |now| verify_session(&session_token(), &lookup("/media/film/a"), Timestamp(now));
    assert_eq!(at(1_700_000_599), Ok(()));
    assert_eq!(at(1_700_000_600), Err(EdgeTokenError::Expired { end: END }));
}

#[test]
fn neither_kind_stands_in_for_the_other() {
    let here = lookup("/media/film/a");
    assert_eq!(verify_session(&access_token(), &here, NOW), Err(EdgeTokenError::WrongKind));
    assert_eq!(verify_access(&session_token(), &here, NOW), Err(EdgeTokenError::WrongKind));
    let acl = acl("/a/*");
    let marked = AccessRequest { data: Some("hdntl,x"), ..wish(Covers::Acl(&acl)) };
    assert_eq!(access::issue(&marked, &keys()), Err(IssueError::DataReserved));
}

#[test]
fn every_changed_byte_is_noticed() {
    let here = lookup("/media/film/a");
    let url = access::issue(&wish(Covers::Url("/media/film/a")), &keys()).unwrap();
    for (text, access) in [(access_token(), true), (url, true), (session_token(), false)] {
        for place in 0..text.len() {
            for flip in [0x01_u8, 0x02, 0x10, 0x20] {
                let mut bytes = text.clone().into_bytes();
                bytes[place] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let verify = if access { verify_access } else { verify_session };
                assert!(verify(&changed, &here, NOW).is_err(), "{changed}");
            }
            let shorter = format!("{}{}", &text[..place], &text[place + 1..]);
            let verify = if access { verify_access } else { verify_session };
            assert!(verify(&shorter, &here, NOW).is_err(), "{shorter}");
        }
    }
}

#[test]
fn a_token_covers_its_paths_and_no_others() {
    for (path, expected) in [
        ("/media/film/a.mpd", Ok(())),
        ("/media/film/video/1.m4s", Ok(())),
        ("/media/film", Err(EdgeTokenError::Path)),
        ("/media/other/a.mpd", Err(EdgeTokenError::Path)),
        ("/media/Film/a.mpd", Err(EdgeTokenError::Path)),
        ("/media/film/../other/a", Err(EdgeTokenError::PathFault(PathFault::DotSegment))),
        ("/media/film/%2e%2e/other/a", Err(EdgeTokenError::PathFault(PathFault::DotSegment))),
        ("/media/film/..%2fother", Err(EdgeTokenError::PathFault(PathFault::Character))),
        ("/media/film/%252e%252e/x", Err(EdgeTokenError::PathFault(PathFault::EncodedTwice))),
    ] {
        assert_eq!(verify_access(&access_token(), &lookup(path), NOW), expected, "{path}");
        assert_eq!(verify_session(&session_token(), &lookup(path), NOW), expected, "{path}");
    }
}

#[test]
fn a_url_token_covers_one_url_with_its_query() {
    let token = access::issue(&wish(Covers::Url("/a/b.m3u8?cdn=a&q=1")), &keys()).unwrap();
    let at = |path, query| verify_access(&token, &Lookup { query, ..lookup(path) }, NOW);
    assert_eq!(at("/a/b.m3u8", Some("cdn=a&q=1")), Ok(()));
    assert_eq!(at("/a/b.m3u8", Some("q=1&cdn=a")), Err(EdgeTokenError::Mac));
    assert_eq!(at("/a/b.m3u8", None), Err(EdgeTokenError::Mac));
    assert_eq!(at("/a/c.m3u8", Some("cdn=a&q=1")), Err(EdgeTokenError::Mac));
}

#[test]
fn a_bound_address_is_asked_for() {
    let acl = acl("/media/film/*");
    let bound: IpAddr = "203.0.113.7".parse().unwrap();
    let request = AccessRequest { address: Some(bound), ..wish(Covers::Acl(&acl)) };
    let access = access::issue(&request, &keys()).unwrap();
    let request = SessionRequest { address: Some(bound), ..session_wish(&acl) };
    let session = session::issue(&request, &keys()).unwrap();
    for (address, expected) in [
        (Some("203.0.113.7"), Ok(())),
        (Some("::ffff:203.0.113.7"), Ok(())),
        (Some("203.0.113.8"), Err(EdgeTokenError::Address)),
        (None, Err(EdgeTokenError::Address)),
    ] {
        let address = address.map(|text| text.parse().unwrap());
        let here = Lookup { address, ..lookup("/media/film/a") };
        assert_eq!(verify_access(&access, &here, NOW), expected, "{address:?}");
        assert_eq!(verify_session(&session, &here, NOW), expected, "{address:?}");
    }
}

#[test]
fn both_keys_verify_while_one_replaces_the_other() {
    let old = EdgeKeys::key_from_hex("0a0a").unwrap();
    let new = EdgeKeys::key_from_hex("0b0b").unwrap();
    let only = |current: &portcullis_token::TokenKey| EdgeKeys {
        current: current.clone(),
        transition: None,
        salt: None,
    };
    let acl = acl("/a/*");
    let issue = |keys| access::issue(&wish(Covers::Acl(&acl)), keys).unwrap();
    let (by_old, by_new) = (issue(&only(&old)), issue(&only(&new)));
    let both = EdgeKeys { transition: Some(new), ..only(&old) };
    let verify = |text: &str, keys: &EdgeKeys| {
        access::parse(text).unwrap().verify(keys, &lookup("/a/x"), NOW).map(drop)
    };
    assert_eq!(verify(&by_old, &both), Ok(()));
    assert_eq!(verify(&by_new, &both), Ok(()));
    assert_eq!(verify(&by_new, &only(&old)), Err(EdgeTokenError::Mac));
    let salted = EdgeKeys { salt: Some(SecretBytes::new(b"s".to_vec())), ..only(&old) };
    assert_eq!(verify(&by_old, &salted), Err(EdgeTokenError::Mac));
}

#[test]
fn a_session_is_bound_to_the_headers_it_was_opened_with() {
    let acl = acl("/media/film/*");
    let salt = |agent| session::header_salt(&[("user-agent", agent), ("origin", None)]);
    let opened = salt(Some("Player/1"));
    let token =
        session::issue(&SessionRequest { header_salt: &opened, ..session_wish(&acl) }, &keys());
    let token = token.unwrap();
    let with = |header_salt: &str| {
        verify_session(&token, &Lookup { header_salt, ..lookup("/media/film/a") }, NOW)
    };
    assert_eq!(with(&opened), Ok(()));
    assert_eq!(with(&salt(Some("Player/2"))), Err(EdgeTokenError::Mac));
    assert_eq!(with(&salt(None)), Err(EdgeTokenError::Mac));
    assert_eq!(salt(None), "");
}

#[test]
fn what_a_token_says_survives_the_way_from_access_to_session() {
    let acl = acl("/media/*!/keys/?!/odd;,\"%2f%41/*");
    let data = "u=42~acl=/*!%\n é;\"";
    let request = AccessRequest {
        id: Some("viewer-1_A"),
        data: Some(data),
        start: Some(NOW),
        ..wish(Covers::Acl(&acl))
    };
    let token = access::issue(&request, &keys()).unwrap();
    assert_eq!(token.matches("acl=").count(), 2, "{token}");
    let claims = access::parse(&token).unwrap().verify(&keys(), &lookup("/media/a"), NOW).unwrap();
    let claims = claims.into_claims();
    assert_eq!(claims.coverage, Coverage::Acl(acl.clone()));
    assert_eq!(claims.id.as_deref(), Some("viewer-1_A"));
    // Control characters are not decoded: the value stays as it was written.
    assert_eq!(claims.data.as_deref(), Some("u=42%7eacl=/%2a%21%25%0a%20%c3%a9;\""));

    let request = SessionRequest {
        id: claims.id.as_deref(),
        data: claims.data.as_deref(),
        ..session_wish(&acl)
    };
    let token = session::issue(&request, &keys()).unwrap();
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"/?#;\"\\ <>".contains(&byte);
    assert!(token.bytes().all(fits), "{token}");
    let path = format!("/media/hdntl={token}/a/b.m4s");
    let (rest, found) = path::split_session(&path).unwrap();
    assert_eq!((rest.as_ref(), found), ("/media/a/b.m4s", Some(token.as_str())));
    let session = session::parse(&token).unwrap().verify(&keys(), &lookup(&rest), NOW).unwrap();
    let session = session.into_claims();
    assert_eq!(session.acl, acl);
    assert_eq!(session.id, claims.id);
    assert_eq!(session.data, claims.data);
    assert_eq!(session.lifetime.end(), END);
}

#[test]
fn wishes_that_would_make_bad_tokens_are_refused() {
    let (root, film) = (acl("/a/*!/*"), acl("/film/*"));
    let issue = |request: AccessRequest<'_>| access::issue(&request, &keys()).map(drop);
    let film_wish = wish(Covers::Acl(&film));
    assert_eq!(issue(wish(Covers::Acl(&root))), Err(IssueError::RootAcl));
    assert_eq!(issue(wish(Covers::DangerRootAcl(&root))), Ok(()));
    let empty = AccessRequest { start: Some(END), ..film_wish };
    assert_eq!(issue(empty), Err(IssueError::LifetimeEmpty));
    for id in ["", "a b", "a~b", "é", &"i".repeat(65)] {
        assert_eq!(issue(AccessRequest { id: Some(id), ..film_wish }), Err(IssueError::Id), "{id}");
    }
    assert_eq!(issue(AccessRequest { id: Some(&"i".repeat(64)), ..film_wish }), Ok(()));
    let dots = Err(IssueError::Path(PathFault::DotSegment));
    assert_eq!(issue(wish(Covers::Url("/a/../b"))), dots);
    let long = "d".repeat(4000);
    assert_eq!(issue(AccessRequest { data: Some(&long), ..film_wish }), Err(IssueError::TooLong));

    let open = |end| session::issue(&SessionRequest { end, ..session_wish(&film) }, &keys());
    assert!(open(Timestamp(NOW.0 + 86_400)).is_ok());
    assert_eq!(open(Timestamp(NOW.0 + 86_401)), Err(IssueError::LifetimeTooLong));
    assert_eq!(open(NOW), Err(IssueError::LifetimeEmpty));
}

#[test]
fn a_session_opened_by_a_url_token_covers_its_directory() {
    let acl = Coverage::Url.session_acl("/media/film/master.m3u8").unwrap();
    assert_eq!(acl.as_str(), "/media/film/*");
    assert!(matches!(Coverage::Url.session_acl("/a*/b"), Err(FieldFault::Acl(_))));
}

#[test]
fn nothing_printed_shows_a_token_or_a_key() {
    let token = session_token();
    let mac = token.rsplit('=').next().unwrap();
    let printed = format!("{:?} {:?}", session::parse(&token).unwrap(), keys());
    assert!(!printed.contains(mac) && !printed.contains("52a1"), "{printed}");
    assert!(!printed.contains("exp="), "{printed}");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*", path in "/\\PC*") {
        let _ = access::parse(&text).map(|token| token.verify(&keys(), &lookup(&path), NOW));
        let _ = session::parse(&text).map(|token| token.verify(&keys(), &lookup(&path), NOW));
    }

    #[test]
    fn no_fields_panic(text in "((ip|st|exp|acl|id|data|url|salt)=[0-9a-z%/*!,:.]{0,6}~){0,6}") {
        let text = format!("{text}hmac={}", "0".repeat(64));
        let _ = access::parse(&text).map(|token| token.verify(&keys(), &lookup("/a"), NOW));
        let _ = session::parse(&text).map(|token| token.verify(&keys(), &lookup("/a"), NOW));
    }
}
