//! URI Signing: the vectors, renewal, and what the RFC has a log say.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    claims::{Cover, Uses},
    fault::{Fault, Step},
    format::{Format as _, Given, GivenFault, Request, convert, find, recognise},
    jwt::SigningKey,
    uri_signing::{
        ClaimKey, NAME, Renewal, RenewalWay, Renewed, UriSigning, UriSigningKey, UriSigningKeys,
        UriSigningRefusal, Wanted, issue, log_code, renew, verify,
    },
};

use crate::{
    families,
    support::{Counting, EC_PRIVATE, ED_PRIVATE, RSA_PRIVATE, hs256, vectors},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);

#[test]
fn every_vector_has_its_outcome() {
    assert_eq!(families::run("uri-signing", "uri-signing"), (23, 60, 3));
}

fn keys(key: &SigningKey) -> UriSigningKeys {
    UriSigningKeys {
        keys: vec![UriSigningKey { key: key.public().unwrap(), issuers: vec!["i".into()] }],
        claim_key: Some(claim_key()),
        audiences: vec!["edge-1".into()],
        name: NAME.into(),
    }
}

fn claim_key() -> ClaimKey {
    ClaimKey::new(&SecretBytes::new(vec![9; 16]), Some("c1")).unwrap()
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request.address = Some([192, 0, 2, 1].into());
    request
}

fn wanted() -> Wanted<'static> {
    Wanted {
        issuer: Some("i"),
        subject: Some("alice"),
        audiences: vec!["edge-1", "edge-2"],
        issued_at: Some(NOW),
        start: Some(NOW),
        end: END,
        id: Some("t-1"),
        version: Some(1),
        critical: Some("cdniip"),
        addresses: Some("192.0.2.0/24"),
        renewal: Some(Renewal { seconds: 30.try_into().unwrap(), way: RenewalWay::Cookie }),
        cookie_depth: Some(2),
        container: r"regex:https://cdn\.test/vod/m/.*",
    }
}

#[test]
fn a_token_with_every_claim_verifies_with_each_algorithm() {
    for key in [
        hs256(),
        SigningKey::es256_from_pem(EC_PRIVATE).unwrap(),
        SigningKey::eddsa_from_pem(ED_PRIVATE).unwrap(),
        SigningKey::rs256_from_pem(RSA_PRIVATE).unwrap(),
    ] {
        let token = issue(&wanted(), &key, Some(&claim_key()), &Counting).unwrap();
        let verified = verify(&token, &keys(&key), &request("https://cdn.test/vod/m/1"), NOW);
        let claims = verified.unwrap().claims().to_claims();
        assert_eq!(claims.user.as_deref(), Some("alice"));
        assert_eq!(claims.uses, Uses::ONCE);
        assert_eq!(claims.id.as_deref(), Some("t-1"));
        assert_eq!(claims.audiences, ["edge-1", "edge-2"]);
        assert_eq!(claims.addresses[0].to_string(), "192.0.2.0/24");
        assert_eq!(claims.covers, [Cover::UrlRegex(r"https://cdn\.test/vod/m/.*".into())]);
    }
}

#[test]
fn a_renewed_token_ends_counted_from_the_check_and_not_from_the_old_end() {
    let key = hs256();
    let renewed = |wanted: Wanted<'_>, url: &str, now: Timestamp| {
        let token = issue(&wanted, &key, Some(&claim_key()), &Counting).unwrap();
        let verified = verify(&token, &keys(&key), &request(url), now).unwrap();
        renew(&verified, &request(url), NAME, now, &key, &Counting).unwrap()
    };
    let url = "https://cdn.test/vod/m/1.ts";
    let later = Timestamp(NOW.0 + 100);
    let Some(Renewed::Cookie(cookie)) = renewed(wanted(), url, later) else { panic!("no cookie") };
    assert!(cookie.ends_with("; Path=/vod/m; Max-Age=30; Secure; HttpOnly"), "{cookie}");
    let token = cookie.strip_prefix("URISigningPackage=").unwrap().split(';').next().unwrap();
    let again = verify(token, &keys(&key), &request(url), Timestamp(later.0 + 29)).unwrap();
    let claims = again.claims();
    assert_eq!(claims.end, Timestamp(later.0 + 30));
    assert_eq!(claims.issued_at, Some(later));
    // Another token, good for one use of its own.
    assert_eq!(claims.id.as_deref(), Some("AAECAwQFBgcICQoLDA0ODw"));
    assert_eq!(claims.user.as_deref(), Some("alice"));
    let expired = verify(token, &keys(&key), &request(url), Timestamp(later.0 + 30)).unwrap_err();
    assert_eq!(log_code(Err(&expired)), 404);

    let way = |way| Some(Renewal { seconds: 30.try_into().unwrap(), way });
    let query = Wanted { renewal: way(RenewalWay::Query), ..wanted() };
    assert!(matches!(renewed(query, url, NOW), Some(Renewed::Query(_))));
    let none = Wanted { renewal: way(RenewalWay::None), ..wanted() };
    assert_eq!(renewed(none, url, NOW), None);
    assert_eq!(renewed(Wanted { renewal: None, ..wanted() }, url, NOW), None);
}

