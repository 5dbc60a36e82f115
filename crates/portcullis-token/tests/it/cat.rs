//! Common Access Tokens: the vectors, renewal, and where they travel.

use portcullis_base::{Timestamp, json};
use portcullis_token::{
    cat::{
        Cat, CatRefusal, CatRenewal, CatRenewed, CatRules, NAME, RenewalType, Wanted, issue, renew,
        verify,
    },
    claims::Uses,
    fault::{Fault, Step},
    format::{Format as _, Given, GivenFault, Request, convert, find, recognise},
    jwt::SigningKey,
    lifetime::Leeway,
};

use crate::{
    families,
    support::{Counting, EC_PRIVATE, ED_PRIVATE, RSA_PRIVATE, hs256, vectors},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);

#[test]
fn every_vector_has_its_outcome() {
    assert_eq!(families::run("cat", "cat"), (28, 95, 6));
}

fn rules(key: &SigningKey) -> CatRules {
    CatRules {
        keys: vec![key.public().unwrap()],
        issuer: Some("i".into()),
        audience: None,
        leeway: Leeway::NONE,
        alpn: Some("h2".into()),
    }
}

fn object(text: &str) -> json::Object {
    let value = json::parse(text.as_bytes(), &json::Limits::TOKEN).unwrap();
    value.as_object().unwrap().clone()
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request.address = Some([192, 0, 2, 1].into());
    request.country = Some("SE".into());
    request.headers.push(("X-Device".into(), "tv".into()));
    request
}

fn renewal(way: RenewalType) -> CatRenewal {
    CatRenewal {
        way,
        seconds: 120,
        deadline: 60,
        cookie_name: None,
        header_name: None,
        cookie_params: vec!["Path=/".into(), "Secure".into()],
        header_params: Vec::new(),
        code: None,
    }
}

