//! Changes the URIs of a playlist and nothing else.
//!
//! Every byte that is not part of a changed URI stays as it was: unknown tags, comments,
//! line endings. Nothing is fetched or resolved, and variables (`{$name}`) are not
//! substituted; the caller sees a URI as it is written.
//!
//! A playlist in which a URI could be overlooked is refused as a whole, because a player
//! would go to the place that was not rewritten.
//!
//! SPEC: RFC 8216 §4.1 (lines, control characters), §4.2 (attribute lists);
//! draft-pantos-hls-rfc8216bis §4.4 for the tags of low-latency playlists.

use std::ops::Range;

use crate::uri::{self, Kind};

/// Asks `decide` about every URI that leads over HTTP, in order, and writes what it answers.
///
/// URIs stand on lines of their own and in the attribute `URI` of [`URI_TAGS`]. `None` leaves
/// one as it is. Not asked about: URIs of schemes other than http and https, such as `data:`
/// and `skd:`, which carry key ids.
///
/// # Errors
///
/// When the text is not a playlist, is malformed where a URI could stand, exceeds a limit, or
/// `decide` answered something that cannot stand in a playlist.
pub fn rewrite(
    playlist: &str,
    decide: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, PlaylistError> {
    let mut out = String::with_capacity(playlist.len());
    let mut number = 0;
    for line in playlist.split_inclusive('\n') {
        number += 1;
        let place = |fault| PlaylistError { line: number, fault };
        check_line(line, number).map_err(place)?;
        let Some(range) = find_uri(line).map_err(place)? else {
            out.push_str(line);
            continue;
        };
        let written = line.get(range.clone()).unwrap_or_default();
        match decide(written) {
            None => out.push_str(line),
            Some(rewritten) if uri::may_be_written(&rewritten) => {
                out.push_str(line.get(..range.start).unwrap_or_default());
                out.push_str(&rewritten);
                out.push_str(line.get(range.end..).unwrap_or_default());
            }
            Some(_) => return Err(place(PlaylistFault::Rewritten)),
        }
        if out.len() > BYTES_MAX {
            return Err(place(PlaylistFault::TooLong { max: BYTES_MAX }));
        }
    }
    if number == 0 {
        return Err(PlaylistError { line: 1, fault: PlaylistFault::NoPlaylist });
    }
    Ok(out)
}

/// The tags whose attribute `URI` is rewritten.
pub const URI_TAGS: [&str; 9] = [
    "#EXT-X-I-FRAME-STREAM-INF",
    "#EXT-X-KEY",
    "#EXT-X-MAP",
    "#EXT-X-MEDIA",
    "#EXT-X-PART",
    "#EXT-X-PRELOAD-HINT",
    "#EXT-X-RENDITION-REPORT",
    "#EXT-X-SESSION-DATA",
    "#EXT-X-SESSION-KEY",
];

/// A playlist that is not rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PlaylistError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PlaylistFault,
}

/// What is wrong with a playlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistFault {
    /// The attributes of a tag that carries a URI do not parse.
    #[error("malformed attribute list")]
    Attributes,
    /// A control character, or a carriage return that ends no line.
    #[error("a control character stands in a line")]
    Control,
    /// A line is too long.
    #[error("longer than {max} bytes")]
    LineTooLong {
        /// How long it may be.
        max: usize,
    },
    /// The first line is not `#EXTM3U`.
    #[error("not a playlist: the first line must be `#EXTM3U`")]
    NoPlaylist,
    /// What the URI was to become cannot stand in a playlist.
    #[error("the rewritten URI cannot stand in a playlist")]
    Rewritten,
    /// The playlist, as read or as written, is too long.
    #[error("the playlist is longer than {max} bytes")]
    TooLong {
        /// How long it may be.
        max: usize,
    },
    /// Too many lines.
    #[error("the playlist has more than {max} lines")]
    TooManyLines {
        /// How many it may have.
        max: usize,
    },
}

