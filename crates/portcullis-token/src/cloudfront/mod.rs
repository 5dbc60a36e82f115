//! Amazon CloudFront's signed URLs and signed cookies.
//!
//! A canned policy says until when one URL may be fetched; it is not sent but built from the
//! URL and its end. A custom policy is sent, and may name a pattern of URLs, a beginning and
//! a range of addresses. Either is signed with a key that is known by its key pair id.
//!
//! In the query: `Expires` or `Policy`, `Signature`, `Key-Pair-Id`, `Hash-Algorithm`. In
//! cookies the same, each with `CloudFront-` in front. A set that lacks a part, or has both
//! `Policy` and `Expires`, is refused.
//!
//! The URL a policy is matched against is the one asked for, with its query less the signing
//! parameters. Patterns are matched by the matcher of [`edge::acl`](crate::edge::acl), never
//! as regular expressions.
//!
//! SPEC: CloudFront Developer Guide, serving private content; botocore and
//! `@aws-sdk/cloudfront-signer` for what is written.

mod cookie;
mod fields;
mod keys;
mod policy;
mod url;

use std::{borrow::Cow, time::Duration};

use portcullis_base::Timestamp;

pub use cookie::CloudFrontCookie;
pub use keys::{Hash, KeyKind, PrivateKey, PublicKey};
pub use policy::Policy;
pub use url::CloudFrontUrl;

use crate::{
    claims::{Claims, Cover},
    edge::acl::glob_matches,
    fault::{Fault, Step},
    format::Shown,
    identity::{TokenFormat, TokenIdentity},
    url_hash::{Asked, check_end, lacks, scheme::Adapter, seconds},
    watch::Watch,
};

pub(crate) static COOKIE: Adapter<CloudFrontCookie> = Adapter::new();
pub(crate) static URL: Adapter<CloudFrontUrl> = Adapter::new();

/// The keys and settings of a distribution.
#[derive(Debug)]
pub struct CloudFront {
    keys: Vec<PublicKey>,
    signer: Option<PrivateKey>,
    /// Whether signatures over SHA-1 are accepted. They are what every tool makes unless told
    /// otherwise.
    pub sha1: Sha1,
    /// How long a token may still be good when it is shown; any time if absent.
    pub lifetime_max: Option<Duration>,
}

/// Whether signatures over SHA-1 are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sha1 {
    /// They are, as CloudFront does.
    #[default]
    Accepted,
    /// Only SHA-256.
    Refused,
}

impl CloudFront {
    /// The keys that are trusted. Several may have one id, while it moves.
    #[must_use]
    pub const fn new(keys: Vec<PublicKey>) -> Self {
        Self { keys, signer: None, sha1: Sha1::Accepted, lifetime_max: None }
    }

    /// Adds the key that signs; what it signs is trusted.
    ///
    /// # Errors
    ///
    /// When its public half is not usable.
    pub fn with_signer(mut self, key: PrivateKey) -> Result<Self, crate::jwt::KeyError> {
        self.keys.push(key.public()?);
        self.signer = Some(key);
        Ok(self)
    }

    /// Signs a policy over SHA-256: signature and key pair id, as they stand in a URL.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a key that signs.
    pub fn sign(&self, policy: &str) -> Result<(String, &str), Fault> {
        let signer = self.signer.as_ref().ok_or(Fault::Key)?;
        let signature = signer.sign(policy.as_bytes()).ok_or(Fault::Signature)?;
        Ok((policy::encode(&signature), signer.id()))
    }

