//! The word some players put before a token.
//!
//! `Bearer ` is RFC 6750's; `Bearer=` is what Azure Media Player and its imitators send. The
//! word is taken off once: whatever is left has to be a token by itself.

/// Takes a leading `Bearer ` or `Bearer=` off, once. The word's case does not matter.
#[must_use]
pub fn strip(credential: &str) -> &str {
    match credential.split_at_checked(WORD.len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(WORD) => {
            rest.strip_prefix([' ', '=']).unwrap_or(credential)
        }
        _ => credential,
    }
}

const WORD: &str = "Bearer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_taken_off_once() {
        for (given, expected) in [
            ("Bearer a.b.c", "a.b.c"),
            ("bearer a.b.c", "a.b.c"),
            ("Bearer=a.b.c", "a.b.c"),
            ("Bearer Bearer a.b.c", "Bearer a.b.c"),
            ("Bearer  a.b.c", " a.b.c"),
            ("Bearera.b.c", "Bearera.b.c"),
            ("Bearer", "Bearer"),
            ("Beareé", "Beareé"),
            ("a.b.c", "a.b.c"),
            ("", ""),
        ] {
            assert_eq!(strip(given), expected, "{given}");
        }
    }
}
