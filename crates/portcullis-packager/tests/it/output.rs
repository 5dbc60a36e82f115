//! The folder: manifests, determinism, all or nothing.

use std::{fs, path::Path};

use portcullis_base::{Scheme, TrackClass};
use portcullis_packager::{Code, KeyRing, PackageError, Replace, run};
use tempfile::tempdir;

use crate::support::{LADDER, data, files, key, options, package, plan, plan_paths};

#[test]
fn the_same_inputs_and_keys_give_the_same_bytes() {
    let folder = tempdir().unwrap();
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        let outputs = ["a", "b"].map(|name| {
            let out = folder.path().join(format!("{name}-{scheme}"));
            package(&mut plan(&LADDER).unwrap(), &options(&out, scheme)).unwrap();
            files(&out)
        });
        assert!(outputs[0] == outputs[1]);
        assert!(outputs[0].len() > 12);
    }
}

#[test]
fn another_input_is_another_asset_version_and_another_constant_vector() {
    let folder = tempdir().unwrap();
    let changed = folder.path().join("eng.mp4");
    let mut bytes = fs::read(data("eng.mp4")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&changed, bytes).unwrap();
    let [one, other] = [data("eng.mp4"), changed].map(|input| {
        let out = folder.path().join("out");
        let mut options = options(&out, Scheme::Cbcs);
        options.replace = Replace::Yes;
        let mut plan = plan_paths(&[input]).unwrap();
        package(&mut plan, &options).unwrap();
        let track = crate::reading::ReadTrack::read(&files(&out), "audio-eng");
        (*plan.asset_version(), track.constant_iv)
    });
    assert_ne!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

/// Every URI of every manifest names a file of the output.
#[test]
fn manifests_name_files_that_are_there_and_systems_that_fit() {
    let folder = tempdir().unwrap();
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        let out = folder.path().join(scheme.as_str());
        package(&mut plan(&LADDER).unwrap(), &options(&out, scheme)).unwrap();
        let files = files(&out);
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        let master = text("master.m3u8");
        let mpd = text("manifest.mpd");
        let mut playlists = 0;
        for name in ["video-180p", "video-720p", "audio-eng"] {
            assert!(master.contains(&format!("{name}/playlist.m3u8")), "{name}");
            assert!(mpd.contains(&format!("<Representation id=\"{name}\"")), "{name}");
            let playlist = text(&format!("{name}/playlist.m3u8"));
            for uri in playlist.lines().filter(|line| !line.starts_with('#')) {
                assert!(files.contains_key(&format!("{name}/{uri}")), "{name}/{uri}");
                playlists += 1;
            }
            check_keys(&playlist, scheme);
        }
        assert_eq!(playlists, 9);
        check_keys(&master, scheme);
        assert!(mpd.contains(&format!("value=\"{scheme}\" cenc:default_KID=")));
        assert!(mpd.contains("https://license.example/clearkey?a=1&amp;b=2"));
        assert_eq!(mpd.matches("adaptation-set-switching").count(), 2);
        assert!(mpd.contains("mediaPresentationDuration=\"PT5S\""), "{mpd}");
    }
}

#[track_caller]
fn check_keys(playlist: &str, scheme: Scheme) {
    let (method, fair_play) = match scheme {
        Scheme::Cbcs => ("METHOD=SAMPLE-AES,", true),
        Scheme::Cenc => ("METHOD=SAMPLE-AES-CTR,", false),
    };
    let keys: Vec<&str> = playlist.lines().filter(|line| line.contains("-KEY:")).collect();
    assert!(!keys.is_empty());
    for line in &keys {
        assert!(line.contains(method), "{line}");
        assert_eq!(line.contains(",IV=0x"), fair_play, "{line}");
        assert!(line.contains(",KEYFORMAT=\""), "no key of format identity: {line}");
        assert!(!line.contains("identity"), "{line}");
    }
    assert_eq!(keys.iter().any(|line| line.contains("skd://")), fair_play);
    for system in ["org.w3.clearkey", "com.microsoft.playready", "urn:uuid:edef8ba9"] {
        assert!(keys.iter().any(|line| line.contains(system)), "{system}");
    }
}

#[test]
fn headers_and_manifest_carry_the_same_boxes() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    package(&mut plan(&LADDER).unwrap(), &options(&out, Scheme::Cenc)).unwrap();
    let files = files(&out);
    let mpd = String::from_utf8(files["manifest.mpd"].clone()).unwrap();
    let mut found: Vec<&str> =
        mpd.split("<cenc:pssh>").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 3);
    for name in ["video-180p", "video-720p", "audio-eng"] {
        let init = &files[&format!("{name}/init.mp4")];
        for pssh in &found {
            let bytes = portcullis_test_base64(pssh);
            assert!(init.windows(bytes.len()).any(|window| window == bytes), "{name}");
        }
    }
}

