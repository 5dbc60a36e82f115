//! The PlayReady header object: the payload of PlayReady's `pssh` box and, in base64, of
//! `mspr:pro` and `EXT-X-KEY`. Does not read challenges and does not make licenses; those
//! are Microsoft's.
//!
//! ```text
//! object = length (u32, all of it) | records (u16) | { type (u16) | length (u16) | value }
//! ```
//!
//! Numbers are little-endian. The one record written is of type 1: a WRMHEADER, XML in
//! UTF-16LE without declaration or byte order mark.
//!
//! | version | written for | checksum |
//! |---|---|---|
//! | 4.0 | `cenc`, one key | element |
//! | 4.2 | `cenc`, several keys | attribute |
//! | 4.3 | `cbcs` | none: it is not defined for AES-CBC, and clients refuse it |
//!
//! SPEC: PlayReady Header Specification. Closing tags are explicit and attributes sorted,
//! because clients check both.

use std::hint::black_box;

use aes::{
    Aes128,
    cipher::{Array, BlockCipherEncrypt, KeyInit},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_base::{KeyId, Scheme, with_washed_stack};
use portcullis_keys::ContentKey;

/// The header object that names `kids`, with their checksums where the keys are at hand and
/// the version has room for one.
///
/// # Errors
///
/// When there is no kid, a key is not that of its kid, the license URL cannot be written, or
/// the object gets longer than clients accept.
pub fn header_object(
    kids: &[(KeyId, Option<&ContentKey>)],
    scheme: Scheme,
    la_url: Option<&str>,
) -> Result<Vec<u8>, HeaderError> {
    for (kid, key) in kids {
        if key.is_some_and(|key| key.kid() != *kid) {
            return Err(HeaderError::OtherKey { kid: *kid });
        }
    }
    let la_url = la_url.map(la_url_element).transpose()?.unwrap_or_default();
    let header = match (scheme, kids) {
        (_, []) => return Err(HeaderError::NoKid),
        (Scheme::Cenc, [(kid, key)]) => header_4_0(*kid, *key, &la_url),
        (Scheme::Cenc, several) => header_4_2(several, &la_url),
        (Scheme::Cbcs, kids) => header_4_3(kids, &la_url),
    };
    object(&header)
}

/// A header object cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The license URL is no http or https URL, or holds a character no URL has.
    #[error("`{url}` cannot be a license URL: expected http or https, without spaces or quotes")]
    LaUrl {
        /// The URL as given.
        url: String,
    },
    /// A header names at least one kid.
    #[error("a PlayReady header needs at least one key id")]
    NoKid,
    /// A key was handed in under the kid of another.
    #[error("the key handed in for {kid} is another key's")]
    OtherKey {
        /// The kid it was handed in for.
        kid: KeyId,
    },
    /// Too many kids or too long a URL.
    #[error("the PlayReady header object would have {bytes} bytes; clients accept {max}")]
    TooLong {
        /// How long it would be.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
}

fn header_4_0(kid: KeyId, key: Option<&ContentKey>, la_url: &str) -> String {
    let checksum = key.map(checksum).map(|sum| format!("<CHECKSUM>{sum}</CHECKSUM>"));
    wrm_header(
        "4.0.0.0",
        &format!(
            "<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO>\
             <KID>{}</KID>{}{la_url}",
            guid(kid),
            checksum.unwrap_or_default(),
        ),
    )
}

fn header_4_2(kids: &[(KeyId, Option<&ContentKey>)], la_url: &str) -> String {
    let kids = kids.iter().map(|(kid, key)| {
        let checksum = key.map(checksum).map(|sum| format!(" CHECKSUM=\"{sum}\""));
        let checksum = checksum.unwrap_or_default();
        format!("<KID ALGID=\"AESCTR\"{checksum} VALUE=\"{}\"></KID>", guid(*kid))
    });
    with_kids("4.2.0.0", &kids.collect::<String>(), la_url)
}

fn header_4_3(kids: &[(KeyId, Option<&ContentKey>)], la_url: &str) -> String {
    let kids = kids
        .iter()
        .map(|(kid, _)| format!("<KID ALGID=\"AESCBC\" VALUE=\"{}\"></KID>", guid(*kid)));
    with_kids("4.3.0.0", &kids.collect::<String>(), la_url)
}

fn with_kids(version: &str, kids: &str, la_url: &str) -> String {
    wrm_header(version, &format!("<PROTECTINFO><KIDS>{kids}</KIDS></PROTECTINFO>{la_url}"))
}

fn wrm_header(version: &str, data: &str) -> String {
    format!(
        "<WRMHEADER xmlns=\"{NAMESPACE}\" version=\"{version}\"><DATA>{data}</DATA></WRMHEADER>"
    )
}

fn la_url_element(url: &str) -> Result<String, HeaderError> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let clean = url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>'));
    if web && clean {
        Ok(format!("<LA_URL>{}</LA_URL>", url.replace('&', "&amp;")))
    } else {
        Err(HeaderError::LaUrl { url: url.to_owned() })
    }
}

/// The kid in PlayReady's own byte order, in base64.
fn guid(kid: KeyId) -> String {
    STANDARD.encode(kid.to_guid_bytes())
}

/// The first 8 bytes of the GUID encrypted under the key: lets a client notice a wrong key
/// before it shows garbage.
fn checksum(key: &ContentKey) -> String {
    let mut block = Array::from(key.kid().to_guid_bytes());
    with_washed_stack(|| {
        Aes128::new(key.expose().into()).encrypt_block(&mut block);
        // SECURITY: SEC-14. So that vector registers hold round keys of a worthless key.
        let worthless = Aes128::new(&Array::default());
        worthless.encrypt_block(black_box(&mut Array::default()));
    });
    STANDARD.encode(block.first_chunk::<8>().expect("a block has 16 bytes"))
}

fn object(header: &str) -> Result<Vec<u8>, HeaderError> {
    let value: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bytes = HEAD_BYTES.saturating_add(value.len());
    let too_long = HeaderError::TooLong { bytes, max: OBJECT_BYTES_MAX };
    let (Ok(total), Ok(length)) = (u32::try_from(bytes), u16::try_from(value.len())) else {
        return Err(too_long);
    };
    if bytes > OBJECT_BYTES_MAX {
        return Err(too_long);
    }
    let mut object = Vec::with_capacity(bytes);
    object.extend_from_slice(&total.to_le_bytes());
    object.extend_from_slice(&1_u16.to_le_bytes());
    object.extend_from_slice(&RIGHTS_MANAGEMENT_HEADER.to_le_bytes());
    object.extend_from_slice(&length.to_le_bytes());
    object.extend_from_slice(&value);
    Ok(object)
}

const NAMESPACE: &str = "http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader";
const RIGHTS_MANAGEMENT_HEADER: u16 = 1;
const HEAD_BYTES: usize = 10;

/// SPEC: "The PlayReady Object must be less than or equal to 15 kilobytes".
const OBJECT_BYTES_MAX: usize = 15 << 10;