#[test]
fn a_cookie_is_for_so_many_segments_and_for_none_if_there_are_fewer() {
    let key = hs256();
    let path = |depth: u64, url: &str| {
        let wanted = Wanted {
            cookie_depth: Some(depth),
            container: "regex:https?://cdn[.]test/.*",
            ..wanted()
        };
        let token = issue(&wanted, &key, Some(&claim_key()), &Counting).unwrap();
        let verified = verify(&token, &keys(&key), &request(url), NOW).unwrap();
        match renew(&verified, &request(url), NAME, NOW, &key, &Counting).unwrap() {
            Some(Renewed::Cookie(cookie)) => {
                let (_, rest) = cookie.split_once("Path=").unwrap();
                Some(rest.split(';').next().unwrap().to_owned())
            }
            _ => None,
        }
    };
    let url = "https://cdn.test/foo/bar/000.ts?x=1";
    assert_eq!(path(0, url).as_deref(), Some("/"));
    assert_eq!(path(1, url).as_deref(), Some("/foo"));
    assert_eq!(path(3, url).as_deref(), Some("/foo/bar/000.ts"));
    assert_eq!(path(4, url), None);
    assert_eq!(path(1, "https://cdn.test/"), None);
    let packed = "https://cdn.test/foo;URISigningPackage=t/bar/000.ts";
    assert_eq!(path(2, packed).as_deref(), Some("/foo/bar"));
}

#[test]
fn each_failure_has_its_code_in_the_log() {
    let uri_signing = find("uri-signing").unwrap();
    let codes = |name: &str| -> &str {
        match name {
            "bad-signature"
            | "bad-other-key"
            | "bad-other-kid"
            | "bad-none"
            | "bad-padded"
            | "bad-algorithm-confusion"
            | "bad-crit"
            | "bad-typ"
            | "bad-duplicate"
            | "bad-duplicate-escaped"
            | "bad-too-long"
            | "bad-span" => "400",
            "bad-issuer" | "bad-issuer-list" | "bad-rfc9246-a1-issuer" => "401",
            "bad-sub-clear" | "bad-sub-number" => "402",
            "bad-aud-unconfigured" | "bad-aud-prefix" | "bad-rfc9246-a2-audience" => "403",
            "bad-no-end"
            | "bad-exp-text"
            | "bad-exp-zero"
            | "bad-expired"
            | "bad-rfc9246-a1-last-second" => "404",
            "bad-nbf" | "bad-iat-ahead" | "bad-rfc9246-a2-early" => "405",
            "bad-jti-empty" | "bad-jti-number" => "407",
            "bad-version" => "408",
            "bad-critical" | "bad-critical-list" => "409",
            "bad-dots" => "500",
            renewal if renewal.starts_with("bad-renewal") || renewal == "bad-depth" => "406",
            bad if bad.starts_with("bad-")
                && (bad.contains("addr") || bad.contains("claim-key")) =>
            {
                "410"
            }
            bad if bad.starts_with("bad-") => "411",
            _ => "200",
        }
    };
    for vector in vectors("uri-signing") {
        let (given, request) = (families::given(uri_signing, &vector), families::request(&vector));
        let now = Timestamp(vector.number("now").unwrap());
        let explained = uri_signing.explain(&given, &vector.payload, &request, now).unwrap();
        let code = explained.fields.iter().find(|field| field.name == "s-uri-signing").unwrap();
        assert_eq!(code.value, codes(&vector.name), "{}", vector.name);
    }
    assert_eq!(log_code(Err(&Fault::UsedUp.at(Step::Uses))), 407);
    assert_eq!(log_code(Err(&Fault::Absent.at(Step::Presence))), 0);
    assert_eq!(log_code(Ok(())), 200);
}

