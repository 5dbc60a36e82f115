//! What is not packaged, and that nothing is written then.

use std::fs;

use portcullis_base::{Scheme, TrackClass};
use portcullis_packager::{Code, KeyRing, run};
use tempfile::tempdir;

use crate::support::{data, key, options, package, plan, plan_paths};

/// Plans and packages one changed input; answers the error.
#[track_caller]
fn check(name: &str, change: impl FnOnce(&mut Vec<u8>), code: Code, exit_code: u8) -> String {
    let folder = tempdir().unwrap();
    let mut bytes = fs::read(data(name)).unwrap();
    change(&mut bytes);
    let input = folder.path().join("input.mp4");
    fs::write(&input, bytes).unwrap();
    let out = folder.path().join("out");
    let result =
        plan_paths(&[input]).and_then(|mut plan| package(&mut plan, &options(&out, Scheme::Cenc)));
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert_eq!(error.code.exit_code(), exit_code);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the input is left");
    error.to_string()
}

/// Replaces the last such type: the first `avc1` of a file is a brand.
fn replace(bytes: &mut [u8], from: &[u8; 4], to: &[u8; 4]) {
    let at = bytes.windows(4).rposition(|window| window == from).expect("present");
    bytes[at..at + 4].copy_from_slice(to);
}

#[test]
fn an_unsupported_codec_is_named_with_its_track() {
    let error =
        check("sd.mp4", |bytes| replace(bytes, b"avc1", b"vp09"), Code::UnsupportedCodec, 4);
    assert!(error.contains("track 1: VP9 is not supported yet"), "{error}");
}

#[test]
fn our_own_output_is_named_as_encrypted_and_not_encrypted_again() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    package(&mut plan(&["sd.mp4"]).unwrap(), &options(&out, Scheme::Cbcs)).unwrap();
    let joined =
        ["init.mp4", "1.m4s"].map(|name| fs::read(out.join("video-180p").join(name)).unwrap());
    let input = folder.path().join("again.mp4");
    fs::write(&input, joined.concat()).unwrap();
    let error = plan_paths(&[input]).unwrap_err();
    assert_eq!(error.code.exit_code(), 4, "{error}");
    assert!(error.to_string().contains("encrypted"), "{error}");
}

#[test]
fn a_file_that_is_no_mp4_or_is_cut_off_is_corrupt() {
    check("sd.mp4", |bytes| bytes.truncate(bytes.len() / 2), Code::CorruptInput, 3);
    check("sd.mp4", Vec::clear, Code::CorruptInput, 3);
    check("sd.mp4", |bytes| bytes.fill(b'x'), Code::CorruptInput, 3);
    check("eng.mp4", |bytes| replace(bytes, b"moov", b"free"), Code::CorruptInput, 3);
}

#[test]
fn a_corrupt_sample_stops_the_run_and_says_where() {
    let error = check(
        "sd.mp4",
        |bytes| {
            let mdat = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
            bytes[mdat..mdat + 4].fill(0xff);
        },
        Code::BadSample,
        3,
    );
    assert!(error.contains("track 1: sample 0: "), "{error}");
}

#[test]
fn a_missing_file_and_a_folder_are_unreadable() {
    let folder = tempdir().unwrap();
    for path in [folder.path().join("none.mp4"), folder.path().to_owned()] {
        assert_eq!(plan_paths(&[path]).unwrap_err().code, Code::InputUnreadable);
    }
    assert_eq!(plan_paths(&[]).unwrap_err().code, Code::NoInput);
}

#[test]
fn renditions_that_cannot_switch_are_refused() {
    let folder = tempdir().unwrap();
    let mut bytes = fs::read(data("sd.mp4")).unwrap();
    // The last two key frames of `stss` move by five frames.
    let stss = bytes.windows(4).position(|window| window == b"stss").unwrap() + 12;
    for number in 2..5 {
        let at = stss + 4 * number;
        let frame = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        bytes[at..at + 4].copy_from_slice(&(frame + 5).to_be_bytes());
    }
    let moved = folder.path().join("moved.mp4");
    fs::write(&moved, bytes).unwrap();
    let error = plan_paths(&[data("hd.mp4"), moved]).unwrap_err();
    assert_eq!(error.code, Code::LadderMisaligned);
    assert!(error.to_string().contains("`video-180p` has no sync sample at 2000000 us"), "{error}");
}

#[test]
fn every_class_needs_its_key() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut plan = plan(&["sd.mp4", "eng.mp4"]).unwrap();
    assert_eq!(plan.keys_needed(), [TrackClass::Audio, TrackClass::Sd]);
    let audio = key(TrackClass::Audio);
    let ring = KeyRing::new([(TrackClass::Audio, &audio)]).unwrap();
    let error = run(&mut plan, &ring, &options(&out, Scheme::Cenc), &mut |_| {}).unwrap_err();
    assert_eq!((error.code, error.code.exit_code()), (Code::KeyMissing, 5));
    assert_eq!(error.to_string(), "no key for tracks of class SD");
    let twice = KeyRing::new([(TrackClass::Audio, &audio), (TrackClass::Audio, &audio)]);
    assert_eq!(twice.unwrap_err().code, Code::KeyMissing);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_license_url_cannot_break_out_of_the_manifest() {
    let folder = tempdir().unwrap();
    let mut options = options(&folder.path().join("film"), Scheme::Cenc);
    for bad in [
        "",
        "ftp://a",
        "javascript:x",
        "https://a/\"x",
        "https://a/ b",
        "https://a/<b>",
        "/a",
        "https://a\n",
    ] {
        options.clear_key_url = Some(bad.into());
        let error = package(&mut plan(&["eng.mp4"]).unwrap(), &options).unwrap_err();
        assert_eq!((error.code, error.code.exit_code()), (Code::BadOption, 2), "{bad:?}");
    }
    options.clear_key_url = Some("https://license.example/clearkey?content=film".into());
    package(&mut plan(&["eng.mp4"]).unwrap(), &options).unwrap();
}
