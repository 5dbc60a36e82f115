//! The power goes: whatever was under way, the next start finds a sound state.
//!
//! SPEC: operations rule REL-35.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use crate::{
    audit::records,
    secrets::{ask_for_token, license_request},
    support::{CONTENT, Server, Site, USER, ask, get, tree},
};

#[test]
fn packaging_that_is_killed_leaves_a_whole_output_or_none() {
    let site = Site::with_film();
    let whole = tree(&site.join("media/film"));
    let out = site.join("media/out");
    let mut whole_rounds = 0;
    for round in 0..20_u64 {
        // In odd rounds an older output is there to be replaced.
        let replacing = round % 2 == 1;
        if replacing && !out.exists() {
            site.package("media/out", &["--force"]).expect_code(0);
        } else if !replacing && out.exists() {
            fs::remove_dir_all(&out).unwrap();
        }
        let mut child = site.start_packaging("media/out", &["--force"]);
        sleep(Duration::from_millis(5 + round * 89 % 295));
        child.kill().unwrap();
        child.wait().unwrap();
        if out.exists() {
            whole_rounds += 1;
            check_whole(&tree(&out), &whole, round);
        }
        if round % 5 == 4 {
            site.run(&["audit", "verify"]).expect_code(0);
        }
    }
    assert!((1..20).contains(&whole_rounds), "{whole_rounds} of 20 rounds were whole");
    site.package("media/out", &["--force"]).expect_code(0);
    check_whole(&tree(&out), &whole, 20);
    // A replaced output makes the hidden folders of killed runs go away, too.
    site.package("media/out", &["--force"]).expect_code(0);
    assert_eq!(names(&site.join("media")), ["film", "out"]);
    site.run(&["audit", "verify"]).expect_code(0);
}

fn check_whole(found: &BTreeMap<String, Vec<u8>>, whole: &BTreeMap<String, Vec<u8>>, round: u64) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(whole), "round {round}");
    assert!(found == whole, "round {round}: the same files, other bytes");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn nothing_that_is_half_written_is_served() {
    let site = Site::with_film();
    for hidden in [".film.partial", ".film.old"] {
        let half = site.join(&format!("media/{hidden}"));
        fs::create_dir_all(half.join("audio-eng")).unwrap();
        let manifest = fs::read(site.join("media/film/manifest.mpd")).unwrap();
        fs::write(half.join("manifest.mpd"), manifest).unwrap();
        fs::write(half.join("audio-eng/1.m4s"), "half").unwrap();
    }
    let server = Server::start(&site);
    let pass = site.access_token("/media/*");
    let opened = get(server.public, &format!("/media/film/manifest.mpd?hdnts={pass}"), &[]);
    assert_eq!(opened.status, 200);
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for hidden in [".film.partial", ".film.old", "%2efilm.old"] {
        for file in ["manifest.mpd", "audio-eng/1.m4s"] {
            let target = format!("/media/{hidden}/{file}");
            let answer = get(server.public, &format!("{target}?hdnts={pass}"), &[]);
            assert_eq!(answer.status, 404, "{target}");
            assert_eq!(get(server.public, &target, &[("cookie", &cookie)]).status, 404, "{target}");
        }
    }
}

#[test]
fn every_license_that_was_received_is_on_record_after_a_kill() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let kids = license_request(&site.kids("cenc"));
    let received = Mutex::new(Vec::new());
    for round in 0..5_u64 {
        let server = Server::start(&site);
        let issued = ask_for_token(&server, USER, &api_key);
        let credential = format!("Bearer {}", issued.json()["token"].as_str().unwrap());
        let asked = AtomicUsize::new(0);
        let public = server.public;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let target = format!("/license/clearkey?content={CONTENT}");
                    let headers = [("authorization", credential.as_str())];
                    loop {
                        asked.fetch_add(1, Ordering::Relaxed);
                        let asked = ask(public, "POST", &target, &headers, kids.as_bytes());
                        // The server is gone, maybe in the middle of its answer.
                        let Ok(answer) = asked else { return };
                        if !answer.is_whole() {
                            return;
                        }
                        assert_eq!(answer.status, 200, "{answer:?}");
                        let id = answer.header("x-request-id").unwrap().to_owned();
                        received.lock().unwrap().push(id);
                    }
                });
            }
            sleep(Duration::from_millis(120 + round * 37));
            server.kill();
        });
        site.run(&["audit", "verify"]).expect_code(0);
    }
    let received = received.into_inner().unwrap();
    assert!(received.len() > 20, "only {} licenses were received", received.len());
    let records: Vec<String> =
        records(&site).into_iter().filter(|record| record.contains("license.issue")).collect();
    for id in &received {
        assert!(records.iter().any(|record| record.contains(id)), "{id} is not on record");
    }
    let server = Server::start(&site);
    assert_eq!(ask_for_token(&server, USER, &api_key).status, 200);
    assert!(server.stop().success());
}
