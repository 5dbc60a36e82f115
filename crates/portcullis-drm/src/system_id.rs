//! The ids under which DRM systems stand in `pssh` boxes and manifests. Nothing else.
//!
//! SPEC: the DASH-IF registry of content protection ids.

use portcullis_base::{DrmSystem, KeyId};

/// Apple FairPlay Streaming. Has no `pssh` box in practice.
pub const FAIRPLAY: [u8; 16] = *b"\x94\xce\x86\xfb\x07\xff\x4f\x43\xad\xb8\x93\xd2\xfa\x96\x8c\xa2";

/// Microsoft PlayReady.
pub const PLAYREADY: [u8; 16] =
    *b"\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95";

/// W3C common: the box of Clear Key. It lists kids and has no data.
pub const W3C_COMMON: [u8; 16] =
    *b"\x10\x77\xef\xec\xc0\xb2\x4d\x02\xac\xe3\x3c\x1e\x52\xe2\xfb\x4b";

/// Google Widevine.
pub const WIDEVINE: [u8; 16] = *b"\xed\xef\x8b\xa9\x79\xd6\x4a\xce\xa3\xc8\x27\xdc\xd5\x1d\x21\xed";

/// DASH-IF Clear Key: announces Clear Key in an MPD. Has no `pssh` box of its own.
pub const DASH_CLEAR_KEY: [u8; 16] =
    *b"\xe2\x71\x9d\x58\xa9\x85\xb3\xc9\x78\x1a\xb0\x30\xaf\x78\xd3\x0e";

/// The id in the system's `pssh` box.
#[must_use]
pub const fn in_pssh(system: DrmSystem) -> [u8; 16] {
    match system {
        DrmSystem::ClearKey => W3C_COMMON,
        DrmSystem::FairPlay => FAIRPLAY,
        DrmSystem::PlayReady => PLAYREADY,
        DrmSystem::Widevine => WIDEVINE,
    }
}

/// The id in the system's `ContentProtection` descriptor. Clear Key has one there that is
/// not the one of its box.
#[must_use]
pub const fn in_mpd(system: DrmSystem) -> [u8; 16] {
    match system {
        DrmSystem::ClearKey => DASH_CLEAR_KEY,
        DrmSystem::FairPlay | DrmSystem::PlayReady | DrmSystem::Widevine => in_pssh(system),
    }
}

/// `urn:uuid:` and the id in lower case, the form of `schemeIdUri` and `KEYFORMAT`.
#[must_use]
pub fn urn(id: &[u8; 16]) -> String {
    // A kid and a system id are printed by the same rule.
    format!("urn:uuid:{}", KeyId::from_bytes(*id))
}

/// Whether the bytes are one of the ids of this file. Some old clients send their system's
/// id where a kid belongs.
#[must_use]
pub fn is_system_id(bytes: &[u8; 16]) -> bool {
    [FAIRPLAY, PLAYREADY, W3C_COMMON, WIDEVINE, DASH_CLEAR_KEY].contains(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_print_as_the_registry_lists_them() {
        for (id, expected) in [
            (FAIRPLAY, "urn:uuid:94ce86fb-07ff-4f43-adb8-93d2fa968ca2"),
            (PLAYREADY, "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95"),
            (W3C_COMMON, "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"),
            (WIDEVINE, "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"),
            (DASH_CLEAR_KEY, "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"),
        ] {
            assert_eq!(urn(&id), expected);
            assert!(is_system_id(&id));
        }
        assert!(!is_system_id(&[0; 16]));
    }

    #[test]
    fn clear_key_goes_by_two_ids_and_the_others_by_one() {
        assert_eq!(in_pssh(DrmSystem::ClearKey), W3C_COMMON);
        assert_eq!(in_mpd(DrmSystem::ClearKey), DASH_CLEAR_KEY);
        for system in [DrmSystem::FairPlay, DrmSystem::PlayReady, DrmSystem::Widevine] {
            assert_eq!(in_mpd(system), in_pssh(system));
        }
    }
}
