//! Foreign bytes as a URL and a CloudFront policy, on two lines. What is accepted covers the
//! URL, has not ended, and is read from what we would write as it was read.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::Timestamp;
use portcullis_token::{
    claims::{Claims, Cover},
    cloudfront::{CloudFront, CloudFrontCookie, CloudFrontUrl, Policy, PrivateKey},
    format::{self, Given, Request},
    url_hash::Asked,
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const KEY: &str = include_str!("../../crates/portcullis-token/tests/it/keys/p256.pem");

fn site() -> CloudFront {
    let key = PrivateKey::from_pem("K1", KEY).expect("the key is sound");
    CloudFront::new(Vec::new()).with_signer(key).expect("the key is sound")
}

static URL: LazyLock<CloudFrontUrl> = LazyLock::new(|| CloudFrontUrl(site()));
static COOKIE: LazyLock<CloudFrontCookie> = LazyLock::new(|| CloudFrontCookie(site()));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, said) = text.split_once('\n').unwrap_or(("https://a.test/b?c=d", text));
    let mut request = Request::default();
    if request.set_url(url).is_err() {
        return;
    }
    request.address = Some([192, 0, 2, 1].into());
    for name in ["cloudfront-cookie", "cloudfront-url"] {
        let format = format::find(name).expect("the family is there");
        assert!(format.explain(&Given::new(), said, &request, NOW).is_ok());
        assert!(format.verify(&Given::new(), said, &request, NOW).is_err(), "no key, no verdict");
    }
    let asked = Asked::of(&request);
    // A fuzzer does not guess a signature: what it says is signed for it.
    let Ok((signature, id)) = URL.0.sign(said) else { return };
    let policy = STANDARD.encode(said).replace('+', "-").replace('=', "_").replace('/', "~");
    let tail = "Hash-Algorithm=SHA256";
    let in_url = format!("Policy={policy}&Signature={signature}&Key-Pair-Id={id}&{tail}");
    let cookies: Vec<String> = in_url.split('&').map(|pair| format!("CloudFront-{pair}")).collect();
    let by_url = URL.verify(&in_url, &asked, NOW).map(|verified| verified.into_claims());
    let by_cookie = COOKIE.verify(&cookies.join("; "), &asked, NOW);
    let by_cookie = by_cookie.map(|verified| verified.into_claims());
    match (by_url, by_cookie) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.to_json(), other.to_json());
            check(&one, &asked);
        }
        (Err(one), Err(other)) => assert!(one == other || in_url.len() > 3800),
        _ => assert!(in_url.len() > 3800, "one carrier accepts what the other refuses"),
    }
});

fn check(claims: &Claims, asked: &Asked<'_>) {
    let end = claims.end.expect("a policy has an end");
    assert!(end > NOW && claims.start.is_none_or(|start| start <= NOW));
    let [Cover::Url(resource) | Cover::UrlGlob(resource)] = claims.covers.as_slice() else {
        panic!("{:?}", claims.covers);
    };
    let after = claims.start.map(|start| Timestamp(start.0 - 1));
    let source = claims.addresses.first().copied();
    let policy = Policy { resource: resource.clone(), end, after, source };
    let (signature, id) = URL.0.sign(&policy.to_text()).expect("there is a key");
    let text = STANDARD.encode(policy.to_text());
    let text = text.replace('+', "-").replace('=', "_").replace('/', "~");
    let parts = format!("Policy={text}&Signature={signature}&Key-Pair-Id={id}");
    let parts = format!("{parts}&Hash-Algorithm=SHA256");
    let again = URL.verify(&parts, asked, NOW).expect("what we write we read").into_claims();
    assert_eq!(again.to_json(), claims.to_json());
}
