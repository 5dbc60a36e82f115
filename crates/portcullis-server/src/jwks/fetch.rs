//! One fetch of an issuer's keys: the discovery document, if there is one, and the key set.
//!
//! Keeps nothing and decides nothing about how often.

use std::time::Duration;

use http::{HeaderMap, header::CACHE_CONTROL};
use portcullis_policy::model::{KeySource, KeySourceKind};
use portcullis_token::jwks::{
    self, DOCUMENT_BYTES_MAX, Discovery, DiscoveryError, JwksError, KeySet,
};

use crate::outbound::{NamedBy, Outbound, OutboundError};

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) set: KeySet,
    /// How long the issuer wants it kept.
    pub(super) max_age: Option<Duration>,
}

pub(super) async fn fetch(outbound: &Outbound, source: &KeySource) -> Result<Fetched, FetchError> {
    let get = async |url, named_by| outbound.get(url, named_by, DOCUMENT_BYTES_MAX).await;
    let answer = match source.kind {
        KeySourceKind::KeySet => get(&source.url, NamedBy::Configuration).await?,
        KeySourceKind::OpenIdConfiguration => {
            let answer = get(&source.url, NamedBy::Configuration).await?;
            let place = Discovery::parse(&answer.body)?.jwks_uri;
            // SECURITY: what an answer names may lead to the place that was configured, or to
            // somewhere public; not on into our own network.
            let named_by = match place.is_of_same_origin(&source.url) {
                true => NamedBy::Configuration,
                false => NamedBy::Answer,
            };
            get(&place, named_by).await.map_err(FetchError::KeySet)?
        }
    };
    let set = jwks::parse(&answer.body, source.rsa)?;
    Ok(Fetched { set, max_age: max_age(&answer.headers) })
}

/// SPEC: RFC 9111 §5.2.2. Whoever says that nothing may be kept means: ask again soon.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut directives = lines.flat_map(|line| line.split(',')).map(str::trim_ascii);
    directives.find_map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => Some(Duration::ZERO),
            "max-age" => value.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => None,
        }
    })
}

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the discovery document is not usable")]
    Discovery(#[from] DiscoveryError),
    #[error("the key set is not usable")]
    Document(#[from] JwksError),
    #[error("the key set that the discovery document names cannot be fetched")]
    KeySet(#[source] OutboundError),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, line.parse().unwrap());
        }
        assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{lines:?}");
    }

    #[test]
    fn the_issuer_says_how_long_a_set_may_be_kept() {
        check(&[], None);
        check(&["public, max-age=300, must-revalidate"], Some(300));
        check(&["public", "Max-Age=\"7\""], Some(7));
        check(&["no-store"], Some(0));
        check(&["max-age=-1"], None);
        check(&["max-age"], None);
        check(&["s-maxage=5"], None);
    }
}