/// Base64 without a dependency for one test.
fn portcullis_test_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|&byte| byte != b'=') {
        let value = ALPHABET.iter().position(|&letter| letter == byte).unwrap() as u32;
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

#[track_caller]
fn code(result: Result<impl std::fmt::Debug, PackageError>) -> Code {
    result.unwrap_err().code
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_existing_folder_is_replaced_only_when_asked_and_only_if_it_is_ours() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut again = options(&out, Scheme::Cenc);
    package(&mut plan(&["eng.mp4"]).unwrap(), &again).unwrap();
    let first = files(&out);
    assert_eq!(code(package(&mut plan(&["eng.mp4"]).unwrap(), &again)), Code::OutputExists);
    assert!(files(&out) == first);
    again.replace = Replace::Yes;
    package(&mut plan(&["sd.mp4"]).unwrap(), &again).unwrap();
    assert!(files(&out).keys().all(|name| !name.starts_with("audio")));

    let precious = folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("thesis.txt"), "years of work").unwrap();
    again.out = precious.clone();
    assert_eq!(code(package(&mut plan(&["sd.mp4"]).unwrap(), &again)), Code::OutputExists);
    assert_eq!(names(&precious), ["thesis.txt"]);

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    package(&mut plan(&["eng.mp4"]).unwrap(), &options(&empty, Scheme::Cenc)).unwrap();
}

#[test]
fn an_output_never_swallows_its_input() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    package(&mut plan(&["eng.mp4"]).unwrap(), &options(&out, Scheme::Cenc)).unwrap();
    let input = out.join("eng.mp4");
    fs::copy(data("eng.mp4"), &input).unwrap();
    let mut again = options(&out, Scheme::Cenc);
    again.replace = Replace::Yes;
    let result = package(&mut plan_paths(std::slice::from_ref(&input)).unwrap(), &again);
    assert_eq!(code(result), Code::OutputOverlapsInput);
    assert!(input.exists());
}

#[test]
fn a_run_that_stops_in_the_middle_leaves_nothing() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut plan = plan(&LADDER).unwrap();
    let keys: Vec<_> = plan.keys_needed().into_iter().map(|class| (class, key(class))).collect();
    let ring = KeyRing::new(keys.iter().map(|(class, key)| (*class, key))).unwrap();
    let mut seen = Vec::new();
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(&mut plan, &ring, &options(&out, Scheme::Cenc), &mut |progress| {
            assert!(!out.exists());
            seen.push(progress.bytes_done);
            assert!(seen.len() < 4, "enough");
        })
    }));
    assert!(stopped.is_err());
    assert!(seen.is_sorted());
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn what_a_killed_run_left_is_cleared_by_the_next() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let left = folder.path().join(".film.partial");
    fs::create_dir_all(left.join("video-180p")).unwrap();
    fs::write(left.join("video-180p/1.m4s"), "half a segm").unwrap();
    fs::write(left.join(".lock"), "").unwrap();
    package(&mut plan(&["eng.mp4"]).unwrap(), &options(&out, Scheme::Cenc)).unwrap();
    assert_eq!(names(folder.path()), ["film"]);
    assert!(files(&out).keys().all(|name| !name.starts_with("video") && name != ".lock"));
}

#[test]
fn two_runs_do_not_write_one_output() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut outer = plan(&["eng.mp4"]).unwrap();
    let audio = key(TrackClass::Audio);
    let ring = KeyRing::new([(TrackClass::Audio, &audio)]).unwrap();
    let mut inner = None;
    run(&mut outer, &ring, &options(&out, Scheme::Cenc), &mut |_| {
        inner.get_or_insert_with(|| {
            package(&mut plan(&["eng.mp4"]).unwrap(), &options(&out, Scheme::Cenc))
                .unwrap_err()
                .code
        });
    })
    .unwrap();
    assert_eq!(inner, Some(Code::OutputExists));
    assert!(out.join("manifest.mpd").exists());
}

#[test]
fn a_report_names_keys_by_id_only() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let report = package(&mut plan(&LADDER).unwrap(), &options(&out, Scheme::Cbcs)).unwrap();
    let json = serde_json::to_string(&report).unwrap();
    for class in [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd] {
        assert!(json.contains(&key(class).kid().to_string()));
        assert!(!json.contains(&hex::encode(key(class).expose())));
    }
    let names: Vec<&str> = report.tracks.iter().map(|track| track.name.as_str()).collect();
    assert_eq!(names, ["video-180p", "video-720p", "audio-eng"]);
    assert_eq!(report.duration_us, 5_000_000);
    assert_eq!(report.init_sha256.len(), 3);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}
