//! `portcullis package`: what it refuses, with which exit code, and that it repeats itself.

use std::fs;

use crate::{
    audit::tamper,
    support::{CONTENT, Ran, Site, films, tree},
};

#[test]
fn the_same_input_packages_to_the_same_bytes() {
    let site = Site::with_film();
    for scheme in ["cenc", "cbcs"] {
        let arguments = ["--scheme", scheme, "--json", "--force"];
        let first = site.package("media/film", &arguments);
        first.expect_code(0);
        let files = tree(&site.join("media/film"));
        let second = site.package("media/film", &arguments);
        assert_eq!(second.out, first.out, "{scheme}");
        assert!(tree(&site.join("media/film")) == files, "{scheme}");
    }
    let hidden = tree(&site.join("media"));
    assert!(hidden.keys().all(|name| !name.starts_with('.')), "left behind: {:?}", hidden.keys());
}

#[test]
fn the_report_tells_tracks_and_no_key() {
    let site = Site::with_film();
    let ran = site.package("media/again", &["--json"]);
    ran.expect_code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let tracks = report["tracks"].as_array().unwrap();
    let name = |track: &serde_json::Value| track["name"].as_str().unwrap().to_owned();
    let names: Vec<String> = tracks.iter().map(name).collect();
    assert_eq!(names, ["video-720p", "video-180p", "audio-eng"]);
    let mut kids: Vec<&str> = tracks.iter().map(|track| track["kid"].as_str().unwrap()).collect();
    kids.sort_unstable();
    let mut known = site.kids("cenc");
    known.sort_unstable();
    assert_eq!(kids, known);
    assert_eq!(report["scheme"], "cenc");
    for track in &names {
        assert!(report["init_sha256"][format!("{track}/init.mp4")].is_string(), "{report}");
    }
    let text = site.package("media/text", &[]);
    assert!(text.out.contains("video-720p") && text.out.contains("made media/text"));
}

/// Packages one input that cannot be packaged, in both forms of output.
fn check_refused(site: &Site, input: &str, code: i32, name: &str, message: &str) {
    let fixed = ["package", input, "--out", "media/bad", "--content", CONTENT];
    let ran = site.run(&fixed);
    let said = ran.expect_one_message(code);
    assert!(said.contains(message), "`{message}` is not in `{said}`");
    assert_eq!(ran.out, "");
    let ran = site.run(&[&fixed[..], &["--json"]].concat());
    ran.expect_code(code);
    let error: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(error["code"], name);
    for member in ["input", "track", "sample", "offset", "detail"] {
        assert!(error.get(member).is_some(), "{member} is missing: {error}");
    }
    assert!(!site.join("media/bad").exists());
}

#[test]
fn what_is_not_supported_is_named_with_its_track_and_ends_with_4() {
    let site = Site::with_film();
    let data = |name: &str| format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let check = |name: &str, message: &str| {
        check_refused(&site, &data(name), 4, "unsupported_codec", message);
    };
    check("vp9.mp4", "vp9.mp4: track 1: VP9 is not supported yet");
    check("hevc.mp4", "hevc.mp4: track 1: HEVC is not supported yet");
}

#[test]
fn an_input_that_cannot_be_read_ends_with_3() {
    let site = Site::with_film();
    let film = fs::read(&films()[1]).unwrap();
    fs::write(site.join("cut.mp4"), &film[..film.len() / 2]).unwrap();
    check_refused(&site, "cut.mp4", 3, "corrupt_input", "cut.mp4: ");
    site.write("text.mp4", "this is a text, and a text is no film");
    check_refused(&site, "text.mp4", 3, "corrupt_input", "text.mp4: ");
    check_refused(&site, "none.mp4", 3, "input_unreadable", "none.mp4: ");
}

#[test]
fn an_output_that_exists_stays_and_ends_with_6() {
    let site = Site::with_film();
    let before = tree(&site.join("media/film"));
    let ran = site.package("media/film", &[]);
    assert!(ran.expect_one_message(6).contains("exists already"), "{}", ran.err);
    assert!(tree(&site.join("media/film")) == before);

    fs::create_dir(site.join("media/mine")).unwrap();
    site.write("media/mine/notes", "mine");
    let ran = site.package("media/mine", &["--force"]);
    let message = ran.expect_one_message(6);
    assert!(message.contains("is not the output of an earlier run"), "{message}");
    assert_eq!(site.read("media/mine/notes"), "mine");
    fs::write(site.join("media/file"), "mine").unwrap();
    site.package("media/file", &["--force"]).expect_code(6);
}

#[test]
fn a_content_needs_a_policy_once() {
    let site = Site::with_film();
    let package = |content: &str, more: &[&str]| -> Ran {
        let input = films()[2].clone();
        let out = format!("media/{content}{}", more.len());
        site.run(&[&["package", &input, "--out", &out, "--content", content], more].concat())
    };
    assert!(package("new", &[]).expect_one_message(2).contains("`--policy`"));
    let ran = package("new", &["--policy", "nobody"]);
    assert!(ran.expect_one_message(2).contains("`nobody`"), "{}", ran.err);
    package("new", &["--policy", "subscribers"]).expect_code(0);
    let again = package("new", &["--policy", "subscribers", "--force"]);
    assert!(again.expect_one_message(2).contains("in the store already"), "{}", again.err);
    let bad = package(CONTENT, &["--license-url", "ftp://a"]);
    assert!(bad.expect_one_message(2).contains("license URL"), "{}", bad.err);
}

#[test]
fn a_key_that_does_not_open_ends_with_5() {
    let site = Site::with_film();
    tamper(&site, "UPDATE content_keys SET value = randomblob(50) WHERE class = 'AUDIO'");
    let ran = site.package("media/again", &[]);
    let message = ran.expect_one_message(5);
    assert!(message.contains("`content_keys` is not as it was written"), "{message}");
    assert!(!site.join("media/again").exists());
}
