//! How fast the tokens of CDNs that sign whole URLs are made and verified.

use portcullis_base::{
    Rng, SecretBytes, Timestamp,
    json::{self, Limits},
};
use portcullis_token::{
    cat::{self, CatRules},
    format::{self, Request},
    jwt::SigningKey,
    lifetime::Leeway,
    media_cdn::{self, MediaCdnKeys, MediaCdnSigner, Rules, TokenKind, Wanted},
    uri_signing::{self, UriSigningKey, UriSigningKeys},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);

fn main() {
    divan::main();
}

fn request() -> Request {
    let mut request = Request::default();
    request.set_url("https://cdn.test/vod/movie42/video-720p/17.m4s").expect("it is a URL");
    request
}

fn media_cdn_signer(algorithm: &str) -> MediaCdnSigner {
    let key = SecretBytes::new(vec![7; 32]);
    let signer = match algorithm {
        "Ed25519" => MediaCdnSigner::ed25519(&key),
        _ => MediaCdnSigner::hmac_sha256(&key),
    };
    signer.expect("32 bytes are a key")
}

fn media_cdn_wanted() -> Wanted<'static> {
    Wanted {
        url_prefix: None,
        full_path: None,
        path_globs: Some("/vod/movie42/*"),
        starts: None,
        expires: END,
        session: Some("viewer-1"),
        data: None,
        headers: Vec::new(),
        ip_ranges: None,
        kind: TokenKind::Short,
        danger_root: false,
    }
}

#[divan::bench(args = ["Ed25519", "HMAC"])]
fn media_cdn_verify(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let signer = media_cdn_signer(algorithm);
    let token = media_cdn::issue(&media_cdn_wanted(), &signer, NOW).expect("in order");
    let keys = MediaCdnKeys(vec![signer.public().expect("the key is our own")]);
    let rules = Rules { kind: TokenKind::Short, ttl_max: None, name: media_cdn::NAME };
    let request = request();
    bencher.bench(|| {
        media_cdn::parse(&token).and_then(|token| token.verify(&keys, &request, &rules, NOW))
    });
}

#[divan::bench(args = ["Ed25519", "HMAC"])]
fn media_cdn_issue(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let (wanted, signer) = (media_cdn_wanted(), media_cdn_signer(algorithm));
    bencher.bench(|| media_cdn::issue(&wanted, &signer, NOW));
}

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn uri_signing_key(algorithm: &str) -> SigningKey {
    let key = match algorithm {
        "ES256" => SigningKey::es256_from_pem(include_str!("../tests/it/keys/p256.pem")),
        _ => SigningKey::hs256(&SecretBytes::new(vec![7; 32])),
    };
    key.expect("the keys of the tests are sound")
}

fn uri_signing_wanted(container: &str) -> uri_signing::Wanted<'_> {
    uri_signing::Wanted {
        issuer: Some("issuer"),
        subject: None,
        audiences: Vec::new(),
        issued_at: None,
        start: None,
        end: END,
        id: None,
        version: None,
        critical: None,
        addresses: None,
        renewal: None,
        cookie_depth: None,
        container,
    }
}

const HASH: &str = "hash:sha-256;0MOd63fhAAqVCZ2hF0SwAD19eww9uDtVmVmPVlY_AOU";
const REGEX: &str = "regex:https://cdn[.]test/vod/movie42/.*";

#[divan::bench(args = [("HS256", HASH), ("HS256", REGEX), ("ES256", HASH)])]
fn uri_signing_verify(bencher: divan::Bencher<'_, '_>, (algorithm, container): (&str, &str)) {
    let signer = uri_signing_key(algorithm);
    let token = uri_signing::issue(&uri_signing_wanted(container), &signer, None, &Zeros);
    let token = token.expect("in order");
    let key = signer.public().expect("the key is our own");
    let keys = UriSigningKeys {
        keys: vec![UriSigningKey { key, issuers: vec!["issuer".into()] }],
        claim_key: None,
        audiences: Vec::new(),
        name: uri_signing::NAME.into(),
    };
    let request = request();
    assert!(uri_signing::verify(&token, &keys, &request, NOW).is_ok());
    bencher.bench(|| uri_signing::verify(&token, &keys, &request, NOW));
}

#[divan::bench(args = ["HS256", "ES256"])]
fn uri_signing_issue(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let signer = uri_signing_key(algorithm);
    bencher.bench(|| uri_signing::issue(&uri_signing_wanted(HASH), &signer, None, &Zeros));
}

fn cat_wanted() -> cat::Wanted<'static> {
    let url = br#"{"host":{"exact-match":"cdn.test"},"path":{"prefix-match":"/vod/movie42/"}}"#;
    let url = json::parse(url, &Limits::TOKEN).expect("it is JSON");
    cat::Wanted {
        issuer: Some("issuer"),
        end: Some(END),
        methods: vec!["GET", "HEAD"],
        url: url.as_object().cloned(),
        ..cat::Wanted::default()
    }
}

#[divan::bench(args = ["HS256", "ES256"])]
fn cat_verify(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let signer = uri_signing_key(algorithm);
    let token = cat::issue(&cat_wanted(), &signer, &Zeros).expect("in order");
    let rules = CatRules {
        keys: vec![signer.public().expect("the key is our own")],
        issuer: Some("issuer".into()),
        audience: None,
        leeway: Leeway::NONE,
        alpn: None,
    };
    let request = request();
    assert!(cat::verify(&token, &rules, &request, NOW).is_ok());
    bencher.bench(|| cat::verify(&token, &rules, &request, NOW));
}

#[divan::bench(args = ["HS256", "ES256"])]
fn cat_issue(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let (wanted, signer) = (cat_wanted(), uri_signing_key(algorithm));
    bencher.bench(|| cat::issue(&wanted, &signer, &Zeros));
}

/// Tokens of 64 KiB, refused: of each family one that its parser would have most to do with.
#[divan::bench(args = ["cat", "media-cdn", "uri-signing"])]
fn refuse_64_kib(bencher: divan::Bencher<'_, '_>, family: &str) {
    let token = match family {
        "cat" => "gYGB".repeat(16 << 10),
        "media-cdn" => format!("PathGlobs={}~Expires=1", "*a".repeat(32 << 10)),
        _ => format!("e30.{}.AA", "e30A".repeat(16 << 10)),
    };
    let given = format::Given::new();
    let family = format::find(family).expect("it is a family");
    let request = request();
    bencher.bench(|| family.explain(&given, &token, &request, NOW));
}
