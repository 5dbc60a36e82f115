//! Media at the edge: access token in, session out, and everything that must not get through.

use std::time::Duration;

use http::HeaderMap;
use portcullis_base::Timestamp;
use portcullis_policy::{Reason, model::Standing};
use portcullis_server::{
    config,
    edge::{Presented, judge},
};

use crate::{
    client::{Answer, Request},
    house::{House, MASTER, MPD, access, now, segment, session},
    log::{records_of, text_of},
};

/// The token in `Set-Cookie`, and the attributes after it.
fn cookie(answer: &Answer) -> (String, String) {
    let text = answer.header("set-cookie").unwrap();
    let (token, attributes) = text.strip_prefix("hdntl=").unwrap().split_once("; ").unwrap();
    (token.to_owned(), attributes.to_owned())
}

/// The reason in the outcome record; players are not told it.
fn reason(answer: &Answer) -> String {
    text_of(&records_of(answer.request_id())[0], "reason")
}

fn with_cookie(target: &str, token: &str) -> Request {
    Request::get(target).header("Cookie", &format!("a=b; hdntl={token}"))
}

#[test]
fn an_access_token_opens_a_session_that_travels_in_a_cookie() {
    let house = House::open();
    let token = access("/media/film/*", |token| (token.id, token.data) = (Some("s-1"), Some("p")));
    for (name, expected) in [("manifest.mpd", MPD), ("master.m3u8", MASTER)] {
        let answer = house.get(&format!("/media/film/{name}?hdnts={token}"));
        assert_eq!((answer.status, answer.text()), (200, expected), "{name}");
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let (session, attributes) = cookie(&answer);
        assert_eq!(
            attributes,
            "Path=/media/film/; Max-Age=86400; Secure; HttpOnly; SameSite=None; Partitioned"
        );
        assert!(session.contains("~acl=%2fmedia%2ffilm%2f*~id=s-1~data=hdntl,p~hmac="));

        let answer = with_cookie("/media/film/video/1.m4s", &session).send(house.public());
        assert_eq!((answer.status, answer.body), (200, segment()), "{name}");
        let answer = with_cookie(&format!("/media/film/{name}"), &session).send(house.public());
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.header("set-cookie"), None, "a session opens no session");
    }
    let without_id =
        house.get(&format!("/media/film/manifest.mpd?hdnts={}", access("/media/film/*", |_| {})));
    assert!(cookie(&without_id).0.contains("~id="), "every session can be revoked by an id");
}

