//! Foreign bytes as whatever somebody pastes, as a line of a test set, and as a token of every
//! family. What is verified is explained without a fault, and what is refused with the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_base::{
    Timestamp,
    json::{self, Limits},
};
use portcullis_token::{
    fault::Fault,
    format::{FORMATS, Format, Given, Request, answer, sight},
};

const NOW: Timestamp = Timestamp(1_700_000_000);

fuzz_target!(|data: &[u8]| {
    let line = answer(data, NOW).to_line();
    let limits = Limits { bytes_max: 1 << 20, string_bytes_max: 1 << 20, ..Limits::BODY };
    // An `id` may be as large as the line allows.
    if data.len() < 1000 {
        assert!(json::parse(line.as_bytes(), &limits).is_ok(), "{line}");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for sighting in sight(text, &Given::new(), &[]).found {
        check(sighting.format, &sighting.token, &sighting.request);
    }
    let mut request = Request::default();
    request.set_url("https://cdn.example/film/manifest.mpd").expect("it is a URL");
    request.address = Some([192, 0, 2, 7].into());
    request.content = Some("film".into());
    for format in FORMATS {
        check(*format, text, &request);
    }
});

fn check(format: &dyn Format, token: &str, request: &Request) {
    let name = format.about().name;
    let bare = format.explain(&Given::new(), token, request, NOW);
    assert!(bare.is_ok(), "{name} is not explained without keys: {bare:?}");
    let given = keys(format);
    let (Ok(verdict), Ok(explained)) =
        (format.verify(&given, token, request, NOW), format.explain(&given, token, request, NOW))
    else {
        return;
    };
    let explained = explained.fault().map(|(_, fault)| fault.code());
    match verdict {
        Ok(_) => assert_eq!(explained, None, "{name} accepts what it explains as faulty"),
        // What the request lacks is skipped in an explanation, and later checks go on.
        Err(refused) if matches!(refused.fault, Fault::RequestLacks { .. }) => {}
        Err(refused) => assert_eq!(explained, Some(refused.fault.code()), "{name}"),
    }
}

/// A text for each key a family cannot do without; a family for which they are none is only
/// explained without.
fn keys(format: &dyn Format) -> Given {
    let mut given = Given::new();
    for (name, text) in KEYS {
        if format.about().keys.iter().any(|key| key.name == name) {
            given.add(name, text);
        }
    }
    given
}

const KEYS: [(&str, &str); 15] = [
    ("access_key", "mQ4tYk7Zr1XwP9sLd3HbV6uNc8JfA2eG"),
    ("audience", "urn:film"),
    ("com_key", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
    ("com_key_id", "20000000-0000-4000-8000-000000000001"),
    ("danger_allow_md5", "true"),
    ("danger_allow_no_end", "true"),
    ("expression", "$secure_link_expires$uri$remote_addr secret"),
    ("issuer", "https://issuer.example"),
    ("key", "5d1f0c7e9a4b2e8836c7f1d4a0b9e2576f3c8a1d4e7b0c9f2a5d8e1b4c7f0a3d"),
    ("kid", "kid-1"),
    ("lifetime", "600"),
    ("merchant", "merchant"),
    ("secret", "5d1f0c7e9a4b2e8836c7f1d4a0b9e2576f3c8a1d4e7b0c9f2a5d8e1b4c7f0a3d"),
    ("site_id", "DEMO"),
    ("site_key", "T5yKq2WnE8vRz4MxC7jHp1LsF6aUd9Bg"),
];
