//! `portcullis revoke` beside a running server, and what `explain` says of counted tokens.

use std::time::Duration;

use crate::{
    secrets::{ask_for_token, license_request},
    support::{Answer, CONTENT, Server, Site, USER, post},
};

fn license(server: &Server, token: &str, kids: &[String]) -> Answer {
    let credential = format!("Bearer {token}");
    let target = format!("/license/clearkey?content={CONTENT}");
    post(server.public, &target, &[("authorization", &credential)], &license_request(kids))
}

/// Waits until the answer has this status, for two seconds at most.
#[track_caller]
fn soon(status: u16, ask: impl Fn() -> Answer) -> Answer {
    for _ in 0..100 {
        let answer = ask();
        if answer.status == status {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not {status} within two seconds: {:?}", ask());
}

#[test]
fn a_running_server_hears_of_a_revocation_and_of_its_end() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let token = ask_for_token(&server, USER, &api_key).json()["token"].as_str().unwrap().to_owned();
    let kids = site.kids("cenc");
    assert_eq!(license(&server, &token, &kids).status, 200);

    site.run(&["revoke", "add", "user", USER, "--reason", "shared their token"]).expect_code(0);
    let refused = soon(403, || license(&server, &token, &kids));
    assert_eq!(refused.json()["code"], "user.revoked");
    site.write("token.jwt", &token);
    let explain = ["explain", "license", "--content", CONTENT, "--token", "token.jwt"];
    let said = site.run(&explain);
    said.expect_code(1);
    assert!(said.out.contains("revocation    refuses the user was revoked"), "{}", said.out);

    let listed = site.run(&["revoke", "list", "--json"]);
    listed.expect_code(0);
    let one: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((one["kind"].as_str(), one["id"].as_str()), (Some("user"), Some(USER)));
    assert_eq!(one["reason"], "shared their token");
    assert_eq!(one["actor"], "local:cli");

    site.run(&["revoke", "lift", "user", USER]).expect_code(0);
    soon(200, || license(&server, &token, &kids));
    assert_eq!(site.run(&["revoke", "list"]).out, "");
    site.run(&["revoke", "lift", "user", USER]).expect_one_message(2);
    site.run(&["audit", "verify"]).expect_code(0);
}

#[test]
fn a_token_is_revoked_by_what_its_owner_knows_of_it() {
    let site = Site::with_film();
    let add = |more: &[&str]| {
        site.run(&[&["revoke", "add"], more, &["--reason", "x", "--hours", "1"]].concat())
    };
    let mac = "ab".repeat(32);
    add(&["token", "42e753340f86d361503853f9c1671f08"]).expect_code(0);
    add(&["token", &mac]).expect_code(0);
    add(&["token", "j-1", "--issuer", "https://issuer.test"]).expect_code(0);
    assert_eq!(site.run(&["revoke", "list"]).out.lines().count(), 3);
    add(&["token", "j-1"]).expect_one_message(2);
    add(&["user", USER, "--issuer", "x"]).expect_one_message(2);
    add(&["kid", "film"]).expect_one_message(2);
    let over = ["revoke", "add", "user", USER, "--reason", "x", "--until", "2001-01-01T00:00:00Z"];
    site.run(&over).expect_one_message(2);
}

#[test]
fn an_explanation_tells_how_often_a_token_was_used() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let wanted = format!(r#"{{"user_id":"{USER}","content_id":"{CONTENT}","max_uses":1}}"#);
    let credential = format!("Bearer {api_key}");
    let issued = post(server.api, "/api/token", &[("authorization", &credential)], &wanted);
    let token = issued.json()["token"].as_str().unwrap().to_owned();
    site.write("token.jwt", &token);
    let explain =
        || site.run(&["explain", "license", "--content", CONTENT, "--token", "token.jwt"]);
    let before = explain();
    before.expect_code(0);
    assert!(
        before.out.contains("uses          allows  used 0 of 1 times so far"),
        "{}",
        before.out
    );
    let kids = site.kids("cenc");
    assert_eq!(license(&server, &token, &kids).status, 200);
    let after = explain();
    after.expect_code(1);
    assert!(after.out.contains("uses          refuses used 1 of 1 times"), "{}", after.out);
    let again = license(&server, &token, &kids[..1]);
    assert_eq!((again.status, again.json()["code"].as_str()), (401, Some("token.used_up")));
}
