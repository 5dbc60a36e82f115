//! Makes tokens, with the fields in the order of Google's sample.
//!
//! What a verifier of this crate would refuse is not made.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::Timestamp;

use super::{
    LONG_LIFETIME_MAX, TOKEN_BYTES_MAX,
    fields::{GENERATED, header_names, path_globs, ranges, url_prefix},
    keys::{MediaCdnSigner, Proof},
    token::{Covers, MediaCdnClaims, TokenKind, header_values},
};
use crate::{edge::acl::Acl, format::Request, uri};

/// What a token is to say. Exactly one of the first three must be there.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The beginning of the URLs it covers: `https://cdn.example/vod/`.
    pub url_prefix: Option<&'a str>,
    /// The one path it covers, as it will be sent.
    pub full_path: Option<&'a str>,
    /// Path patterns, joined by `,` or `!`.
    pub path_globs: Option<&'a str>,
    /// From when it may be used; at once if absent.
    pub starts: Option<Timestamp>,
    /// From when it may no longer be used.
    pub expires: Timestamp,
    /// The viewer's session: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub session: Option<&'a str>,
    /// A payload: printable ASCII without `~`.
    pub data: Option<&'a str>,
    /// Headers the request must repeat with these values, in this order.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The ranges of addresses it may be used from, joined by `,`.
    pub ip_ranges: Option<&'a str>,
    /// Which kind it is.
    pub kind: TokenKind,
    /// Whether it may cover every path of a host.
    pub danger_root: bool,
}

/// Makes the long token of the stream that a short one opened, as the edge would: with what
/// the short one covers, its session, payload, headers and addresses, and an end of its own.
/// A token over one path opens the directory of that path.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue_long(
    claims: &MediaCdnClaims,
    request: &Request,
    expires: Timestamp,
    signer: &MediaCdnSigner,
    now: Timestamp,
) -> Result<String, MediaCdnRefusal> {
    let covers = match &claims.covers {
        Covers::FullPath => {
            let path = claims.path.as_deref().ok_or(MediaCdnRefusal::FullPath)?;
            let directory = Acl::directory_of(path).ok();
            // SECURITY: a comma parts two globs here. Written into a list, `/a,/b/*` would open
            // every `/b/`, which the short token never covered.
            let directory = directory.filter(|acl| !acl.as_str().contains(','));
            Covers::PathGlobs(directory.ok_or(MediaCdnRefusal::PathGlobs)?)
        }
        other => other.clone(),
    };
    let text = covers.to_string();
    let (url_prefix, path_globs) = match covers {
        Covers::UrlPrefix { .. } => (Some(text.as_str()), None),
        _ => (None, Some(text.as_str())),
    };
    let value = |name: &String| request.header(name).next();
    let headers = claims.headers.iter().map(|name| value(name).map(|value| (name.as_str(), value)));
    let ranges: Vec<String> = claims.ranges.iter().map(ToString::to_string).collect();
    let ranges = ranges.join(",");
    let wanted = Wanted {
        url_prefix,
        full_path: None,
        path_globs,
        starts: None,
        expires,
        session: claims.session.as_deref(),
        data: claims.data.as_deref(),
        headers: headers.collect::<Option<_>>().ok_or(MediaCdnRefusal::Headers)?,
        ip_ranges: (!ranges.is_empty()).then_some(ranges.as_str()),
        kind: TokenKind::Long,
        danger_root: claims.covers.is_root(),
    };
    issue(&wanted, signer, now)
}

/// Makes a token.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(
    wanted: &Wanted<'_>,
    signer: &MediaCdnSigner,
    now: Timestamp,
) -> Result<String, MediaCdnRefusal> {
    if wanted.expires <= wanted.starts.unwrap_or(Timestamp(0)) {
        return Err(MediaCdnRefusal::LifetimeEmpty);
    }
    let ahead = wanted.starts.unwrap_or(now).until(wanted.expires);
    if wanted.kind == TokenKind::Long && ahead > LONG_LIFETIME_MAX {
        return Err(MediaCdnRefusal::LifetimeTooLong);
    }
    let mut text = Text::default();
    let coverage = coverage(wanted)?;
    // The order in which long tokens were seen.
    if wanted.kind == TokenKind::Long {
        text.same("Expires", &wanted.expires.to_string());
        text.same("_GO", GENERATED);
    }
    match wanted.full_path {
        Some(path) => text.differing("FullPath", &format!("FullPath={path}")),
        None => text.same(coverage.0, &coverage.1),
    }
    if let Some(starts) = wanted.starts {
        text.same("Starts", &starts.to_string());
    }
    if wanted.kind == TokenKind::Short {
        text.same("Expires", &wanted.expires.to_string());
    }
    if let Some(session) = wanted.session {
        text.same("SessionID", session_id(session)?);
    }
    if let Some(data) = wanted.data {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'~';
        if data.is_empty() || !data.bytes().all(plain) {
            return Err(MediaCdnRefusal::Data);
        }
        text.same("Data", data);
    }
    if !wanted.headers.is_empty() {
        let (names, signed) = headers(&wanted.headers)?;
        text.differing(&format!("Headers={names}"), &format!("Headers={signed}"));
    }
    if let Some(list) = wanted.ip_ranges {
        ranges(list).ok_or(MediaCdnRefusal::IpRanges)?;
        text.same("IPRanges", &URL_SAFE_NO_PAD.encode(list));
    }
    let closing = match signer.sign(text.signed.as_bytes()) {
        Proof::Hmac(mac) => format!("~hmac={}", hex::encode(mac)),
        Proof::Signature(bytes) => format!("~Signature={}", URL_SAFE_NO_PAD.encode(bytes)),
    };
    text.sent.push_str(&closing);
    if text.sent.len() > TOKEN_BYTES_MAX { Err(MediaCdnRefusal::TooLong) } else { Ok(text.sent) }
}

