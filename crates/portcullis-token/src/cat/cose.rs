//! The envelope: a CBOR Web Token in COSE, with a MAC or a signature.
//!
//! `61(17([protected, unprotected, payload, MAC]))`, or 18 with a signature. Either tag may be
//! left out, as some issuers do: what is signed names the kind, too. The algorithm stands in
//! the protected header, or the token is refused. A header may name a key; it cannot bring
//! one, and no extension is understood.
//!
//! SPEC: RFC 9052 §3, §4.2, §6.2; RFC 8392 §6; SEC-25, SEC-26.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::cbor::Value;
use crate::{
    fault::{Fault, Refused, Step},
    jwt::{Algorithm, KEYS_MAX, SigningKey, VerificationKey},
};

/// A token taken apart. Nothing of it is verified.
#[derive(Debug)]
pub(super) struct Cose {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<Vec<u8>>,
    pub(super) claims: Vec<(Value, Value)>,
    pub(super) proof: Vec<u8>,
    signed: Vec<u8>,
}

impl Cose {
    pub(super) fn parse(token: &str) -> Result<Self, Refused> {
        if token.is_empty() {
            return Err(Fault::Absent.at(Step::Presence));
        }
        if token.len() > super::TOKEN_BYTES_MAX {
            return Err(Fault::TooLong { bytes_max: super::TOKEN_BYTES_MAX }.at(Step::Form));
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok();
        let bytes = bytes.ok_or_else(|| form("not unpadded base64url"))?;
        let value = Value::read(&bytes).ok_or_else(|| form("not one strict CBOR value"))?;
        let (kind, parts) = untagged(value)?;
        let parts = <[Value; 4]>::try_from(parts).ok();
        let Some(
            [Value::Bytes(protected), unprotected, Value::Bytes(payload), Value::Bytes(proof)],
        ) = parts
        else {
            return Err(form("not a COSE structure of four parts"));
        };
        let (algorithm, kid) = header(&protected, &unprotected)?;
        let own = if is_hmac(algorithm) { Kind::Mac } else { Kind::Signature };
        if kind.is_some_and(|kind| kind != own) {
            return Err(Fault::Algorithm.at(Step::Key));
        }
        let Some(Value::Map(claims)) = Value::read(&payload) else {
            return Err(form("the claims are not a strict CBOR map"));
        };
        let signed = to_be_signed(own, &protected, &payload);
        Ok(Self { algorithm, kid, claims, proof, signed })
    }

    /// Whether one of `keys` made the MAC or signature.
    pub(super) fn check_proof(&self, keys: &[VerificationKey]) -> Result<(), Refused> {
        let fitting = |key: &&VerificationKey| key.algorithm() == self.algorithm;
        let mut keys = keys.iter().filter(fitting).peekable();
        if keys.peek().is_none() {
            return Err(Fault::Algorithm.at(Step::Key));
        }
        let named = |key: &&VerificationKey| match (&self.kid, key.kid()) {
            (Some(wanted), Some(own)) => wanted == own.as_bytes(),
            _ => true,
        };
        let mut keys = keys.filter(named).peekable();
        if keys.peek().is_none() {
            return Err(Fault::Key.at(Step::Key));
        }
        if keys.take(KEYS_MAX).any(|key| key.verifies(&self.signed, &self.proof)) {
            Ok(())
        } else {
            Err(Fault::Signature.at(Step::Signature))
        }
    }

    /// The part of the MAC or signature that nobody without the key can change.
    pub(super) fn mark(&self) -> &[u8] {
        // SECURITY: when (r, s) is a signature of ECDSA, so is (r, n − s).
        match self.algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                self.proof.get(..self.proof.len() / 2).unwrap_or_default()
            }
            _ => &self.proof,
        }
    }
}

