//! Which keys a license may hold, and the keys that come along.
//!
//! A key is encrypted with AES-256-CBC under the communication key, its own id being the
//! vector. One block has no padding, so a wrong communication key would show as a wrong content
//! key; the signature was made with the same key, which rules that out.

use aws_lc_rs::{
    cipher::EncryptionContext,
    cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey},
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{KeyId, SecretBytes, json::Value};
use portcullis_terms::Tracks;
use zeroize::Zeroizing;

use super::CommunicationKey;
use crate::{
    claims::{InlineKey, KeyPurpose},
    fault::Fault,
    members::Members,
};

/// The keys of a message.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The keys a license may hold; with [`Source::Request`] whatever is asked for.
    pub(super) listed: Vec<Listed>,
    pub(super) source: Source,
    /// The usage policy of keys that are not listed.
    pub(super) usage_policy: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    #[default]
    Listed,
    Request,
}

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) kid: KeyId,
    pub(super) key: Option<[u8; 16]>,
    pub(super) iv: Option<[u8; 16]>,
    pub(super) seed: Option<String>,
    pub(super) usage_policy: Option<String>,
}

impl Listed {
    /// The key in the clear, if it came along.
    pub(super) fn open(&self, key: &CommunicationKey) -> Result<Option<InlineKey>, Fault> {
        let Some(encrypted) = self.key else { return Ok(None) };
        let plain = cbc(key, self.kid, &encrypted);
        let plain = plain.ok_or_else(|| Fault::terms("a content key cannot be decrypted"))?;
        let purpose = if self.iv.is_some() { KeyPurpose::Hls } else { KeyPurpose::Cenc };
        let (kid, tracks) = (Some(self.kid), Tracks::All);
        Ok(Some(InlineKey { kid, tracks, purpose, key: plain, iv: self.iv }))
    }
}

/// Reads `content_keys_source` of a message of version 2.
pub(super) fn source(source: Members<'_>) -> Result<Keys, Fault> {
    source.only(&["inline", "license_request", "stored"])?;
    match (source.get("inline"), source.get("license_request"), source.get("stored")) {
        (Some(_), None, None) => {
            let place = "content_keys_source.inline";
            let known = ["encrypted_key", "id", "iv", "seed_id", "usage_policy"];
            Ok(Keys { listed: items(source.list("inline")?, place, &known)?, ..Keys::default() })
        }
        (None, Some(request), None) => {
            let request = Members::of(request, "content_keys_source.license_request")?;
            request.only(&["seed_id", "usage_policy"])?;
            let usage_policy = request.text("usage_policy")?.map(str::to_owned);
            Ok(Keys { listed: Vec::new(), source: Source::Request, usage_policy })
        }
        (None, None, Some(_)) => {
            let (place, known) = ("content_keys_source.stored", ["id", "usage_policy"]);
            Ok(Keys { listed: items(source.list("stored")?, place, &known)?, ..Keys::default() })
        }
        _ => Err(Fault::terms("`content_keys_source` is not exactly one source")),
    }
}

/// Reads the keys of a message of version 1: `keys`, or `key_ids` in the oldest ones.
pub(super) fn version_1(message: Members<'_>) -> Result<Keys, Fault> {
    if message.flag("keys_based_on_request")? == Some(true) {
        if !message.list("keys")?.is_empty() || !message.texts("key_ids")?.is_empty() {
            return Err(Fault::terms("the keys are not of exactly one source"));
        }
        return Ok(Keys { source: Source::Request, ..Keys::default() });
    }
    let known = ["encrypted_key", "id", "iv", "key_seed_id"];
    let mut listed = items(message.list("keys")?, "keys", &known)?;
    for text in message.texts("key_ids")? {
        let kid = text.parse().map_err(|_| message.fault("key_ids", "a list of GUIDs"))?;
        let (key, iv, seed, usage_policy) = (None, None, None, None);
        listed.push(Listed { kid, key, iv, seed, usage_policy });
    }
    distinct(&listed)?;
    Ok(Keys { listed, ..Keys::default() })
}

fn items(list: &[Value], place: &'static str, known: &[&str]) -> Result<Vec<Listed>, Fault> {
    let read = |value| {
        let item = Members::of(value, place)?;
        item.only(known)?;
        let seed = item.text("seed_id")?.or(item.text("key_seed_id")?);
        Ok(Listed {
            kid: kid(item, "id")?.ok_or_else(|| item.fault("id", "there"))?,
            key: block(item, "encrypted_key")?,
            iv: block(item, "iv")?,
            seed: seed.map(str::to_owned),
            usage_policy: item.text("usage_policy")?.map(str::to_owned),
        })
    };
    let listed: Vec<Listed> = list.iter().map(read).collect::<Result<_, Fault>>()?;
    distinct(&listed)?;
    Ok(listed)
}

fn distinct(listed: &[Listed]) -> Result<(), Fault> {
    let mut kids: Vec<KeyId> = listed.iter().map(|one| one.kid).collect();
    kids.sort_unstable();
    kids.dedup();
    if kids.len() == listed.len() {
        Ok(())
    } else {
        Err(Fault::Duplicate { what: "a key id".to_owned() })
    }
}

pub(super) fn kid(members: Members<'_>, name: &str) -> Result<Option<KeyId>, Fault> {
    members.read(name, "a GUID", |value| value.as_str()?.parse().ok())
}

fn block(members: Members<'_>, name: &str) -> Result<Option<[u8; 16]>, Fault> {
    members.read(name, "base64 of 16 bytes", |value| {
        STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
    })
}

fn cbc(key: &CommunicationKey, kid: KeyId, block: &[u8; 16]) -> Option<SecretBytes> {
    let unbound = UnboundCipherKey::new(&AES_256, key.secret.expose()).ok()?;
    let mut plain = Zeroizing::new(*block);
    let vector = DecryptionContext::Iv128(FixedLength::from(kid.as_bytes()));
    let decrypting = DecryptingKey::cbc(unbound).ok()?;
    let plain = decrypting.decrypt(plain.as_mut_slice(), vector).ok()?;
    Some(SecretBytes::new(plain.to_vec()))
}

/// The block that a message carries for a content key.
pub(super) fn seal(key: &CommunicationKey, kid: KeyId, content: &[u8; 16]) -> Option<[u8; 16]> {
    let unbound = UnboundCipherKey::new(&AES_256, key.secret.expose()).ok()?;
    let mut block = Zeroizing::new(*content);
    let vector = EncryptionContext::Iv128(FixedLength::from(kid.as_bytes()));
    let encrypting = EncryptingKey::cbc(unbound).ok()?;
    encrypting.less_safe_encrypt(block.as_mut_slice(), vector).ok()?;
    Some(*block)
}
