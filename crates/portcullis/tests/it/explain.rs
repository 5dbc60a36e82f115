//! `portcullis explain` says of a request what the server answers to it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    time::Duration,
};

use portcullis_base::{Clock as _, json::Value};
use portcullis_server::{SystemClock, SystemRng};
use portcullis_token::{
    jwks,
    jwt::{self, Issue, SigningKey},
};

use crate::{
    secrets::{ask_for_token, license_request},
    support::{Answer, CONTENT, Ran, Server, Site, USER, get, post},
};

#[test]
fn a_token_is_explained_as_it_is_answered() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    for (user, content) in [(USER, CONTENT), ("mallory", CONTENT), (USER, "unknown")] {
        let live = if content == CONTENT {
            ask_for_token(&server, user, &api_key)
        } else {
            let wanted = format!(r#"{{"user_id":"{user}","content_id":"{content}"}}"#);
            let credential = format!("Bearer {api_key}");
            post(server.api, "/api/token", &[("authorization", &credential)], &wanted)
        };
        let said = site.run(&["explain", "token", "--user", user, "--content", content, "--json"]);
        check_same(&said, &live, user);
    }
}

#[test]
fn a_license_is_explained_as_it_is_answered() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let token = ask_for_token(&server, USER, &api_key).json()["token"].as_str().unwrap().to_owned();
    let kids = site.kids("cenc");
    let unknown = "00000000-0000-4000-8000-000000000001".to_owned();
    let mut forged = token.clone();
    forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
    for (name, token, kids) in [
        ("good", Some(token.as_str()), &kids),
        ("no token", None, &kids),
        ("malformed", Some("x"), &kids),
        ("forged", Some(&forged), &kids),
        ("unknown key", Some(&token), &vec![unknown]),
    ] {
        let credential = format!("Bearer {}", token.unwrap_or_default());
        let mut headers = vec![("authorization", credential.as_str())];
        headers.retain(|_| token.is_some());
        let target = format!("/license/clearkey?content={CONTENT}");
        let live = post(server.public, &target, &headers, &license_request(kids));

        let mut arguments = vec!["explain", "license", "--content", CONTENT, "--json"];
        arguments.extend(["--address", "127.0.0.1"]);
        arguments.extend(kids.iter().flat_map(|kid| ["--kid", kid.as_str()]));
        if let Some(token) = token {
            site.write("token.jwt", &format!("{token}\n"));
            arguments.extend(["--token", "token.jwt"]);
        }
        check_same(&site.run(&arguments), &live, name);
    }
}

#[test]
fn the_moment_to_explain_can_be_chosen() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let token = ask_for_token(&server, USER, &api_key).json()["token"].as_str().unwrap().to_owned();
    site.write("token.jwt", &token);
    let explain = |at: &str| {
        let fixed = ["explain", "license", "--content", CONTENT, "--token", "token.jwt"];
        site.run(&[&fixed[..], &["--at", at]].concat())
    };
    let late = explain("2099-01-01T00:00:00Z");
    late.expect_code(1);
    assert!(late.out.contains("token.expired"), "{}", late.out);
    let early = explain("2001-01-01T00:00:00Z");
    early.expect_code(1);
    assert!(early.out.contains("token.not_yet"), "{}", early.out);
}

