//! Keys and token secrets are where they belong and nowhere else: not in the database, the
//! logs or the packaged output, and not in the memory of a process that is done with them.
//!
//! What a core may hold: the key-encryption keys inside the cipher, which opens sealed rows
//! with them; what derived keys and MACs need; and what requests carried whose connection is
//! still open. What it must not hold: content keys, the root key, the secrets tokens are
//! signed with, and API keys of callers that left.
//!
//! SPEC: SEC-14 to SEC-16, abuse cases T01 and T25.

use std::{collections::BTreeMap, net::SocketAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{
    Answer, CONTENT, Needles, Server, Site, USER, core_of, films, get, post, tree,
};

#[test]
fn neither_files_nor_memory_of_a_server_hold_a_key_or_a_token_secret() {
    let site = Site::with_film();
    site.write("portcullis.toml", &(site.read("portcullis.toml") + "[log]\nlevel = \"debug\"\n"));
    let mut said = site.package("media/cbcs", &["--scheme", "cbcs", "--json"]).everything();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let mut visit = Visit { site: &site, server: &server, passes: Vec::new() };
    let token = visit.ask_for_tokens(&api_key);
    let keys = visit.ask_for_licenses(&token);
    visit.fetch_media();
    visit.come_in_a_crowd(&api_key, &token);
    let passes = visit.passes;

    let mut secrets = secrets_of_files(&site);
    for (kid, key) in &keys {
        secrets.bytes(&format!("key {kid}"), key);
    }
    secrets.text("API key", api_key.split('_').nth(3).unwrap());
    secrets.bytes("API key", &crockford(api_key.split('_').nth(3).unwrap()));
    let core = core_of(server.id(), site.path());
    assert!(core.len() > 1 << 20, "a core of {} bytes is none", core.len());
    let known = core.windows(26).any(|window| window == b"https://streaming.example\"");
    assert!(known, "the search finds nothing at all");
    secrets.expect_none_in(&core, "the server's memory");

    for (name, pass) in &passes {
        secrets.text(name, pass);
    }
    said.push_str(&site.run(&["audit", "verify", "--json"]).everything());
    said.push_str(&site.run(&["explain", "token", "--user", USER, "--content", CONTENT]).out);
    secrets.expect_none_in(said.as_bytes(), "what commands said");
    look_into_files(&site, &secrets);
    assert!(server.logged().contains("license"), "the server logged nothing of its requests");
    assert!(server.stop().success());
    look_into_files(&site, &secrets);
}

#[test]
fn the_demo_holds_no_key_after_it_made_and_used_them() {
    let site = Site::new();
    let inputs = films();
    let mut command = site.command(&["demo", "--listen", "127.0.0.1:0", "--data", "demo"]);
    for input in &inputs {
        command.args(["--input", input]);
    }
    let server = Server::demo(&mut command, site.join("demo.log"));
    let play = |stream: &str| {
        let wanted = format!(r#"{{"viewer":"ada","content":"film","stream":"{stream}"}}"#);
        let answer = post(server.public, "/demo/api/play", &[], &wanted);
        answer.json()["token"].as_str().unwrap().to_owned()
    };
    let token = play("dash");
    let database = site.join("demo");
    let mut secrets = Needles::default();
    for name in ["root.key", "edge.key", "jwt.key"] {
        let text = std::fs::read_to_string(database.join(name)).unwrap();
        secrets.text(name, text.trim_end());
        secrets.bytes(name, &from_hex(text.trim_end()));
    }
    let kids = site.run(&["policy", "list", "--json", "--config", "demo/portcullis.toml"]);
    let kids: Vec<String> = serde_json::Deserializer::from_str(&kids.out)
        .into_iter::<serde_json::Value>()
        .map(|content| content.unwrap())
        .filter(|content| content["id"] == CONTENT)
        .flat_map(|content| content["keys"].as_array().unwrap().clone())
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    let viewer = ("x-forwarded-for", "192.0.2.10");
    for (kid, key) in license(server.public, &token, &kids, &[viewer]) {
        secrets.bytes(&format!("key {kid}"), &key);
    }
    let core = core_of(server.id(), site.path());
    secrets.expect_none_in(&core, "the demo's memory");
    secrets.expect_none_in(server.logged().as_bytes(), "its log");
}

/// A viewer and those who are refused.
struct Visit<'a> {
    site: &'a Site,
    server: &'a Server,
    /// What was handed out to be shown: never logged, never stored.
    passes: Vec<(String, String)>,
}

impl Visit<'_> {
    fn ask_for_tokens(&mut self, api_key: &str) -> String {
        let ask = |user: &str, key: &str| ask_for_token(self.server, user, key);
        assert_eq!(ask("mallory", api_key).status, 403);
        assert_eq!(ask(USER, &format!("{api_key}x")).status, 401);
        let token = ask(USER, api_key).json()["token"].as_str().unwrap().to_owned();
        self.passes.push(("playback token".to_owned(), token.clone()));
        token
    }

    fn ask_for_licenses(&self, token: &str) -> BTreeMap<String, [u8; 16]> {
        let public = self.server.public;
        let mut kids = self.site.kids("cenc");
        kids.extend(self.site.kids("cbcs"));
        assert_eq!(kids.len(), 6);
        let mut forged = token.to_owned();
        forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
        for (credential, status) in [("", 401), ("Bearer x.y.z", 401), (forged.as_str(), 401)] {
            let headers = [("authorization", credential)];
            let target = format!("/license/clearkey?content={CONTENT}");
            let answer = post(public, &target, &headers, &license_request(&kids));
            assert_eq!(answer.status, status, "{credential}");
        }
        license(public, token, &kids, &[])
    }

    fn fetch_media(&mut self) {
        let public = self.server.public;
        let pass = self.site.access_token("/media/film/*");
        let answer = get(public, &format!("/media/film/manifest.mpd?hdnts={pass}"), &[]);
        assert_eq!(answer.status, 200);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let segment = "/media/film/video-180p/1.m4s";
        assert_eq!(get(public, segment, &[("cookie", &cookie)]).status, 200);
        assert_eq!(get(public, segment, &[]).status, 403);
        assert_eq!(get(public, &format!("{segment}?hdntl={pass}"), &[]).status, 403);
        self.passes.push(("access token".to_owned(), pass));
        self.passes.push(("session cookie".to_owned(), cookie["hdntl=".len()..].to_owned()));

        let pass = self.site.access_token("/cookieless/cbcs/*");
        let target = format!("/cookieless/cbcs/audio-eng/playlist.m3u8?hdnts={pass}");
        let answer = get(public, &target, &[]);
        let playlist = String::from_utf8(answer.body).unwrap();
        let uri = playlist.lines().find(|line| line.ends_with(".m4s")).unwrap();
        let session = uri.split('/').find(|part| part.starts_with("hdntl=")).unwrap();
        let target = format!("/cookieless/cbcs/audio-eng/{session}/1.m4s");
        assert_eq!(get(public, &target, &[]).status, 200, "{uri}");
        self.passes.push(("session in the path".to_owned(), session["hdntl=".len()..].to_owned()));
    }
}

