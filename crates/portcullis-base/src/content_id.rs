//! The id of a content: what a viewer wants to watch.
//!
//! It stands in paths, tokens and database rows, so its alphabet is the unreserved
//! characters of a URL and nothing else. It says nothing about where the media lie.

use std::{fmt, str::FromStr};

/// 1 to 200 of `A-Z a-z 0-9 . _ ~ -`, not starting with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentId(Box<str>);

impl ContentId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContentId {
    type Err = ContentIdError;

    fn from_str(text: &str) -> Result<Self, ContentIdError> {
        let accepted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
        let fits = !text.is_empty()
            && text.len() <= CONTENT_ID_BYTES_MAX
            && !text.starts_with('.')
            && text.chars().all(accepted);
        if fits { Ok(Self(text.into())) } else { Err(ContentIdError) }
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a content id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a content id: expected 1 to 200 letters, digits, `.`, `_`, `~` or `-`, \
     not starting with a dot"
)]
pub struct ContentIdError;

const CONTENT_ID_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_make_an_id() {
        for good in ["film", "Film-1_2.mp4~x", &"a".repeat(200)] {
            assert!(good.parse::<ContentId>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "a%2f", "é", &"a".repeat(201)] {
            assert_eq!(bad.parse::<ContentId>(), Err(ContentIdError), "{bad}");
        }
    }
}
