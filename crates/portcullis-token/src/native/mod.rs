//! Our own playback token: a JSON Web Token that names content, keys and classes, and carries
//! terms.
//!
//! The token itself is verified as [`jwt`](crate::jwt) verifies every other; this reads what
//! stands in our own claims. Their world is closed: a claim of ours that is unknown, or that
//! cannot be read, refuses the token, for it may be a limit.
//!
//! SPEC: SEC-25 to 30; the claims are ours.

mod format;
mod walk;

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};
use portcullis_terms::{ClassSet, Terms};

pub use format::Native;

use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::Request,
    jwt::{Expectations, VerificationKey},
    watch::Strict,
};

/// Names the content the token is for, by its id: `"portcullis:content": "film"`.
pub const CONTENT: &str = "portcullis:content";

/// Names the track classes the token is good for: `"portcullis:classes": ["AUDIO", "SD"]`.
pub const CLASSES: &str = "portcullis:classes";

/// Names the viewer's device.
pub const DEVICE: &str = "portcullis:device";

/// Names the viewer's session.
///
/// SPEC: OpenID Connect Front-Channel Logout, `sid`.
pub const SESSION: &str = "sid";

/// Says what the license may do, as [`Terms::to_json`] writes it.
pub const TERMS: &str = "portcullis:terms";

/// What a token's own claims say of the license.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playback {
    /// The content it is for.
    pub content: Option<String>,
    /// The viewer's device.
    pub device: Option<String>,
    /// The viewer's session.
    pub session: Option<String>,
    /// The terms. Their classes are those of both claims that can name some.
    pub terms: Terms,
}

impl Playback {
    /// Reads our own claims.
    ///
    /// # Errors
    ///
    /// Names the first claim that is unknown or cannot be read.
    pub fn read(claims: &Object) -> Result<Self, Fault> {
        let unknown =
            |name: &&String| name.starts_with("portcullis:") && !KNOWN.contains(&name.as_str());
        if let Some(name) = claims.keys().find(unknown) {
            return Err(Fault::Unsupported { what: name.clone() });
        }
        let fault = |name: &str| Fault::Claim { name: name.to_owned() };
        let text = |name: &str| {
            let text = claims.get(name).map(|value| value.as_str().ok_or_else(|| fault(name)));
            Ok::<_, Fault>(text.transpose()?.map(str::to_owned))
        };
        let mut terms = match claims.get(TERMS) {
            None => Terms::default(),
            Some(terms) => {
                Terms::from_json(terms).map_err(|error| Fault::terms(error.to_string()))?
            }
        };
        if let Some(value) = claims.get(CLASSES) {
            let named: ClassSet = classes(value).ok_or_else(|| fault(CLASSES))?;
            let both = named.iter().filter(|class| terms.allows_class(*class));
            terms.classes = Some(both.collect());
        }
        // These may be numbers, as viewers' systems write them; of any other type they would
        // be missed where revocations are looked up.
        let name = |name: &str| match claims.get(name) {
            Some(Value::Number(number)) => Ok(Some(number.as_str().to_owned())),
            _ => text(name),
        };
        let (device, session) = (name(DEVICE)?, name(SESSION)?);
        Ok(Self { content: text(CONTENT)?, device, session, terms })
    }
}

fn classes(value: &Value) -> Option<ClassSet> {
    value.as_array()?.iter().map(|name| name.as_str()?.parse().ok()).collect::<Option<_>>()
}

/// Verifies a token for a request.
///
/// The request says which content and which keys are asked for; a token that names some opens
/// no other.
///
/// # Errors
///
/// Says at which check the token was refused, and why.
pub fn verify(
    token: &str,
    keys: &[VerificationKey],
    expectations: &Expectations,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    let trust = walk::Trust { keys, expectations };
    let walk = walk::Walk { trust: Some(trust), request: Some(request), now };
    match walk.go(token, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        None => Err(Fault::malformed("it could not be read").at(Step::Form)),
    }
}

const KNOWN: [&str; 5] = [CLASSES, CONTENT, DEVICE, crate::jwt::ONE_TIME, TERMS];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Playback, &'static str> {
        let claims = crate::jws::object(text.as_bytes(), "claims").unwrap();
        Playback::read(&claims).map_err(|fault| fault.code())
    }

    #[test]
    fn our_own_claims_are_a_closed_world() {
        assert_eq!(read(r#"{"iss":"x","tier":1}"#), Ok(Playback::default()));
        for (text, code) in [
            (r#"{"portcullis:term":{}}"#, "token.unsupported"),
            (r#"{"portcullis:terms":{"x":1}}"#, "token.terms"),
            (r#"{"portcullis:terms":{"playback":{"lease":1}}}"#, "token.terms"),
            (r#"{"portcullis:terms":[]}"#, "token.terms"),
            (r#"{"portcullis:terms":null}"#, "token.terms"),
            (r#"{"portcullis:classes":"SD"}"#, "token.claim"),
            (r#"{"portcullis:classes":["4K"]}"#, "token.claim"),
            (r#"{"portcullis:content":1}"#, "token.claim"),
            (r#"{"portcullis:device":[]}"#, "token.claim"),
            (r#"{"sid":["s1"]}"#, "token.claim"),
            (r#"{"sid":null}"#, "token.claim"),
        ] {
            assert_eq!(read(text), Err(code), "{text}");
        }
    }

    #[test]
    fn a_class_must_be_in_both_claims_that_name_classes() {
        let classes = |text: &str| {
            let classes = read(text).unwrap().terms.classes;
            classes.map(|set| set.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" "))
        };
        let both =
            r#"{"portcullis:classes":["SD","HD"],"portcullis:terms":{"classes":["AUDIO","SD"]}}"#;
        assert_eq!(classes(both).as_deref(), Some("SD"));
        assert_eq!(classes(r#"{"portcullis:classes":[]}"#).as_deref(), Some(""));
        let terms = r#"{"portcullis:terms":{"classes":["HD"]}}"#;
        assert_eq!(classes(terms).as_deref(), Some("HD"));
        assert_eq!(classes("{}"), None);
    }
}
