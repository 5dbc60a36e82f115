//! Clear Key: the one DRM system that Portcullis serves itself.
//!
//! The key reaches the page's script in the clear, so Clear Key is for tests, previews and
//! content of little value. It cannot enforce terms: see
//! [`LicenseTerms::enforceable_by`](crate::LicenseTerms::enforceable_by). Which of the kids
//! asked for are granted is not decided here.
//!
//! SPEC: W3C Encrypted Media Extensions §9.1.3 (request), §9.1.4 (license). Requests are
//! read more tolerantly than the specification asks, because players differ: `type` may be
//! missing, base64 may be of either alphabet and padded, unknown members are skipped.

use std::borrow::Borrow;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD,
    },
};
use portcullis_base::{
    KeyId,
    json::{self, JsonError, Limits},
};
use portcullis_keys::ContentKey;
use zeroize::Zeroizing;

use crate::system_id;

/// A request for a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseRequest {
    /// The kids asked for, each once, in the order asked.
    pub kids: Vec<KeyId>,
    /// How long the player wants to keep the license.
    pub session: SessionType,
}

/// How long a player keeps a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionType {
    /// Across restarts. Hardly any Clear Key module can.
    PersistentLicense,
    /// As long as the page is open.
    Temporary,
}

/// Reads a license request.
///
/// # Errors
///
/// When the body is not strict JSON within the limits, or asks for no kid, too many, or one
/// that cannot be a kid.
pub fn parse(body: &[u8]) -> Result<LicenseRequest, ClearKeyFault> {
    let document = json::parse(body, &Limits::BODY)?;
    let members = document.as_object().ok_or(ClearKeyFault::Form { found: document.kind() })?;
    let session = match members.get("type").map(|value| value.as_str()) {
        None | Some(Some("temporary")) => SessionType::Temporary,
        Some(Some("persistent-license")) => SessionType::PersistentLicense,
        Some(_) => return Err(ClearKeyFault::Session),
    };
    let given =
        members.get("kids").and_then(|kids| kids.as_array()).ok_or(ClearKeyFault::NoKids)?;
    if given.len() > KIDS_MAX {
        return Err(ClearKeyFault::TooMany { max: KIDS_MAX });
    }
    let mut kids = Vec::with_capacity(given.len());
    for text in given {
        let kid = parse_kid(text.as_str().ok_or(ClearKeyFault::KidForm)?)?;
        if !kids.contains(&kid) {
            kids.push(kid);
        }
    }
    if kids.is_empty() { Err(ClearKeyFault::NoKids) } else { Ok(LicenseRequest { kids, session }) }
}

/// Makes the license that hands over `keys`, for a temporary session.
///
/// The buffer is as long as it will ever be before the first key goes in, and is wiped when
/// dropped. Hand it on whole: a copy of it is a copy of the keys.
#[must_use]
pub fn license<K: Borrow<ContentKey>>(keys: &[K]) -> Zeroizing<Vec<u8>> {
    let commas = keys.len().saturating_sub(1);
    let key_bytes = KEY_PARTS.iter().map(|part| part.len()).sum::<usize>() + 2 * BASE64_CHARS;
    let length = HEAD.len() + keys.len() * key_bytes + commas + TAIL.len();
    let mut license = Zeroizing::new(Vec::with_capacity(length));
    license.extend_from_slice(HEAD);
    for (position, key) in keys.iter().enumerate() {
        let key = key.borrow();
        if position > 0 {
            license.push(b',');
        }
        let [before_key, before_kid, after] = KEY_PARTS;
        license.extend_from_slice(before_key);
        push_base64(&mut license, key.expose());
        license.extend_from_slice(before_kid);
        push_base64(&mut license, key.kid().as_bytes());
        license.extend_from_slice(after);
    }
    license.extend_from_slice(TAIL);
    debug_assert_eq!(license.len(), length, "a license that grew left keys behind");
    license
}

/// Why a license request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClearKeyFault {
    /// The body is JSON, but no object.
    #[error("a license request is a JSON object, not {found}")]
    Form {
        /// What it is.
        found: &'static str,
    },
    /// The body is not JSON as strict as it has to be.
    #[error("the license request is not JSON: {0}")]
    Json(#[from] JsonError),
    /// A kid is not base64.
    #[error("a kid is not a base64url string")]
    KidForm,
    /// A kid has the wrong length. 24 or 27 bytes hint at a UUID or hex digits taken for
    /// base64.
    #[error("a kid has {bytes} bytes after decoding; expected 16")]
    KidLength {
        /// How many bytes it has.
        bytes: usize,
    },
    /// `kids` is missing, empty or no array.
    #[error("the license request asks for no kid")]
    NoKids,
    /// `type` is none of those that exist.
    #[error("`type` must be `temporary` or `persistent-license`")]
    Session,
    /// The id of a DRM system stands in place of a kid.
    #[error("a kid is the id of a DRM system: the client confused the two")]
    SystemId,
    /// Too many kids.
    #[error("the license request asks for more than {max} kids")]
    TooMany {
        /// How many it may ask for.
        max: usize,
    },
}

fn parse_kid(text: &str) -> Result<KeyId, ClearKeyFault> {
    let text = text.replace('+', "-").replace('/', "_");
    let bytes = EITHER_PADDING.decode(text).map_err(|_| ClearKeyFault::KidForm)?;
    let length = ClearKeyFault::KidLength { bytes: bytes.len() };
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| length)?;
    if system_id::is_system_id(&bytes) {
        // Old Android players sent the system id of their init data.
        return Err(ClearKeyFault::SystemId);
    }
    Ok(KeyId::from_bytes(bytes))
}

/// Encodes in place at the end of `out`, which has room.
fn push_base64(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    let start = out.len();
    out.resize(start.saturating_add(BASE64_CHARS), 0);
    let place = out.get_mut(start..).unwrap_or_default();
    URL_SAFE_NO_PAD.encode_slice(bytes, place).expect("16 bytes are 22 characters of base64");
}

const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const HEAD: &[u8] = b"{\"keys\":[";
const KEY_PARTS: [&[u8]; 3] = [b"{\"kty\":\"oct\",\"k\":\"", b"\",\"kid\":\"", b"\"}"];
const TAIL: &[u8] = b"],\"type\":\"temporary\"}";
const BASE64_CHARS: usize = 22;

/// Five classes of track and some periods of a live channel.
const KIDS_MAX: usize = 64;
