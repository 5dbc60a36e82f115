//! The words of `drm_type`.
//!
//! SPEC: the License Token Guide names four, in exact case; newer samples of the vendor add
//! `Wiseplay`, one of them written `WisePlay`.

use portcullis_base::DrmSystem;

use super::DrmTypeCase;
use crate::claims::TokenSystem;

/// The system of a token that names none.
pub(super) const DEFAULT: TokenSystem = TokenSystem::Known(DrmSystem::PlayReady);

/// The usual spelling; `None` for a system the format does not know.
pub(super) const fn word(system: TokenSystem) -> Option<&'static str> {
    match system {
        TokenSystem::Known(DrmSystem::ClearKey) => None,
        TokenSystem::Known(DrmSystem::FairPlay) => Some("FairPlay"),
        TokenSystem::Known(DrmSystem::PlayReady) => Some("PlayReady"),
        TokenSystem::Known(DrmSystem::Widevine) => Some("Widevine"),
        TokenSystem::Ncg => Some("NCG"),
        TokenSystem::WisePlay => Some("Wiseplay"),
    }
}

/// The system of a word.
pub(super) fn from_word(text: &str, case: DrmTypeCase) -> Option<TokenSystem> {
    let same = |known: &str| match case {
        DrmTypeCase::Lenient => known.eq_ignore_ascii_case(text),
        DrmTypeCase::Strict => known == text,
    };
    WORDS.into_iter().find(|(known, _)| same(known)).map(|(_, system)| system)
}

const WORDS: [(&str, TokenSystem); 6] = [
    ("Widevine", TokenSystem::Known(DrmSystem::Widevine)),
    ("PlayReady", TokenSystem::Known(DrmSystem::PlayReady)),
    ("FairPlay", TokenSystem::Known(DrmSystem::FairPlay)),
    ("NCG", TokenSystem::Ncg),
    ("Wiseplay", TokenSystem::WisePlay),
    ("WisePlay", TokenSystem::WisePlay),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_unless_it_is_told_not_to() {
        let check = |text: &str, strict: bool, lenient: bool| {
            assert_eq!(from_word(text, DrmTypeCase::Strict).is_some(), strict, "{text}");
            assert_eq!(from_word(text, DrmTypeCase::Lenient).is_some(), lenient, "{text}");
        };
        for (known, system) in WORDS {
            check(known, true, true);
            let usual = word(system).unwrap();
            assert_eq!(from_word(usual, DrmTypeCase::Strict), Some(system));
        }
        check("widevine", false, true);
        check("WISEPLAY", false, true);
        check("ClearKey", false, false);
        check("", false, false);
        check("Widevine ", false, false);
    }
}
