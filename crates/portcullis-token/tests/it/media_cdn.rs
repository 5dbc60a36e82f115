//! Media CDN's tokens: the vectors, where they travel, and the long token of a short one.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    fault::{Fault, Step},
    format::{Format as _, Given, GivenFault, Request, convert, find, recognise},
    media_cdn::{
        Covers, MediaCdn, MediaCdnKeys, MediaCdnRefusal, MediaCdnSigner, NAME, Rules, TokenKind,
        Wanted, issue, issue_long, parse,
    },
};

use crate::{
    families,
    support::{Counting, vectors},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);
const SHORT: Rules<'_> = Rules { kind: TokenKind::Short, ttl_max: None, name: NAME };
const LONG: Rules<'_> = Rules { kind: TokenKind::Long, ..SHORT };

#[test]
fn every_vector_has_its_outcome() {
    assert_eq!(families::run("media-cdn", "media-cdn"), (21, 37, 9));
}

fn signer() -> MediaCdnSigner {
    MediaCdnSigner::ed25519(&SecretBytes::new(vec![7; 32])).unwrap()
}

fn keys() -> MediaCdnKeys {
    MediaCdnKeys(vec![signer().public().unwrap()])
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request
}

fn wanted() -> Wanted<'static> {
    Wanted {
        url_prefix: None,
        full_path: None,
        path_globs: Some("/vod/*"),
        starts: None,
        expires: END,
        session: None,
        data: None,
        headers: Vec::new(),
        ip_ranges: None,
        kind: TokenKind::Short,
        danger_root: false,
    }
}

#[test]
fn a_token_is_found_wherever_it_travels_and_two_are_refused() {
    let check = |url: &str, cookie: Option<&str>, expected: Result<Option<&str>, Fault>| {
        let mut request = request(url);
        request.headers.extend(cookie.map(|cookie| ("Cookie".to_owned(), cookie.to_owned())));
        let found = MediaCdn.find_in(&Given::new(), &request);
        let found = found.as_ref().map(Option::as_deref).map_err(|refused| {
            assert_eq!(refused.step, Step::Presence);
            refused.fault.clone()
        });
        assert_eq!(found, expected, "{url} {cookie:?}");
    };
    check("/a", None, Ok(None));
    check("/a?edge-cache-token=T", None, Ok(Some("T")));
    check("/a/edge-cache-token=T/b", None, Ok(Some("T")));
    check("/a", Some("edge-cache-token=T"), Ok(Some("T")));
    check("/a?edge-cache-token=T", Some("edge-cache-token=T"), Ok(Some("T")));
    check("/a?edge-cache-token=T", Some("edge-cache-token=U"), Err(Fault::Ambiguous));
    check("/a?edge-cache-token=T&edge-cache-token=U", None, Err(Fault::Ambiguous));
}

#[test]
fn a_short_token_becomes_the_long_one_of_its_stream() {
    let wishes = [
        (Wanted { full_path: Some("/vod/m/a.m3u8"), path_globs: None, ..wanted() }, "/vod/m/*"),
        (wanted(), "/vod/*"),
        (
            Wanted {
                url_prefix: Some("https://cdn.test/vod/"),
                path_globs: None,
                session: Some("s-1"),
                data: Some("d"),
                headers: vec![("X-Device", "1")],
                ip_ranges: Some("192.0.2.0/24"),
                ..wanted()
            },
            "https://cdn.test/vod/",
        ),
    ];
    for (wish, covers) in wishes {
        let mut request = request("https://cdn.test/vod/m/a.m3u8");
        request.address = Some("192.0.2.1".parse().unwrap());
        request.headers.push(("x-device".into(), "1".into()));
        let short = issue(&wish, &signer(), NOW).unwrap();
        let short = parse(&short).unwrap().verify(&keys(), &request, &SHORT, NOW).unwrap();
        let later = Timestamp(END.0 + 80_000);
        let long = issue_long(short.claims(), &request, later, &signer(), NOW).unwrap();
        request.path = Some(format!("/vod/m/{NAME}={long}/1.ts").replace("/vod/*", "%2fvod%2f*"));
        if long.contains('/') {
            request.path = Some("/vod/m/1.ts".into());
        }
        let token = parse(&long).unwrap();
        assert_eq!(token.verify(&keys(), &request, &SHORT, NOW).unwrap_err().step, Step::Kind);
        let long = token.verify(&keys(), &request, &LONG, END).unwrap();
        let (short, long) = (short.claims(), long.claims());
        assert_eq!(long.covers.to_string(), covers);
        assert_eq!(long.expires, later);
        assert_eq!(
            (&long.session, &long.data, &long.headers, &long.ranges),
            (&short.session, &short.data, &short.headers, &short.ranges)
        );
        assert_ne!(long.identity(), short.identity());
    }
}

#[test]
fn a_directory_with_a_comma_opens_no_other_directory() {
    let request = request("https://cdn.test/a,/b/c.m3u8");
    let wish = Wanted { full_path: Some("/a,/b/c.m3u8"), path_globs: None, ..wanted() };
    let short = issue(&wish, &signer(), NOW).unwrap();
    let short = parse(&short).unwrap().verify(&keys(), &request, &SHORT, NOW).unwrap();
    let long = issue_long(short.claims(), &request, END, &signer(), NOW);
    assert_eq!(long, Err(MediaCdnRefusal::PathGlobs));
}

