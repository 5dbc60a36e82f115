//! What tells one token from every other, whatever way it is written down.
//!
//! A token that may be used once, and a token that is revoked, are known by this and not by
//! their text: a text has many spellings (padding, escapes, order, a second signature over the
//! same claims), an identity has one. It is made of verified and decoded values only.
//!
//! It is no secret but it is not stored either: the store keeps a keyed digest of it.
//!
//! SPEC: SEC-40.

use std::fmt;

/// The identity of one token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenIdentity {
    // INVARIANT: `id` is not empty, and both fit a length of 16 bits.
    format: TokenFormat,
    issuer: Box<str>,
    id: Box<[u8]>,
}

impl TokenIdentity {
    /// `issuer` is whoever gives out ids that are not to be mixed up with those of others; it
    /// is empty where the format names none. `id` is what the format says tells tokens apart,
    /// decoded: text as UTF-8, a hash as its bytes.
    ///
    /// `None` when there is no id, or when a part is longer than 65 535 bytes. Such a token
    /// cannot be counted and must not pass where counting is asked for.
    #[must_use]
    pub fn new(format: TokenFormat, issuer: &str, id: &[u8]) -> Option<Self> {
        let fits = |length: usize| u16::try_from(length).is_ok();
        (!id.is_empty() && fits(id.len()) && fits(issuer.len())).then(|| Self {
            format,
            issuer: issuer.into(),
            id: id.into(),
        })
    }

    /// What kind of id it is.
    #[must_use]
    pub const fn format(&self) -> TokenFormat {
        self.format
    }

    /// Who gave the id, as far as the format says.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The text a digest is made over: tenant, format, issuer and id, each with its length
    /// before it, so that no two identities share a text.
    ///
    /// `None` when the tenant is longer than 65 535 bytes.
    ///
    /// SPEC: SEC-40, the arguments of the HMAC.
    #[must_use]
    pub fn framed(&self, tenant: &str) -> Option<Vec<u8>> {
        let parts =
            [tenant.as_bytes(), self.format.as_str().as_bytes(), self.issuer.as_bytes(), &self.id];
        let mut text = Vec::with_capacity(parts.iter().map(|part| 2 + part.len()).sum());
        for part in parts {
            text.extend(u16::try_from(part.len()).ok()?.to_be_bytes());
            text.extend(part);
        }
        Some(text)
    }
}

impl fmt::Debug for TokenIdentity {
    // SECURITY: a signature or a MAC is most of a token; neither belongs in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenIdentity({})", self.format.as_str())
    }
}

/// What kind of id a token has. One family of tokens may have more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFormat {
    /// The message id of an Axinom license service message.
    Axinom,
    /// The `cti` of a CBOR Web Token.
    Cwt,
    /// The `jti` of a DRMtoday upfront authorization.
    Drmtoday,
    /// The MAC of an Akamai-style edge token.
    Edge,
    /// The `jti` of a JWT.
    Jwt,
    /// The signature of a JWT without `jti`.
    JwtSignature,
    /// The hash of a PallyCon token.
    PallyCon,
    /// The MAC of a simple web token.
    Swt,
    /// The hash in a URL; the issuer is the name of the family.
    UrlHash,
}

impl TokenFormat {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Axinom,
        Self::Cwt,
        Self::Drmtoday,
        Self::Edge,
        Self::Jwt,
        Self::JwtSignature,
        Self::PallyCon,
        Self::Swt,
        Self::UrlHash,
    ];

    /// The name in the digest. It never changes: with another name every mark is forgotten.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Axinom => "axinom",
            Self::Cwt => "cwt",
            Self::Drmtoday => "drmtoday",
            Self::Edge => "edge",
            Self::Jwt => "jwt",
            Self::JwtSignature => "jwt-signature",
            Self::PallyCon => "pallycon",
            Self::Swt => "swt",
            Self::UrlHash => "url-hash",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(format: TokenFormat, issuer: &str, id: &[u8], tenant: &str) -> Vec<u8> {
        TokenIdentity::new(format, issuer, id).unwrap().framed(tenant).unwrap()
    }

    #[test]
    fn no_two_identities_share_a_text() {
        let texts = [
            framed(TokenFormat::Jwt, "ab", b"c", "t1"),
            framed(TokenFormat::Jwt, "a", b"bc", "t1"),
            framed(TokenFormat::Jwt, "", b"abc", "t1"),
            framed(TokenFormat::JwtSignature, "ab", b"c", "t1"),
            framed(TokenFormat::Jwt, "ab", b"c", "t2"),
            framed(TokenFormat::Jwt, "ab", b"c", ""),
        ];
        for (at, text) in texts.iter().enumerate() {
            assert!(texts.iter().skip(at + 1).all(|other| other != text), "{at}");
        }
        assert_eq!(texts[0], b"\0\x02t1\0\x03jwt\0\x02ab\0\x01c");
    }

    #[test]
    fn nothing_is_no_id_and_a_length_has_sixteen_bits() {
        let made = |issuer: usize, id: usize| {
            TokenIdentity::new(TokenFormat::Jwt, &"i".repeat(issuer), &vec![1; id]).is_some()
        };
        assert!(!made(1, 0));
        assert!(made(0, 1));
        assert!(made(65_535, 65_535));
        assert!(!made(65_536, 1));
        assert!(!made(1, 65_536));
    }

    #[test]
    fn an_identity_does_not_print_what_it_is_made_of() {
        let identity = TokenIdentity::new(TokenFormat::Edge, "", &[0xde; 32]).unwrap();
        assert_eq!(format!("{identity:?}"), "TokenIdentity(edge)");
    }
}
