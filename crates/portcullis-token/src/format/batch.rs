//! Other people's test sets: one JSON object per token and request, one verdict for each.
//!
//! A line says the family, its keys, the token and the request; see `docs/tokens.md` for the
//! members. A line that cannot be judged is an [`BatchVerdict::Error`] and no refusal: a test
//! that expects a refusal must not pass because its key was left out. A text of a line is
//! repeated in no answer but for its `id`.

use std::net::IpAddr;

use portcullis_base::{
    Timestamp, canonical_address,
    json::{self, Limits, Object, Value},
};

use super::{FORMATS, Format, Given, GivenFault, Request, RequestFault};
use crate::{
    claims::TokenSystem,
    fault::{Fault, Refused, Step},
};

/// The answer to a line.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchAnswer {
    /// The line's `id`, whatever it is; `null` when it could not be read.
    pub id: Value,
    /// What came out.
    pub verdict: BatchVerdict,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchVerdict {
    /// The token is good for the request.
    Accept,
    /// The line could not be judged.
    Error(BatchFault),
    /// The token is not good for the request.
    Refuse(Refused),
}

impl BatchAnswer {
    /// The answer as a line of JSON, without a line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        let null = || (Value::Null, Value::Null);
        let (verdict, (reason, step)) = match &self.verdict {
            BatchVerdict::Accept => ("accept", null()),
            BatchVerdict::Error(fault) => ("error", (fault.to_string().into(), Value::Null)),
            BatchVerdict::Refuse(Refused { step, fault }) => {
                ("refuse", (fault.code().into(), step.as_str().into()))
            }
        };
        let id = &self.id;
        format!(r#"{{"id":{id},"verdict":"{verdict}","reason":{reason},"step":{step}}}"#)
    }
}

/// Why a line could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// No family has this name.
    #[error("no family is called so in `format`")]
    Format,
    /// A key or setting is missing or cannot be read.
    #[error(transparent)]
    Given(#[from] GivenFault),
    /// The line is not an object in JSON.
    #[error("the line is no JSON object: {0}")]
    Json(String),
    /// The line is too long.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    Long,
    /// A member that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// `url` and `path` are both there.
    #[error("`url` stands beside `path` or `query`")]
    Twice,
    /// A member nobody knows.
    #[error("`{0}` is not a member of this family's lines")]
    Unknown(String),
    /// A member that is there cannot be read.
    #[error("`{name}` is not {expected}")]
    Value {
        /// The member.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
    },
}

/// Judges one line. `now` is the moment for lines that say none.
#[must_use]
pub fn answer(line: &[u8], now: Timestamp) -> BatchAnswer {
    answer_among(FORMATS, line, now)
}

fn answer_among(formats: &[&'static dyn Format], line: &[u8], now: Timestamp) -> BatchAnswer {
    match members(line) {
        Err(fault) => BatchAnswer { id: Value::Null, verdict: BatchVerdict::Error(fault) },
        Ok(mut members) => {
            let id = members.remove("id").unwrap_or(Value::Null);
            let verdict = match judge(formats, &members, now) {
                Ok(None) => BatchVerdict::Accept,
                Ok(Some(refused)) => BatchVerdict::Refuse(refused),
                Err(fault) => BatchVerdict::Error(fault),
            };
            BatchAnswer { id, verdict }
        }
    }
}

fn members(line: &[u8]) -> Result<Object, BatchFault> {
    if line.len() > LINE_BYTES_MAX {
        return Err(BatchFault::Long);
    }
    match json::parse(line, &LIMITS) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => Err(BatchFault::Json(format!("it is {}", other.kind()))),
        Err(error) => Err(BatchFault::Json(error.to_string())),
    }
}