impl Visit<'_> {
    /// Many at once, so that every worker thread handles keys, and buffers are not simply
    /// overwritten by the next in line.
    fn come_in_a_crowd(&self, api_key: &str, token: &str) {
        let kids = self.site.kids("cenc");
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    license(self.server.public, token, &kids, &[]);
                    ask_for_token(self.server, USER, api_key);
                });
            }
        });
    }
}

/// Asks for a Clear Key license that must be granted; the keys by their ids.
fn license(
    server: SocketAddr,
    token: &str,
    kids: &[String],
    more: &[(&str, &str)],
) -> BTreeMap<String, [u8; 16]> {
    let credential = format!("Bearer {token}");
    let headers = [&[("authorization", credential.as_str())], more].concat();
    let target = format!("/license/clearkey?content={CONTENT}");
    let answer = post(server, &target, &headers, &license_request(kids));
    assert_eq!(answer.status, 200, "{answer:?}");
    let decode = |text: &serde_json::Value| -> [u8; 16] {
        URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
    };
    let license = answer.json();
    let keys = license["keys"].as_array().unwrap();
    assert_eq!(keys.len(), kids.len());
    keys.iter().map(|key| (format!("{:02x?}", decode(&key["kid"])), decode(&key["k"]))).collect()
}

pub(crate) fn license_request(kids: &[String]) -> String {
    let kids = kids.iter().map(|kid| URL_SAFE_NO_PAD.encode(from_hex(&kid.replace('-', ""))));
    serde_json::json!({ "kids": kids.collect::<Vec<_>>(), "type": "temporary" }).to_string()
}

pub(crate) fn ask_for_token(server: &Server, user: &str, api_key: &str) -> Answer {
    let wanted = format!(r#"{{"user_id":"{user}","content_id":"{CONTENT}"}}"#);
    let credential = format!("Bearer {api_key}");
    post(server.api, "/api/token", &[("authorization", &credential)], &wanted)
}

fn secrets_of_files(site: &Site) -> Needles {
    let mut secrets = Needles::default();
    for name in KEY_FILES {
        let text = site.read(name);
        secrets.text(name, text.trim_end());
        secrets.bytes(name, &from_hex(text.trim_end()));
    }
    secrets
}

/// Every file of the folder but those that are there to hold a secret.
fn look_into_files(site: &Site, secrets: &Needles) {
    let files = tree(site.path());
    let names: Vec<&String> = files.keys().collect();
    for expected in ["portcullis.db", "serve.log", "media/film/manifest.mpd"] {
        assert!(files.contains_key(expected), "{expected} is not among {names:?}");
    }
    for (name, bytes) in &files {
        if !KEY_FILES.contains(&name.as_str()) {
            secrets.expect_none_in(bytes, name);
        }
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// The 24 bytes of 39 digits of Crockford's base 32.
fn crockford(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for character in text.chars() {
        let value = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".find(character).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let start = bits.len() - 24 * 8;
    (0..24).map(|at| u8::from_str_radix(&bits[start + at * 8..][..8], 2).unwrap()).collect()
}

const KEY_FILES: [&str; 3] = ["root.key", "edge.key", "jwt.key"];
