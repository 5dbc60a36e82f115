//! Signed URLs and cookies as named fields: keys and settings, and what is to be signed.

use portcullis_base::{Cidr, Timestamp};

use super::{CloudFront, Policy, PrivateKey, PublicKey, Sha1, first_after, policy};
use crate::{
    claims::{Claims, Cover},
    format::{About, Given, GivenFault, Need, Param, ParamKind, Request, param},
};

/// Reads keys and settings; keys may be lacking.
pub(super) fn read(given: &Given) -> Result<CloudFront, GivenFault> {
    let ids: Vec<&str> = given.all("key_pair_id").collect();
    let mut keys = Vec::new();
    for (place, text) in given.all("public_key").enumerate() {
        let id = ids.get(place).ok_or(GivenFault::Missing { name: "key_pair_id" })?;
        let key = PublicKey::from_pem(id, text);
        keys.push(key.map_err(|error| GivenFault::key("public_key", error))?);
    }
    let mut site = CloudFront::new(keys);
    if let Some(text) = given.text("private_key")? {
        let id = ids.first().ok_or(GivenFault::Missing { name: "key_pair_id" })?;
        let fault = |error| GivenFault::key("private_key", error);
        let key = PrivateKey::from_pem(id, text).map_err(fault)?;
        site = site.with_signer(key).map_err(fault)?;
    }
    if !given.maybe_flag("allow_sha1")?.unwrap_or(true) {
        site.sha1 = Sha1::Refused;
    }
    site.lifetime_max = given.span("lifetime_max")?;
    Ok(site)
}

pub(super) fn ready(site: &CloudFront) -> Result<(), GivenFault> {
    if site.keys.is_empty() { Err(GivenFault::Missing { name: "public_key" }) } else { Ok(()) }
}

