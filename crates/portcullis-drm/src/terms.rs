//! What a license allows, in words common to the DRM systems.
//!
//! A term that a system cannot enforce is not dropped in silence:
//! [`LicenseTerms::enforceable_by`] refuses it. This module does not translate terms into any
//! vendor's own words; that belongs to the upstream that makes the license.

use std::{fmt, str::FromStr};

use portcullis_base::DrmSystem;

/// What a license allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseTerms {
    /// Whether the license may be kept.
    pub persistence: Persistence,
    /// Seconds for which the license can be used; no end when `None`.
    pub license_duration_s: Option<u64>,
    /// What protects the way to the screen.
    pub hdcp: Hdcp,
    /// What protects decryption and decoding.
    pub robustness: Robustness,
}

impl LicenseTerms {
    /// The least that can be asked: watching now, on anything.
    pub const UNRESTRICTED: Self = Self {
        persistence: Persistence::Streaming,
        license_duration_s: None,
        hdcp: Hdcp::None,
        robustness: Robustness::Any,
    };

    /// Checks that a license of `system` can enforce these terms.
    ///
    /// # Errors
    ///
    /// Names the first term it cannot.
    pub fn enforceable_by(&self, system: DrmSystem) -> Result<(), TermsError> {
        let unenforceable = |term| Err(TermsError { system, term });
        match system {
            // The player module keeps no license, knows no end, and sees no output.
            DrmSystem::ClearKey => {
                if self.persistence == Persistence::Offline {
                    return unenforceable("offline use");
                }
                if self.license_duration_s.is_some() {
                    return unenforceable("a license duration");
                }
                if self.hdcp != Hdcp::None {
                    return unenforceable("an HDCP level");
                }
                if self.robustness != Robustness::Any {
                    return unenforceable("a robustness level");
                }
                Ok(())
            }
            DrmSystem::FairPlay if self.hdcp == Hdcp::NoOutput => {
                unenforceable("the HDCP level `no_output`")
            }
            DrmSystem::FairPlay | DrmSystem::PlayReady | DrmSystem::Widevine => Ok(()),
        }
    }
}

impl Default for LicenseTerms {
    fn default() -> Self {
        Self::UNRESTRICTED
    }
}

macro_rules! words {
    ($name:ident, $($variant:ident = $word:literal),+) => {
        impl $name {
            /// The word used in configuration and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = TermError;

            fn from_str(text: &str) -> Result<Self, TermError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(TermError { expected: concat!($("`", $word, "` "),+) }),
                }
            }
        }
    };
}

/// Whether a license may outlive its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// It may be stored, for downloads.
    Offline,
    /// It ends with the session.
    Streaming,
}

words!(Persistence, Offline = "offline", Streaming = "streaming");

/// The HDCP version a digital output must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hdcp {
    /// Not required.
    None,
    /// No digital output at all.
    NoOutput,
    /// Version 1.4.
    V1_4,
    /// Version 2.2.
    V2_2,
}

words!(Hdcp, None = "none", NoOutput = "no_output", V1_4 = "1.4", V2_2 = "2.2");

/// How well decryption and decoding must be shielded from the rest of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Robustness {
    /// As the device likes.
    Any,
    /// Decryption, decoding and everything between in hardware.
    HardwareAll,
    /// Decryption in hardware.
    HardwareCrypto,
    /// Decryption and decoding in hardware.
    HardwareDecode,
    /// Obfuscated software.
    Software,
}

words!(
    Robustness,
    Any = "any",
    HardwareAll = "hw",
    HardwareCrypto = "hw_crypto",
    HardwareDecode = "hw_decode",
    Software = "sw"
);

/// The text is none of the words for this term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}", expected.trim_end())]
pub struct TermError {
    expected: &'static str,
}

/// A DRM system cannot enforce a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{system} cannot enforce {term}")]
pub struct TermsError {
    /// The system.
    pub system: DrmSystem,
    /// The term.
    pub term: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: LicenseTerms = LicenseTerms::UNRESTRICTED;

    #[track_caller]
    fn check(terms: LicenseTerms, system: DrmSystem, expected: Result<(), &str>) {
        let actual = terms.enforceable_by(system).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn clear_key_enforces_nothing_and_says_so() {
        let clear_key = DrmSystem::ClearKey;
        check(FREE, clear_key, Ok(()));
        for (terms, expected) in [
            (LicenseTerms { persistence: Persistence::Offline, ..FREE }, "offline use"),
            (LicenseTerms { license_duration_s: Some(60), ..FREE }, "a license duration"),
            (LicenseTerms { hdcp: Hdcp::V1_4, ..FREE }, "an HDCP level"),
            (LicenseTerms { robustness: Robustness::Software, ..FREE }, "a robustness level"),
        ] {
            check(terms, clear_key, Err(&format!("clearkey cannot enforce {expected}")));
        }
    }

    #[test]
    fn the_other_systems_enforce_all_they_have_words_for() {
        let strict = LicenseTerms {
            persistence: Persistence::Offline,
            license_duration_s: Some(60),
            hdcp: Hdcp::V2_2,
            robustness: Robustness::HardwareAll,
        };
        for system in [DrmSystem::FairPlay, DrmSystem::PlayReady, DrmSystem::Widevine] {
            check(strict.clone(), system, Ok(()));
        }
        let dark = LicenseTerms { hdcp: Hdcp::NoOutput, ..FREE };
        check(dark.clone(), DrmSystem::Widevine, Ok(()));
        let expected = "fairplay cannot enforce the HDCP level `no_output`";
        check(dark, DrmSystem::FairPlay, Err(expected));
    }

    #[test]
    fn every_word_reads_back_and_others_are_refused() {
        for hdcp in [Hdcp::None, Hdcp::NoOutput, Hdcp::V1_4, Hdcp::V2_2] {
            assert_eq!(hdcp.as_str().parse(), Ok(hdcp));
        }
        for persistence in [Persistence::Offline, Persistence::Streaming] {
            assert_eq!(persistence.to_string().parse(), Ok(persistence));
        }
        for word in ["any", "hw", "hw_crypto", "hw_decode", "sw"] {
            assert_eq!(word.parse::<Robustness>().map(Robustness::as_str), Ok(word));
        }
        let error = "1.3".parse::<Hdcp>().unwrap_err();
        assert_eq!(error.to_string(), "expected one of `none` `no_output` `1.4` `2.2`");
    }
}