#[test]
fn a_media_request_is_explained_as_it_is_answered() {
    let site = Site::with_film();
    let text = site.read("portcullis.toml");
    site.write("portcullis.toml", &(text + "[log]\nformat = \"json\"\n"));
    let server = Server::start(&site);
    let pass = site.access_token("/media/film/*");
    let other = site.access_token("/media/other/*");
    let tampered = pass.replacen("exp=", "exp=9", 1);
    let opened = get(server.public, &format!("/media/film/manifest.mpd?hdnts={pass}"), &[]);
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let session = cookie["hdntl=".len()..].to_owned();
    let segment = "/media/film/audio-eng/1.m4s";
    for (url, session) in [
        (format!("/media/film/manifest.mpd?hdnts={pass}"), None),
        (format!("/media/film/manifest.mpd?hdnts={other}"), None),
        (format!("/media/film/manifest.mpd?hdnts={tampered}"), None),
        (format!("/media/film/manifest.mpd?hdnts={session}"), None),
        (segment.to_owned(), None),
        (segment.to_owned(), Some(session.as_str())),
        (segment.to_owned(), Some(pass.as_str())),
        ("/media/film/../root.key".to_owned(), None),
        ("/media/film/%2e%2e/root.key".to_owned(), None),
        ("/elsewhere/film".to_owned(), None),
    ] {
        let cookie = session.map(|session| format!("hdntl={session}"));
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
        let live = get(server.public, &url, &headers);
        let line = server.logged().lines().last().unwrap().to_owned();
        let recorded: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(recorded["front_door"], "edge", "{line}");
        let wanted = recorded["reason"].as_str().filter(|reason| !reason.is_empty());

        let mut arguments = vec!["explain", "edge", "--url", &url, "--address", "127.0.0.1"];
        arguments.extend(session.iter().flat_map(|session| ["--cookie", session]));
        let said = site.run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(said.code, Some(i32::from(wanted.is_some())), "{url}: {said:?}");
        let explained: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(explained["reason"].as_str(), wanted, "{url}, answered {}", live.status);
        assert_eq!(live.status == 200, wanted.is_none(), "{url}");
        let read = site.run(&arguments);
        assert_eq!(read.code, said.code);
        assert!(read.out.contains(wanted.unwrap_or("allowed")), "{url}: {read:?}");
    }
}

#[track_caller]
fn check_same(said: &Ran, live: &Answer, name: &str) {
    let explained: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let live_reason =
        if live.status == 200 { None } else { live.json()["code"].as_str().map(str::to_owned) };
    assert_eq!(explained["reason"].as_str(), live_reason.as_deref(), "{name}: {live:?}");
    assert_eq!(explained["outcome"] == "allowed", live.status == 200, "{name}");
    assert_eq!(said.code, Some(i32::from(live.status != 200)), "{name}");
    assert!(!explained["trace"].as_array().unwrap().is_empty(), "{name}");
}

#[test]
fn keys_that_an_issuer_publishes_are_listed_and_explained() {
    let pem = include_str!("../../../portcullis-token/tests/it/keys/ed25519.pem");
    let key = SigningKey::eddsa_from_pem(pem).unwrap().with_kid("a").unwrap();
    let url = publish(&jwks::print(&[key.public().unwrap()]).unwrap().to_string());
    let site = Site::with_film();
    let policy = format!(
        "[[key_policies]]\nname = \"subscribers\"\nrestriction = \"token\"\nissuer = \"i\"\n\
         audience = \"a\"\nentitlement = \"anyone\"\njwks_url = \"{url}?app=s3cret\"\n"
    );
    site.write("published.toml", &policy);
    site.run(&["policy", "apply", "published.toml"]).expect_code(0);
    let listed = site.run(&["policy", "list"]).out;
    let source = format!("key policy subscribers, token keys from the key set at {url}?app=…\n");
    assert!(listed.contains(&source), "{listed}");

    let issue = Issue {
        issuer: "i".into(),
        audience: "a".into(),
        subject: None,
        issued_at: SystemClock.now(),
        not_before: SystemClock.now(),
        expires_at: SystemClock.now().saturating_add(Duration::from_secs(600)),
        id: None,
        extra: [("portcullis:content".to_owned(), Value::from(CONTENT))].into(),
        token_type: "JWT".into(),
    };
    site.write("token", &jwt::issue(&issue, &key, &SystemRng).unwrap());
    let explain = ["explain", "license", "--content", CONTENT, "--token", "token"];
    let refused = site.run(&explain);
    refused.expect_code(1);
    assert!(refused.out.contains("refused: token.key_source"), "{}", refused.out);
    let allowed = "[outbound]\ndanger_allow_private_networks = [\"127.0.0.0/8\"]\n\
                   danger_allow_plain_http = true\n";
    site.write("portcullis.toml", &format!("{}\n{allowed}", site.read("portcullis.toml")));
    let explained = site.run(&explain);
    assert!(explained.out.ends_with("allowed\n"), "{} {}", explained.out, explained.err);
}

/// A pretended issuer that answers every request with this key set. Ends with the process.
fn publish(key_set: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let (length, key_set) = (key_set.len(), key_set.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut received = Vec::new();
            let mut byte = [0];
            while !received.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                received.extend(byte);
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(format!("{head}{key_set}").as_bytes()).unwrap();
        }
    });
    url
}
