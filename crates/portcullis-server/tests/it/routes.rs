//! Every route, and what it answers to nobody, to a bad credential and to a good one.
//!
//! `routes.txt` is changed by hand: when this test fails, it prints what the file should be,
//! and whoever changes it has looked at every cell.

use portcullis_server::routes::{RouteLine, every_route};

use crate::{
    client::Request,
    house::{House, access, license_request, playback},
};

/// What a request shows.
#[derive(Clone, Copy)]
enum Shows {
    Nothing,
    Bad,
    Good,
}

#[test]
fn every_route_answers_as_the_golden_file_says() {
    let house = House::with_demo();
    let mut table = format!("{:<8} {:<4} {:<26} nobody bad good\n", "listener", "", "route");
    for line in every_route() {
        let [nobody, bad, good] =
            [Shows::Nothing, Shows::Bad, Shows::Good].map(|shows| status(&house, &line, shows));
        let RouteLine { listener, method, path } = line;
        table.push_str(&format!(
            "{listener:<8} {method:<4} {path:<26} {nobody:<6} {bad:<3} {good}\n"
        ));
    }
    assert!(table == include_str!("routes.txt"), "routes.txt should be\n{table}");
}

fn status(house: &House, line: &RouteLine, shows: Shows) -> u16 {
    let pick = |good: String| match shows {
        Shows::Nothing => String::new(),
        Shows::Bad => format!("{good}x"),
        Shows::Good => good,
    };
    let (public, api, private) = (house.bound.public, house.bound.api, house.bound.private);
    let (to, request) = match (line.listener, line.method, line.path) {
        ("public", "GET", "/assets/{*path}") => (public, Request::get("/assets/nothing.js")),
        ("public", "GET", "/demo/api/trace/{id}") => (public, Request::get("/demo/api/trace/x")),
        ("public", "GET", path @ ("/healthz" | "/" | "/demo/api/state")) => {
            (public, Request::get(path))
        }
        ("public", "GET", "{edge.routes}") => {
            let token = pick(access("/media/film/*", |_| {}));
            (public, Request::get(&format!("/media/film/manifest.mpd?hdnts={token}")))
        }
        ("public", "POST", "/license/clearkey") => {
            let body = license_request(&house.film);
            let token = pick(playback(|_| {}));
            (public, Request::post("/license/clearkey?content=film", body).bearer(&token))
        }
        ("public", "POST", "/demo/api/play") => {
            let body = r#"{"viewer":"ada","content":"film","stream":"dash"}"#;
            (public, Request::post("/demo/api/play", body))
        }
        ("api", "GET", path @ "/edge/v1/revocations") => {
            (api, Request::get(path).bearer(&pick(house.viewer.clone())))
        }
        ("api", "POST", "/api/token") => {
            let body = r#"{"user_id":"alice","content_id":"film"}"#;
            (api, Request::post("/api/token", body).bearer(&pick(house.issuer.clone())))
        }
        ("private", "GET", path @ ("/livez" | "/readyz")) => (private, Request::get(path)),
        other => panic!("this test does not know how to call {other:?}"),
    };
    request.send(to).status
}

#[test]
fn a_route_exists_on_one_listener_only() {
    let house = House::open();
    let check = |to, request: Request, expected: u16| {
        let answer = request.send(to);
        assert_eq!(answer.status, expected, "{request:?}");
        assert_eq!(answer.text(), "", "{request:?}");
    };
    let token = "/api/token";
    check(house.public(), Request::post(token, "{}").bearer(&house.issuer), 405);
    check(house.public(), Request::get(token), 404);
    check(house.public(), Request::get("/readyz"), 404);
    check(house.public(), Request::get("/demo/api/state"), 404);
    check(house.bound.api, Request::get("/media/film/manifest.mpd"), 404);
    check(house.bound.api, Request::post("/license/clearkey?content=film", "{}"), 404);
    check(house.bound.api, Request::get("/livez"), 404);
    check(house.bound.private, Request::post(token, "{}"), 404);
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let house = House::open();
    let check = |to, method: &str, path: &str, allow: &str| {
        let answer = Request::new(method, path).send(to);
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow").unwrap_or_default(), allow, "{method} {path}");
    };
    check(house.public(), "GET", "/license/clearkey", "POST");
    check(house.public(), "HEAD", "/license/clearkey", "POST");
    check(house.public(), "POST", "/media/film/manifest.mpd", "GET, HEAD");
    check(house.public(), "BREW", "/media/film/manifest.mpd", "GET, HEAD");
    check(house.public(), "OPTIONS", "/media/film/manifest.mpd", "GET, HEAD");
    check(house.bound.api, "GET", "/api/token", "POST");
    check(house.bound.api, "OPTIONS", "/api/token", "POST");
    check(house.bound.private, "POST", "/livez", "GET,HEAD");
    check(house.public(), "TRACE", "/healthz", "GET,HEAD");
}