/// Signs claims; `None` when the key cannot, or its algorithm has no number here.
pub(super) fn sign(claims: &Value, key: &SigningKey) -> Option<String> {
    let algorithm = number(key.algorithm())?;
    let protected = Value::Map(vec![(Value::Unsigned(ALG), algorithm.into())]).write();
    let kid = key.kid().map(|kid| (Value::Unsigned(KID), Value::Bytes(kid.as_bytes().to_vec())));
    let payload = claims.write();
    let kind = if is_hmac(key.algorithm()) { Kind::Mac } else { Kind::Signature };
    let proof = key.sign(&to_be_signed(kind, &protected, &payload)).ok()?;
    let parts = vec![
        Value::Bytes(protected),
        Value::Map(kid.into_iter().collect()),
        Value::Bytes(payload),
        Value::Bytes(proof),
    ];
    let tag = if kind == Kind::Mac { MAC0 } else { SIGN1 };
    let token = Value::Tag(CWT, Box::new(Value::Tag(tag, Box::new(Value::Array(parts)))));
    Some(URL_SAFE_NO_PAD.encode(token.write()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mac,
    Signature,
}

fn untagged(value: Value) -> Result<(Option<Kind>, Vec<Value>), Refused> {
    let value = match value {
        Value::Tag(CWT, inner) => *inner,
        other => other,
    };
    let (kind, value) = match value {
        Value::Tag(MAC0, inner) => (Some(Kind::Mac), *inner),
        Value::Tag(SIGN1, inner) => (Some(Kind::Signature), *inner),
        other => (None, other),
    };
    match value {
        Value::Array(parts) => Ok((kind, parts)),
        _ => Err(form("neither COSE_Mac0 nor COSE_Sign1")),
    }
}

/// The algorithm and the key's name.
fn header(protected: &[u8], unprotected: &Value) -> Result<(Algorithm, Option<Vec<u8>>), Refused> {
    let refused = |name: &str| Fault::Header { name: name.to_owned() }.at(Step::Form);
    let protected = match protected {
        [] => Vec::new(),
        bytes => match Value::read(bytes) {
            Some(Value::Map(pairs)) => pairs,
            _ => return Err(form("the protected header is not a strict CBOR map")),
        },
    };
    let unprotected = unprotected.as_map().ok_or_else(|| form("a header is not a map"))?;
    for (key, _) in protected.iter().chain(unprotected) {
        let key = key.as_i64().unwrap_or(i64::MAX);
        if let Some((_, name)) = REFUSED.iter().find(|(label, _)| *label == key) {
            return Err(refused(name));
        }
    }
    let twice = |(key, _): &&(Value, Value)| unprotected.iter().any(|(other, _)| other == key);
    if protected.iter().any(|pair| twice(&pair)) {
        return Err(Fault::Duplicate { what: "a header parameter".to_owned() }.at(Step::Form));
    }
    let find = |pairs: &[(Value, Value)], label: u64| {
        let mut pairs = pairs.iter().filter(|(key, _)| *key == Value::Unsigned(label));
        pairs.next().map(|(_, value)| value.clone())
    };
    let algorithm = find(&protected, ALG).ok_or_else(|| refused("alg"))?;
    let known = Algorithm::ALL
        .into_iter()
        .find(|known| number(*known).is_some_and(|number| Value::from(number) == algorithm));
    let algorithm = known.ok_or_else(|| Fault::Algorithm.at(Step::Key))?;
    let kid = match find(&protected, KID).or_else(|| find(unprotected, KID)) {
        None => None,
        Some(Value::Bytes(kid)) if (1..=128).contains(&kid.len()) => Some(kid),
        Some(_) => return Err(refused("kid")),
    };
    Ok((algorithm, kid))
}

fn to_be_signed(kind: Kind, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let context = if kind == Kind::Mac { "MAC0" } else { "Signature1" };
    let parts = [protected, &[], payload].map(|bytes| Value::Bytes(bytes.to_vec()));
    Value::Array([Value::from(context)].into_iter().chain(parts).collect()).write()
}

const fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}

/// SPEC: IANA, COSE Algorithms. RSA with PKCS #1 v1.5 has numbers, which are not recommended.
const fn number(algorithm: Algorithm) -> Option<i64> {
    Some(match algorithm {
        Algorithm::EdDsa => -8,
        Algorithm::Es256 => -7,
        Algorithm::Es384 => -35,
        Algorithm::Hs256 => 5,
        Algorithm::Hs384 => 6,
        Algorithm::Hs512 => 7,
        Algorithm::Ps256 => -37,
        Algorithm::Ps384 => -38,
        Algorithm::Ps512 => -39,
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => return None,
    })
}

fn form(what: &str) -> Refused {
    Fault::malformed(what).at(Step::Form)
}

const ALG: u64 = 1;
const KID: u64 = 4;
const CWT: u64 = 61;
const MAC0: u64 = 17;
const SIGN1: u64 = 18;
/// Parameters that ask for more than is understood, or bring a key.
const REFUSED: [(i64, &str); 8] = [
    (2, "crit"),
    (5, "IV"),
    (6, "Partial IV"),
    (11, "Countersignature version 2"),
    (32, "x5bag"),
    (33, "x5chain"),
    (34, "x5t"),
    (35, "x5u"),
];
