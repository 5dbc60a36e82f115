//! Tokens as people present them: issued for real and verified for real.

use std::time::Duration;

use portcullis_base::{
    Rng, SecretBytes, Timestamp,
    json::{Limits, Object, Value, parse},
};
use portcullis_policy::{
    Caller, EdgeAsk, EdgeCaller, Reason,
    claims::{CLASSES_CLAIM, CONTENT_CLAIM, KEY_CLAIM, TERMS_CLAIM},
};
use portcullis_token::{
    edge::{
        EdgeKeys, Lookup,
        access::{self, AccessRequest, Covers},
        acl::Acl,
        carrier::{self, Carriers},
        session::{self, SessionRequest},
    },
    jwt::{self, Expectations, Issue, JwtError, SigningKey},
};

use crate::cast::{AT_HOME, AUDIENCE, FOREIGN, ISSUER, NOW, SD};

/// A playback token, before it is signed and verified.
struct Playback {
    issue: Issue,
    secret: u8,
    verified_by: Expectations,
}

fn playback_token(subject: Option<&str>, claims: &[(&str, Value)]) -> Playback {
    let extra: Object =
        claims.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let issue = Issue {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        subject: subject.map(str::to_owned),
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW.saturating_add(Duration::from_secs(1800)),
        id: None,
        extra,
        token_type: "JWT".to_owned(),
    };
    let verified_by = Expectations {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        leeway: Duration::ZERO,
        lifetime_max: Duration::from_secs(1800),
        token_type: None,
    };
    Playback { issue, secret: 1, verified_by }
}

impl Playback {
    fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn verify(&self) -> Result<Caller, Reason> {
        let key = |byte| SigningKey::hs256(&SecretBytes::new(vec![byte; 32])).unwrap();
        let text = jwt::issue(&self.issue, &key(self.secret), &Predictable).unwrap();
        verify_text(&text, &self.verified_by)
    }
}

fn verify_text(text: &str, expectations: &Expectations) -> Result<Caller, Reason> {
    let secret = SecretBytes::new(vec![1; 32]);
    let keys = [jwt::VerificationKey::hs256(&secret).unwrap()];
    match jwt::verify(text, &keys, expectations, NOW) {
        Ok(token) => Ok(Caller::Holder(token)),
        Err(error) => Err(as_reason(&error)),
    }
}

#[track_caller]
fn as_reason(error: &JwtError) -> Reason {
    let reason = Reason::from(error);
    assert_eq!(reason.code(), error.code(), "the token formats use the codes of reasons");
    reason
}

/// The holder of a good token with these claims.
pub(crate) fn holder(subject: &str, claims: &[(&str, Value)]) -> Caller {
    playback_token(Some(subject), claims).verify().unwrap()
}

/// Alice with a good token for the film.
pub(crate) fn for_film() -> Caller {
    holder("alice", &[film()])
}

fn film() -> (&'static str, Value) {
    (CONTENT_CLAIM, Value::from("film"))
}

fn alice(claims: &[(&str, Value)]) -> Playback {
    playback_token(Some("alice"), claims)
}

/// What somebody presents who asks for a license: a caller, or why the token was refused
/// before any decision.
pub(crate) type Presents = fn() -> Result<Caller, Reason>;

pub(crate) fn playback() -> Vec<(&'static str, Presents)> {
    [good_and_bad(), with_terms(), counted(), vec![("its keys not fetched", unfetched)]].concat()
}

/// Tokens whose uses are counted.
fn counted() -> Vec<(&'static str, Presents)> {
    vec![
        ("for three uses", || alice(&[film(), (jwt::MAX_USES, Value::from("3"))]).verify()),
        ("for one use", || alice(&[film(), (jwt::ONE_TIME, Value::from(true))]).verify()),
        ("for one use, without id", || {
            let once = [film(), (jwt::ONE_TIME, Value::from(true))];
            alice(&once).changed(|token| token.issue.id = Some(String::new())).verify()
        }),
    ]
}

/// A good token whose issuer publishes its keys, before they could be fetched.
fn unfetched() -> Result<Caller, Reason> {
    let token = alice(&[film()]);
    let ours = SigningKey::hs256(&SecretBytes::new(vec![1; 32])).unwrap();
    let text = jwt::issue(&token.issue, &ours, &Predictable).unwrap();
    let error = jwt::verify(&text, &[], &token.verified_by, NOW).unwrap_err();
    Err(Reason::without_key_set(&error))
}

fn terms(said: &str) -> (&'static str, Value) {
    (TERMS_CLAIM, parse(said.as_bytes(), &Limits::TOKEN).unwrap())
}

