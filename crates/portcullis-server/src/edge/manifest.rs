//! Manifests whose addresses carry the session, for players without cookies.
//!
//! The session travels as a path component before everything relative to it, so that media
//! playlists and segments inherit it and only the first manifest is rewritten. Addresses on
//! other hosts, `data:` and `skd:` URIs stay as they are: a session is ours alone.

use std::borrow::Cow;

use portcullis_media::{dash, hls};

/// A kind of manifest, told by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ManifestKind {
    Dash,
    Hls,
}

impl ManifestKind {
    pub(super) fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "mpd" => Some(Self::Dash),
            "m3u8" => Some(Self::Hls),
            _ => None,
        }
    }
}

/// Where a manifest stands and what its addresses are to carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carry<'a> {
    /// The manifest's own path, as sent, without a session component.
    pub(super) path: &'a str,
    /// The start of the paths this edge serves on this route.
    pub(super) prefix: &'a str,
    /// The session token.
    pub(super) token: &'a str,
}

/// Rewrites a manifest so that every address of this edge in it carries the session.
///
/// # Errors
///
/// A sentence for the log when the manifest cannot be read.
pub(super) fn carry_session(
    kind: ManifestKind,
    manifest: &str,
    carry: &Carry<'_>,
) -> Result<String, String> {
    let mut with_session = |uri: &str| carry.address(uri);
    match kind {
        ManifestKind::Dash => {
            dash::rewrite::rewrite(manifest, &mut with_session).map_err(|error| error.to_string())
        }
        ManifestKind::Hls => {
            hls::rewrite::rewrite(manifest, &mut with_session).map_err(|error| error.to_string())
        }
    }
}

impl Carry<'_> {
    /// The address with the session in it; `None` to leave it as it is.
    fn address(&self, uri: &str) -> Option<String> {
        let end = uri.find(['?', '#']).unwrap_or(uri.len());
        let (path, rest) = uri.split_at(end);
        let has_scheme = path.split('/').next().is_some_and(|first| first.contains(':'));
        if path.is_empty() || has_scheme || path.starts_with("//") {
            return None;
        }
        let token = self.token;
        if path.split('/').any(|segment| matches!(segment, "." | "..")) || path.starts_with('/') {
            let resolved = self.resolve(path)?;
            return resolved
                .starts_with(self.prefix)
                .then(|| format!("/hdntl={token}{resolved}{rest}"));
        }
        Some(format!("hdntl={token}/{path}{rest}"))
    }

    /// SPEC: RFC 3986 §5.2.4. `None` when the address leads out of the root.
    fn resolve<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        if path.starts_with('/') && !path.split('/').any(|s| matches!(s, "." | "..")) {
            return Some(Cow::Borrowed(path));
        }
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let base = if path.starts_with('/') { "" } else { folder };
        let mut segments: Vec<&str> = Vec::new();
        for segment in base.split('/').chain(path.split('/')).filter(|s| !s.is_empty()) {
            match segment {
                "." => {}
                ".." => drop(segments.pop()?),
                other => segments.push(other),
            }
        }
        Some(Cow::Owned(format!("/{}", segments.join("/"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Option<&str>) {
        let carry = Carry {
            path: "/media/film/cbcs/master.m3u8",
            prefix: "/media/",
            token: "exp=1~hmac=2",
        };
        assert_eq!(carry.address(uri).as_deref(), expected, "{uri}");
    }

    #[test]
    fn relative_addresses_go_below_the_session() {
        check("v/1.m3u8?a=b", Some("hdntl=exp=1~hmac=2/v/1.m3u8?a=b"));
        check("seg$Number$.m4s", Some("hdntl=exp=1~hmac=2/seg$Number$.m4s"));
    }

    #[test]
    fn addresses_from_the_root_carry_it_first() {
        check("/media/x.m4s", Some("/hdntl=exp=1~hmac=2/media/x.m4s"));
        check("../cenc/x.m4s", Some("/hdntl=exp=1~hmac=2/media/film/cenc/x.m4s"));
        check("a/../b.m4s", Some("/hdntl=exp=1~hmac=2/media/film/cbcs/b.m4s"));
    }

    #[test]
    fn what_is_not_ours_stays() {
        check("https://cdn.test/x.m4s", None);
        check("//cdn.test/x.m4s", None);
        check("data:text/plain;base64,AA==", None);
        check("skd://key", None);
        check("/other/x.m4s", None);
        check("../../../../x", None);
        check("", None);
        check("#t=1", None);
    }
}