/// Why the token is refused, if it is.
fn judge(
    formats: &[&'static dyn Format],
    members: &Object,
    now: Timestamp,
) -> Result<Option<Refused>, BatchFault> {
    let name = text(members, "format")?.ok_or(BatchFault::Missing("format"))?;
    let format = formats.iter().find(|format| format.about().name == name);
    let format = format.ok_or(BatchFault::Format)?;
    let mut given = Given::new();
    for (name, value) in members {
        if format.about().keys.iter().any(|key| key.name == name) {
            given.add_json(name, value);
        } else if !COMMON.contains(&name.as_str()) {
            return Err(BatchFault::Unknown(name.clone()));
        }
    }
    let request = request(members)?;
    let now = moment(members, now)?;
    let token = match text(members, "token")? {
        Some(token) => token.to_owned(),
        None => match format.find_in(&given, &request) {
            Ok(Some(token)) => token,
            Ok(None) => {
                // A key that is none is an error, with a token or without.
                let _ = format.verify(&given, "", &request, now)?;
                return Ok(Some(Fault::Absent.at(Step::Presence)));
            }
            Err(refused) => return Ok(Some(refused)),
        },
    };
    Ok(format.verify(&given, &token, &request, now)?.err())
}

fn moment(members: &Object, now: Timestamp) -> Result<Timestamp, BatchFault> {
    let mut given = Given::new();
    if let Some(value) = members.get("now") {
        given.add_json("now", value);
    }
    Ok(given.time("now", now)?.unwrap_or(now))
}

fn request(members: &Object) -> Result<Request, BatchFault> {
    let mut request = Request::default();
    let (path, query) = (text(members, "path")?, text(members, "query")?);
    if let Some(url) = text(members, "url")? {
        if path.is_some() || query.is_some() {
            return Err(BatchFault::Twice);
        }
        let fault =
            |RequestFault::Url| value("url", "a URL `https://host/path?query` or `/path?query`");
        request.set_url(url).map_err(fault)?;
    } else {
        if path.is_some_and(|path| !path.starts_with('/') || path.contains('?')) {
            return Err(value("path", "a path that begins with `/` and has no query"));
        }
        request.path = path.map(str::to_owned);
        request.query = query.map(str::to_owned);
    }
    request.method = text(members, "method")?.map(str::to_owned);
    request.country = text(members, "country")?.map(str::to_owned);
    request.content = text(members, "content")?.map(str::to_owned);
    if let Some(address) = text(members, "ip")? {
        let address: IpAddr = address.parse().map_err(|_| value("ip", "an address"))?;
        request.address = Some(canonical_address(address));
    }
    if let Some(name) = text(members, "drm")? {
        let system = TokenSystem::from_name(name);
        request.system = Some(system.ok_or_else(|| value("drm", "a DRM system"))?);
    }
    for kid in texts("kids", members.get("kids"))? {
        let kid = kid.parse().map_err(|_| value("kids", "a list of key ids"))?;
        request.kids.push(kid);
    }
    request.headers = headers(members)?;
    Ok(request)
}

/// `{"Name": "value", "Other": ["one", "two"]}`.
fn headers(members: &Object) -> Result<Vec<(String, String)>, BatchFault> {
    let mut headers = Vec::new();
    match members.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(named)) => {
            for (name, values) in named {
                let values = texts("headers", Some(values))?;
                headers.extend(values.into_iter().map(|value| (name.clone(), value.to_owned())));
            }
        }
        Some(_) => return Err(value("headers", "an object of names and values")),
    }
    Ok(headers)
}

/// A member that is a text; `null` is as good as absent.
fn text<'a>(members: &'a Object, name: &'static str) -> Result<Option<&'a str>, BatchFault> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(value(name, "a text")),
    }
}

/// A text, or a list of texts.
fn texts<'a>(name: &'static str, given: Option<&'a Value>) -> Result<Vec<&'a str>, BatchFault> {
    let fault = || value(name, "a text or a list of texts");
    match given {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().ok_or_else(fault)).collect()
        }
        Some(_) => Err(fault()),
    }
}

const fn value(name: &'static str, expected: &'static str) -> BatchFault {
    BatchFault::Value { name, expected }
}

/// Bytes of a line: a token of the longest kind, twice over, and room for keys.
pub const LINE_BYTES_MAX: usize = 256 << 10;

/// The members every family's lines may have, besides its keys and `id`.
const COMMON: [&str; 13] = [
    "content", "country", "drm", "format", "headers", "ip", "kids", "method", "now", "path",
    "query", "token", "url",
];