    fn walk<W: Watch>(
        &self,
        parts: &Parts<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let path = asked.checked_path(watch)?;
        let url = asked.origin.zip(path).map(|(origin, path)| url_of(asked, origin, path));
        self.signature(parts, url.as_deref(), watch)?;
        let (after, end) = match &parts.said {
            Said::Canned { end, .. } => (None, *end),
            Said::Custom { policy, .. } => (policy.after, policy.end),
        };
        check_end(end, now, self.lifetime_max, watch)?;
        if let Some(after) = after {
            let start = first_after(after);
            let outcome = if now < start { Err(Fault::NotYet { start }) } else { Ok(()) };
            watch.check(Step::Times, outcome, || "its time has come".to_owned())?;
        }
        let Said::Custom { policy, .. } = &parts.said else { return Ok(()) };
        match url {
            None => lacks(Step::Coverage, "url", watch)?,
            Some(url) => {
                let covered = glob_matches(&policy.resource, &url);
                let outcome = if covered { Ok(()) } else { Err(Fault::Path) };
                watch.check(Step::Coverage, outcome, || "the resource is the URL's".to_owned())?;
            }
        }
        match (&policy.source, asked.address) {
            (None, _) => Ok(()),
            (Some(_), None) => lacks(Step::Place, "address", watch),
            (Some(source), Some(address)) => {
                let inside = source.contains(address);
                let outcome = if inside { Ok(()) } else { Err(Fault::Address) };
                watch.check(Step::Place, outcome, || format!("{address} lies in {source}"))
            }
        }
    }

    fn signature<W: Watch>(
        &self,
        parts: &Parts<'_>,
        url: Option<&str>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        if self.keys.is_empty() {
            watch.skip(Step::Signature, "no key was given");
            return Ok(());
        }
        let mut keys = self.keys.iter().filter(|key| key.id() == parts.key_pair_id).peekable();
        let weak = parts.hash == Hash::Sha1 && self.sha1 == Sha1::Refused;
        let outcome = match keys.peek() {
            None => Err(Fault::Key),
            Some(_) if weak => Err(Fault::Algorithm),
            Some(_) => Ok(()),
        };
        watch.check(Step::Key, outcome, || "the key it names is known".to_owned())?;
        let signed = match (&parts.said, url) {
            (Said::Custom { text, .. }, _) => Cow::Borrowed(text.as_slice()),
            (Said::Canned { end_text, .. }, Some(url)) => {
                Cow::Owned(policy::canned(url, end_text).into_bytes())
            }
            (Said::Canned { .. }, None) => return lacks(Step::Signature, "url", watch),
        };
        let genuine = keys.any(|key| key.verifies(parts.hash, &signed, &parts.signature));
        let outcome = if genuine { Ok(()) } else { Err(Fault::Signature) };
        watch.check(Step::Signature, outcome, || "made with that key".to_owned())
    }

    fn claims(&self, parts: &Parts<'_>, asked: &Asked<'_>) -> Claims {
        let rsa = |key: &&PublicKey| key.id() == parts.key_pair_id && key.kind() == KeyKind::Rsa;
        // An ECDSA signature has twins that everybody can compute: it tells nothing apart.
        let identity =
            self.keys.iter().find(rsa).and_then(|key| {
                TokenIdentity::new(TokenFormat::UrlHash, key.id(), &parts.signature)
            });
        let claims = Claims { identity, ..Claims::default() };
        match &parts.said {
            Said::Canned { end, .. } => {
                let url = asked.origin.zip(asked.path);
                let url = url.map(|(origin, path)| Cover::Url(url_of(asked, origin, path)));
                Claims { end: Some(*end), covers: url.into_iter().collect(), ..claims }
            }
            Said::Custom { policy, .. } => {
                let pattern = policy.resource.contains(['*', '?']);
                let resource = policy.resource.clone();
                let cover = if pattern { Cover::UrlGlob(resource) } else { Cover::Url(resource) };
                Claims {
                    start: policy.after.map(first_after),
                    end: Some(policy.end),
                    addresses: policy.source.into_iter().collect(),
                    covers: vec![cover],
                    ..claims
                }
            }
        }
    }
}

/// The first second after a moment.
fn first_after(moment: Timestamp) -> Timestamp {
    moment.saturating_add(Duration::from_secs(1))
}

