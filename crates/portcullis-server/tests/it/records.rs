//! One outcome record for every request, and no secret in any line.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_policy::model::TrackKey;
use portcullis_server::{config, serve::open_store};

use crate::{
    client::{Request, begun},
    house::{EDGE_KEY, House, JWT_KEY, access, license_request, playback, session},
    log::{self, records, records_of, text_of},
};

#[test]
fn every_request_leaves_one_record() {
    let house = House::open();
    let token = access("/media/film/*", |_| {});
    let preflight = Request::new("OPTIONS", "/license/clearkey")
        .header("Origin", "https://play.example")
        .header("Access-Control-Request-Method", "POST");
    let license = |token: &str| {
        Request::post("/license/clearkey?content=film", license_request(&house.film)).bearer(token)
    };
    let manifest = format!("/media/film/manifest.mpd?hdnts={token}&a=b");
    let issue = r#"{"user_id":"alice","content_id":"film"}"#;
    let (public, api) = (house.public(), house.bound.api);
    let check = |to, request: Request, expected: [&str; 5]| {
        let answer = request.send(to);
        let records = records_of(answer.request_id());
        assert_eq!(records.len(), 1, "{request:?}");
        let fields = ["front_door", "url", "status", "outcome", "reason"];
        let record = &records[0];
        assert_eq!(fields.map(|field| text_of(record, field)), expected, "{request:?}");
        assert!(record.contains_key("duration_ms"));
        assert_eq!(text_of(record, "status"), answer.status.to_string());
    };
    let asked = "/license/clearkey?content=…";
    check(public, license(&playback(|_| {})), ["license", asked, "200", "done", ""]);
    check(public, license(""), ["license", asked, "401", "stopped", "token.missing"]);
    let unparsed = Request::post("/license/clearkey?content=film", "{");
    check(public, unparsed, ["license", asked, "400", "stopped", "license.malformed"]);
    let shown = "/media/film/manifest.mpd?hdnts=…&a=…";
    check(public, Request::get(&manifest), ["edge", shown, "200", "done", ""]);
    let plain = "/media/film/manifest.mpd";
    check(public, Request::get(plain), ["edge", plain, "403", "stopped", "token.missing"]);
    check(public, Request::get("/x"), ["edge", "/x", "404", "stopped", "route.unknown"]);
    check(public, Request::get("/healthz"), ["health", "/healthz", "200", "done", ""]);
    check(public, preflight, ["http", "/license/clearkey", "204", "done", ""]);
    let wrong = Request::get("/license/clearkey");
    check(public, wrong, ["http", "/license/clearkey", "405", "stopped", "request.method"]);
    let traced = Request::new("TRACE", "/healthz");
    check(public, traced, ["http", "/healthz", "405", "stopped", "request.method"]);
    let good = Request::post("/api/token", issue).bearer(&house.issuer);
    check(api, good, ["tokens", "/api/token", "200", "done", ""]);
    let nobody = Request::post("/api/token", issue);
    check(api, nobody, ["tokens", "/api/token", "401", "stopped", "api_key.unknown"]);
    check(api, Request::get("/x"), ["http", "/x", "404", "stopped", "route.unknown"]);
    // Somebody writes lines into our log.
    let forged = Request::get("/x%0a%1b[31m");
    check(public, forged, ["edge", "/x%0a%1b[31m", "400", "stopped", "path.character"]);
}

#[test]
fn a_request_that_is_cut_leaves_a_record_too() {
    let mut house = House::with("[limits]\ndrain_ms = 100\n");
    let reasons = |mark: &str| -> Vec<String> {
        let all = records();
        let mine = all.iter().filter(|record| text_of(record, "url").ends_with(mark));
        mine.map(|record| text_of(record, "reason")).collect()
    };
    drop(begun(house.public(), "/license/clearkey?content=film&gone", 9));
    let seen = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        !reasons("&gone").is_empty()
    });
    assert!(seen, "the client went away");
    assert_eq!(reasons("&gone"), ["request.body"]);

    let _open = begun(house.public(), "/license/clearkey?content=film&cut", 9);
    house.close();
    assert_eq!(reasons("&cut"), ["request.abandoned"], "the server did not wait for ever");
}

#[test]
fn the_audit_log_has_both_ends_of_a_license_and_verifies() {
    let mut house = House::open();
    let answer = house.license("film", &playback(|_| {}), &house.film);
    let refused = house.license("film", "", &house.film);
    let ids = [answer.request_id().to_owned(), refused.request_id().to_owned()];
    house.close();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config::load(&house.folder.path().join("portcullis.toml")).unwrap();
        let store = open_store(config.store).await.unwrap();
        let records = store.audit().records("n1", 0, 1000).await.unwrap();
        let of = |id: &str| records.iter().filter(|record| record.contains(id)).count();
        assert_eq!(ids.each_ref().map(|id| of(id)), [2, 1]);
        assert!(!records.iter().any(|record| record.contains("alice")), "users are pseudonyms");
        let report = store.audit().verify(&[]).await.unwrap();
        assert!(report.faults.is_empty(), "{report:?}");
        store.close().await;
    });
}

#[test]
fn no_line_holds_a_secret() {
    let house = House::open();
    let (jwt, hdnts) = (playback(|_| {}), access("/media/film/*", |_| {}));
    let hdntl = session("/media/film/*", |_| {});
    let license = house.license("film", &jwt, &house.film);
    let content_keys: Vec<String> = license
        .member("keys")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_object().unwrap()["k"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(content_keys.len(), 3);
    let in_query = format!("/license/clearkey?content=film&token={jwt}");
    Request::post(&in_query, license_request(&house.film)).send(house.public());
    house.get(&format!("/media/film/manifest.mpd?hdnts={hdnts}"));
    house.get(&format!("/media/film/hdntl={hdntl}/video/1.m4s"));
    house.get(&format!("/media/film/video/1.m4s?hdntl={hdntl}x"));
    Request::get("/media/film/video/1.m4s")
        .header("Cookie", &format!("hdntl={hdntl}"))
        .header("hdnts", &hdnts)
        .send(house.public());
    house.issue(&house.issuer, r#"{"user_id":"alice","content_id":"film"}"#);

    let log = log::text();
    let mac = |token: &str| token.rsplit_once('=').unwrap().1.to_owned();
    let signature = jwt.rsplit_once('.').unwrap().1.to_owned();
    let mut secrets = vec![mac(&hdnts), mac(&hdntl), signature, house.issuer.clone()];
    secrets.extend([EDGE_KEY, JWT_KEY].map(str::to_owned));
    for key in &content_keys {
        let bytes = URL_SAFE_NO_PAD.decode(key).unwrap();
        secrets.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        secrets.push(key.clone());
    }
    let spelled = |key: &TrackKey| log.contains(&key.kid.to_string());
    for secret in secrets {
        assert!(!log.contains(&secret), "a secret of {} letters is in the log", secret.len());
    }
    assert!(!log.contains("alice"), "users are not named");
    // Key ids are no secrets, but there is no reason to log them either.
    assert!(!house.film.iter().any(spelled));
}
