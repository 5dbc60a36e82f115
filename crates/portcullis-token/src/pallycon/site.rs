//! A site: its keys made ready for use, and its settings.
//!
//! The vendor gives a site two keys of 32 characters: the site key seals policies, the access
//! key goes into the hash. While they are changed, the previous pair is accepted, too; the
//! format has no key id, so both are tried. Nothing here reads a configuration.

use std::{fmt, time::Duration};

use aws_lc_rs::{
    cipher::{
        AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    constant_time,
    digest::{self, SHA256},
    iv::FixedLength,
};
use portcullis_base::{Secret, SecretBytes};
use zeroize::Zeroize as _;

use crate::claims::Uses;

/// What tokens of one site are verified and made with.
#[derive(Debug)]
pub struct PallyConSite {
    // INVARIANT: four of `A-Z 0-9`.
    id: Box<str>,
    current: PallyConKeys,
    previous: Option<PallyConKeys>,
    /// How strictly tokens are read.
    pub settings: PallyConSettings,
}

impl PallyConSite {
    /// A site with one pair of keys and the vendor's rules.
    ///
    /// # Errors
    ///
    /// When the id is not four of `A-Z 0-9`.
    pub fn new(id: &str, current: PallyConKeys) -> Result<Self, SiteIdError> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if id.len() != 4 || !id.bytes().all(fits) {
            return Err(SiteIdError);
        }
        let settings = PallyConSettings::default();
        Ok(Self { id: id.into(), current, previous: None, settings })
    }

    /// The site with the pair of keys that was current before.
    #[must_use]
    pub fn with_previous(self, previous: PallyConKeys) -> Self {
        Self { previous: Some(previous), ..self }
    }

    /// The site with these settings.
    #[must_use]
    pub fn with_settings(self, settings: PallyConSettings) -> Self {
        Self { settings, ..self }
    }

    /// The site's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) const fn current(&self) -> &PallyConKeys {
        &self.current
    }

    /// The pairs a token may have been made with, the likelier first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &PallyConKeys> {
        [&self.current].into_iter().chain(&self.previous)
    }
}

/// The text is not the id of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a site id is four of `A-Z 0-9`")]
pub struct SiteIdError;

/// A site key and an access key, made ready for use.
pub struct PallyConKeys {
    access: Secret<32>,
    opens: PaddedBlockDecryptingKey,
    seals: PaddedBlockEncryptingKey,
}

impl PallyConKeys {
    /// Prepares a pair: 32 printable ASCII characters each, taken as they are and not decoded.
    /// The caller's copies can be dropped afterwards.
    ///
    /// # Errors
    ///
    /// Says which of the two is not such a text. It repeats none of it.
    pub fn new(site_key: &SecretBytes, access_key: &SecretBytes) -> Result<Self, KeyError> {
        let printable = |key: &[u8]| key.iter().all(u8::is_ascii_graphic);
        let fault = KeyError { name: "access_key" };
        let access = Secret::copy_from(access_key.expose()).ok_or(fault)?;
        if !printable(access.expose()) {
            return Err(fault);
        }
        let fault = KeyError { name: "site_key" };
        let key = || match site_key.expose() {
            key if printable(key) => UnboundCipherKey::new(&AES_256, key).map_err(|_| fault),
            _ => Err(fault),
        };
        let opens = PaddedBlockDecryptingKey::cbc_pkcs7(key()?).map_err(|_| fault)?;
        let seals = PaddedBlockEncryptingKey::cbc_pkcs7(key()?).map_err(|_| fault)?;
        Ok(Self { access, opens, seals })
    }

    /// SHA-256 over the access key and `parts`, one after the other.
    pub(super) fn hash(&self, parts: &[&str]) -> [u8; 32] {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut text = Vec::with_capacity(length.saturating_add(32));
        text.extend_from_slice(self.access.expose());
        parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&SHA256, &text).as_ref());
        // SECURITY: only the beginning is secret, and wiping all of it would cost as much as
        // hashing it.
        if let Some(access) = text.first_chunk_mut::<32>() {
            access.zeroize();
        }
        hash
    }

    /// Whether `hash` is the hash over `parts`, compared in constant time.
    pub(super) fn agrees(&self, parts: &[&str], hash: &[u8; 32]) -> bool {
        constant_time::verify_slices_are_equal(&self.hash(parts), hash).is_ok()
    }

    /// Opens a sealed policy, in place. `None` when length or padding is wrong: which of them
    /// is not told.
    pub(super) fn open<'a>(&self, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let context = DecryptionContext::Iv128(FixedLength::from(IV));
        self.opens.decrypt(sealed, context).ok().map(|policy| &*policy)
    }

    /// Seals a policy, in place.
    pub(super) fn seal(&self, policy: &mut Vec<u8>) -> Option<()> {
        let context = EncryptionContext::Iv128(FixedLength::from(IV));
        self.seals.less_safe_encrypt(policy, context).ok().map(drop)
    }
}

