//! How fast hashes in URLs and CloudFront's signatures are made and verified.

use std::time::Duration;

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    cloudfront::{CloudFront, CloudFrontCookie, CloudFrontUrl, Policy, PrivateKey, PublicKey},
    format::{self, Given, Issued},
    url_hash::{
        Asked,
        aws_smd::{self, AwsSmd, ViewerHeaders},
        bunny::{Bunny, Form, Grant, SpeedLimits},
        cloudflare::Cloudflare,
        fastly::{Fastly, Hash},
        nginx::SecureLink,
        nginx_secret::SecretLink,
    },
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);
const PATH: &str = "/vod/movie42/video-720p/17.m4s";
const IN_ORDER: &str = "the fields are in order";
const RSA: &str = include_str!("../tests/it/keys/rsa2048.pem");
const EC: &str = include_str!("../tests/it/keys/p256.pem");

fn main() {
    divan::main();
}

fn key() -> SecretBytes {
    SecretBytes::new(b"0123456789abcdef0123456789abcdef".to_vec())
}

fn asked() -> Asked<'static> {
    Asked {
        origin: Some("https://cdn.test"),
        path: Some(PATH),
        address: Some([203, 0, 113, 7].into()),
        country: Some("KR"),
        ..Asked::default()
    }
}

fn nginx() -> SecureLink {
    let expression = "$secure_link_expires$uri$remote_addr secretword";
    SecureLink::danger_md5(expression).expect(IN_ORDER)
}

#[divan::bench]
fn nginx_secure_link_verify(bencher: divan::Bencher<'_, '_>) {
    let (site, asked) = (nginx(), asked());
    let link = site.sign(&asked, Some(END)).expect(IN_ORDER);
    bencher.bench(|| site.verify(&link, &asked, NOW));
}

#[divan::bench]
fn nginx_secure_link_issue(bencher: divan::Bencher<'_, '_>) {
    let (site, asked) = (nginx(), asked());
    bencher.bench(|| site.sign(&asked, Some(END)));
}

#[divan::bench]
fn nginx_secure_link_secret_verify(bencher: divan::Bencher<'_, '_>) {
    let site = SecretLink::danger_md5_endless(key());
    let path = site.sign("p", "vod/movie42/17.m4s").expect(IN_ORDER);
    let asked = Asked { path: Some(&path), ..Asked::default() };
    bencher.bench(|| site.verify(&path, &asked, NOW));
}

#[divan::bench]
fn nginx_secure_link_secret_issue(bencher: divan::Bencher<'_, '_>) {
    let site = SecretLink::danger_md5_endless(key());
    bencher.bench(|| site.sign("p", "vod/movie42/17.m4s"));
}

