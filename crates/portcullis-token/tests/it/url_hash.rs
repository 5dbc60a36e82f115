//! Hashes in URLs: the vectors of every family, and what is not said in a vector.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    fault::{Fault, Step},
    format::{self, Given, GivenFault, Request, convert, recognise},
    url_hash::{
        Asked,
        aws_smd::{AwsSmd, ViewerHeaders},
        bunny::{Bunny, SpeedLimits},
        cloudflare::Cloudflare,
        fastly::{Fastly, Hash},
        nginx::SecureLink,
        nginx_secret::SecretLink,
    },
};

use crate::{
    families,
    support::{Counting, vectors},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);
const FAMILIES: [&str; 6] =
    ["nginx-secure-link", "nginx-secure-link-secret", "fastly", "cloudflare", "bunny", "aws-smd"];

#[test]
fn every_vector_has_its_outcome() {
    let counts = FAMILIES.map(|family| families::run(family, family));
    let expected = [(9, 25, 3), (5, 7, 1), (8, 17, 2), (7, 13, 1), (21, 30, 16), (19, 40, 9)];
    assert_eq!(counts, expected);
}

#[test]
fn a_token_has_the_form_of_its_own_family_only() {
    for family in FAMILIES {
        for vector in vectors(family).iter().filter(|one| one.need("expect") == "success") {
            if vector.get("resembles") == Some("no") {
                continue;
            }
            let names: Vec<&str> =
                recognise(&vector.payload).iter().map(|format| format.about().name).collect();
            assert_eq!(names, [family], "{family} {}", vector.name);
        }
    }
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request
}

#[test]
fn md5_links_are_off_until_somebody_says_danger() {
    let nginx = format::find("nginx-secure-link").unwrap();
    let off = GivenFault::Denied(
        "MD5 links are off: set `danger_allow_md5` to honour another system's".to_owned(),
    );
    let fields = given(&[("expression", "$secure_link_expires$uri secret")]);
    let verdict = nginx.verify(&fields, "md5=x", &request("/a"), NOW);
    assert_eq!(verdict.map(drop), Err(off.clone()));
    let fields = fields.with(&given(&[("uri", "/a"), ("expires", "+60")]));
    assert_eq!(nginx.issue(&fields, NOW, &Counting), Err(off.clone()));
    let secret = format::find("nginx-secure-link-secret").unwrap();
    let verdict = secret.verify(&given(&[("secret", "s")]), "/p/x/y", &request("/a"), NOW);
    assert_eq!(verdict.map(drop), Err(off));
}

#[test]
fn a_key_that_is_missing_is_no_refusal() {
    for (family, key) in [
        ("nginx-secure-link", "expression"),
        ("nginx-secure-link-secret", "secret"),
        ("fastly", "key"),
        ("cloudflare", "key"),
        ("bunny", "key"),
        ("aws-smd", "key"),
    ] {
        let format = format::find(family).unwrap();
        let verdict = format.verify(&Given::new(), "x", &Request::default(), NOW);
        assert_eq!(verdict.map(drop), Err(GivenFault::Missing { name: key }), "{family}");
    }
    let cloudflare = format::find("cloudflare").unwrap();
    let verdict = cloudflare.verify(&given(&[("key", "k")]), "x", &Request::default(), NOW);
    assert_eq!(verdict.map(drop), Err(GivenFault::Missing { name: "lifetime" }));
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |family: &str, fields: &[(&str, &str)], expected: &str| {
        let issued = format::find(family).unwrap().issue(&given(fields), NOW, &Counting);
        assert_eq!(issued.map_err(|fault| fault.to_string()).unwrap_err(), expected, "{family}");
    };
    let key = ("key", "iqFPeN2u+Z0Lm5IrsKaOFKRqEU5Gw8ePtaEkHZWuD24=");
    check(
        "fastly",
        &[key, ("uri", "/a"), ("expiry", "now")],
        "the token would be refused at times: the token could be used until 1700000000",
    );
    check(
        "fastly",
        &[key, ("uri", "/a/../b"), ("expiry", "+60")],
        "the token would be refused at coverage: the path could be read in more than one way: \
         a segment of dots",
    );
    check(
        "fastly",
        &[key, ("uri", "/a"), ("expiry", "+60"), ("lifetime_max", "59")],
        "the token would be refused at times: the token lives longer than the 59 s that are \
         accepted",
    );
    check("fastly", &[key, ("uri", "/a")], "`expiry` is missing");
    let endless = [("expression", "$uri secret"), ("danger_allow_md5", "true"), ("uri", "/a")];
    check(
        "nginx-secure-link",
        &endless,
        "the token would be refused at times: the token names no end",
    );
    check(
        "bunny",
        &[("key", "k"), ("uri", "/a?x=1%262"), ("expires", "+60")],
        "the token would be refused at form: the token is malformed: an escaped mark in a \
         parameter",
    );
    check("aws-smd", &[("key", &"k".repeat(32)), ("exp", "+60")], "`paths` is missing");
    check(
        "aws-smd",
        &[("key", &"k".repeat(31)), ("exp", "+60"), ("paths", "/")],
        "`key` is not a usable key: it is shorter than 32 bytes",
    );
}

