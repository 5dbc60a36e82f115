//! Foreign bytes as a PallyCon token, and as user, content, timestamp and policy of one, on
//! lines. What is accepted is made again from what it says, and says the same.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::{
    cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest,
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{DrmSystem, SecretBytes, Timestamp, TrackClass};
use portcullis_token::{
    claims::{InlineKey, TokenSystem},
    pallycon::{
        Asked, DrmTypeCase, PallyConClaims, PallyConIssue, PallyConKeys, PallyConSettings,
        PallyConSite, issue, policy, verify,
    },
};

/// The site of the vectors, and their time.
const SITE_KEY: &[u8; 32] = b"6hT0sVbN4xQeR8yUiK2mW7aZcD5fGjL1";
const ACCESS_KEY: &[u8; 32] = b"Y3nB8vM1qX6tP0kS4dH7wJ2rF9gC5lAe";
const NOW: Timestamp = Timestamp(1_736_933_400);
const WIDEVINE: TokenSystem = TokenSystem::Known(DrmSystem::Widevine);

static SITE: LazyLock<PallyConSite> = LazyLock::new(|| {
    let bytes = |key: &[u8]| SecretBytes::new(key.to_vec());
    let keys = PallyConKeys::new(&bytes(SITE_KEY), &bytes(ACCESS_KEY)).expect("32 characters");
    let settings =
        PallyConSettings { drm_type_case: DrmTypeCase::Lenient, ..PallyConSettings::default() };
    PallyConSite::new("PCLS", keys).expect("four capitals").with_settings(settings)
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    check(text, "movie-42");
    // The same bytes as fields, sealed and hashed: a fuzzer does not guess a hash.
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (user, cid, timestamp, policy) = (next(), next(), next(), next());
    check(&signed(user, cid, timestamp, policy), cid);
});

fn check(token: &str, content: &str) {
    let asked = Asked { system: Some(WIDEVINE), content: Some(content) };
    let Ok(verified) = verify(token, &SITE, &asked, NOW) else { return };
    let said = verified.into_claims();
    assert_eq!((said.content.as_str(), said.system), (content, WIDEVINE));
    assert!(said.timestamp.0 <= NOW.0 + 30 && NOW.0 <= said.timestamp.0 + 600);
    for class in [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd] {
        // A track is asked for no less than the terms ask, in whoever's resolution.
        let resolved = policy::resolve(&said.policy.terms, class);
        let plain = said.policy.terms.output_for(class);
        assert_eq!(resolved.merge(&plain), resolved);
    }
    let policy = policy::write(&said.policy.terms, &said.policy.keys, Some(said.system));
    let wish = PallyConIssue {
        system: said.system,
        user: said.user.as_deref(),
        content: &said.content,
        policy: &policy,
        timestamp: said.timestamp,
        response_format: said.response_format,
        key_rotation: said.key_rotation,
    };
    // Blanks, escapes and short names may make room that the plain form lacks.
    let Ok(again) = issue(&wish, &SITE) else {
        assert!(policy.len() > 20_000, "what was read cannot be written");
        return;
    };
    let read = verify(&again, &SITE, &asked, NOW).expect("what we write we read").into_claims();
    assert_eq!(leaves(&read), leaves(&said));
    assert_eq!(read.policy.terms, said.policy.terms);
    let keys = |claims: &PallyConClaims| claims.policy.keys.iter().map(key).collect::<Vec<_>>();
    assert_eq!(keys(&read), keys(&said));
}

fn leaves(claims: &PallyConClaims) -> String {
    let PallyConClaims { site_id, user, timestamp, end, .. } = claims;
    format!("{site_id} {user:?} {timestamp} {end} {:?}", claims.response_format)
}

fn key(key: &InlineKey) -> String {
    format!("{} {:?} {:?}", key.describe(), key.key.expose(), key.iv)
}

fn signed(user: &str, cid: &str, timestamp: &str, policy: &str) -> String {
    let key = UnboundCipherKey::new(&AES_256, SITE_KEY).expect("32 bytes");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("a key for CBC");
    let context = EncryptionContext::Iv128(FixedLength::from(b"0123456789abcdef"));
    let mut sealed = policy.as_bytes().to_vec();
    key.less_safe_encrypt(&mut sealed, context).expect("any text can be sealed");
    let policy = STANDARD.encode(sealed);
    let access = std::str::from_utf8(ACCESS_KEY).expect("ASCII");
    let hashed = format!("{access}WidevinePCLS{user}{cid}{policy}{timestamp}");
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, hashed.as_bytes()));
    let json = serde_json::json!({
        "drm_type": "Widevine", "site_id": "PCLS", "user_id": user, "cid": cid,
        "policy": policy, "timestamp": timestamp, "hash": hash,
    });
    STANDARD.encode(json.to_string())
}