fn wanted() -> Wanted<'static> {
    Wanted {
        issuer: Some("i"),
        subject: Some("alice"),
        end: Some(END),
        start: Some(NOW),
        issued_at: Some(NOW),
        once: Some(true),
        ranges: vec!["192.0.2.0/24", "2001:db8::1"],
        url: Some(object(r#"{"path":{"prefix-match":"/vod/"},"host":{"exact-match":"c.test"}}"#)),
        methods: vec!["GET"],
        protocols: vec!["h2"],
        headers: Some(object(r#"{"x-device":{"exact-match":"tv"}}"#)),
        countries: vec!["SE"],
        if_data: Some("d"),
        if_failed: Some(object(r#"{"exp":[307,{"Location":"https://auth.test/"}]}"#)),
        renewal: Some(renewal(RenewalType::Cookie)),
        ..Wanted::default()
    }
}

#[test]
fn a_token_with_every_claim_verifies_with_each_algorithm() {
    for key in [
        hs256().with_kid("k1").unwrap(),
        SigningKey::es256_from_pem(EC_PRIVATE).unwrap(),
        SigningKey::eddsa_from_pem(ED_PRIVATE).unwrap(),
    ] {
        let token = issue(&wanted(), &key, &Counting).unwrap();
        let verified = verify(&token, &rules(&key), &request("https://c.test/vod/1"), NOW).unwrap();
        let claims = verified.claims().to_claims();
        assert_eq!(claims.user.as_deref(), Some("alice"));
        assert_eq!(claims.uses, Uses::ONCE);
        assert_eq!(claims.id.as_deref(), Some("000102030405060708090a0b0c0d0e0f"));
        assert_eq!(claims.addresses.len(), 2);
        assert_eq!(claims.countries, ["SE"]);
        assert!(claims.identity.is_some());
    }
    let rsa = SigningKey::rs256_from_pem(RSA_PRIVATE).unwrap();
    assert_eq!(issue(&wanted(), &rsa, &Counting), Err(CatRefusal::Key));
}

#[test]
fn a_token_is_renewed_near_its_end_and_counted_from_the_renewal() {
    let key = hs256();
    let renewed = |way: RenewalType, now: u64, request: &Request| {
        let wanted = Wanted { renewal: Some(renewal(way)), ..wanted() };
        let token = issue(&wanted, &key, &Counting).unwrap();
        let verified = verify(&token, &rules(&key), request, Timestamp(now)).unwrap();
        renew(&verified, request, Timestamp(now), &key, &Counting).unwrap()
    };
    let plain = request("https://c.test/vod/1?x=1&CAT=old");
    assert_eq!(renewed(RenewalType::Cookie, END.0 - 61, &plain), None);
    let late = END.0 - 60;
    let Some(CatRenewed::Header(name, value)) = renewed(RenewalType::Cookie, late, &plain) else {
        panic!("no cookie")
    };
    assert_eq!(name, "Set-Cookie");
    assert!(value.ends_with("; Path=/; Secure"), "{value}");
    let token = value.strip_prefix("CTA-Common-Access-Token=").unwrap();
    let token = token.split(';').next().unwrap();
    let again = verify(token, &rules(&key), &plain, Timestamp(late + 119)).unwrap();
    assert_eq!(again.claims().end, Timestamp(late + 120));
    let over = verify(token, &rules(&key), &plain, Timestamp(late + 120)).unwrap_err();
    assert_eq!(over.fault, Fault::Expired { end: Timestamp(late + 120) });

    let mut cookie = plain.clone();
    cookie.headers.push(("Cookie".into(), format!("{NAME}=t")));
    let header = |way, request: &Request| match renewed(way, late, request) {
        Some(CatRenewed::Header(name, _)) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(header(RenewalType::Automatic, &plain), NAME);
    assert_eq!(header(RenewalType::Automatic, &cookie), "Set-Cookie");
    assert_eq!(header(RenewalType::Header, &cookie), NAME);
    let Some(CatRenewed::Redirect(302, url)) = renewed(RenewalType::Redirect, late, &plain) else {
        panic!("no redirect")
    };
    assert!(url.starts_with("https://c.test/vod/1?x=1&CAT="), "{url}");
    assert!(!url.contains("old"));
}

#[test]
fn a_token_is_found_wherever_it_travels_and_two_are_refused() {
    let found = |url: &str, name: &str, value: &str| {
        let mut request = request(url);
        request.headers.push((name.into(), value.into()));
        Cat.find_in(&Given::new(), &request)
    };
    let token = Ok(Some("t".to_owned()));
    assert_eq!(found("/a?CAT=t", "x", ""), token);
    assert_eq!(found("/a?cat=t", "x", ""), token);
    assert_eq!(found("/a", "cta-common-access-token", "t"), token);
    assert_eq!(found("/a", "Common-Access-Token", "t"), token);
    assert_eq!(found("/a", "Cookie", "CTA-Common-Access-Token=t"), token);
    assert_eq!(found("/a?CAT=t", "Cookie", "CTA-Common-Access-Token=t"), token);
    assert_eq!(found("/a", "x", ""), Ok(None));
    let ambiguous = Err(Fault::Ambiguous.at(Step::Presence));
    assert_eq!(found("/a?CAT=t&cat=u", "x", ""), ambiguous);
    assert_eq!(found("/a?CAT=t", NAME, "u"), ambiguous);
}

#[test]
fn what_would_be_refused_is_not_made() {
    let check = |wanted: Wanted<'_>, expected: CatRefusal| {
        assert_eq!(issue(&wanted, &hs256(), &Counting), Err(expected));
    };
    check(Wanted { end: None, ..wanted() }, CatRefusal::NoEnd);
    check(Wanted { end: Some(NOW), ..wanted() }, CatRefusal::LifetimeEmpty);
    check(Wanted { id: Some(Vec::new()), ..wanted() }, CatRefusal::Id);
    check(Wanted { ranges: vec!["192.0.2.1/24"], ..wanted() }, CatRefusal::Ranges);
    for url in [
        "{}",
        r#"{"path":{}}"#,
        r#"{"nope":{"exact-match":"a"}}"#,
        r#"{"path":{"nope":"a"}}"#,
        r#"{"path":{"exact-match":1}}"#,
        r#"{"path":{"sha256-match":"00"}}"#,
        r#"{"path":{"regex-match":"("}}"#,
    ] {
        check(Wanted { url: Some(object(url)), ..wanted() }, CatRefusal::Url);
    }
    check(Wanted { headers: Some(object("{}")), ..wanted() }, CatRefusal::Headers);
    for answers in ["{}", r#"{"nope":[307]}"#, r#"{"exp":[99]}"#, r#"{"exp":[307,{"a":"\r\n"}]}"#] {
        check(Wanted { if_failed: Some(object(answers)), ..wanted() }, CatRefusal::IfFailed);
    }
    let bad = |change: &dyn Fn(&mut CatRenewal)| {
        let mut renewal = renewal(RenewalType::Cookie);
        change(&mut renewal);
        check(Wanted { renewal: Some(renewal), ..wanted() }, CatRefusal::Renewal);
    };
    bad(&|one| one.seconds = 0);
    bad(&|one| one.code = Some(200));
    bad(&|one| one.cookie_name = Some("a b".into()));
    bad(&|one| one.cookie_params = vec!["a; b".into()]);
    let subject = "s".repeat(3000);
    check(Wanted { subject: Some(&subject), ..wanted() }, CatRefusal::TooLong);
}

#[test]
fn a_token_without_a_key_is_explained_and_not_verified() {
    let token = issue(&wanted(), &hs256(), &Counting).unwrap();
    let names: Vec<&str> = recognise(&token).iter().map(|one| one.about().name).collect();
    assert_eq!(names, ["cat"]);
    let explained = Cat.explain(&Given::new(), &token, &Request::default(), NOW).unwrap();
    assert_eq!(explained.fault(), None);
    let value = |name: &str| {
        let field = explained.fields.iter().find(|field| field.name == name).unwrap();
        field.value.clone()
    };
    assert_eq!(value("catnip"), "[52([24, h'c00002']), 54(h'20010db8000000000000000000000001')]");
    assert_eq!(value("catr"), r#"{0: 1, 1: 120, 2: 60, 5: ["Path=/", "Secure"]}"#);
    let missing = Cat.verify(&Given::new(), &token, &Request::default(), NOW);
    assert_eq!(missing.unwrap_err(), GivenFault::Missing { name: "secret" });
}

#[test]
fn a_signed_uri_of_one_url_becomes_conditions_on_all_its_parts() {
    let uri_signing = find("uri-signing").unwrap();
    let vectors = vectors("uri-signing");
    let vector = vectors.iter().find(|one| one.name == "hs256-hash").unwrap();
    let given = families::given(uri_signing, vector);
    let (request, now) = (families::request(vector), Timestamp(vector.number("now").unwrap()));
    let old = uri_signing.verify(&given, &vector.payload, &request, now).unwrap().unwrap();
    let mut given = Given::new();
    given.add("secret", "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI");
    let made = convert(&old, &Cat, &given, &request, now, &Counting).unwrap();
    let changed: Vec<&str> = made.losses.iter().map(|loss| loss.what.as_str()).collect();
    assert_eq!(changed, ["covers"]);
    let mut other = request;
    other.path = Some("/vod/b.m3u8".into());
    let refused = Cat.verify(&given, &made.issued.token, &other, now).unwrap().unwrap_err();
    assert_eq!(refused.fault, Fault::Path);
}