fn check_line(line: &str, number: usize) -> Result<(), PlaylistFault> {
    if number > LINES_MAX {
        return Err(PlaylistFault::TooManyLines { max: LINES_MAX });
    }
    if line.len() > LINE_BYTES_MAX {
        return Err(PlaylistFault::LineTooLong { max: LINE_BYTES_MAX });
    }
    let content = line.strip_suffix('\n').unwrap_or(line);
    let content = content.strip_suffix('\r').unwrap_or(content);
    // U+2028 and U+2029 end a line in the regular expressions of players in JavaScript.
    if content
        .contains(|c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(PlaylistFault::Control);
    }
    if number == 1 && content.trim_end_matches(BLANK) != "#EXTM3U" {
        return Err(PlaylistFault::NoPlaylist);
    }
    Ok(())
}

/// Where in the line its URI stands, if it has one that leads over HTTP.
fn find_uri(line: &str) -> Result<Option<Range<usize>>, PlaylistFault> {
    // Players trim lines, so blanks around a tag or a URI do not hide it.
    let trimmed = line.trim_start_matches(BLANK);
    let start = line.len().saturating_sub(trimmed.len());
    let trimmed = trimmed.trim_end_matches(['\r', '\n']).trim_end_matches(BLANK);
    let range = if trimmed.starts_with('#') {
        let Some((name, attributes)) = trimmed.split_once(':') else { return Ok(None) };
        if !URI_TAGS.contains(&name.trim_end_matches(BLANK)) {
            return Ok(None);
        }
        let before = start.saturating_add(name.len()).saturating_add(1);
        let Some(range) = find_attribute(attributes)? else { return Ok(None) };
        before.saturating_add(range.start)..before.saturating_add(range.end)
    } else {
        start..start.saturating_add(trimmed.len())
    };
    let leads =
        line.get(range.clone()).filter(|uri| !uri.is_empty() && uri::kind(uri) != Kind::Other);
    Ok(leads.map(|_| range))
}

/// Where in an attribute list the value of `URI` stands, without its quotes.
fn find_attribute(list: &str) -> Result<Option<Range<usize>>, PlaylistFault> {
    let malformed = PlaylistFault::Attributes;
    let mut found = None;
    let mut rest = list.trim_start_matches(BLANK);
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or(malformed.clone())?;
        let name = name.trim_matches(BLANK);
        if name.is_empty() || name.contains(['"', ',']) {
            return Err(malformed);
        }
        let value = value.trim_start_matches(BLANK);
        let is_uri = name.eq_ignore_ascii_case("URI");
        let after = if let Some(quoted) = value.strip_prefix('"') {
            let (text, after) = quoted.split_once('"').ok_or(malformed.clone())?;
            if is_uri {
                let start = list.len().saturating_sub(quoted.len());
                let range = start..start.saturating_add(text.len());
                if found.replace(range).is_some() {
                    return Err(malformed);
                }
            }
            after
        } else if is_uri {
            return Err(malformed);
        } else {
            value.trim_start_matches(|c| c != ',')
        };
        let after = after.trim_start_matches(BLANK);
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start_matches(BLANK),
            None if after.is_empty() => after,
            None => return Err(malformed),
        };
    }
    Ok(found)
}

const BLANK: [char; 2] = [' ', '\t'];

/// A day of two-second segments with a date and a byte range each stays far below both.
const BYTES_MAX: usize = 16 << 20;
const LINES_MAX: usize = 200_000;

