//! What a content key policy asks of a token.
//!
//! Reads the JSON that Azure's management interface carried, too. Its member names are matched
//! without case, as Azure matched them. Nothing is fetched: a discovery document is refused
//! here, and its keys are handed in as keys.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{
    SecretBytes,
    json::{Object, Value},
};

use crate::jwt::{Algorithm, KeyError, VerificationKey};

/// What a content key policy asks of a token.
#[derive(Clone, Debug)]
pub struct Restriction {
    /// The one issuer, byte for byte.
    pub issuer: String,
    /// The audience that must be among the token's, byte for byte.
    pub audience: String,
    /// The keys a token may be signed with: primary, then alternates. At most
    /// [`KEYS_MAX`](crate::jwt::KEYS_MAX) of one algorithm are tried.
    pub keys: Vec<VerificationKey>,
    /// Claims the token must carry.
    pub required_claims: Vec<RequiredClaim>,
    /// Which kind of token.
    pub token_type: TokenType,
    /// By how much clocks may differ.
    pub skew: Duration,
}

impl Restriction {
    /// How far clocks may differ unless something else is said: .NET's 300 s.
    pub const SKEW: Duration = Duration::from_secs(300);
}

/// A claim the token must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// Its type: the name it has in the token.
    pub name: String,
    /// The text one of its values must have; any will do if `None`.
    pub value: Option<String>,
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// JSON Web Token.
    Jwt,
    /// Simple Web Token.
    Swt,
}

/// Which algorithms a key verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithms {
    /// One key, one algorithm: HS256 for a secret, RS256 for an RSA key.
    #[default]
    One,
    /// Every algorithm of the key's family: HS384 and HS512 if the secret is long enough, RS384,
    /// RS512 and the PS family.
    Family,
}

/// How long a secret must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// As long as the hash: 32 bytes.
    #[default]
    FullLength,
    /// 16 bytes, the least that .NET signs with. Some Azure accounts hold such secrets.
    DangerShort,
}

/// The keys of a secret.
///
/// # Errors
///
/// [`KeyError::Short`].
pub fn symmetric_keys(
    secret: &SecretBytes,
    algorithms: Algorithms,
    secrets: Secrets,
) -> Result<Vec<VerificationKey>, KeyError> {
    let bytes_min = match secrets {
        Secrets::DangerShort => 16,
        Secrets::FullLength => 32,
    };
    let first = VerificationKey::hmac_of_at_least(Algorithm::Hs256, secret, bytes_min)?;
    let mut keys = vec![first];
    if algorithms == Algorithms::Family {
        let wider = [Algorithm::Hs384, Algorithm::Hs512].into_iter();
        keys.extend(wider.filter_map(|algorithm| VerificationKey::hmac(algorithm, secret).ok()));
    }
    Ok(keys)
}

/// The keys of an RSA public key, given by its big-endian numbers.
///
/// # Errors
///
/// Says what keeps the numbers from being a key.
pub fn rsa_keys(
    modulus: &[u8],
    exponent: &[u8],
    algorithms: Algorithms,
) -> Result<Vec<VerificationKey>, KeyError> {
    let key = |algorithm: &Algorithm| {
        VerificationKey::from_rsa_numbers(*algorithm, unpadded(modulus), unpadded(exponent))
    };
    rsa_algorithms(algorithms).iter().map(key).collect()
}

/// The keys of an X.509 certificate in DER.
///
/// # Errors
///
/// Says what keeps the bytes from being a certificate with an RSA key.
pub fn certificate_keys(
    der: &[u8],
    algorithms: Algorithms,
) -> Result<Vec<VerificationKey>, KeyError> {
    let key = |algorithm: &Algorithm| VerificationKey::from_certificate(*algorithm, der);
    rsa_algorithms(algorithms).iter().map(key).collect()
}

pub(super) const fn rsa_algorithms(algorithms: Algorithms) -> &'static [Algorithm] {
    match algorithms {
        Algorithms::Family => &[
            Algorithm::Rs256,
            Algorithm::Rs384,
            Algorithm::Rs512,
            Algorithm::Ps256,
            Algorithm::Ps384,
            Algorithm::Ps512,
        ],
        Algorithms::One => &[Algorithm::Rs256],
    }
}

/// .NET writes RSA numbers without leading zeros, Java with one.
fn unpadded(number: &[u8]) -> &[u8] {
    match number {
        [0, rest @ ..] => rest,
        _ => number,
    }
}

