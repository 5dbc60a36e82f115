//! How fast the tokens of CDNs that sign whole URLs are made and verified.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    format::Request,
    media_cdn::{self, MediaCdnKeys, MediaCdnSigner, Rules, TokenKind, Wanted},
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