fn coverage(wanted: &Wanted<'_>) -> Result<(&'static str, String), MediaCdnRefusal> {
    let (covers, field) = match (wanted.url_prefix, wanted.full_path, wanted.path_globs) {
        (Some(prefix), None, None) => {
            let covers = url_prefix(prefix).ok_or(MediaCdnRefusal::UrlPrefix)?;
            (covers, ("URLPrefix", URL_SAFE_NO_PAD.encode(prefix)))
        }
        (None, Some(path), None) => {
            // A `~` in it would begin a field in what is signed.
            let clean = uri::check_path(path).is_ok() && !path.contains('~');
            return clean.then(Default::default).ok_or(MediaCdnRefusal::FullPath);
        }
        (None, None, Some(globs)) => {
            let covers = path_globs(globs).ok_or(MediaCdnRefusal::PathGlobs)?;
            (covers, ("PathGlobs", globs.to_owned()))
        }
        _ => return Err(MediaCdnRefusal::Coverage),
    };
    if covers.is_root() && !wanted.danger_root {
        return Err(MediaCdnRefusal::Root);
    }
    Ok(field)
}

fn session_id(id: &str) -> Result<&str, MediaCdnRefusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(plain);
    if fits { Ok(id) } else { Err(MediaCdnRefusal::Session) }
}

/// The names, and what is signed for them.
fn headers(headers: &[(&str, &str)]) -> Result<(String, String), MediaCdnRefusal> {
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(",");
    let list = header_names(&names).map_err(|_| MediaCdnRefusal::Headers)?;
    let pairs = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = Request { headers: pairs.collect(), ..Request::default() };
    let signed = header_values(&list, &request).map_err(|_| MediaCdnRefusal::Headers)?;
    Ok((names, signed))
}

/// A token while it is put together, and what is signed for it.
#[derive(Default)]
struct Text {
    sent: String,
    signed: String,
}

impl Text {
    fn same(&mut self, name: &str, value: &str) {
        let field = format!("{name}={value}");
        self.differing(&field, &field);
    }

    fn differing(&mut self, sent: &str, signed: &str) {
        for (text, field) in [(&mut self.sent, sent), (&mut self.signed, signed)] {
            if !text.is_empty() {
                text.push('~');
            }
            text.push_str(field);
        }
    }
}

/// Why a token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaCdnRefusal {
    /// Not exactly one statement of what is covered.
    #[error("give exactly one of `url_prefix`, `full_path` and `path_globs`")]
    Coverage,
    /// The payload cannot stand in a token.
    #[error("`data` is empty, or has something other than printable ASCII, or `~`")]
    Data,
    /// The path could be read in more than one way.
    #[error("`full_path` is not a path that can be read in one way only")]
    FullPath,
    /// The headers cannot be signed.
    #[error("`headers` are not 1 to 16 different header names with values without `~`")]
    Headers,
    /// The ranges are none.
    #[error("`ip_ranges` is not a list of address ranges joined by `,`")]
    IpRanges,
    /// The lifetime has no second in it.
    #[error("the token would end no later than it starts")]
    LifetimeEmpty,
    /// A long token would live too long.
    #[error("a long token lives 604800 s at most")]
    LifetimeTooLong,
    /// The patterns are none.
    #[error("`path_globs` is not 1 to 5 path patterns joined by `,` or `!`")]
    PathGlobs,
    /// Every path would be covered and this was not asked for.
    #[error("the token would cover every path")]
    Root,
    /// The session cannot be on a revocation list.
    #[error("`session_id` is not 1 to 64 letters, digits, `_` or `-`")]
    Session,
    /// The token would be longer than it may be.
    #[error("the token would be longer than 4000 bytes")]
    TooLong,
    /// The prefix is none.
    #[error("`url_prefix` is not `http(s)://host/…` without query or fragment")]
    UrlPrefix,
}
