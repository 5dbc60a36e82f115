//! The header of a token: which algorithm, which key, what kind of token.
//!
//! A header may name a key of ours; it may not bring one (`jwk`, `x5c`), point to one (`jku`,
//! `x5u`, `x5t`), or ask for an extension (`crit`). All of these are refused when present, so
//! that nobody further on can be tempted. Other unknown members are ignored, as RFC 7515 §4
//! asks.
//!
//! SPEC: RFC 7515 §4; SEC-26.

use portcullis_base::json::{self, Limits, Value};

use super::{Algorithm, JwtError};

/// What a header says.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) token_type: Option<String>,
}

impl Header {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, JwtError> {
        Self::parse_with(text, Thumbprints::Refused)
    }

    pub(crate) fn parse_with(text: &[u8], thumbprints: Thumbprints) -> Result<Self, JwtError> {
        let header = json::parse(text, &Limits::TOKEN).map_err(JwtError::HeaderText)?;
        let Value::Object(header) = header else { return Err(JwtError::Form) };
        let tolerated =
            |name: &str| thumbprints == Thumbprints::Tolerated && THUMBPRINTS.contains(&name);
        let (mut algorithm, mut kid, mut token_type) = (None, None, None);
        for (name, value) in header {
            match name.as_str() {
                "alg" => algorithm = Some(value),
                "kid" => kid = Some(value),
                "typ" => token_type = Some(value),
                other => {
                    let refused = |name: &&str| *name == other && !tolerated(other);
                    if let Some(name) = REFUSED.into_iter().find(refused) {
                        return Err(JwtError::Header { name });
                    }
                }
            }
        }
        let algorithm = string("alg", algorithm)?.ok_or(JwtError::Header { name: "alg" })?;
        let kid = string("kid", kid)?;
        if kid.as_deref().is_some_and(|kid| !is_key_id(kid)) {
            return Err(JwtError::Header { name: "kid" });
        }
        Ok(Self {
            algorithm: algorithm.parse().map_err(|_| JwtError::Algorithm)?,
            kid,
            token_type: string("typ", token_type)?,
        })
    }

    /// Whether the kind is the one that is expected, or not said.
    pub(crate) fn is_of_type(&self, expected: Option<&str>) -> bool {
        match self.token_type.as_deref() {
            None => true,
            Some(given) => given.eq_ignore_ascii_case("JWT") || expected == Some(given),
        }
    }
}

/// What becomes of a header that names its key by a certificate's thumbprint. The thumbprint
/// is never looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thumbprints {
    /// The token is refused.
    Refused,
    /// It may stand there: .NET writes it into every token it signs with a certificate.
    Tolerated,
}

/// Whether the text can name a key.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=KEY_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn string(name: &'static str, value: Option<Value>) -> Result<Option<String>, JwtError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwtError::Header { name }),
    }
}

const REFUSED: [&str; 11] =
    ["b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u", "zip"];
const THUMBPRINTS: [&str; 2] = ["x5t", "x5t#S256"];
const KEY_ID_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), JwtError>) {
        assert_eq!(Header::parse(text.as_bytes()).map(drop), expected, "{text}");
    }

    #[test]
    fn a_header_names_one_known_algorithm() {
        check(r#"{"alg":"HS256"}"#, Ok(()));
        check(r#"{"alg":"HS256","typ":"JWT","kid":"k","unknown":[1]}"#, Ok(()));
        for name in ["none", "None", "nOnE", "hs256", "HS256 ", ""] {
            check(&format!(r#"{{"alg":"{name}"}}"#), Err(JwtError::Algorithm));
        }
        for text in [r#"{"alg":["HS256"]}"#, r#"{"alg":null}"#, r#"{"typ":"JWT"}"#] {
            check(text, Err(JwtError::Header { name: "alg" }));
        }
        check("[]", Err(JwtError::Form));
        assert!(matches!(
            Header::parse(br#"{"alg":"none","\u0061lg":"HS256"}"#),
            Err(JwtError::HeaderText(_))
        ));
    }

    #[test]
    fn members_that_bring_keys_or_extensions_are_refused() {
        for name in REFUSED {
            check(&format!(r#"{{"alg":"HS256","{name}":[]}}"#), Err(JwtError::Header { name }));
        }
    }

    #[test]
    fn a_thumbprint_may_be_tolerated_and_nothing_else() {
        for name in REFUSED {
            let text = format!(r#"{{"alg":"HS256","{name}":"AAAA"}}"#);
            let read = Header::parse_with(text.as_bytes(), Thumbprints::Tolerated);
            assert_eq!(read.is_ok(), name.starts_with("x5t"), "{name}");
        }
    }

    #[test]
    fn a_key_id_is_bounded_and_printable() {
        let kid = |kid: &str| format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        check(&kid(&"k".repeat(128)), Ok(()));
        for bad in ["", &"k".repeat(129), "a b", "é", "\\n"] {
            check(&kid(bad), Err(JwtError::Header { name: "kid" }));
        }
        check(r#"{"alg":"HS256","kid":1}"#, Err(JwtError::Header { name: "kid" }));
    }

    #[test]
    fn a_foreign_type_is_another_kind() {
        for (given, expected, same) in [
            (None, None, true),
            (None, Some("play+jwt"), true),
            (Some("JWT"), Some("play+jwt"), true),
            (Some("jwt"), None, true),
            (Some("play+jwt"), Some("play+jwt"), true),
            (Some("Play+jwt"), Some("play+jwt"), false),
            (Some("at+jwt"), None, false),
            (Some(""), None, false),
        ] {
            let token_type = given.map(str::to_owned);
            let header = Header { algorithm: Algorithm::Hs256, kid: None, token_type };
            assert_eq!(header.is_of_type(expected), same, "{given:?}");
        }
    }
}
