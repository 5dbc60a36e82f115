//! `portcullis token verify --batch`: judges other people's test sets line by line.
//!
//! One line is in memory at a time. An answer is written before the next line is waited for,
//! so that a program can talk with it.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _},
    process::ExitCode,
};

use portcullis_base::Timestamp;
use portcullis_token::format::{BatchVerdict, LINE_BYTES_MAX, answer};

use crate::report::{Done, Stop};

pub(super) const HELP: &str = "\
With --batch, each line of standard input is a JSON object:
  id        anything; it comes back in the answer
  format    the family, one of the list above
  token     the token; left out, it is taken from the request
  …         the family's keys and settings, by name: `token formats` lists them
  now       the moment: Unix seconds or 2026-01-31T12:00:00Z
  url       the URL asked for; or `path` and `query`, as sent
  method, ip, country, content, drm   texts
  headers   an object of names and values; a value may be a list
  kids      a list of key ids
Each line of standard output answers one of them, in order:
  {\"id\": …, \"verdict\": \"accept\", \"reason\": null, \"step\": null}
  {\"id\": …, \"verdict\": \"refuse\", \"reason\": \"token.expired\", \"step\": \"times\"}
  {\"id\": …, \"verdict\": \"error\", \"reason\": \"what is wrong with the line\", \"step\": null}
The exit code is 0 if every line could be judged, whatever the verdicts, and 2 if one could not.";

/// Judges standard input. `now` is the moment for lines that say none.
pub(super) fn run(now: Timestamp) -> Done {
    let mut lines = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut errors = false;
    let mut line = Vec::new();
    let failed = |error: io::Error| Stop::failure(error);
    while read_line(&mut lines, &mut line).map_err(failed)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = answer(&line, now);
        errors |= matches!(answer.verdict, BatchVerdict::Error(_));
        let mut written = writeln!(out, "{}", answer.to_line());
        if lines.buffer().is_empty() {
            written = written.and_then(|()| out.flush());
        }
        if written.is_err() {
            // Nobody reads any more.
            break;
        }
    }
    let _ = out.flush();
    Ok(if errors { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// Reads the next line, without its end. Of one that is too long only so much is kept that
/// this can be told.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
    if from.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LINE_BYTES_MAX {
        from.skip_until(b'\n')?;
    }
    Ok(true)
}

const BUFFER_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_spoils_no_other() {
        let long = "x".repeat(LINE_BYTES_MAX);
        let text = format!("a\n\n{long}\n{long}y\n{long}yyy\nb");
        let (mut from, mut line) = (text.as_bytes(), Vec::new());
        let mut lengths = Vec::new();
        while read_line(&mut from, &mut line).unwrap() {
            lengths.push(line.len());
        }
        let over = LINE_BYTES_MAX + 1;
        assert_eq!(lengths, [1, 0, LINE_BYTES_MAX, over, over + 1, 1]);
    }
}
