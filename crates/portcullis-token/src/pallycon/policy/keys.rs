//! Keys that a policy brings along, for content that we do not hold.

use std::str::FromStr as _;

use portcullis_base::{KeyId, SecretBytes, json::Value};
use portcullis_terms::Tracks;

use super::members::Members;
use crate::{
    claims::{InlineKey, KeyPurpose},
    fault::Fault,
};

pub(super) fn read(all: &Members<'_>) -> Result<Vec<InlineKey>, Fault> {
    let [name, alias] = NAMES;
    let Some(said) = all.object(all.either(name, alias)?, name)? else {
        return Ok(Vec::new());
    };
    let mut keys = Vec::new();
    for entry in entries(&said, "mpeg_cenc")? {
        keys.push(read_cenc(&Members::of(entry, "external_key.mpeg_cenc[]")?)?);
    }
    for entry in entries(&said, "hls_aes")? {
        keys.push(read_hls(&Members::of(entry, "external_key.hls_aes[]")?)?);
    }
    if let Some(said) = said.object("ncg", "external_key.ncg")? {
        keys.push(InlineKey {
            kid: None,
            tracks: tracks(&said)?,
            purpose: KeyPurpose::Ncg,
            key: said.need("cek", "64 hex digits", |value| key(value, 64))?,
            iv: None,
        });
    }
    Ok(keys)
}

/// The entries of an array; version 1 writes one without the array.
fn entries<'a>(said: &Members<'a>, name: &str) -> Result<&'a [Value], Fault> {
    let found = said.read(name, "an array", |value| match value {
        Value::Array(items) => Some(items.as_slice()),
        Value::Object(_) => Some(std::slice::from_ref(value)),
        _ => None,
    })?;
    Ok(found.unwrap_or_default())
}

fn read_cenc(said: &Members<'_>) -> Result<InlineKey, Fault> {
    Ok(InlineKey {
        kid: Some(said.need("key_id", DIGITS, kid)?),
        tracks: tracks(said)?,
        purpose: KeyPurpose::Cenc,
        key: said.need("key", DIGITS, |value| key(value, 32))?,
        // The Python sample writes `null` where it has none.
        iv: said
            .read("iv", DIGITS, |value| match value {
                Value::Null => Some(None),
                other => iv(other).map(Some),
            })?
            .flatten(),
    })
}

fn read_hls(said: &Members<'_>) -> Result<InlineKey, Fault> {
    Ok(InlineKey {
        kid: said.read("key_id", DIGITS, kid)?,
        tracks: tracks(said)?,
        purpose: KeyPurpose::Hls,
        key: said.need("key", DIGITS, |value| key(value, 32))?,
        iv: Some(said.need("iv", DIGITS, iv)?),
    })
}

/// The tracks a key is for: all, if it does not say. Version 1 never says.
fn tracks(said: &Members<'_>) -> Result<Tracks, Fault> {
    Ok(said.word("track_type", Tracks::from_word)?.unwrap_or(Tracks::All))
}

fn kid(value: &Value) -> Option<KeyId> {
    KeyId::from_str(value.as_str().filter(|text| text.len() == 32)?).ok()
}

fn key(value: &Value, digits: usize) -> Option<SecretBytes> {
    let text = value.as_str().filter(|text| text.len() == digits)?;
    hex::decode(text).ok().map(SecretBytes::new)
}

fn iv(value: &Value) -> Option<[u8; 16]> {
    let mut iv = [0; 16];
    hex::decode_to_slice(value.as_str()?, &mut iv).ok().map(|()| iv)
}

const DIGITS: &str = "32 hex digits";

/// The member that holds keys, and what the Python sample calls it.
pub(in super::super) const NAMES: [&str; 2] = ["external_key", "external_policy"];
