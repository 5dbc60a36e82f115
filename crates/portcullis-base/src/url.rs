//! The only form in which a request's URL may reach a log or an audit record.
//!
//! It keeps the path and the *names* of query parameters, never their values, and hides
//! tokens that travel as a path component (SEC-15, SEC-16). Control characters, escape
//! sequences and bidirectional overrides are escaped, so one record stays one line (SEC-17).

use std::fmt;

/// A request's path and query, made safe to print when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestUrl(Box<str>);

impl RequestUrl {
    /// Makes the safe form of a path and its query, both as sent.
    #[must_use]
    pub fn new(path: &str, query: Option<&str>) -> Self {
        let mut safe = String::with_capacity(path.len());
        for (position, component) in path.split('/').enumerate() {
            if position > 0 {
                safe.push('/');
            }
            match component.split_once('=') {
                Some((name, _)) => {
                    push_escaped(&mut safe, name);
                    safe.push_str("=…");
                }
                None => push_escaped(&mut safe, component),
            }
        }
        if let Some(query) = query {
            for (position, pair) in query.split('&').enumerate() {
                safe.push(if position == 0 { '?' } else { '&' });
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                push_escaped(&mut safe, name);
                if !value.is_empty() {
                    safe.push_str("=…");
                }
            }
        }
        Self(safe.into())
    }
}

impl fmt::Display for RequestUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        if out.len() >= PRINTED_BYTES_MAX {
            return;
        }
        if character.is_control() || overrides_direction(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
}

/// Whether a character changes the direction of the text after it, and could make a line look
/// like another one.
pub(crate) const fn overrides_direction(character: char) -> bool {
    matches!(
        character,
        '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

const PRINTED_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, query: Option<&str>, expected: &str) {
        assert_eq!(RequestUrl::new(path, query).to_string(), expected);
    }

    #[test]
    fn names_stay_and_values_go() {
        check("/media/film/a.mpd", Some("hdnts=exp=1~hmac=2&t"), "/media/film/a.mpd?hdnts=…&t");
        check("/media/hdntl=exp=1~hmac=ab/a.m4s", None, "/media/hdntl=…/a.m4s");
    }

    #[test]
    fn one_url_is_one_line() {
        check("/a\n\u{1b}[31m\u{202e}b", None, "/a\\u{a}\\u{1b}[31m\\u{202e}b");
    }
}
