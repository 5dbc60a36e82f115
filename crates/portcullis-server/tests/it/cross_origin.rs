//! What pages of other origins may see.

use crate::{
    client::{Answer, Request},
    house::{House, access},
};

const LISTED: &str = "https://play.example";

fn origin_of(answer: &Answer) -> Option<&str> {
    let origin = answer.header("access-control-allow-origin");
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!(credentials.is_some(), origin.is_some());
    assert!(answer.header("vary").is_some_and(|vary| vary.starts_with("Origin")), "{answer:?}");
    origin
}

#[test]
fn a_listed_page_can_read_successes_and_errors_alike() {
    let house = House::open();
    let token = access("/media/film/*", |_| {});
    let manifest = format!("/media/film/manifest.mpd?hdnts={token}");
    let long = format!("/media/{}", "a".repeat(9000));
    let requests = [
        (Request::get(&manifest), 200),
        (Request::get("/media/film/manifest.mpd"), 403),
        (Request::get("/nothing"), 404),
        (Request::get("/media/../x"), 400),
        (Request::post("/license/clearkey?content=film", "{}"), 400),
        (Request::get("/license/clearkey"), 405),
    ];
    for (request, status) in requests {
        let answer = request.clone().header("Origin", LISTED).send(house.public());
        assert_eq!((answer.status, origin_of(&answer)), (status, Some(LISTED)), "{request:?}");
        let exposed = answer.header("access-control-expose-headers");
        assert_eq!(exposed, Some("X-Request-Id, Retry-After"));
        for other in ["https://evil.example", "null", "https://play.example.evil"] {
            let answer = request.clone().header("Origin", other).send(house.public());
            assert_eq!((answer.status, origin_of(&answer)), (status, None), "{request:?}");
        }
        assert_eq!(origin_of(&request.send(house.public())), None);
    }
    let refused = Request::get(&long).header("Origin", LISTED).send(house.public());
    assert_eq!((refused.status, origin_of(&refused)), (414, Some(LISTED)));
}

#[test]
fn a_preflight_needs_no_credential_and_grants_listed_headers() {
    let house = House::open();
    for path in ["/license/clearkey?content=film", "/media/film/manifest.mpd"] {
        let preflight = Request::new("OPTIONS", path)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization, content-type, x-mine");
        let answer = preflight.clone().header("Origin", LISTED).send(house.public());
        assert_eq!((answer.status, origin_of(&answer)), (204, Some(LISTED)));
        let headers = answer.header("access-control-allow-headers");
        assert_eq!(headers, Some("authorization, content-type"));
        let methods = answer.header("access-control-allow-methods");
        assert_eq!(methods, Some("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer.header("access-control-max-age"), Some("86400"));
        assert_eq!(answer.header("vary"), Some("Origin, Access-Control-Request-Headers"));

        let answer = preflight.header("Origin", "https://evil.example").send(house.public());
        assert_eq!((answer.status, origin_of(&answer)), (204, None));
        assert_eq!(answer.header("access-control-allow-methods"), None);
    }
}

#[test]
fn doors_for_operators_speak_to_no_page() {
    let house = House::open();
    let api = Request::post("/api/token", "{}").bearer(&house.issuer);
    for (request, to) in [(api, house.bound.api), (Request::get("/livez"), house.bound.private)] {
        let answer = request.header("Origin", LISTED).send(to);
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("vary"), None);
    }
}
