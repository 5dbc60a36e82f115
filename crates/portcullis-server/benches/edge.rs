//! The session check of the edge, as a function: collect, parse, MAC, ACL, rules.
//!
//! The floor is about the slow ones too, so every check is timed by itself (REL-26). HTTP is
//! left out; the `serving` bench of the program measures it.

#![expect(clippy::print_stdout, reason = "a bench prints what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, header::COOKIE};
use portcullis_base::Timestamp;
use portcullis_policy::{Outcome, model::Standing};
use portcullis_server::{
    config::{AddressRules, Edge, Level, Route, SameSite, SessionCarriage},
    edge::{Presented, judge},
};
use portcullis_token::edge::{
    EdgeKeys,
    acl::Acl,
    session::{self, SessionRequest},
};

fn main() {
    let edge = edge();
    let route = edge.route(PATH).expect("the route made below");
    let mut headers = HeaderMap::new();
    let cookie = format!("theme=dark; hdntl={}", token(&edge));
    headers.insert(COOKIE, HeaderValue::from_str(&cookie).expect("a token is plain text"));
    let presented = Presented {
        path: PATH,
        component: None,
        query: None,
        headers: &headers,
        address: Some([192, 0, 2, 1].into()),
        media_duration: None,
    };

    let mut nanos = Vec::with_capacity(CHECKS);
    for round in 0..=1 {
        nanos.clear();
        for _ in 0..CHECKS {
            let start = Instant::now();
            let decision = judge(&edge, route, black_box(&presented), &|_| Standing::Good, NOW);
            assert!(matches!(decision.outcome(), Outcome::Allow(_)), "{decision:?}");
            drop(black_box(decision));
            nanos.push(start.elapsed().as_nanos());
        }
        if round == 0 {
            continue; // to warm up
        }
        let total: u128 = nanos.iter().sum();
        nanos.sort_unstable();
        let at = |share: usize| nanos.get(CHECKS / 1000 * share).copied().unwrap_or(0);
        println!(
            "edge session check: {:.0} per second, p50 {} ns, p99 {} ns, p99.9 {} ns",
            CHECKS as f64 / (total as f64 / 1e9),
            at(500),
            at(990),
            at(999),
        );
    }
}

fn edge() -> Edge {
    let current = EdgeKeys::key_from_hex(&"52a1".repeat(16)).expect("the digits are hex");
    let route = Route {
        prefix: "/media/".into(),
        folder: "media".into(),
        level: Level::Token,
        session: SessionCarriage::Cookie,
        access_max: Duration::from_secs(86_400),
        session_max: Duration::from_secs(86_400),
        session_min: Duration::from_secs(300),
        addresses: AddressRules::default(),
    };
    Edge {
        keys: Some(EdgeKeys { current, transition: None, salt: None }),
        session_headers: Vec::new(),
        cookie_same_site: SameSite::None,
        routes: vec![route],
    }
}

fn token(edge: &Edge) -> String {
    let request = SessionRequest {
        acl: &Acl::parse("/media/film/*").expect("the pattern is one"),
        issued_at: NOW,
        end: Timestamp(NOW.0 + 3600),
        address: None,
        id: Some("viewer-1"),
        data: None,
        header_salt: "",
    };
    let keys = edge.keys.as_ref().expect("made above");
    session::issue(&request, keys).expect("the request is in order")
}

const NOW: Timestamp = Timestamp(1_700_000_000);
const PATH: &str = "/media/film/video-720p/17.m4s";
const CHECKS: usize = 200_000;
