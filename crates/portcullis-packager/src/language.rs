//! Languages: MP4 has three letters (ISO 639-2), manifests want the shortest tag (RFC 5646).
//!
//! Codes that are not in the table are valid tags as they are, so nothing is refused.

/// The tag for a manifest; `None` when the file does not say.
pub(crate) fn tag(code: &str) -> Option<&str> {
    if matches!(code, "und" | "mul" | "zxx" | "mis" | "") {
        return None;
    }
    let found = SHORT.binary_search_by_key(&code, |(long, _)| *long);
    Some(found.ok().and_then(|at| SHORT.get(at)).map_or(code, |(_, short)| *short))
}

/// Sorted. The older "B" codes of ISO 639-2 are among them.
const SHORT: &[(&str, &str)] = &[
    ("ara", "ar"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("chi", "zh"),
    ("cze", "cs"),
    ("dan", "da"),
    ("deu", "de"),
    ("dut", "nl"),
    ("ell", "el"),
    ("eng", "en"),
    ("est", "et"),
    ("eus", "eu"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("ger", "de"),
    ("gre", "el"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("msa", "ms"),
    ("nld", "nl"),
    ("nor", "no"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("vie", "vi"),
    ("zho", "zh"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_languages_get_their_short_tag() {
        for (code, expected) in [
            ("ara", Some("ar")),
            ("eng", Some("en")),
            ("ger", Some("de")),
            ("zho", Some("zh")),
            ("gsw", Some("gsw")),
            ("und", None),
        ] {
            assert_eq!(tag(code), expected, "{code}");
        }
        assert!(SHORT.is_sorted());
    }
}