#[test]
fn what_is_issued_is_ready_to_paste() {
    let check = |family: &str, fields: &[(&str, &str)]| {
        let given = given(fields);
        let format = format::find(family).unwrap();
        let issued = format.issue(&given, NOW, &Counting).unwrap();
        let url = issued.carriage.iter().find(|(way, _)| matches!(*way, "url" | "path"));
        let request = request(&url.unwrap().1);
        let found = format.find_in(&given, &request).unwrap();
        assert_eq!(found.as_deref(), Some(issued.token.as_str()), "{family}");
        let verdict = format.verify(&given, &issued.token, &request, NOW).unwrap();
        verdict.map(drop).unwrap_or_else(|refused| panic!("{family}: {refused}"));
    };
    let md5 = ("danger_allow_md5", "true");
    check(
        "nginx-secure-link",
        &[
            ("expression", "$secure_link_expires$uri$arg_x secret"),
            md5,
            ("uri", "/a/b?x=1"),
            ("expires", "+60"),
        ],
    );
    let secret = ("secret", "s");
    let endless = ("danger_allow_no_end", "true");
    check("nginx-secure-link-secret", &[secret, md5, endless, ("prefix", "/p/"), ("link", "a/b")]);
    check("fastly", &[("key", "iqFPeN2u"), ("uri", "/a"), ("expiry", "+60")]);
    check("cloudflare", &[("key", "k"), ("lifetime", "60"), ("uri", "/a")]);
    let bunny = [("key", "k"), ("uri", "/a/b?x=1&a=%20"), ("expires", "+60")];
    check("bunny", &bunny);
    let directory = [("key", "k"), ("uri", "/a/b"), ("token_path", "/a/"), ("expires", "+60")];
    check("bunny", &[&directory[..], &[("directory", "true")]].concat());
    check("aws-smd", &[("key", &"k".repeat(32)), ("paths", "/a/"), ("exp", "+60"), ("ssn", "s1")]);
}

#[test]
fn the_core_of_a_token_is_completed_from_the_request() {
    let check = |family: &str, fields: &[(&str, &str)], part: &str, url: &str| {
        let format = format::find(family).unwrap();
        let verdict = format.verify(&given(fields), part, &request(url), Timestamp(1_598_020_000));
        verdict.unwrap().map(drop).unwrap_or_else(|refused| panic!("{family}: {refused}"));
    };
    let bunny = "HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4";
    check(
        "bunny",
        &[("key", "SecurityKey")],
        bunny,
        &format!("/300kb.jpg?token={bunny}&expires=1598024587"),
    );
    let fields = [("expression", "$secure_link_expires$uri secret"), ("danger_allow_md5", "true")];
    let site = SecureLink::danger_md5(fields[0].1).unwrap();
    let link = site.sign(&Asked { path: Some("/a"), ..Asked::default() }, Some(END)).unwrap();
    let hash = link.strip_prefix("md5=").unwrap().split_once('&').unwrap().0;
    check("nginx-secure-link", &fields, hash, &format!("/a?{link}"));
}

