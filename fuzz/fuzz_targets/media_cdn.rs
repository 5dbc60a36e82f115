//! Foreign bytes as a Media CDN token and a path, on two lines. What is accepted says what
//! issuing it again would say.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    format::Request,
    media_cdn::{Covers, MediaCdnKeys, MediaCdnSigner, NAME, Rules, TokenKind, issue_long, parse},
};

const KEY: [u8; 16] = [7; 16];
const NOW: Timestamp = Timestamp(1_700_000_000);

static SIGNER: LazyLock<MediaCdnSigner> = LazyLock::new(|| {
    MediaCdnSigner::hmac_sha256(&SecretBytes::new(KEY.to_vec())).expect("it is not empty")
});
static KEYS: LazyLock<MediaCdnKeys> =
    LazyLock::new(|| MediaCdnKeys(vec![SIGNER.public().expect("a secret is its own")]));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (fields, path) = text.split_once('\n').unwrap_or((text, "/a/b"));
    let mut request = Request::default();
    if request.set_url(path).is_err() {
        return;
    }
    request.address = Some([192, 0, 2, 1].into());
    request.headers = vec![("a".into(), "1".into()), ("b".into(), "2".into())];
    // As it is, and signed: a fuzzer does not guess a MAC.
    check(fields, &request);
    let own_path = request.path.clone().unwrap_or_default();
    let signed = fields.replace("~FullPath~", &format!("~FullPath={own_path}~"));
    let signed = signed.replace("Headers=a,b", "Headers=a=1,b=2");
    check(&format!("{fields}~hmac={}", mac(&signed)), &request);
});

fn check(token: &str, request: &Request) {
    let Ok(token) = parse(token) else { return };
    let rules = |kind| Rules { kind, ttl_max: None, name: NAME };
    let kinds = [TokenKind::Long, TokenKind::Short];
    let verify = |kind| token.verify(&KEYS, request, &rules(kind), NOW).ok();
    let mut verified = kinds.into_iter().filter_map(verify);
    let Some(first) = verified.next() else { return };
    assert!(verified.next().is_none(), "one token of both kinds");
    let claims = first.claims();
    assert!(claims.expires > NOW);
    let Ok(again) = issue_long(claims, request, claims.expires, &SIGNER, NOW) else { return };
    let again = parse(&again).expect("what we write we read");
    let again = again.verify(&KEYS, request, &rules(TokenKind::Long), NOW);
    let again = again.expect("what we write we accept").into_claims();
    if claims.covers != Covers::FullPath {
        assert_eq!(
            again.to_claims().to_json().get("covers"),
            claims.to_claims().to_json().get("covers")
        );
    }
    assert_eq!((again.session, again.data), (claims.session.clone(), claims.data.clone()));
}

fn mac(fields: &str) -> String {
    use aws_lc_rs::hmac;

    let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
    let tag = hmac::sign(&key, fields.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