/// Init data of many keys stand in one line as base64.
const LINE_BYTES_MAX: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Rewrites with a prefix, but leaves `http://other/` alone.
    #[track_caller]
    fn check(body: &str, expected: Result<&str, PlaylistFault>) {
        let mut decide =
            |uri: &str| (!uri.starts_with("http://other/")).then(|| format!("T/{uri}"));
        let actual = rewrite(&format!("#EXTM3U\n{body}"), &mut decide);
        let expected = expected.map(|body| format!("#EXTM3U\n{body}"));
        assert_eq!(actual.map_err(|error| error.fault), expected, "{body:?}");
    }

    #[test]
    fn lines_of_their_own_are_uris() {
        check("a.m4s\n#EXTINF:4,\n/b.m4s\n", Ok("T/a.m4s\n#EXTINF:4,\nT//b.m4s\n"));
        check("a.m4s", Ok("T/a.m4s"));
        check("a.m4s\r\n\r\n", Ok("T/a.m4s\r\n\r\n"));
        check("  a b.m4s\t\n", Ok("  T/a b.m4s\t\n"));
        check("http://other/a\ndata:x\n", Ok("http://other/a\ndata:x\n"));
    }

    #[test]
    fn every_tag_with_a_uri_is_rewritten_and_no_other() {
        for tag in URI_TAGS {
            check(&format!("{tag}:URI=\"a\""), Ok(&format!("{tag}:URI=\"T/a\"")));
            let body = format!(" {tag}:A=1,B=\"x,URI=y\", URI = \"a\" ,C=2,\r\n");
            check(&body, Ok(&body.replace("\"a\"", "\"T/a\"")));
            check(&format!("{tag}:A=1"), Ok(&format!("{tag}:A=1")));
            check(&format!("{tag}:URI=\"\""), Ok(&format!("{tag}:URI=\"\"")));
        }
        for body in [
            "#EXT-X-UNKNOWN:URI=\"a\"\n",
            "#EXT-X-KEYS:URI=\"a\"\n",
            "#EXT-X-MAP\n",
            "# comment, URI=\"a\"\n",
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n",
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AAAA\"\n",
        ] {
            check(body, Ok(body));
        }
    }

    #[test]
    fn a_list_in_which_a_uri_could_hide_is_refused() {
        for list in [
            "URI=a",
            "uri=a",
            "URI=\"a",
            "A,URI=\"a\"",
            "URI=\"a\"B=1",
            "=\"a\"",
            "\"a\"",
            "A",
            "URI=\"a\",URI=\"b\"",
            "URI=\"a\",uri=\"b\"",
            "A=\"x\"\"y\"",
            ",URI=\"a\"",
        ] {
            check(&format!("#EXT-X-MAP:{list}\n"), Err(PlaylistFault::Attributes));
        }
    }

    #[test]
    fn control_characters_are_refused_and_line_endings_are_not() {
        for body in ["a\rb\n", "a\0\n", "a\u{85}b\n", "a\u{2028}b\n", "#\u{b}\n", "a\r\r\n"] {
            check(body, Err(PlaylistFault::Control));
        }
        check("#EXTINF:4,a\tb\r\n", Ok("#EXTINF:4,a\tb\r\n"));
    }

    #[test]
    fn a_playlist_starts_with_its_tag() {
        for text in ["", "\n", "#EXTM3U8\n", " #EXTM3U\n", "\u{feff}#EXTM3U\n", "<html>"] {
            let fault = rewrite(text, &mut |_| None).unwrap_err();
            assert_eq!(fault, PlaylistError { line: 1, fault: PlaylistFault::NoPlaylist });
        }
        assert_eq!(rewrite("#EXTM3U", &mut |_| None).as_deref(), Ok("#EXTM3U"));
    }

    #[test]
    fn nothing_is_written_that_a_playlist_cannot_hold() {
        for answer in ["", "a\nb", "a\"b", "#a", "a\r", " a", "javascript:x"] {
            let text = "#EXTM3U\n#EXTINF:1,\na\n";
            let fault = rewrite(text, &mut |_| Some(answer.to_owned())).unwrap_err();
            assert_eq!(fault, PlaylistError { line: 3, fault: PlaylistFault::Rewritten });
        }
    }

    #[test]
    fn each_limit_is_met_and_not_passed() {
        let line = |bytes: usize| format!("#{}\n", "x".repeat(bytes - 2));
        check(&line(LINE_BYTES_MAX), Ok(&line(LINE_BYTES_MAX)));
        let fault = PlaylistFault::LineTooLong { max: LINE_BYTES_MAX };
        check(&line(LINE_BYTES_MAX + 1), Err(fault));
        let lines = |count: usize| "#\n".repeat(count - 1);
        check(&lines(LINES_MAX), Ok(&lines(LINES_MAX)));
        let fault = PlaylistFault::TooManyLines { max: LINES_MAX };
        check(&lines(LINES_MAX + 1), Err(fault));
        let grows = |bytes: usize| {
            let long = "a".repeat(bytes - "#EXTM3U\n\n".len());
            rewrite("#EXTM3U\na\n", &mut |_| Some(long.clone())).map(|text| text.len())
        };
        assert_eq!(grows(BYTES_MAX), Ok(BYTES_MAX));
        let fault = PlaylistFault::TooLong { max: BYTES_MAX };
        assert_eq!(grows(BYTES_MAX + 1), Err(PlaylistError { line: 2, fault }));
    }
}
