//! Vectors derived from what is being encrypted, so that the same input packages to the same
//! bytes whenever and in whatever order its segments are asked for.
//!
//! Nothing here is secret: IVs stand in the clear in the media. What matters is that no
//! (key, counter block) pair occurs twice. This module does not look at media; whoever
//! packages names the asset version (a digest of everything that determines the plaintext),
//! numbers the tracks and counts the editions.
//!
//! SPEC: ISO/IEC 23001-7 §9.2, §10.1 (`cenc`), §10.4 (`cbcs`).

use aws_lc_rs::digest::{Context, SHA256};
use portcullis_base::{Iv, KeyId};

/// The first half of every `cenc` IV of a track; the second half is the sample's number in
/// decode order.
///
/// `edition` counts the different media that were ever encrypted under one key, `track` the
/// tracks of one edition. Where those two differ the salts differ, so no IV occurs twice under
/// a key; this holds by construction and not by chance.
#[must_use]
pub const fn iv_salt(edition: u16, track: u16) -> [u8; 4] {
    let [a, b] = edition.to_be_bytes();
    let [c, d] = track.to_be_bytes();
    [a, b, c, d]
}

/// The constant IV of a `cbcs` track.
#[must_use]
pub fn constant_iv(kid: &KeyId, asset_version: &[u8; 32], track: u32) -> Iv {
    let whole = digest(&[CONSTANT_IV, kid.as_bytes(), asset_version, &track.to_be_bytes()]);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = whole;
    Iv([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// SHA-256 over the parts. All but the first, which is a constant of this file, have a fixed
/// length, so no two lists of parts run together into the same bytes.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    *context.finish().as_ref().first_chunk().expect("SHA-256 yields 32 bytes")
}

const CONSTANT_IV: &[u8] = b"portcullis/constant-iv/v1";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // Computed once with Python's hashlib from the description above, so that a change of
    // the derivation, which would change every packaged byte, does not pass unseen.
    #[test]
    fn the_derivations_do_not_change() {
        assert_eq!(hex::encode(iv_salt(0, 1)), "00000001");
        assert_eq!(hex::encode(iv_salt(0x0102, 0xfffe)), "0102fffe");
        let kid = KeyId::from_bytes([9; 16]);
        assert_eq!(
            constant_iv(&kid, &[7; 32], 1).to_string(),
            "0x1e8818be2cce04ee8830c8adf0ad48d8"
        );
    }

    #[test]
    fn a_constant_iv_depends_on_key_version_and_track() {
        let iv =
            |kid, version, track| constant_iv(&KeyId::from_bytes([kid; 16]), &[version; 32], track);
        let ivs = HashSet::from([iv(1, 1, 1), iv(2, 1, 1), iv(1, 2, 1), iv(1, 1, 2)]);
        assert_eq!(ivs.len(), 4);
        assert_eq!(iv(1, 1, 1), iv(1, 1, 1));
    }
}