#[divan::bench(args = [Hash::Sha1, Hash::Sha256])]
fn fastly_verify(bencher: divan::Bencher<'_, '_>, hash: Hash) {
    let site = Fastly::new(&key(), hash);
    let token = site.sign(PATH, END).expect(IN_ORDER);
    let asked = asked();
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

#[divan::bench(args = [Hash::Sha1, Hash::Sha256])]
fn fastly_issue(bencher: divan::Bencher<'_, '_>, hash: Hash) {
    let site = Fastly::new(&key(), hash);
    bencher.bench(|| site.sign(PATH, END));
}

#[divan::bench]
fn cloudflare_verify(bencher: divan::Bencher<'_, '_>) {
    let site = Cloudflare::new(&key(), Duration::from_secs(3600));
    let token = site.sign(PATH, NOW).expect(IN_ORDER);
    let asked = asked();
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

#[divan::bench]
fn cloudflare_issue(bencher: divan::Bencher<'_, '_>) {
    let site = Cloudflare::new(&key(), Duration::from_secs(3600));
    bencher.bench(|| site.sign(PATH, NOW));
}

const PARAMETERS: &[(&str, &str)] = &[("token_countries", "KR,JP"), ("token_path", "/vod/")];

fn bunny_grant() -> Grant<'static> {
    Grant {
        path: PATH,
        end: END,
        address: Some([203, 0, 113, 7].into()),
        parameters: PARAMETERS,
        form: Form::Query,
    }
}

#[divan::bench]
fn bunny_verify(bencher: divan::Bencher<'_, '_>) {
    let site = Bunny::new(&key(), SpeedLimits::Refused);
    let token = site.sign(&bunny_grant()).expect(IN_ORDER);
    let asked = asked();
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

#[divan::bench]
fn bunny_issue(bencher: divan::Bencher<'_, '_>) {
    let site = Bunny::new(&key(), SpeedLimits::Refused);
    bencher.bench(|| site.sign(&bunny_grant()));
}

fn aws_smd() -> AwsSmd {
    AwsSmd::new(ViewerHeaders::Ignored).with_key(Some("primary"), &key()).expect(IN_ORDER)
}

fn aws_smd_grant() -> aws_smd::Grant<'static> {
    aws_smd::Grant {
        paths: &["/vod/movie42/"],
        excepted: &[],
        issued_at: NOW,
        start: None,
        end: END,
        asked: asked(),
        region: None,
        session: Some("Ab12Cd34Ef56"),
        headers: &[],
        parameters: &[],
    }
}

#[divan::bench]
fn aws_smd_verify(bencher: divan::Bencher<'_, '_>) {
    let site = aws_smd();
    let token = site.sign(&aws_smd_grant()).expect(IN_ORDER);
    let asked = asked();
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

#[divan::bench]
fn aws_smd_issue(bencher: divan::Bencher<'_, '_>) {
    let site = aws_smd();
    bencher.bench(|| site.sign(&aws_smd_grant()));
}

fn cloudfront_keys(key: &str) -> CloudFront {
    let pem = if key == "RSA" { RSA } else { EC };
    let signer = PrivateKey::from_pem("K1", pem).expect(IN_ORDER);
    CloudFront::new(Vec::new()).with_signer(signer).expect(IN_ORDER)
}

fn cloudfront_token(family: &str, key: &str) -> Issued {
    let mut given = Given::new();
    given.add("private_key", if key == "RSA" { RSA } else { EC });
    given.add("key_pair_id", "K1");
    given.add("resource", "https://cdn.test/vod/*");
    given.add("url", format!("https://cdn.test{PATH}"));
    given.add("date_less_than", END.to_string());
    let format = format::find(family).expect(IN_ORDER);
    format.issue(&given, NOW, &Zeros).expect(IN_ORDER)
}

#[divan::bench(args = ["RSA", "ECDSA"])]
fn cloudfront_url_verify(bencher: divan::Bencher<'_, '_>, key: &str) {
    let site = CloudFrontUrl(cloudfront_keys(key));
    let (token, asked) = (cloudfront_token("cloudfront-url", key).token, asked());
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

#[divan::bench(args = ["RSA", "ECDSA"])]
fn cloudfront_cookie_verify(bencher: divan::Bencher<'_, '_>, key: &str) {
    let site = CloudFrontCookie(cloudfront_keys(key));
    let (token, asked) = (cloudfront_token("cloudfront-cookie", key).token, asked());
    bencher.bench(|| site.verify(&token, &asked, NOW));
}

/// The signature is all there is to it; URL and cookies write the same parts.
#[divan::bench(args = ["RSA", "ECDSA"])]
fn cloudfront_url_issue(bencher: divan::Bencher<'_, '_>, key: &str) {
    let site = cloudfront_keys(key);
    let policy = Policy {
        resource: "https://cdn.test/vod/*".to_owned(),
        end: END,
        after: None,
        source: None,
    };
    bencher.bench(|| site.sign(&policy.to_text()).map(|(signature, _)| signature));
}

/// What preparing a key saves at every verification.
#[divan::bench]
fn cloudfront_key_read(bencher: divan::Bencher<'_, '_>) {
    let pem = include_str!("../tests/it/keys/rsa2048.pub.pem");
    bencher.bench(|| PublicKey::from_pem("K1", pem));
}

#[derive(Debug)]
struct Zeros;

impl portcullis_base::Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}
