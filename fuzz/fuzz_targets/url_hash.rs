//! Foreign bytes as a URL and a token of each kind of hash in URLs, on two lines. What is
//! accepted has not ended, covers a path with one reading, and is signed again the same.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    claims::{Claims, Cover},
    edge::path,
    format::{self, Given, Request},
    url_hash::{
        Asked,
        aws_smd::{AwsSmd, ViewerHeaders},
        bunny::{Bunny, Form, Grant, SpeedLimits},
        cloudflare::Cloudflare,
        fastly::{Fastly, Hash},
        nginx::SecureLink,
    },
};

const KEY: [u8; 32] = [b'7'; 32];
const NOW: Timestamp = Timestamp(1_700_000_000);

const FAMILIES: [&str; 6] =
    ["nginx-secure-link", "nginx-secure-link-secret", "fastly", "cloudflare", "bunny", "aws-smd"];

struct Sites {
    aws_smd: AwsSmd,
    bunny: Bunny,
    cloudflare: Cloudflare,
    fastly: Fastly,
    nginx: SecureLink,
}

static SITES: LazyLock<Sites> = LazyLock::new(|| {
    let key = SecretBytes::new(KEY.to_vec());
    let aws_smd = AwsSmd::new(ViewerHeaders::Ignored).with_key(None, &key);
    Sites {
        aws_smd: aws_smd.expect("the key is long enough"),
        bunny: Bunny::new(&key, SpeedLimits::Elsewhere),
        cloudflare: Cloudflare::new(&key, Duration::from_secs(60)),
        fastly: Fastly::new(&key, Hash::Sha256),
        nginx: SecureLink::danger_md5("$secure_link_expires$uri$arg_x secret")
            .expect("the expression is one"),
    }
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, token) = text.split_once('\n').unwrap_or(("/a?b=c", text));
    let mut request = Request::default();
    if request.set_url(url).is_err() {
        return;
    }
    request.address = Some([192, 0, 2, 1].into());
    request.country = Some("KR".into());
    explained(token, &request);
    let asked = Asked::of(&request);
    let Some(path) = asked.path else { return };
    let number = token.bytes().take_while(u8::is_ascii_digit).count();
    let number = Timestamp(token.get(..number).and_then(|text| text.parse().ok()).unwrap_or(1));
    // A fuzzer does not guess a hash: what it says is signed for it.
    fastly(path, number, &asked);
    cloudflare(path, number, &asked);
    nginx(number, &asked);
    bunny(path, number, &asked);
    aws_smd(token, &asked);
});

/// Every family's checks, all of them, with and without a key.
fn explained(token: &str, request: &Request) {
    let mut keyed = Given::new();
    keyed.add("key", "N".repeat(40));
    keyed.add("lifetime", "60");
    keyed.add("secret", "s");
    keyed.add("expression", "$uri$secure_link_expires secret");
    keyed.add("danger_allow_md5", "true");
    for name in FAMILIES {
        let format = format::find(name).expect("the family is there");
        for given in [&keyed, &Given::new()] {
            for request in [request, &Request::default()] {
                let explained = format.explain(given, token, request, NOW);
                assert!(explained.is_ok(), "{name}");
            }
        }
    }
}

fn check(claims: &Claims) {
    assert!(claims.end.is_some_and(|end| end > NOW));
    for cover in &claims.covers {
        if let Cover::Path(path) = cover {
            assert!(path::check(path).is_ok());
        }
    }
}

fn fastly(path: &str, end: Timestamp, asked: &Asked<'_>) {
    let token = SITES.fastly.sign(path, end).expect("there is a key");
    let Ok(verified) = SITES.fastly.verify(&token, asked, NOW) else { return };
    check(verified.claims());
    assert_eq!(verified.claims().end, Some(end));
    shifted(path, &token, |path, token| {
        let asked = Asked { path: Some(path), ..*asked };
        SITES.fastly.verify(token, &asked, NOW).is_err()
    });
}

fn cloudflare(path: &str, issued: Timestamp, asked: &Asked<'_>) {
    let token = SITES.cloudflare.sign(path, issued).expect("there is a key");
    let Ok(verified) = SITES.cloudflare.verify(&token, asked, NOW) else { return };
    check(verified.claims());
    assert_eq!(verified.claims().issued_at, Some(issued));
    shifted(path, &token, |path, token| {
        let asked = Asked { path: Some(path), ..*asked };
        SITES.cloudflare.verify(token, &asked, NOW).is_err()
    });
}

/// A token whose number took a digit from the path is refused.
fn shifted(path: &str, token: &str, refused: impl Fn(&str, &str) -> bool) {
    let Some(last) = path.chars().last().filter(char::is_ascii_digit) else { return };
    let shorter = path.get(..path.len() - 1).expect("a digit is one byte");
    assert!(refused(shorter, &format!("{last}{token}")), "{path} {token}");
}

fn nginx(end: Timestamp, asked: &Asked<'_>) {
    let Ok(link) = SITES.nginx.sign(asked, Some(end)) else { return };
    let Ok(verified) = SITES.nginx.verify(&link, asked, NOW) else { return };
    check(verified.claims());
    assert_eq!(SITES.nginx.sign(asked, verified.claims().end).as_ref(), Ok(&link));
}

fn bunny(path: &str, end: Timestamp, asked: &Asked<'_>) {
    let query = asked.query.unwrap_or_default();
    let parameters: Vec<(&str, &str)> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    for form in [Form::Directory, Form::Query] {
        let grant = Grant { path, end, address: asked.address, parameters: &parameters, form };
        let token = SITES.bunny.sign(&grant).expect("there is a key");
        let asked = Asked { query: None, ..*asked };
        let Ok(verified) = SITES.bunny.verify(&token, &asked, NOW) else { continue };
        check(verified.claims());
        let prefix = parameters.iter().find(|(name, _)| *name == "token_path");
        assert!(prefix.is_none_or(|(_, prefix)| path.starts_with(prefix)));
        let rule = |name: &str| parameters.iter().find(|(known, _)| *known == name);
        let blocked = rule("token_countries_blocked");
        assert!(blocked.is_none_or(|(_, list)| !list.split(',').any(|one| one == "KR")));
    }
}

fn aws_smd(claims: &str, asked: &Asked<'_>) {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
    let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    let token = format!("{signed}.{mac}");
    let Ok(verified) = SITES.aws_smd.verify(&token, asked, NOW) else { return };
    assert!(verified.claims().end.is_some_and(|end| end > NOW));
    let claims = verified.claims();
    let begins = |cover: &Cover| match cover {
        Cover::PathPrefix(prefix) => asked.path.is_some_and(|path| path.starts_with(prefix)),
        _ => false,
    };
    assert!(claims.covers.iter().any(begins) || claims.other.contains_key("exc"));
}