/// What is to be made.
pub(super) struct Wish {
    /// The URL to sign, if there is one.
    pub(super) url: Option<String>,
    /// Names and values, in the order of `@aws-sdk/cloudfront-signer`.
    pub(super) parts: Vec<(&'static str, String)>,
    /// A request it is good for.
    pub(super) request: Request,
    pub(super) start: Timestamp,
}

pub(super) fn wish(site: &CloudFront, given: &Given, now: Timestamp) -> Result<Wish, GivenFault> {
    if site.signer.is_none() {
        return Err(GivenFault::Missing { name: "private_key" });
    }
    match given.text("hash_algorithm")? {
        None | Some("SHA256") => {}
        Some("SHA1") => return Err(GivenFault::Denied(NO_SHA1.to_owned())),
        Some(_) => {
            return Err(GivenFault::Value { name: "hash_algorithm", expected: "`SHA256`" });
        }
    }
    let (url, resource) = (given.text("url")?, given.text("resource")?);
    let resource = resource.or(url).ok_or(GivenFault::Missing { name: "url" })?;
    let end = given.time("date_less_than", now)?;
    let source = given.read("ip_address", "an address or a range", |text| text.parse().ok())?;
    let said = Policy {
        resource: resource.to_owned(),
        end: end.ok_or(GivenFault::Missing { name: "date_less_than" })?,
        after: given.time("date_greater_than", now)?,
        source,
    };
    let canned = said.after.is_none()
        && said.source.is_none()
        && !resource.contains('*')
        && url.is_none_or(|url| url == resource);
    let text = said.to_text();
    let (signature, id) = site.sign(&text).map_err(GivenFault::denied)?;
    let said_part = if canned {
        ("Expires", said.end.to_string())
    } else {
        ("Policy", policy::encode(text.as_bytes()))
    };
    let parts = vec![
        said_part,
        ("Key-Pair-Id", id.to_owned()),
        ("Signature", signature),
        ("Hash-Algorithm", "SHA256".to_owned()),
    ];
    let mut request = Request::default();
    let example = url.map_or_else(|| resource.replace('*', ""), str::to_owned);
    let expected = "a URL such as `https://host/path`";
    let fault = |_| GivenFault::Value { name: "url", expected };
    request.set_url(&example).map_err(fault)?;
    request.address = source.and_then(|source: Cidr| {
        source.to_string().split('/').next().and_then(|address| address.parse().ok())
    });
    let start = said.after.map_or(now, first_after);
    Ok(Wish { url: url.map(str::to_owned), parts, request, start })
}

/// The fields that say what `claims` says.
pub(super) fn of(claims: &Claims) -> Given {
    let mut given = Given::new();
    given.add_some("date_less_than", claims.end.map(|end| end.to_string()));
    let start = claims.start.and_then(|start| start.0.checked_sub(1));
    given.add_some("date_greater_than", start.map(|after| after.to_string()));
    match claims.covers.as_slice() {
        [Cover::Url(url)] => given.add("url", url.as_str()),
        [Cover::UrlGlob(glob)] => given.add("resource", glob.as_str()),
        [Cover::UrlPrefix(prefix)] => given.add("resource", format!("{prefix}*")),
        _ => {}
    }
    if let [address] = claims.addresses.as_slice() {
        given.add("ip_address", address.to_string());
    }
    given
}

const NO_SHA1: &str = "the cryptographic library signs no SHA-1: use SHA256, which CloudFront \
                       takes with `Hash-Algorithm=SHA256`";

const KEYS: &[Param] = &[
    param(
        "public_key",
        ParamKind::Text,
        Need::Repeated,
        "a trusted key in PEM form: RSA, or ECDSA on P-256; needed to verify unless \
         `private_key` is given",
    ),
    param(
        "key_pair_id",
        ParamKind::Text,
        Need::Repeated,
        "the keys' ids, in the same order; the first one is the private key's",
    ),
    param(
        "private_key",
        ParamKind::Secret,
        Need::ToIssue,
        "the key that signs, in PEM form: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`",
    ),
    param(
        "allow_sha1",
        ParamKind::Text,
        Need::Optional,
        "`false` refuses signatures over SHA-1, which most tools still make; `true`",
    ),
    param(
        "lifetime_max",
        ParamKind::Span,
        Need::Optional,
        "how far away the end may be; any time if absent",
    ),
];

const SAYS: &[Param] = &[
    param("url", ParamKind::Text, Need::Optional, "the URL, whole, with its own query"),
    param(
        "resource",
        ParamKind::Text,
        Need::Optional,
        "the pattern of URLs it covers, `*` any run and `?` one character; the URL if absent",
    ),
    param("date_less_than", ParamKind::Time, Need::Required, "from when it no longer holds"),
    param("date_greater_than", ParamKind::Time, Need::Optional, "after when it holds"),
    param("ip_address", ParamKind::Text, Need::Optional, "the only address or range"),
    param("hash_algorithm", ParamKind::Text, Need::Optional, "`SHA256`, and nothing else"),
];

const WEAKNESSES: &[&str] = &[
    "signatures are over SHA-1 unless the token says otherwise, and it is known how to make \
     two texts of one SHA-1: refused with `allow_sha1` `false`; made here are SHA-256 only",
    "`*` in a resource crosses slashes and the query: write it after the last slash",
    "a resource without scheme and host, and a policy without one, is refused",
    "the token says which hash was used: of one key, both are accepted unless SHA-1 is refused",
];

pub(super) static URL: About = About {
    name: "cloudfront-url",
    title: "Amazon CloudFront signed URL, canned or custom policy",
    source: "CloudFront Developer Guide, signed URLs",
    keys: KEYS,
    says: SAYS,
    token: "the signing parameters as in the query (`Expires=…&Signature=…&Key-Pair-Id=…`), or \
            the whole URL",
    weaknesses: WEAKNESSES,
};

pub(super) static COOKIE: About = About {
    name: "cloudfront-cookie",
    title: "Amazon CloudFront signed cookies, canned or custom policy",
    source: "CloudFront Developer Guide, signed cookies",
    keys: KEYS,
    says: SAYS,
    token: "the cookies as in the header, joined by `; `: `CloudFront-Policy=…; …`",
    weaknesses: WEAKNESSES,
};
