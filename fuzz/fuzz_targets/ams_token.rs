//! Foreign bytes as an Azure Media Services token, of either kind. What is accepted carries
//! the MAC of its own text, and says what it is signed to say.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::hmac;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    ams::{Algorithms, Restriction, Secrets, TokenType, symmetric_keys, verify},
    format::Request,
};

const SECRET: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_700_000_000);

static RESTRICTIONS: LazyLock<[Restriction; 2]> = LazyLock::new(|| {
    let secret = SecretBytes::new(SECRET.to_vec());
    let keys = symmetric_keys(&secret, Algorithms::One, Secrets::FullLength);
    let keys = keys.expect("32 bytes are enough");
    [TokenType::Jwt, TokenType::Swt].map(|token_type| Restriction {
        issuer: "i".into(),
        audience: "a".into(),
        keys: keys.clone(),
        required_claims: Vec::new(),
        token_type,
        skew: Duration::from_secs(300),
    })
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let [jwt, swt] = &*RESTRICTIONS;
    check(text, jwt);
    check(text, swt);
    // The same bytes, signed: a fuzzer does not guess a MAC.
    check(&format!("{text}&HMACSHA256={}", escaped_mac(text)), swt);
    if let Some((header, claims)) = text.split_once('\n') {
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        let signed = format!("{}.{}", encode(header), encode(claims));
        check(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(&signed))), jwt);
    }
});

fn check(token: &str, restriction: &Restriction) {
    let request = Request::default();
    let Ok(verified) = verify(token, restriction, &request, NOW) else { return };
    let claims = verified.claims();
    assert_eq!(claims.issuer.as_deref(), Some("i"));
    assert!(claims.audiences.iter().any(|audience| audience == "a"));
    assert!(claims.end.expect("none is accepted without").0 + 300 > NOW.0);
    // A token that names a key opens nothing when no key is asked for.
    assert!(claims.kids.is_empty());
    match restriction.token_type {
        TokenType::Jwt => {
            let (signed, given) = token.rsplit_once('.').expect("three segments");
            assert_eq!(given, URL_SAFE_NO_PAD.encode(mac(signed)));
        }
        TokenType::Swt => {
            let (signed, given) = token.rsplit_once("&HMACSHA256=").expect("the last pair");
            let plain = given.replace("%3D", "=").replace("%3d", "=");
            let plain = plain.replace("%2F", "/").replace("%2f", "/");
            let plain = plain.replace("%2B", "+").replace("%2b", "+");
            if !plain.contains('%') {
                assert_eq!(plain, STANDARD.encode(mac(signed)));
            }
        }
    }
}

fn mac(signed: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
}

fn escaped_mac(signed: &str) -> String {
    let text = STANDARD.encode(mac(signed));
    text.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d")
}