/// Tokens that say what the license may do.
fn with_terms() -> Vec<(&'static str, Presents)> {
    vec![
        ("terms: AUDIO only", || alice(&[film(), terms(r#"{"classes":["AUDIO"]}"#)]).verify()),
        ("terms: streaming", || {
            let said = r#"{"playback":{"persistent":false,"license":"unlimited"}}"#;
            alice(&[film(), terms(said)]).verify()
        }),
        ("terms: an hour", || alice(&[film(), terms(r#"{"playback":{"license":3600}}"#)]).verify()),
        ("terms: HDCP", || {
            let said = r#"{"outputs":{"ALL":{"widevine":{"hdcp":"HDCP_V1"}}}}"#;
            alice(&[film(), terms(said)]).verify()
        }),
        ("terms unreadable", || alice(&[film(), terms(r#"{"watermark":true}"#)]).verify()),
        ("unknown claim of ours", || {
            alice(&[film(), ("portcullis:watermark", Value::from(true))]).verify()
        }),
    ]
}

fn good_and_bad() -> Vec<(&'static str, Presents)> {
    vec![
        ("our token", || Ok(for_film())),
        ("nothing", || Ok(Caller::Anonymous)),
        ("for another film", || alice(&[(CONTENT_CLAIM, Value::from("other"))]).verify()),
        ("names the SD key", || alice(&[(KEY_CLAIM, Value::from(SD.to_string()))]).verify()),
        ("names a foreign key", || {
            alice(&[(KEY_CLAIM, Value::from(FOREIGN.to_string()))]).verify()
        }),
        ("film and foreign key", || {
            alice(&[film(), (KEY_CLAIM, Value::from(FOREIGN.to_string()))]).verify()
        }),
        ("names nothing", || alice(&[]).verify()),
        ("content unreadable", || alice(&[(CONTENT_CLAIM, Value::from(7))]).verify()),
        ("AUDIO and SD only", || {
            let classes = Value::Array(vec![Value::from("AUDIO"), Value::from("SD")]);
            alice(&[film(), (CLASSES_CLAIM, classes)]).verify()
        }),
        ("classes unreadable", || alice(&[film(), (CLASSES_CLAIM, Value::from("SD"))]).verify()),
        ("tier is gold", || alice(&[film(), ("tier", Value::from("gold"))]).verify()),
        ("for bob", || playback_token(Some("bob"), &[film()]).verify()),
        ("for nobody", || playback_token(None, &[film()]).verify()),
        ("of another issuer", || {
            let token = alice(&[film()]).changed(|token| token.issue.issuer = "x".to_owned());
            token.changed(|token| token.verified_by.issuer = "x".to_owned()).verify()
        }),
        ("for another audience", || {
            let token = alice(&[film()]).changed(|token| token.issue.audience = "x".to_owned());
            token.changed(|token| token.verified_by.audience = "x".to_owned()).verify()
        }),
        ("over", || {
            let ended = |token: &mut Playback| {
                token.issue.issued_at = Timestamp(NOW.0 - 60);
                token.issue.not_before = Timestamp(NOW.0 - 60);
                token.issue.expires_at = NOW;
            };
            alice(&[film()]).changed(ended).verify()
        }),
        ("from 1 s on", || {
            let later = |token: &mut Playback| token.issue.not_before = Timestamp(NOW.0 + 1);
            alice(&[film()]).changed(later).verify()
        }),
        ("living 1 s too long", || {
            let long = |token: &mut Playback| token.issue.expires_at = Timestamp(NOW.0 + 1801);
            alice(&[film()]).changed(long).verify()
        }),
        ("signed by another", || alice(&[film()]).changed(|token| token.secret = 2).verify()),
        ("of another type", || {
            let other = |token: &mut Playback| token.issue.token_type = "console".to_owned();
            alice(&[film()]).changed(other).verify()
        }),
        ("not a token", || verify_text("abc", &alice(&[]).verified_by)),
        ("too long", || verify_text(&"a".repeat(8193), &alice(&[]).verified_by)),
        ("unsigned", || hand_made(r#"{"alg":"none"}"#, "{}")),
        ("brings its own key", || hand_made(r#"{"alg":"HS256","jwk":{}}"#, "{}")),
        ("names an unknown key id", || {
            // The trusted key has a name, and it is another.
            let secret = SecretBytes::new(vec![1; 32]);
            let ours = jwt::VerificationKey::hs256(&secret).unwrap().with_kid("a").unwrap();
            let signing = SigningKey::hs256(&secret).unwrap().with_kid("b").unwrap();
            let token = alice(&[film()]);
            let text = jwt::issue(&token.issue, &signing, &Predictable).unwrap();
            let error = jwt::verify(&text, &[ours], &token.verified_by, NOW).unwrap_err();
            Err(as_reason(&error))
        }),
    ]
}

/// Header and claims with a signature of zeros.
fn hand_made(header: &str, claims: &str) -> Result<Caller, Reason> {
    let encode = |text: &str| base64(text.as_bytes());
    let text = format!("{}.{}.{}", encode(header), encode(claims), base64(&[0; 32]));
    verify_text(&text, &alice(&[]).verified_by)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |value: usize| char::from(DIGITS[value & 63]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| usize::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.extend((0..=chunk.len()).map(|place| digit(bits >> (18 - 6 * place))));
    }
    text
}

/// What somebody presents at the edge.
pub(crate) struct EdgeTokens {
    access: Vec<String>,
    session: Vec<String>,
}

impl EdgeTokens {
    /// An access token for the film.
    pub(crate) fn access() -> Self {
        Self { access: vec![access_text(|_| ())], session: Vec::new() }
    }

    /// Verifies what is presented, as the edge does: the session token if there is one.
    pub(crate) fn verify(&self, ask: &EdgeAsk<'_>) -> Result<EdgeCaller, Reason> {
        let lookup = Lookup { path: ask.path, query: None, address: ask.address, header_salt: "" };
        let verified = || {
            let find = |name, texts: &[String]| {
                let headers: Vec<_> = texts.iter().map(String::as_str).collect();
                let carriers = Carriers { headers: &headers, ..Carriers::default() };
                carrier::collect(name, &carriers).map(|found| found.token.map(str::to_owned))
            };
            if let Some(text) = find(session::NAME, &self.session)? {
                let token = session::parse(&text)?.verify(&keys(7), &lookup, NOW)?;
                return Ok(EdgeCaller::Session(token));
            }
            match find(access::NAME, &self.access)? {
                None => Ok(EdgeCaller::Anonymous),
                Some(text) => {
                    let token = access::parse(&text)?.verify(&keys(7), &lookup, NOW)?;
                    Ok(EdgeCaller::Access(token))
                }
            }
        };
        verified().map_err(|error: portcullis_token::edge::EdgeTokenError| {
            let reason = Reason::from(&error);
            assert_eq!(reason.code(), error.code(), "the token formats use the codes of reasons");
            reason
        })
    }
}

pub(crate) fn edge() -> Vec<(&'static str, EdgeTokens)> {
    let access = |text: String| EdgeTokens { access: vec![text], session: Vec::new() };
    let session = |text: String| EdgeTokens { access: Vec::new(), session: vec![text] };
    let good = access_text(|_| ());
    let twice = vec![good.clone(), access_text(|request| request.id = Some("two"))];
    let one_url = |request: &mut AccessRequest<'_>| {
        request.covers = Covers::Url("/media/film/manifest.mpd");
    };
    vec![
        ("nothing", EdgeTokens { access: Vec::new(), session: Vec::new() }),
        ("access token", EdgeTokens::access()),
        ("session token", session(session_text())),
        ("access token, one URL", access(access_text(one_url))),
        ("access as session token", session(good.clone())),
        ("session as access token", access(session_text())),
        ("bound to home", access(access_text(|request| request.address = Some(AT_HOME)))),
        ("over", access(access_text(|request| request.end = NOW))),
        (
            "living 1 s too long",
            access(access_text(|request| request.end = Timestamp(NOW.0 + 601))),
        ),
        ("from 1 s on", access(access_text(|request| request.start = Some(Timestamp(NOW.0 + 1))))),
        ("altered", access(good.replace("film", "f*"))),
        ("without an end", access(format!("acl=/*~hmac={}", "0".repeat(64)))),
        ("two that differ", EdgeTokens { access: twice, session: Vec::new() }),
        ("not a token", access("abc".to_owned())),
        ("too long", access("a".repeat(4001))),
    ]
}

fn access_text(change: impl FnOnce(&mut AccessRequest<'_>)) -> String {
    let acl = Acl::parse("/media/film/*").unwrap();
    let mut request = AccessRequest {
        covers: Covers::Acl(&acl),
        start: Some(Timestamp(NOW.0 - 60)),
        end: Timestamp(NOW.0 + 600),
        address: None,
        id: Some("one"),
        data: Some("alice"),
    };
    change(&mut request);
    access::issue(&request, &keys(7)).unwrap()
}

fn session_text() -> String {
    let request = SessionRequest {
        acl: &Acl::parse("/media/film/*").unwrap(),
        issued_at: NOW,
        end: Timestamp(NOW.0 + 3600),
        address: None,
        id: Some("one"),
        data: None,
        header_salt: "",
    };
    session::issue(&request, &keys(7)).unwrap()
}

fn keys(byte: u8) -> EdgeKeys {
    let current = EdgeKeys::key_from_hex(&format!("{byte:02x}").repeat(32)).unwrap();
    EdgeKeys { current, transition: None, salt: None }
}

#[derive(Debug)]
struct Predictable;

impl Rng for Predictable {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x42);
    }
}