const LIMITS: Limits = Limits {
    bytes_max: LINE_BYTES_MAX,
    depth_max: 16,
    values_max: 4096,
    string_bytes_max: LINE_BYTES_MAX,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::double::SAMPLE;

    #[test]
    fn a_line_is_accepted_refused_or_an_error() {
        let check = |line: &str, expected: &str| {
            let answer = answer_among(&[&SAMPLE], line.as_bytes(), Timestamp(20));
            assert_eq!(answer.to_line(), expected, "{line}");
        };
        let accept = r#"{"id":1,"verdict":"accept","reason":null,"step":null}"#;
        check(r#"{"id":1,"format":"sample","key":"k","token":"sample.21.k"}"#, accept);
        check(r#"{"id":1,"format":"sample","key":"k","url":"/?sample=sample.21.k"}"#, accept);
        check(
            r#"{"id":1,"format":"sample","key":"k","path":"/","query":"sample=sample.21.k"}"#,
            accept,
        );
        check(r#"{"id":1,"format":"sample","key":"k","now":2,"token":"sample.3.k"}"#, accept);
        let full = r#"{"id":1,"format":"sample","key":"k","token":"sample.21.k","method":"GET",
            "ip":"::1","headers":{"a":"b","c":["d","e"]},"content":"c","drm":"widevine",
            "kids":["00000000-0000-4000-8000-000000000001"],"country":"KR","path":null}"#;
        check(full, accept);
        let refuse = |reason: &str, step: &str| {
            format!(r#"{{"id":null,"verdict":"refuse","reason":"token.{reason}","step":"{step}"}}"#)
        };
        check(
            r#"{"format":"sample","key":"k","token":"sample.20.k"}"#,
            &refuse("expired", "times"),
        );
        check(r#"{"format":"sample","key":"k","token":""}"#, &refuse("malformed", "form"));
        check(r#"{"format":"sample","key":"k"}"#, &refuse("missing", "presence"));
        let twice = r#"{"format":"sample","key":"k","query":"sample=a&sample=b"}"#;
        check(twice, &refuse("ambiguous", "presence"));
    }

    #[test]
    fn what_cannot_be_judged_is_no_refusal() {
        let check = |members: &str, expected: &str| {
            let line = format!(r#"{{"id":"x",{members}}}"#);
            let answer = answer_among(&[&SAMPLE], line.as_bytes(), Timestamp(20));
            assert_eq!(answer.id, Value::from("x"), "{line}");
            let BatchVerdict::Error(fault) = answer.verdict else { panic!("{line}: {answer:?}") };
            assert_eq!(fault.to_string(), expected, "{line}");
        };
        let with = |members: &str| {
            format!(r#""format":"sample","key":"k","token":"sample.1.k",{members}"#)
        };
        check(r#""token":"t""#, "`format` is missing");
        check(r#""format":"none""#, "no family is called so in `format`");
        check(r#""format":"sample","token":"t""#, "`key` is missing");
        check(r#""format":"sample","key":["a","b"],"token":"t""#, "`key` was given more than once");
        check(&with(r#""kye":"k""#), "`kye` is not a member of this family's lines");
        check(&with(r#""url":"/","path":"/""#), "`url` stands beside `path` or `query`");
        let url = "`url` is not a URL `https://host/path?query` or `/path?query`";
        check(&with(r#""url":"a""#), url);
        check(&with(r#""path":"a""#), "`path` is not a path that begins with `/` and has no query");
        check(&with(r#""ip":"1.2.3""#), "`ip` is not an address");
        check(&with(r#""ip":1"#), "`ip` is not a text");
        check(&with(r#""drm":"x""#), "`drm` is not a DRM system");
        check(&with(r#""kids":["x"]"#), "`kids` is not a list of key ids");
        check(&with(r#""headers":[]"#), "`headers` is not an object of names and values");
        check(&with(r#""headers":{"a":1}"#), "`headers` is not a text or a list of texts");
        let now = "`now` is not a time: Unix seconds, `2026-01-31T12:00:00Z`, `now` or `now+2h`";
        check(&with(r#""now":1.5"#), now);
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        let check = |line: &[u8], expected: &str| {
            let answer = answer_among(&[&SAMPLE], line, Timestamp(20));
            let BatchVerdict::Error(fault) = answer.verdict else { panic!("{answer:?}") };
            assert_eq!((answer.id, fault.to_string().as_str()), (Value::Null, expected));
        };
        check(b"[]", "the line is no JSON object: it is an array");
        let long = [b" ".repeat(LINE_BYTES_MAX - 2), b"[]".to_vec()].concat();
        check(&long, "the line is no JSON object: it is an array");
        check(&[&long[..], b" "].concat(), "the line is longer than 262144 bytes");
    }
}
