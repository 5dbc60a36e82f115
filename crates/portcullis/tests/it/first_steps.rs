//! What a newcomer does: `init`, then the steps it prints, as they are printed.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    secrets::{ask_for_token, license_request},
    support::{CONTENT, Server, Site, USER, films, get, post, run_in, tree},
};

#[test]
fn the_steps_that_init_prints_lead_to_a_playing_film() {
    let dir = tempfile::tempdir().unwrap();
    let made = run_in(dir.path(), &["init", "new"]);
    made.expect_code(0);
    assert_eq!(made.out, "");
    let steps: Vec<&str> = made.err.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(steps[0], "cd new");
    assert_eq!(steps.last(), Some(&"portcullis serve"));

    let site = Site::new();
    for name in ["root.key", "edge.key", "jwt.key"] {
        let mode = fs::metadata(site.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mut api_key = String::new();
    for step in &steps[1..steps.len() - 1] {
        let words: Vec<&str> = step.split(' ').skip(1).collect();
        let input = films()[2].clone();
        let words: Vec<&str> =
            words.iter().map(|word| if *word == "your.mp4" { &input } else { *word }).collect();
        let ran = site.run(&words);
        ran.expect_code(0);
        if words[0] == "api-key" {
            api_key = ran.out.trim().to_owned();
        }
    }

    let server = Server::start(&site);
    let issued = ask_for_token(&server, USER, &api_key);
    assert_eq!(issued.status, 200, "{issued:?}");
    assert_eq!(issued.json()["expires_in"], 3600);
    let credential = format!("Bearer {}", issued.json()["token"].as_str().unwrap());
    let target = format!("/license/clearkey?content={CONTENT}");
    let kids = license_request(&site.kids("cenc"));
    let license = post(server.public, &target, &[("authorization", &credential)], &kids);
    assert_eq!(license.status, 200, "{license:?}");
    assert_eq!(license.json()["keys"].as_array().unwrap().len(), 1);

    let pass = site.access_token("/media/film/*");
    let manifest = get(server.public, &format!("/media/film/manifest.mpd?hdnts={pass}"), &[]);
    assert_eq!(manifest.status, 200);
    let cookie = manifest.header("set-cookie").unwrap().split(';').next().unwrap();
    let segment = get(server.public, "/media/film/audio-eng/1.m4s", &[("cookie", cookie)]);
    assert_eq!(segment.body, fs::read(site.join("media/film/audio-eng/1.m4s")).unwrap());
    assert_eq!(get(server.private, "/readyz", &[]).status, 200);
    assert!(server.stop().success());
}

#[test]
fn init_overwrites_nothing() {
    for name in ["portcullis.toml", "policy.toml", "root.key", "edge.key", "jwt.key"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), "mine").unwrap();
        let ran = run_in(dir.path(), &["init"]);
        let message = ran.expect_one_message(2);
        assert!(message.contains(name) && message.contains("exists already"), "{message}");
        let files = tree(dir.path());
        assert_eq!(files.len(), 1, "nothing else was made: {:?}", files.keys());
        assert_eq!(files[name], b"mine");
        assert!(!dir.path().join("media").exists());
    }
}