#[test]
fn what_would_be_refused_is_not_made() {
    let check = |wanted: Wanted<'_>, expected: MediaCdnRefusal| {
        assert_eq!(issue(&wanted, &signer(), NOW), Err(expected), "{wanted:?}");
    };
    check(Wanted { path_globs: None, ..wanted() }, MediaCdnRefusal::Coverage);
    check(Wanted { full_path: Some("/a"), ..wanted() }, MediaCdnRefusal::Coverage);
    for globs in ["*", "/*", "/a,/*", "?*"] {
        check(Wanted { path_globs: Some(globs), ..wanted() }, MediaCdnRefusal::Root);
    }
    for globs in ["", "/a,", "/a~Data=x", "/é", "/a,/b,/c,/d,/e,/f"] {
        check(Wanted { path_globs: Some(globs), ..wanted() }, MediaCdnRefusal::PathGlobs);
    }
    let path = |full_path| Wanted { full_path: Some(full_path), path_globs: None, ..wanted() };
    for bad in ["", "a", "/a~Expires=9", "/a/../b", "/a?b"] {
        check(path(bad), MediaCdnRefusal::FullPath);
    }
    let prefix = |prefix| Wanted { url_prefix: Some(prefix), path_globs: None, ..wanted() };
    for bad in ["", "/vod/", "https://cdn.test", "https://cdn.test/a?b", "https://c/a~b"] {
        check(prefix(bad), MediaCdnRefusal::UrlPrefix);
    }
    check(prefix("https://cdn.test/"), MediaCdnRefusal::Root);
    check(Wanted { starts: Some(END), ..wanted() }, MediaCdnRefusal::LifetimeEmpty);
    let week = Timestamp(NOW.0 + 604_801);
    let long = Wanted { kind: TokenKind::Long, expires: week, ..wanted() };
    check(long, MediaCdnRefusal::LifetimeTooLong);
    for data in ["", "a~b", "a b", "é"] {
        check(Wanted { data: Some(data), ..wanted() }, MediaCdnRefusal::Data);
    }
    for session in ["", "a.b", "a~b"] {
        check(Wanted { session: Some(session), ..wanted() }, MediaCdnRefusal::Session);
    }
    for headers in [vec![("a", "1"), ("A", "1")], vec![("a,b", "1")], vec![("a", "1~b")]] {
        check(Wanted { headers, ..wanted() }, MediaCdnRefusal::Headers);
    }
    check(Wanted { ip_ranges: Some("x"), ..wanted() }, MediaCdnRefusal::IpRanges);
    let data = "d".repeat(4000);
    check(Wanted { data: Some(&data), ..wanted() }, MediaCdnRefusal::TooLong);
}

#[test]
fn a_token_without_a_key_is_explained_and_not_verified() {
    let token = issue(&wanted(), &signer(), NOW).unwrap();
    assert_eq!(recognise(&token).len(), 1);
    let explained = MediaCdn.explain(&Given::new(), &token, &Request::default(), NOW).unwrap();
    assert_eq!(explained.fault(), None);
    let names: Vec<&str> = explained.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["PathGlobs", "Expires", "Signature"]);
    let missing = MediaCdn.verify(&Given::new(), &token, &Request::default(), NOW);
    assert_eq!(missing.unwrap_err(), GivenFault::Missing { name: "public_key" });
}

#[test]
fn a_token_of_another_key_loses_nothing_on_the_way() {
    let media_cdn = find("media-cdn").unwrap();
    let vector = vectors("media-cdn").into_iter().find(|one| one.name == "google-ed25519-all");
    let vector = vector.unwrap();
    let given = families::given(media_cdn, &vector);
    let request = families::request(&vector);
    let now = Timestamp(vector.number("now").unwrap());
    let old = media_cdn.verify(&given, &vector.payload, &request, now).unwrap().unwrap();
    let mut given = Given::new();
    given.add("secret", "c2VjcmV0");
    given.add("danger_root", "true");
    given.add("signed_header", "Foo=bar");
    given.add("signed_header", "BAZ=quux");
    let converted = convert(&old, media_cdn, &given, &request, now, &Counting).unwrap();
    assert_eq!(converted.losses, []);
}

#[test]
fn a_root_is_known_by_what_it_covers() {
    let covers = |globs: &str| {
        let text = format!("PathGlobs={globs}~Expires=1~hmac={}", "0".repeat(64));
        let given = Given::new();
        let explained = MediaCdn.explain(&given, &text, &Request::default(), NOW).unwrap();
        explained.claims.is_some()
    };
    assert!(covers("/*"));
    let prefix = Covers::UrlPrefix { origin: "https://a".into(), path: "/".into() };
    assert!(prefix.is_root());
    assert!(!Covers::FullPath.is_root());
}

#[test]
fn a_huge_token_is_refused_by_its_length() {
    let huge = format!("PathGlobs={}~Expires=1", "*a".repeat(32 << 10));
    assert_eq!(parse(&huge).unwrap_err().fault.code(), "token.too_long");
}
