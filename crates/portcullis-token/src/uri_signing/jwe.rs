//! Encrypted values inside a signed token: compact JWE with a shared key, used directly.
//!
//! A128GCM and A256GCM, by the length of the key. A header may name a key; it cannot bring
//! one, ask for compression or for an extension. One key at a time: whoever needs to change
//! it configures the next one and waits for the tokens of the last to end.
//!
//! SPEC: RFC 7516 §3.1, §5.2; RFC 7518 §4.5, §5.3; RFC 9246 §2.1.2, §2.1.10.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{
    Rng, SecretBytes,
    json::{self, Limits, Object, Value},
};

/// The key that encrypted claims are under.
pub struct ClaimKey {
    key: LessSafeKey,
    enc: &'static str,
    kid: Option<String>,
}

impl ClaimKey {
    /// A key of 16 bytes (A128GCM) or 32 (A256GCM); `None` for any other length.
    #[must_use]
    pub fn new(secret: &SecretBytes, kid: Option<&str>) -> Option<Self> {
        let (algorithm, enc) = match secret.len() {
            16 => (&AES_128_GCM, "A128GCM"),
            32 => (&AES_256_GCM, "A256GCM"),
            _ => return None,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, secret.expose()).ok()?);
        Some(Self { key, enc, kid: kid.map(str::to_owned) })
    }

    /// The text inside, if the key opens it.
    pub(super) fn open(&self, token: &str) -> Option<String> {
        let jwe = Jwe::parse(token)?;
        if jwe.enc != self.enc {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(&jwe.iv).ok()?;
        let mut text = [jwe.ciphertext, jwe.tag].concat();
        let aad = Aad::from(jwe.header.as_bytes());
        let opened = self.key.open_in_place(nonce, aad, &mut text).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// Encrypts a text.
    pub(super) fn seal(&self, text: &str, rng: &dyn Rng) -> Option<String> {
        let mut header = Object::new();
        header.insert("alg".into(), "dir".into());
        header.insert("enc".into(), self.enc.into());
        if let Some(kid) = &self.kid {
            header.insert("kid".into(), kid.as_str().into());
        }
        let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        let mut iv = [0; 12];
        rng.fill(&mut iv);
        let mut bytes = text.as_bytes().to_vec();
        let aad = Aad::from(header.as_bytes());
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag = self.key.seal_in_place_separate_tag(nonce, aad, &mut bytes).ok()?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(format!("{header}..{}.{}.{}", encode(&iv), encode(&bytes), encode(tag.as_ref())))
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimKey({})", self.enc)
    }
}

/// Whether a text has the form of an encrypted value.
pub(super) fn is_jwe(token: &str) -> bool {
    Jwe::parse(token).is_some()
}

struct Jwe<'a> {
    header: &'a str,
    enc: String,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> Jwe<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let mut parts = token.split('.');
        let header = parts.next()?;
        // With `dir` there is no encrypted key.
        let rest = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let ["", iv, ciphertext, tag] = rest else { return None };
        if parts.next().is_some() {
            return None;
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let Ok(Value::Object(members)) = json::parse(&decode(header)?, &Limits::TOKEN) else {
            return None;
        };
        let known = |name: &String| matches!(name.as_str(), "alg" | "cty" | "enc" | "kid" | "typ");
        if !members.keys().all(known) || members.get("alg")?.as_str()? != "dir" {
            return None;
        }
        let enc = members.get("enc")?.as_str()?.to_owned();
        let (iv, tag) = (decode(iv)?, decode(tag)?);
        let sound = iv.len() == 12 && tag.len() == 16;
        let ciphertext = decode(ciphertext)?;
        sound.then_some(Self { header, enc, iv, ciphertext, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9246, appendix A.2.
    const SUBJECT: &str = "eyJlbmMiOiJBMTI4R0NNIiwiYWxnIjoiZGlyIiwia2lkIjoiZi1XYmp4QkMzZFB1ST\
                           NkMjRrUDJoZnZvczdRejY4OFVUaTZhQjBoTjk5OCJ9..CLAu80xclc8Bp-Ui.6P1A\
                           3F6ip2Dv.CohdtLLpgBnTvRJQCFuz-g";

    fn key(bytes: &[u8]) -> ClaimKey {
        ClaimKey::new(&SecretBytes::new(bytes.to_vec()), None).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_opens_and_any_change_of_it_does_not() {
        let secret = URL_SAFE_NO_PAD.decode("4uFxxV7fhNmrtiah2d1fFg").unwrap();
        let key = key(&secret);
        assert_eq!(key.open(SUBJECT).as_deref(), Some("UserToken"));
        for (from, to) in [("6P1A", "6P1B"), ("Coh", "Doh"), ("CLA", "DLA"), ("OCJ9", "SCJ9")] {
            assert_eq!(key.open(&SUBJECT.replace(from, to)), None, "{from}");
        }
        for bad in ["", "a.b.c.d.e", "....", &SUBJECT.replace("..", ".A."), &format!("{SUBJECT}.")]
        {
            assert!(!is_jwe(bad), "{bad}");
        }
    }

    #[test]
    fn the_length_of_the_key_is_the_algorithm() {
        #[derive(Debug)]
        struct Sevens;
        impl Rng for Sevens {
            fn fill(&self, out: &mut [u8]) {
                out.fill(7);
            }
        }
        let (short, long) = (key(&[1; 16]), key(&[1; 32]));
        let sealed = long.seal("x", &Sevens).unwrap();
        assert_eq!(long.open(&sealed).as_deref(), Some("x"));
        assert_eq!(short.open(&sealed), None);
        assert!(ClaimKey::new(&SecretBytes::new(vec![1; 24]), None).is_none());
    }
}