impl fmt::Debug for PallyConKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PallyConKeys(…)")
    }
}

/// A key is not 32 printable ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not 32 printable ASCII characters")]
pub struct KeyError {
    /// Which: `site_key` or `access_key`.
    pub name: &'static str,
}

/// How strictly a site's tokens are read, and what they are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PallyConSettings {
    /// Whether `drm_type` is read in any case.
    pub drm_type_case: DrmTypeCase,
    /// How long after its timestamp a token may be used; 600 s.
    pub duration: Duration,
    /// How far in the future a timestamp may lie, for clocks differ; 30 s. More than 60 s are
    /// not sensible (SEC-23).
    pub skew: Duration,
    /// What a user id must look like, so that it cannot be mixed up with the `cid`.
    pub user_id: UserIdRule,
    /// How often a token may be used. The format knows no such thing: this is ours.
    pub uses: Uses,
    /// What becomes of `response_format`, which a client can change.
    pub response_format: Hint,
    /// What becomes of `key_rotation`, which a client can change.
    pub key_rotation: Hint,
}

impl Default for PallyConSettings {
    fn default() -> Self {
        Self {
            drm_type_case: DrmTypeCase::Strict,
            duration: Duration::from_secs(600),
            skew: Duration::from_secs(30),
            user_id: UserIdRule::Any,
            uses: Uses::Unlimited,
            response_format: Hint::Heed,
            key_rotation: Hint::Heed,
        }
    }
}

/// How `drm_type` is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrmTypeCase {
    /// In any case, as the vendor's own console and server do. The hash is tried over the text
    /// as sent, then over the usual spelling.
    Lenient,
    /// In the documented spelling only.
    #[default]
    Strict,
}

/// What a user id must look like.
///
/// The hash does not say where the user id ends and the content id begins. Either of the
/// narrower rules makes the boundary plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserIdRule {
    /// Anything of 1 to 32 characters.
    #[default]
    Any,
    /// It ends with this character and holds it nowhere else.
    ClosedBy(char),
    /// It has so many characters.
    Length(usize),
}

impl UserIdRule {
    pub(super) fn admits(self, user_id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::ClosedBy(close) => {
                user_id.strip_suffix(close).is_some_and(|rest| !rest.contains(close))
            }
            Self::Length(length) => user_id.chars().count() == length,
        }
    }
}

/// What becomes of a member that is not under the hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hint {
    /// It is followed.
    #[default]
    Heed,
    /// It is read as its default.
    Ignore,
}

/// The format's one vector: equal policies look equal.
const IV: [u8; 16] = *b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_twice_thirty_two_printable_characters() {
        let check = |site: &str, access: &str, expected: Option<&str>| {
            let bytes = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
            let made = PallyConKeys::new(&bytes(site), &bytes(access));
            assert_eq!(made.err().map(|error| error.name), expected, "{site} {access}");
        };
        let fits = "k".repeat(32);
        check(&fits, &fits, None);
        for bad in ["k".repeat(31), "k".repeat(33), format!("{} ", "k".repeat(31)), "é".repeat(16)]
        {
            check(&bad, &fits, Some("site_key"));
            check(&fits, &bad, Some("access_key"));
        }
    }

    #[test]
    fn a_rule_leaves_one_place_for_the_end_of_a_user_id() {
        let check = |rule: UserIdRule, user_id: &str, expected: bool| {
            assert_eq!(rule.admits(user_id), expected, "{rule:?} {user_id}");
        };
        check(UserIdRule::Any, "x", true);
        check(UserIdRule::ClosedBy('.'), "alice.", true);
        check(UserIdRule::ClosedBy('.'), "alice", false);
        check(UserIdRule::ClosedBy('.'), "al.ice.", false);
        check(UserIdRule::ClosedBy('.'), ".", true);
        check(UserIdRule::Length(6), "jürgen", true);
        check(UserIdRule::Length(6), "alice", false);
        check(UserIdRule::Length(6), "alice.b", false);
    }

    #[test]
    fn a_site_id_is_four_capitals_or_digits() {
        let keys = || {
            let key = SecretBytes::new(vec![b'k'; 32]);
            PallyConKeys::new(&key, &key).unwrap()
        };
        assert!(PallyConSite::new("TUT0", keys()).is_ok());
        for bad in ["", "TUT", "TUTOR", "tuto", "TU-O", "TÜT"] {
            assert!(PallyConSite::new(bad, keys()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pair_prints_nothing_of_itself() {
        let key = SecretBytes::new(vec![b'k'; 32]);
        let keys = PallyConKeys::new(&key, &key).unwrap();
        assert_eq!(format!("{keys:?}"), "PallyConKeys(…)");
    }
}