#[test]
fn a_piece_of_a_token_is_not_completed() {
    let check = |family: &str, fields: &[(&str, &str)], piece: &str, url: &str| {
        let format = format::find(family).unwrap();
        let verdict = format.verify(&given(fields), piece, &request(url), NOW).unwrap();
        let code = verdict.map(drop).unwrap_err().fault.code();
        assert!(["token.malformed", "token.no_end"].contains(&code), "{family} {piece}: {code}");
    };
    let key = SecretBytes::new(vec![b'k'; 32]);
    let keys = [("key", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"), ("lifetime", "60")];
    let site = Cloudflare::new(&key, std::time::Duration::from_secs(60));
    let token = site.sign("/a", NOW).unwrap();
    let url = format!("/a?verify={token}");
    check("cloudflare", &keys, token.split_once('-').unwrap().0, &url);
    check("cloudflare", &keys, &token[..30], &url);
    let bunny = "HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4";
    let url = format!("/300kb.jpg?token={bunny}&expires=1598024587");
    for piece in ["HS256-", "token", &bunny[..20], "1598024587"] {
        check("bunny", &[("key", "SecurityKey")], piece, &url);
    }
}

#[test]
fn typed_sites_verify_what_they_sign() {
    let key = SecretBytes::new(vec![7; 32]);
    let asked = Asked { path: Some("/a/b"), ..Asked::default() };
    let fastly = Fastly::new(&key, Hash::Sha256);
    let token = fastly.sign("/a/b", END).unwrap();
    let claims = fastly.verify(&token, &asked, NOW).unwrap().into_claims();
    assert_eq!(claims.end, Some(END));
    let cloudflare = Cloudflare::new(&key, std::time::Duration::from_secs(60));
    let token = cloudflare.sign("/a/b", NOW).unwrap();
    let claims = cloudflare.verify(&token, &asked, NOW).unwrap().into_claims();
    assert_eq!((claims.issued_at, claims.end), (Some(NOW), Some(Timestamp(NOW.0 + 60))));
    let secret = SecretLink::danger_md5_endless(SecretBytes::new(b"s".to_vec()));
    let path = secret.sign("p", "a/b").unwrap();
    let asked = Asked { path: Some(&path), ..Asked::default() };
    assert_eq!(secret.verify(&path, &asked, NOW).unwrap().claims().end, None);
    let bunny = Bunny::new(&key, SpeedLimits::Refused);
    assert_eq!(bunny.verify("", &asked, NOW).unwrap_err().fault, Fault::Absent);
    let keyless = AwsSmd::new(ViewerHeaders::Ignored);
    assert_eq!(keyless.verify("x", &asked, NOW).unwrap_err(), Fault::Key.at(Step::Key));
}

#[test]
fn keys_are_not_printed() {
    let key = SecretBytes::new(b"topsecret-topsecret-topsecret-xx".to_vec());
    let texts = [
        format!("{:?}", Fastly::new(&key, Hash::Sha1)),
        format!("{:?}", Cloudflare::new(&key, std::time::Duration::ZERO)),
        format!("{:?}", Bunny::new(&key, SpeedLimits::Refused)),
        format!("{:?}", AwsSmd::new(ViewerHeaders::Ignored).with_key(None, &key).unwrap()),
        format!("{:?}", SecureLink::danger_md5("$uri topsecret").unwrap()),
        format!("{:?}", SecretLink::danger_md5_endless(key)),
    ];
    assert!(texts.iter().all(|text| !text.contains("topsecret")), "{texts:?}");
}

#[test]
fn a_token_of_64_kib_is_refused_by_its_length() {
    let token = "a".repeat(64 << 10);
    for (family, fields) in [
        ("fastly", [("key", "iqFPeN2u"), ("algorithm", "sha1")]),
        ("cloudflare", [("key", "k"), ("lifetime", "60")]),
        ("bunny", [("key", "k"), ("lifetime_max", "60")]),
        ("aws-smd", [("key", "0123456789abcdef0123456789abcdef"), ("leeway", "1")]),
    ] {
        let format = format::find(family).unwrap();
        let verdict = format.verify(&given(&fields), &token, &request("/a"), NOW).unwrap();
        let fault = verdict.map(drop).unwrap_err().fault;
        assert!(matches!(fault, Fault::TooLong { .. }), "{family}: {fault}");
    }
}

#[test]
fn converting_says_what_is_lost() {
    let bunny = format::find("bunny").unwrap();
    let fields = given(&[("key", "k"), ("user_ip", "192.0.2.1"), ("expires", "+60")]);
    let fields = fields.with(&given(&[("uri", "/a/b"), ("token_countries", "KR,JP")]));
    let issued = bunny.issue(&fields, NOW, &Counting).unwrap();
    let mut from = request(&format!("/a/b?{}", issued.token));
    from.address = Some("192.0.2.1".parse().unwrap());
    from.country = Some("KR".to_owned());
    let token = bunny.verify(&fields, &issued.token, &from, NOW).unwrap().unwrap();
    let fastly = format::find("fastly").unwrap();
    let key = given(&[("key", "iqFPeN2u")]);
    let converted = convert(&token, fastly, &key, &from, NOW, &Counting).unwrap();
    let lost: Vec<&str> = converted.losses.iter().map(|loss| loss.what.as_str()).collect();
    assert_eq!(lost, ["addresses", "countries"]);
}

#[test]
fn an_explanation_needs_neither_key_nor_request() {
    for family in FAMILIES {
        let format = format::find(family).unwrap();
        let vector = &vectors(family).into_iter().find(|one| one.need("expect") == "success");
        let token = &vector.as_ref().unwrap().payload;
        let nothing = Request::default();
        let explained = format.explain(&Given::new(), token, &nothing, Timestamp(1)).unwrap();
        assert!(!explained.fields.is_empty(), "{family}");
        assert!(explained.claims.is_some(), "{family}");
    }
}
