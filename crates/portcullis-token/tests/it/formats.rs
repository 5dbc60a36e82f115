//! What every family owes the callers that learn it at run time.

use std::{collections::BTreeSet, fs, path::Path};

use portcullis_base::Timestamp;
use portcullis_token::format::{FORMATS, Given, Request, recognise, sight};

#[test]
fn no_two_families_or_parameters_have_one_name() {
    let mut names = BTreeSet::new();
    for format in FORMATS {
        let about = format.about();
        assert!(names.insert(about.name), "{} stands twice", about.name);
        assert!(
            about
                .name
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit()),
            "{}",
            about.name
        );
        let mut own = BTreeSet::new();
        for param in about.keys.iter().chain(about.says) {
            let name = param.name;
            assert!(own.insert(name), "{}: `{name}` stands twice", about.name);
            let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            assert!(plain, "{}: `{name}` is no option", about.name);
            for taken in ["at", "for_", "from_", "help", "json", "strict", "token"] {
                let prefix = taken.ends_with('_') && name.starts_with(taken);
                assert!(name != taken && !prefix, "{}: `{name}` is taken", about.name);
            }
        }
        for key in about.keys {
            let taken = REQUEST.contains(&key.name);
            assert!(!taken, "{}: `{}` is a part of the request", about.name, key.name);
        }
    }
}

#[test]
fn every_family_says_what_it_is_and_what_is_weak_about_it() {
    for format in FORMATS {
        let about = format.about();
        for text in [about.title, about.source, about.token] {
            assert!(text.len() >= 8, "{}: `{text}` says too little", about.name);
        }
        assert!(!about.weaknesses.is_empty(), "{} has no weakness?", about.name);
        for param in about.keys.iter().chain(about.says) {
            assert!(param.help.len() > 4, "{}: `{}` has no help", about.name, param.name);
        }
    }
}

#[test]
fn a_token_of_one_family_looks_like_no_others() {
    let mut seen = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    for folder in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let Some((head, payload)) = text.split_once("\n\n") else { continue };
            let payload = payload.trim_end_matches('\n');
            let names: Vec<_> =
                recognise(payload).iter().map(|format| format.about().name).collect();
            if head.contains("expect: success") {
                assert!(names.len() <= 1, "{} looks like {names:?}", path.display());
                seen.extend(names);
            }
        }
    }
    for format in FORMATS {
        let name = format.about().name;
        assert!(seen.contains(name), "no good token of {name} among the vectors is recognised");
    }
}

#[test]
fn broken_input_is_refused_and_no_reason_to_stop() {
    let long = "x".repeat(100_000);
    let mut texts =
        vec!["", " ", "%", "a", ".", "..", "~", "=", "exp=", "{}", "[]", "\0", "ü", "🜁"];
    texts.extend(["https://", "https://a/?", "Cookie: a=", "Bearer ", "e30.e30.e30", "::1", &long]);
    let request = Request::default();
    for text in texts {
        let sightings = sight(text, &Given::new(), &[]);
        for format in FORMATS {
            let now = Timestamp(0);
            let explained = format.explain(&Given::new(), text, &request, now);
            if let Ok(explained) = explained {
                assert!(explained.fault().is_some(), "{}: `{text}`", format.about().name);
            }
            let _ = format.verify(&Given::new(), text, &request, now);
        }
        assert!(sightings.found.len() <= 1, "`{text}`");
    }
}

/// The parts of a request, in a test set and on the command line.
const REQUEST: [&str; 15] = [
    "content", "country", "drm", "format", "header", "headers", "id", "ip", "kids", "method",
    "now", "path", "query", "token", "url",
];