#[test]
fn a_package_is_found_once() {
    let found = |url: &str, cookie: &str| {
        let mut request = request(url);
        request.headers.push(("Cookie".into(), cookie.into()));
        UriSigning.find_in(&Given::new(), &request)
    };
    assert_eq!(found("/a?URISigningPackage=t", "URISigningPackage=t"), Ok(Some("t".into())));
    let ambiguous = Fault::Ambiguous.at(Step::Presence);
    assert_eq!(found("/a?URISigningPackage=t", "URISigningPackage=u"), Err(ambiguous));
    assert_eq!(found("/a", ""), Ok(None));
}

#[test]
fn what_would_be_refused_is_not_made() {
    let make = |wanted: Wanted<'_>| issue(&wanted, &hs256(), Some(&claim_key()), &Counting);
    let check = |wanted: Wanted<'_>, expected: UriSigningRefusal| {
        assert_eq!(make(wanted).unwrap_err(), expected);
    };
    check(Wanted { end: NOW, ..wanted() }, UriSigningRefusal::LifetimeEmpty);
    check(Wanted { addresses: Some("x"), ..wanted() }, UriSigningRefusal::Addresses);
    for container in ["", "regex:(", r"regex:(a)\1", "hash:sha-256;AA", "https://cdn.test/"] {
        check(Wanted { container, ..wanted() }, UriSigningRefusal::Container);
    }
    for wrong in [
        Wanted { version: Some(2), ..wanted() },
        Wanted { critical: Some("foo"), ..wanted() },
        Wanted { id: Some(""), ..wanted() },
        Wanted { cookie_depth: Some(1 << 32), ..wanted() },
    ] {
        assert!(matches!(make(wrong), Err(UriSigningRefusal::Claims(_))));
    }
    let bare = issue(&wanted(), &hs256(), None, &Counting);
    assert_eq!(bare.unwrap_err(), UriSigningRefusal::ClaimKey);
}

#[test]
fn a_token_without_a_key_is_explained_and_not_verified() {
    let token = issue(&wanted(), &hs256(), Some(&claim_key()), &Counting).unwrap();
    let names: Vec<&str> = recognise(&token).iter().map(|one| one.about().name).collect();
    assert_eq!(names, ["uri-signing"]);
    let explained = UriSigning.explain(&Given::new(), &token, &Request::default(), NOW).unwrap();
    assert_eq!(explained.fault(), None);
    let missing = UriSigning.verify(&Given::new(), &token, &Request::default(), NOW);
    assert_eq!(missing.unwrap_err(), GivenFault::Missing { name: "public_key" });
}

#[test]
fn a_prefix_of_another_family_becomes_an_expression_that_means_it() {
    let media_cdn = find("media-cdn").unwrap();
    let vectors = vectors("media-cdn");
    let vector = vectors.iter().find(|one| one.name == "google-ed25519-urlprefix").unwrap();
    let given = families::given(media_cdn, vector);
    let (request, now) = (families::request(vector), Timestamp(vector.number("now").unwrap()));
    let old = media_cdn.verify(&given, &vector.payload, &request, now).unwrap().unwrap();
    let mut given = Given::new();
    given.add("secret", "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI");
    let made = convert(&old, &UriSigning, &given, &request, now, &Counting).unwrap();
    let explained = UriSigning.explain(&given, &made.issued.token, &request, now).unwrap();
    let container = explained.fields.iter().find(|field| field.name == "cdniuc").unwrap();
    assert_eq!(container.value, r"regex:http://10\.20\.30\.40/.*");
}
