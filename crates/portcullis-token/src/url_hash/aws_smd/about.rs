//! What a token of AWS Secure Media Delivery takes, and how one is made from named fields.

use portcullis_base::Timestamp;

use super::{super::Asked, super::scheme::Made, AwsSmd, Grant, ViewerHeaders};
use crate::{
    claims::{Claims, Cover},
    format::{About, Given, GivenFault, Issued, Need, ParamKind, Request, param},
};

pub(super) fn make(site: &AwsSmd, given: &Given, now: Timestamp) -> Result<Made, GivenFault> {
    let paths: Vec<&str> = given.all("paths").collect();
    let excepted: Vec<&str> = given.all("exc").collect();
    let first = paths.first().ok_or(GivenFault::Missing { name: "paths" })?;
    let mut request = Request {
        path: Some((*first).to_owned()),
        address: given.read("ip", "an address", |text| text.parse().ok())?,
        country: given.text("co")?.map(str::to_owned),
        ..Request::default()
    };
    let mut headers = Vec::new();
    for header in given.all("headers") {
        let fault = GivenFault::Value { name: "headers", expected: "`name: value`" };
        let (name, value) = header.split_once(':').ok_or(fault)?;
        headers.push(name);
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let query: Vec<&str> = given.all("qs").collect();
    let parameters: Vec<&str> =
        query.iter().map(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name)).collect();
    request.query = (!query.is_empty()).then(|| query.join("&"));
    let start = given.time("nbf", now)?;
    let grant = Grant {
        paths: &paths,
        excepted: &excepted,
        issued_at: now,
        start,
        end: given.time("exp", now)?.ok_or(GivenFault::Missing { name: "exp" })?,
        asked: Asked::of(&request),
        region: given.text("reg")?,
        session: given.text("ssn")?,
        headers: &headers,
        parameters: &parameters,
    };
    let token = site.sign(&grant).map_err(GivenFault::denied)?;
    if site.viewer == ViewerHeaders::FromCloudFront {
        let named = [
            ("cloudfront-viewer-country", given.text("co")?),
            ("cloudfront-viewer-country-region", given.text("reg")?),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        request.headers.extend(named.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    let url = format!("/{token}{first}");
    let carriage = vec![("path", url), ("component", token.clone())];
    let start = start.unwrap_or(now);
    Ok(Made { issued: Issued { token, carriage }, request, start })
}

pub(super) fn fields(claims: &Claims) -> Given {
    let mut given = Given::new();
    for cover in &claims.covers {
        match cover {
            Cover::Path(path) | Cover::PathPrefix(path) => given.add("paths", path.as_str()),
            Cover::PathGlob(glob) => match glob.strip_suffix('*') {
                Some(prefix) if !prefix.contains(['*', '?']) => given.add("paths", prefix),
                _ => {}
            },
            _ => {}
        }
    }
    given.add_some("exp", claims.end.map(|end| end.to_string()));
    given.add_some("nbf", claims.start.map(|start| start.to_string()));
    given.add_some("ssn", claims.session.as_deref().or(claims.id.as_deref()));
    if let [address] = claims.addresses.as_slice() {
        given.add("ip", super::super::nginx::single(&address.to_string()));
    }
    if let [country] = claims.countries.as_slice() {
        given.add("co", country.as_str());
    }
    given
}

pub(super) static ABOUT: About = About {
    name: "aws-smd",
    title: "AWS Secure Media Delivery at the Edge: a JWT in the path",
    source: "aws-solutions/secure-media-delivery-at-the-edge-on-aws",
    keys: &[
        param(
            "key",
            ParamKind::Secret,
            Need::Repeated,
            "a secret as text, 32 bytes at least; the first one signs",
        ),
        param(
            "kid",
            ParamKind::Text,
            Need::Repeated,
            "the secrets' names, in the same order; a secret without one fits every token",
        ),
        param(
            "trust_viewer_headers",
            ParamKind::Flag,
            Need::Optional,
            "takes country and region from `CloudFront-Viewer-*`: only behind CloudFront",
        ),
        param(
            "leeway",
            ParamKind::Span,
            Need::Optional,
            "how far clocks may differ, 60 s at most; 0",
        ),
        param(
            "lifetime_max",
            ParamKind::Span,
            Need::Optional,
            "how far away the end may be; any time if absent",
        ),
    ],
    says: &[
        param("paths", ParamKind::Text, Need::Repeated, "a beginning of the paths it covers"),
        param(
            "exc",
            ParamKind::Text,
            Need::Repeated,
            "a beginning of paths for which only signature and times count",
        ),
        param("exp", ParamKind::Time, Need::Required, "from when it may no longer be used"),
        param("nbf", ParamKind::Time, Need::Optional, "from when it may be used"),
        param("ip", ParamKind::Text, Need::Optional, "the viewer's address, to bind it to"),
        param("co", ParamKind::Text, Need::Optional, "the viewer's country, to bind it to"),
        param("reg", ParamKind::Text, Need::Optional, "the viewer's region, to bind it to"),
        param("ssn", ParamKind::Text, Need::Optional, "the session's id, to bind it to"),
        param("headers", ParamKind::Text, Need::Repeated, "`name: value`, to bind it to"),
        param("qs", ParamKind::Text, Need::Repeated, "`name=value`, to bind it to"),
    ],
    token: "the first component of the path, `[<session>.]<jwt>`, or the whole URL",
    weaknesses: &[
        "`paths` are beginnings: `/a` covers `/ab`; end them with a slash",
        "for paths that begin like one of `exc`, the viewer is not looked at",
        "the solution's own function passes a token bound to headers of which the request has \
         none, and lifts every binding by `co_fallback`; both are refused here",
        "a token without `exp` is good for ever there, and refused here",
    ],
};