/// What is wrong with a restriction written in JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestrictionFault {
    /// A key that is none.
    #[error("a verification key is not usable: {0}")]
    Key(#[from] KeyError),
    /// A member is missing, of another type, or holds something unknown.
    #[error("`{name}` is not {expected}")]
    Member {
        /// The member.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
    },
}

impl Restriction {
    /// Reads a `ContentKeyPolicyTokenRestriction` of Azure's management interface.
    ///
    /// # Errors
    ///
    /// Names the first member that is missing or cannot be used. A restriction with a discovery
    /// document is one: nothing is fetched here.
    pub fn from_json(
        json: &Object,
        algorithms: Algorithms,
        secrets: Secrets,
    ) -> Result<Self, RestrictionFault> {
        let fault = |name, expected| RestrictionFault::Member { name, expected };
        if member(json, "openIdConnectDiscoveryDocument").is_some() {
            return Err(fault("openIdConnectDiscoveryDocument", "readable without a network"));
        }
        let mut keys = Vec::new();
        let primary = member(json, "primaryVerificationKey");
        let alternates = match member(json, "alternateVerificationKeys") {
            None => &[][..],
            Some(list) => {
                list.as_array().ok_or_else(|| fault("alternateVerificationKeys", "a list"))?
            }
        };
        for key in primary.into_iter().chain(alternates) {
            keys.extend(read_key(key, algorithms, secrets)?);
        }
        if keys.is_empty() {
            return Err(fault("primaryVerificationKey", "there"));
        }
        let text = |name| {
            let text = member(json, name).and_then(Value::as_str);
            text.map(str::to_owned).ok_or_else(|| fault(name, "a text"))
        };
        Ok(Self {
            issuer: text("issuer")?,
            audience: text("audience")?,
            keys,
            required_claims: required_claims(json)?,
            token_type: match text("restrictionTokenType")?.as_str() {
                "Jwt" => TokenType::Jwt,
                "Swt" => TokenType::Swt,
                _ => return Err(fault("restrictionTokenType", "`Jwt` or `Swt`")),
            },
            skew: Self::SKEW,
        })
    }
}

fn required_claims(json: &Object) -> Result<Vec<RequiredClaim>, RestrictionFault> {
    let fault =
        || RestrictionFault::Member { name: "requiredClaims", expected: "a list of claims" };
    let Some(list) = member(json, "requiredClaims") else { return Ok(Vec::new()) };
    let read = |claim: &Value| {
        let claim = claim.as_object()?;
        let value = match member(claim, "claimValue") {
            None => None,
            Some(value) => Some(value.as_str()?.to_owned()),
        };
        Some(RequiredClaim { name: member(claim, "claimType")?.as_str()?.to_owned(), value })
    };
    let claims: Option<Vec<RequiredClaim>> =
        list.as_array().ok_or_else(fault)?.iter().map(read).collect();
    claims.ok_or_else(fault)
}

fn read_key(
    key: &Value,
    algorithms: Algorithms,
    secrets: Secrets,
) -> Result<Vec<VerificationKey>, RestrictionFault> {
    let fault = |name, expected| RestrictionFault::Member { name, expected };
    let members = key.as_object().ok_or_else(|| fault("primaryVerificationKey", "an object"))?;
    let bytes = |name| {
        let text = member(members, name).and_then(Value::as_str);
        let bytes = text.and_then(|text| STANDARD.decode(text).ok());
        bytes.ok_or_else(|| fault(name, "padded base64"))
    };
    let kind = members.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
    let keys = match kind.strip_prefix("#Microsoft.Media.ContentKeyPolicy") {
        Some("SymmetricTokenKey") => {
            symmetric_keys(&SecretBytes::new(bytes("keyValue")?), algorithms, secrets)
        }
        Some("RsaTokenKey") => rsa_keys(&bytes("modulus")?, &bytes("exponent")?, algorithms),
        Some("X509CertificateTokenKey") => certificate_keys(&bytes("rawBody")?, algorithms),
        _ => return Err(fault("@odata.type", "a kind of token key")),
    };
    Ok(keys?)
}

/// A member by its name without case; `null` is not there.
fn member<'a>(members: &'a Object, name: &str) -> Option<&'a Value> {
    let mut named = members.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value).filter(|value| **value != Value::Null)
}
