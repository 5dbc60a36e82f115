//! Tokens that are good for a number of licenses.

use std::{net::SocketAddr, thread, time::Duration};

use portcullis_base::json::Value;
use portcullis_token::jwt::{MAX_USES, ONE_TIME};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use crate::{
    client::{Answer, Request},
    house::{House, license_request, now, playback},
};

fn one_time() -> String {
    playback(|token| drop(token.issue.extra.insert(ONE_TIME.into(), Value::from(true))))
}

fn good_for(uses: &str) -> String {
    playback(|token| drop(token.issue.extra.insert(MAX_USES.into(), Value::from(uses))))
}

/// Asks for the film's keys in a body no other number gives.
fn ask(house: &House, to: SocketAddr, token: &str, number: usize) -> Answer {
    let body = format!("{}{}", license_request(&house.film), " ".repeat(number));
    Request::post("/license/clearkey?content=film", body).bearer(token).send(to)
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
}

/// Changes the database past the server.
fn vandalize(house: &House, statements: &'static str) {
    let path = house.folder.path().join("portcullis.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(statements).execute(&mut conn).await.unwrap();
    });
}

#[test]
fn two_hundred_at_once_over_two_servers_share_the_one_use() {
    let house = House::open();
    let other = house.sibling();
    for (servers, token, uses) in [
        (&[house.public()][..], one_time(), 1),
        (&[house.public(), other.bound.public], one_time(), 1),
        (&[house.public(), other.bound.public], good_for("5"), 5),
    ] {
        let answers: Vec<Answer> = thread::scope(|scope| {
            let asks = (0..200).map(|number| {
                let (house, token) = (&house, &token);
                let to = servers[number % servers.len()];
                scope.spawn(move || ask(house, to, token, number))
            });
            let asks: Vec<_> = asks.collect();
            asks.into_iter().map(|ask| ask.join().unwrap()).collect()
        });
        let licenses = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(licenses, uses);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            check(refused, 401, "token.used_up");
        }
    }
}

#[test]
fn a_player_that_asks_again_is_not_counted_again() {
    let house = House::open();
    let token = one_time();
    for _ in 0..3 {
        assert_eq!(ask(&house, house.public(), &token, 1).status, 200);
    }
    check(&ask(&house, house.public(), &token, 2), 401, "token.used_up");
}

#[test]
fn marks_survive_a_restart() {
    let mut house = House::open();
    let token = good_for("2");
    assert_eq!(ask(&house, house.public(), &token, 1).status, 200);
    house.restart();
    assert_eq!(ask(&house, house.public(), &token, 2).status, 200);
    check(&ask(&house, house.public(), &token, 3), 401, "token.used_up");
    house.restart();
    check(&ask(&house, house.public(), &token, 4), 401, "token.used_up");
}

#[test]
fn a_license_that_could_not_be_made_uses_nothing() {
    let house = House::open();
    let token = one_time();
    vandalize(&house, "ALTER TABLE content_keys RENAME TO content_keys_lost");
    for number in 0..3 {
        check(&ask(&house, house.public(), &token, number), 503, "key.unavailable");
    }
    vandalize(&house, "ALTER TABLE content_keys_lost RENAME TO content_keys");
    assert_eq!(ask(&house, house.public(), &token, 3).status, 200);
    check(&ask(&house, house.public(), &token, 4), 401, "token.used_up");
}

#[test]
fn a_request_that_was_refused_uses_nothing() {
    let house = House::open();
    let token = one_time();
    check(&house.license("sequel", &token, &house.sequel), 401, "token.algorithm");
    check(&house.license("premiere", &token, &house.film), 403, "token.content");
    check(&house.license("film", &token, &house.sequel), 403, "key.unknown");
    let altered = format!("{token}x");
    check(&ask(&house, house.public(), &altered, 0), 401, "token.signature");
    let malformed = Request::post("/license/clearkey?content=film", "{}").bearer(&token);
    check(&malformed.send(house.public()), 400, "license.malformed");
    let preflight = Request::new("OPTIONS", "/license/clearkey?content=film")
        .header("Origin", "https://play.example")
        .header("Access-Control-Request-Method", "POST");
    assert!(preflight.bearer(&token).send(house.public()).status < 300);
    assert_eq!(ask(&house, house.public(), &token, 0).status, 200);
}

#[test]
fn what_cannot_be_counted_is_refused_and_the_rest_goes_on() {
    let house = House::open();
    let (counted, unlimited) = (one_time(), good_for("unlimited"));
    vandalize(&house, "ALTER TABLE replay RENAME TO replay_lost");
    check(&ask(&house, house.public(), &counted, 0), 503, "replay.unavailable");
    assert_eq!(ask(&house, house.public(), &unlimited, 0).status, 200);
    vandalize(&house, "ALTER TABLE replay_lost RENAME TO replay");
    assert_eq!(ask(&house, house.public(), &counted, 0).status, 200);
}

#[test]
fn a_counted_token_of_ours_ends_within_the_hour() {
    let house = House::open();
    let late = playback(|token| {
        token.issue.extra.insert(MAX_USES.into(), Value::from("2"));
        token.issue.expires_at = now().saturating_add(Duration::from_secs(3700));
    });
    check(&ask(&house, house.public(), &late, 0), 401, "token.lifetime");
    let nameless = playback(|token| {
        token.issue.extra.insert(ONE_TIME.into(), Value::from(true));
        token.issue.id = Some(String::new());
    });
    check(&ask(&house, house.public(), &nameless, 0), 401, "token.no_id");
}
