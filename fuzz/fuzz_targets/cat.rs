//! Foreign bytes as the claims of a Common Access Token, and as a whole token. What is
//! accepted keeps its claims when it is made anew.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{Rng, SecretBytes, Timestamp};
use portcullis_token::{
    cat::{CatRenewed, CatRules, renew, verify},
    format::Request,
    jwt::SigningKey,
    lifetime::Leeway,
};

const SECRET: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_700_000_000);

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::hs256(&SecretBytes::new(SECRET.to_vec())).expect("32 bytes are enough")
});
static RULES: LazyLock<CatRules> = LazyLock::new(|| CatRules {
    keys: vec![SIGNER.public().expect("a secret is its own")],
    issuer: None,
    audience: None,
    leeway: Leeway::NONE,
    alpn: Some("h2".into()),
});
static REQUEST: LazyLock<Request> = LazyLock::new(|| {
    let mut request = Request::default();
    request.set_url("https://cdn.test/vod/m/a.m3u8?q=1").expect("it is a URL");
    request.address = Some([192, 0, 2, 1].into());
    request.country = Some("SE".into());
    request.headers.push(("a".into(), "1".into()));
    request
});

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    check(&URL_SAFE_NO_PAD.encode(data));
    // Signed: a fuzzer does not guess a MAC.
    if data.len() < 0x1_0000 {
        check(&URL_SAFE_NO_PAD.encode(mac0(data)));
    }
});

fn check(token: &str) {
    let Ok(verified) = verify(token, &RULES, &REQUEST, NOW) else { return };
    let claims = verified.claims();
    assert!(claims.end > NOW);
    // As late as it can be: whatever is to be renewed is due then.
    let late = Timestamp(claims.end.0 - 1);
    let Ok(Some(renewed)) = renew(&verified, &REQUEST, late, &SIGNER, &Zeros) else { return };
    let token = match &renewed {
        CatRenewed::Header(name, value) if name == "Set-Cookie" => {
            value.split_once('=').expect("a cookie has a name").1
        }
        CatRenewed::Header(_, value) => value,
        CatRenewed::Redirect(_, url) => url.rsplit_once("CAT=").expect("it carries the token").1,
    };
    let token = token.split(';').next().unwrap_or_default();
    let again = verify(token, &RULES, &REQUEST, late).expect("what we renew we accept");
    assert_eq!(again.claims().methods, claims.methods);
    assert_eq!(again.claims().ranges, claims.ranges);
    assert_eq!(again.claims().renewal, claims.renewal);
}

fn mac0(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes();
    let payload = [&[0x59][..], &length, payload].concat();
    let protected = [0x43, 0xa1, 1, 5];
    let signed = [&[0x84, 0x64][..], b"MAC0", &protected, &[0x40], &payload].concat();
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), &signed);
    [&[0xd8, 61, 0xd1, 0x84][..], &protected, &[0xa0], &payload, &[0x58, 32], mac.as_ref()].concat()
}