#[test]
fn an_access_token_opens_a_session_that_travels_in_the_path() {
    let house = House::open();
    let token = access("/cookieless/film/*", |_| {});
    let check = |name: &str, life: u64| {
        let answer = house.get(&format!("/cookieless/film/{name}?hdnts={token}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let text = answer.text();
        let (_, after) = text.split_once("hdntl=").unwrap();
        let (session, _) = after.split_once('/').unwrap();
        let plain = text.replace(&format!("hdntl={session}/"), "");
        assert_eq!(plain, if name == "master.m3u8" { MASTER } else { MPD });

        let end: u64 =
            session.strip_prefix("exp=").unwrap().split('~').next().unwrap().parse().unwrap();
        let left = end - now().0;
        assert!((life - 5..=life).contains(&left), "{name} lives {left} seconds");
        for (target, expected) in [
            (format!("/cookieless/film/hdntl={session}/video/1.m4s"), 200),
            (format!("/hdntl={session}/cookieless/film/video/1.m4s"), 200),
            (format!("/cookieless/film/hdntl={session}/video/playlist.m3u8"), 200),
            (format!("/cookieless/film/hdntl={session}/hdntl={session}/video/1.m4s"), 400),
            (format!("/media/film/hdntl={session}/video/1.m4s"), 403),
            ("/cookieless/film/video/1.m4s".to_owned(), 403),
        ] {
            assert_eq!(house.get(&target).status, expected, "{target}");
        }
    };
    // The MPD says 40 s; the first variant's 7.5 s are below the route's least.
    check("manifest.mpd", 40);
    check("master.m3u8", 20);
}

#[test]
fn every_refusal_looks_alike_and_its_reason_stands_in_the_record() {
    let house = House::open();
    let good = access("/media/film/*", |_| {});
    let seen = session("/media/film/*", |_| {});
    let ago = now().saturating_sub(Duration::from_secs(10));
    let old_access = access("/media/film/*", |token| token.end = ago);
    let long_access = access("/media/film/*", |token| token.end = ago.saturating_add(DAY));
    let old_session = session("/media/film/*", |token| {
        (token.issued_at, token.end) = (ago.saturating_sub(DAY), ago);
    });
    let elsewhere = Some("198.51.100.7".parse().unwrap());
    let moved_access = access("/media/film/*", |token| token.address = elsewhere);
    let moved_session = session("/media/film/*", |token| token.address = elsewhere);
    let salted = session("/media/film/*", |token| token.header_salt = "\nuser-agent:Player");
    let check = |target: &str, reason_code: &str| {
        let answer = house.get(target);
        assert_eq!((answer.status, answer.text()), (403, ""), "{target}");
        let names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        let usual = ["cache-control", "connection", "content-length", "date", "vary"];
        let expected = [&usual[..], &["x-content-type-options", "x-request-id"]].concat();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, expected, "{target}");
        assert_eq!(reason(&answer), reason_code, "{target}");
    };
    let mpd = "/media/film/manifest.mpd";
    check(mpd, "token.missing");
    check("/media/film/nothing.mpd", "token.missing");
    check(&format!("{mpd}?hdnts=nonsense"), "token.malformed");
    check(&format!("{mpd}?hdnts={}", tampered(&good)), "token.signature");
    check(&format!("/media/sequel/manifest.mpd?hdnts={good}"), "token.path");
    check(&format!("/media/filmx/manifest.mpd?hdnts={good}"), "token.path");
    check(&format!("{mpd}?hdnts={old_access}"), "token.expired");
    check(&format!("{mpd}?hdnts={long_access}"), "token.lifetime");
    check(&format!("{mpd}?hdnts={moved_access}"), "token.address");
    check(&format!("{mpd}?hdnts={good}&hdnts={old_access}"), "token.ambiguous");
    check(&format!("{mpd}?hdnts={seen}"), "token.kind");
    let segment = "/media/film/video/1.m4s";
    check(segment, "token.missing");
    check(&format!("{segment}?hdntl={good}"), "token.kind");
    check(&format!("{segment}?hdntl={}", tampered(&seen)), "token.signature");
    check(&format!("{segment}?hdntl={old_session}"), "token.expired");
    check(&format!("{segment}?hdntl={moved_session}"), "token.address");
    check(&format!("{segment}?hdntl={salted}"), "token.signature");
    check(&format!("{segment}?hdntl={seen}&hdntl={old_session}"), "token.ambiguous");
    check(&format!("/media/sequel/1.m4s?hdntl={seen}"), "token.path");
    check("/inside/film/video/1.m4s", "token.missing");
}

#[test]
fn a_session_is_bound_to_the_configured_headers() {
    let house = House::open();
    let token = access("/media/film/*", |_| {});
    let manifest = Request::get(&format!("/media/film/manifest.mpd?hdnts={token}"));
    let answer = manifest.header("User-Agent", "Player").send(house.public());
    let (session, _) = cookie(&answer);
    let check = |agent: Option<&str>, expected: u16| {
        let request = with_cookie("/media/film/video/1.m4s", &session);
        let request = match agent {
            Some(agent) => request.header("User-Agent", agent),
            None => request,
        };
        assert_eq!(request.send(house.public()).status, expected, "{agent:?}");
    };
    check(Some("Player"), 200);
    check(Some("Copycat"), 403);
    check(None, 403);
}

#[test]
fn a_path_with_two_readings_is_malformed() {
    let house = House::open();
    let token = session("/media/film/*", |_| {});
    let check = |path: &str, expected: u16| {
        assert_eq!(with_cookie(path, &token).send(house.public()).status, expected, "{path}");
    };
    check("/media/film/video/1.m4s", 200);
    check("/media/film/vide%6f/1.m4s", 200);
    check("/media/film/./video/1.m4s", 400);
    check("/media/film/../film/video/1.m4s", 400);
    check("/media/film/%2e%2e/sequel/1.m4s", 400);
    check("/media/film/.%2e/sequel/1.m4s", 400);
    check("/media/film%2fvideo/1.m4s", 400);
    check("/media/film/..%2f..%2foutside.m4s", 400);
    check("/media/film/%252e%252e/1.m4s", 400);
    check("/media/film/video%5c1.m4s", 400);
    check("/media/film//video/1.m4s", 400);
    check("/media/film/video/1.m4s%00", 400);
    check("/media/film/video/1.m4s%0a", 400);
    check("/media/film/video/1.m4s;a=b", 400);
    check("/media/film/%zz", 400);
    check("/media/film/%ff", 400);
    check("/MEDIA/film/video/1.m4s", 404);
    check("/media/FILM/video/1.m4s", 403);
}

#[test]
fn an_admitted_viewer_is_told_what_does_not_exist() {
    let house = House::open();
    let token = session("/media/film/*", |_| {});
    let check = |path: &str| {
        let answer = with_cookie(path, &token).send(house.public());
        assert_eq!((answer.status, answer.text()), (404, ""), "{path}");
    };
    check("/media/film/video/9.m4s");
    check("/media/film/video");
    check("/media/film/");
    // Out of the folder by a link, and what the packager has not finished.
    check("/media/film/link.m4s");
    check("/media/film/.cenc.partial/1.m4s");
}

#[test]
fn a_manifest_we_cannot_rewrite_is_not_served() {
    let house = House::open();
    let token = access("/cookieless/film/*", |_| {});
    let answer = house.get(&format!("/cookieless/film/broken.mpd?hdnts={token}"));
    assert_eq!((answer.status, answer.text()), (502, ""));
}

#[test]
fn an_open_route_asks_for_nothing() {
    let house = House::open();
    for query in ["", "?hdnts=nonsense", "?hdntl=nonsense"] {
        let answer = house.get(&format!("/open/film/manifest.mpd{query}"));
        assert_eq!((answer.status, answer.text()), (200, MPD), "{query}");
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[test]
fn an_address_rule_looks_at_whom_a_trusted_proxy_names() {
    let house = House::with("[proxy]\ntrusted = [\"127.0.0.1\"]\n");
    let token = session("/inside/film/*", |_| {});
    let bound = session("/media/film/*", |token| token.address = "192.0.2.9".parse().ok());
    let check = |path: &str, token: &str, forwarded: &str, status: u16, code: &str| {
        let request = with_cookie(path, token);
        let request = match forwarded {
            "" => request,
            text => request.header("X-Forwarded-For", text),
        };
        let answer = request.send(house.public());
        assert_eq!((answer.status, reason(&answer).as_str()), (status, code), "{forwarded}");
    };
    let inside = "/inside/film/video/1.m4s";
    check(inside, &token, "192.0.2.1", 200, "");
    check(inside, &token, "203.0.113.9, 192.0.2.1", 200, "");
    check(inside, &token, "192.0.2.1, 127.0.0.1", 200, "");
    check(inside, &token, "192.0.2.1, 203.0.113.9", 403, "place.address");
    check(inside, &token, "192.0.2.66", 403, "place.address");
    check(inside, &token, "", 403, "rule.unavailable");
    check(inside, &token, "unknown", 403, "rule.unavailable");
    check("/media/film/video/1.m4s", &bound, "192.0.2.9", 200, "");
    check("/media/film/video/1.m4s", &bound, "::ffff:192.0.2.9", 200, "");
    check("/media/film/video/1.m4s", &bound, "192.0.2.8", 403, "token.address");
    check("/media/film/video/1.m4s", &bound, "", 403, "token.address");
}

#[test]
fn an_address_rule_does_not_believe_a_stranger_s_header() {
    let house = House::open();
    let token = session("/inside/film/*", |_| {});
    let request = with_cookie("/inside/film/video/1.m4s", &token);
    let answer = request.header("X-Forwarded-For", "192.0.2.1").send(house.public());
    assert_eq!((answer.status, reason(&answer).as_str()), (403, "place.address"));
}

/// Tokens as the published libraries make them; sources stand in `vectors/edge`.
#[test]
fn tokens_of_the_published_libraries_are_judged_at_their_time() {
    let house = House::open();
    let more = "[[edge.routes]]\nprefix = \"/vod/\"\nfolder = \"media\"\naccess_max_s = 3600\n";
    let text = std::fs::read_to_string(house.folder.path().join("portcullis.toml")).unwrap();
    let edge = config::parse(&format!("{text}{more}"), house.folder.path()).unwrap().edge;
    let check = |path: &str, query: &str, now: u64, expected: Option<Reason>| {
        let presented = Presented {
            path,
            component: None,
            query: Some(query),
            headers: &HeaderMap::new(),
            address: None,
            media_duration: None,
        };
        let route = edge.route(path).unwrap();
        let decision = judge(&edge, route, &presented, &|_| Standing::Good, Timestamp(now));
        assert_eq!(decision.reason(), expected, "{path} {query} {now}");
    };
    let acl = "hdnts=st=1700000000~exp=1700003600~acl=/vod/movie42/*~hmac=\
               68d6c7a35bbfab325c1a50a30d6f9ee4e3d89ec6c32c81d6bc52a3e96c74ec94";
    check("/vod/movie42/video/1.m4s", acl, 1_700_000_000, None);
    check("/vod/movie42/a.mpd", acl, 1_700_003_599, None);
    check("/vod/movie42/a.mpd", acl, 1_699_999_999, Some(Reason::TokenNotYet));
    check("/vod/movie42/a.mpd", acl, 1_700_003_600, Some(Reason::TokenExpired));
    check("/vod/movie43/a.mpd", acl, 1_700_000_000, Some(Reason::TokenPath));
    let url = "hdnts=exp=1700003600~hmac=\
               7827283cee4a8d3466f742b683efc6264fedbe01e6612df8433e7bf600a8c786";
    check("/vod/movie42/master.m3u8", url, 1_700_000_000, None);
    check("/vod/movie42/other.m3u8", url, 1_700_000_000, Some(Reason::TokenSignature));
    let other = "hdnts=st=1700000000~exp=1700003600~acl=/vod/*~hmac=\
                 920ba8447e5f46450a3af0f983758ffe2be9d96f3c2cdcfe61266cb02d8169a8";
    check("/vod/video/1.m4s", other, 1_700_000_000, Some(Reason::TokenSignature));
}

/// The same token with its last digit changed.
fn tampered(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

const DAY: Duration = Duration::from_secs(86_400);