/// The URL that is asked for, without the parameters that sign it.
fn url_of(asked: &Asked<'_>, origin: &str, path: &str) -> String {
    let mut url = format!("{origin}{path}");
    let kept = asked.query.unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !NAMES.contains(&name)
    });
    for (place, pair) in kept.filter(|pair| !pair.is_empty()).enumerate() {
        url.push(if place == 0 { '?' } else { '&' });
        url.push_str(pair);
    }
    url
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'t> {
    said: Said<'t>,
    signature: Vec<u8>,
    key_pair_id: &'t str,
    hash: Hash,
}

#[derive(Debug)]
enum Said<'t> {
    Canned { end_text: &'t str, end: Timestamp },
    Custom { text: Vec<u8>, policy: Policy },
}

impl<'t> Parts<'t> {
    /// Reads names without their `CloudFront-` and values.
    fn parse(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Result<Self, Fault> {
        let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for (name, value) in pairs {
            let mut places = NAMES.iter().zip(&mut values);
            let Some((_, place)) = places.find(|(known, _)| **known == name) else {
                return Err(Fault::malformed("a part that is none of a signed URL or cookie"));
            };
            if place.replace(value).is_some() {
                return Err(Fault::Duplicate { what: name.to_owned() });
            }
        }
        let [expires, hash, key_pair_id, policy, signature] = values;
        let said = match (policy, expires) {
            (Some(_), Some(_)) => return Err(Fault::malformed("both `Policy` and `Expires`")),
            (None, None) => return Err(Fault::malformed("neither `Policy` nor `Expires`")),
            (Some(policy), None) => {
                let text = policy::decode(policy);
                let text = text.ok_or_else(|| Fault::malformed("`Policy` is not in base64"))?;
                let policy = Policy::parse(&text)?;
                Said::Custom { text, policy }
            }
            (None, Some(end_text)) => {
                let fault = || Fault::malformed("`Expires` is not a number of seconds");
                Said::Canned { end_text, end: seconds(end_text).ok_or_else(fault)? }
            }
        };
        let lacking = |name: &str| Fault::malformed(format!("`{name}` is missing"));
        let signature = signature.ok_or_else(|| lacking("Signature"))?;
        let signature = policy::decode(signature);
        let key_pair_id = key_pair_id.ok_or_else(|| lacking("Key-Pair-Id"))?;
        if !keys::is_id(key_pair_id) {
            return Err(Fault::malformed("`Key-Pair-Id` is not a key's id"));
        }
        Ok(Self {
            said,
            signature: signature.ok_or_else(|| Fault::malformed("`Signature` is not in base64"))?,
            key_pair_id,
            hash: match hash {
                None | Some("SHA1") => Hash::Sha1,
                Some("SHA256") => Hash::Sha256,
                Some(_) => return Err(Fault::Algorithm),
            },
        })
    }

    fn show(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        match &self.said {
            Said::Canned { end, .. } => {
                shown.push(Shown::time("Expires", *end).noted("canned policy: this URL alone"));
            }
            Said::Custom { policy, .. } => {
                shown.push(Shown::new("Resource", &policy.resource));
                shown.push(Shown::time("DateLessThan", policy.end));
                let after = policy.after;
                shown.extend(after.map(|after| Shown::time("DateGreaterThan", after)));
                shown.extend(policy.source.map(|source| Shown::new("IpAddress", source)));
            }
        }
        let hash = match self.hash {
            Hash::Sha1 => "SHA1",
            Hash::Sha256 => "SHA256",
        };
        shown.push(Shown::new("Hash-Algorithm", hash));
        shown.push(Shown::new("Key-Pair-Id", self.key_pair_id));
        let length = self.signature.len();
        shown.push(Shown::new("Signature", format!("{length} bytes")));
        shown
    }
}

/// The parts, in the order in which [`Parts::parse`] takes them.
const NAMES: [&str; 5] = ["Expires", "Hash-Algorithm", "Key-Pair-Id", "Policy", "Signature"];
