//! Foreign bytes as the claims of a signed URI and a URL, on two lines, and as a whole token.
//! What is accepted renews to a token that is accepted, too.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{Rng, SecretBytes, Timestamp};
use portcullis_token::{
    format::Request,
    jwt::SigningKey,
    uri_signing::{ClaimKey, NAME, Renewed, UriSigningKey, UriSigningKeys, renew, verify},
};

const SECRET: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_700_000_000);

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::hs256(&SecretBytes::new(SECRET.to_vec())).expect("32 bytes are enough")
});
static KEYS: LazyLock<UriSigningKeys> = LazyLock::new(|| UriSigningKeys {
    keys: vec![UriSigningKey {
        key: SIGNER.public().expect("a secret is its own"),
        issuers: vec!["i".into()],
    }],
    claim_key: ClaimKey::new(&SecretBytes::new(vec![9; 16]), None),
    audiences: vec!["a".into()],
    name: NAME.into(),
});

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (claims, url) = text.split_once('\n').unwrap_or((text, "https://cdn.test/a/b"));
    let mut request = Request::default();
    if request.set_url(url).is_err() {
        return;
    }
    request.address = Some([192, 0, 2, 1].into());
    check(claims, &request);
    // Signed: a fuzzer does not guess a MAC.
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(claims));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
    check(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac)), &request);
});

fn check(token: &str, request: &Request) {
    let Ok(verified) = verify(token, &KEYS, request, NOW) else { return };
    let claims = verified.claims();
    assert!(claims.end > NOW);
    let segments = token.split('.').map(|one| URL_SAFE_NO_PAD.decode(one).expect("was decoded"));
    let again: Vec<String> = segments.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).collect();
    assert_eq!(again.join("."), token);
    let Ok(Some(renewed)) = renew(&verified, request, NAME, NOW, &SIGNER, &Zeros) else { return };
    let (Renewed::Cookie(text) | Renewed::Query(text)) = renewed;
    let pair = text.split(';').next().unwrap_or_default();
    let (_, token) = pair.split_once('=').expect("it begins with the name");
    let again = verify(token, &KEYS, request, NOW).expect("what we renew we accept");
    assert_eq!(again.claims().container, claims.container);
    assert_eq!(again.claims().uri, claims.uri);
}
