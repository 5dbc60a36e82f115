//! The adapter for access tokens (`hdnts`).

use portcullis_base::{Rng, Timestamp};

use super::{
    ALGORITHM, DANGER_ALGORITHM, DANGER_UNKNOWN, DATA, EXP, IP, KEY, Kind, PathComponent, Place,
    REVOKED, SALT, SKEW, Said, Settings, TOKEN_NAME, TRANSITION_KEY, WINDOW, acl, address,
    check_revoked, end, fields_of, globs, param, refused, resembles, revoked_check, shown, unread,
};
use crate::{
    Verified,
    claims::{Claims, Cover},
    edge::{
        Dialect, Sight,
        access::{self, AccessClaims, AccessRequest, Coverage, Covers, NAME, Writing},
    },
    fault::{Fault, Refused, Step},
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request,
        Verdict,
    },
};

/// Akamai EdgeAuth 2.0 access tokens.
#[derive(Debug)]
pub struct AkamaiAccess;

impl Format for AkamaiAccess {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        resembles(token, Kind::Access)
    }

    fn find_in(&self, given: &Given, request: &Request) -> Result<Option<String>, Refused> {
        Ok(place(given, request)?.token)
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let settings = Settings::read(given)?;
        let keys = settings.need_keys()?;
        let place = match place(given, request) {
            Ok(place) => place,
            Err(refused) => return Ok(Err(refused)),
        };
        let parsed = match access::parse_with(token, settings.unknown) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(error.into())),
        };
        let Some(lookup) = place.lookup(request, "") else {
            return Ok(Err(Fault::RequestLacks { what: "path" }.at(Step::Coverage)));
        };
        let verified = match parsed.verify_within(keys, &lookup, now, settings.leeway) {
            Ok(verified) => verified.into_claims(),
            Err(error) => return Ok(Err(refused(error, request))),
        };
        let verdict = check_revoked(given, verified.id.as_deref());
        Ok(verdict.map(|()| Verified::new(claims(verified, &place))))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let settings = Settings::read(given)?;
        let mut explanation = Explanation {
            format: ABOUT.name,
            fields: shown(token),
            checks: Vec::new(),
            claims: None,
        };
        let parsed = access::parse_with(token, settings.unknown);
        let place = place(given, request);
        let (parsed, place) = match (parsed, place) {
            (Ok(parsed), Ok(place)) => (parsed, place),
            (Err(error), _) => {
                explanation.checks = unread(error);
                return Ok(explanation);
            }
            (_, Err(refused)) => {
                explanation.checks = vec![refused.into()];
                return Ok(explanation);
            }
        };
        let lookup = place.lookup(request, "");
        let sight = Sight {
            keys: settings.keys.as_ref(),
            lookup: lookup.as_ref(),
            now,
            leeway: settings.leeway,
        };
        explanation.checks = parsed.explain(&sight);
        let Ok(said) = parsed.said() else { return Ok(explanation) };
        explanation.checks.push(revoked_check(given, said.id.as_deref()));
        Ok(explanation.saying(&claims(said, &place)))
    }

    fn issue(&self, given: &Given, now: Timestamp, _rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let settings = Settings::read(given)?;
        let acl = acl(given)?;
        let covers = match (&acl, given.text("url")?) {
            (Some(_), Some(_)) => {
                return Err(GivenFault::denied("a token has `acl` or `url`, not both"));
            }
            (Some(acl), None) if given.flag("danger_root_acl")? => Covers::DangerRootAcl(acl),
            (Some(acl), None) => Covers::Acl(acl),
            (None, Some(url)) => Covers::Url(url),
            (None, None) => return Err(GivenFault::Missing { name: "acl" }),
        };
        let start = given.time("st", now)?;
        let request = AccessRequest {
            covers,
            start,
            end: end(given, start.unwrap_or(now), now)?,
            address: address(given)?,
            id: given.text("id")?,
            data: given.text("data")?,
        };
        let keys = settings.need_keys()?;
        let token = access::issue_as(&request, keys, writing(given)?);
        let token = token.map_err(GivenFault::denied)?;
        let name = given.text("token_name")?.unwrap_or(NAME);
        let pair = format!("{name}={token}");
        Ok(Issued { token, carriage: vec![("query parameter or cookie", pair)] })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = fields_of(claims);
        given.add_some("st", claims.start.map(|start| start.to_string()));
        if let [Cover::Path(path)] = claims.covers.as_slice() {
            let mut given = without_acl(given);
            given.add("url", path.as_str());
            return given;
        }
        given
    }
}

fn without_acl(given: Given) -> Given {
    let mut kept = Given::new();
    for name in given.names().filter(|name| *name != "acl") {
        given.all(name).for_each(|text| kept.add(name, text));
    }
    kept
}

fn place<'a>(given: &Given, request: &'a Request) -> Result<Place<'a>, Refused> {
    let name = given.all("token_name").next().unwrap_or(NAME);
    let mut place = Place::find(name, PathComponent::IsNoToken, request)?;
    if given.flag("ignore_query_string").unwrap_or_default() {
        place.query = None;
    }
    Ok(place)
}

fn claims(said: AccessClaims, place: &Place<'_>) -> Claims {
    let identity = said.identity();
    let covers = match (&said.coverage, &place.path) {
        (Coverage::Acl(acl), _) => globs(acl),
        (Coverage::Url, None) => Vec::new(),
        (Coverage::Url, Some(path)) => vec![Cover::Path(match &place.query {
            None => path.clone().into_owned(),
            Some(query) => format!("{path}?{query}"),
        })],
    };
    let AccessClaims { lifetime, address, id, data, .. } = said;
    Said { lifetime, address, id, data, identity, covers }.into_claims()
}

fn writing(given: &Given) -> Result<Writing, GivenFault> {
    let dialect = given.read("dialect", "`java`, `node`, `python` or `ruby`", |text| {
        Some(match text {
            "java" => Dialect::Java,
            "node" => Dialect::Node,
            "python" => Dialect::Python,
            "ruby" => Dialect::Ruby,
            _ => return None,
        })
    })?;
    match (dialect, given.flag("escape_early")?) {
        (None, false) => Ok(Writing::Own),
        (None, true) => Err(GivenFault::Missing { name: "dialect" }),
        (Some(dialect), false) => Ok(Writing::Plain(dialect)),
        (Some(dialect), true) => Ok(Writing::Escaped(dialect)),
    }
}

static ABOUT: About = About {
    name: "akamai-access",
    title: "Akamai EdgeAuth 2.0 access token (`hdnts`), by ACL or URL",
    source: "Akamai EdgeAuth 2.0, its published libraries",
    keys: &[
        KEY,
        TRANSITION_KEY,
        ALGORITHM,
        DANGER_ALGORITHM,
        SALT,
        SKEW,
        param(
            "ignore_query_string",
            ParamKind::Flag,
            Need::Optional,
            "URL tokens are signed over the path alone",
        ),
        DANGER_UNKNOWN,
        REVOKED,
        TOKEN_NAME,
    ],
    says: &[
        IP,
        param("st", ParamKind::Time, Need::Optional, "from when it may be used; `now` is a time"),
        EXP,
        WINDOW,
        Param {
            name: "acl",
            kind: ParamKind::Text,
            need: Need::Repeated,
            help: "a path pattern it covers: `*` any run, `?` one character, `!` between two",
        },
        param("url", ParamKind::Text, Need::Optional, "the one path, instead of `acl`"),
        param("id", ParamKind::Text, Need::Optional, "1 to 64 of A-Z a-z 0-9 _ -"),
        DATA,
        param(
            "danger_root_acl",
            ParamKind::Flag,
            Need::Optional,
            "make a token whose ACL admits every path",
        ),
        param(
            "dialect",
            ParamKind::Text,
            Need::Optional,
            "write values as that library does: `java`, `node`, `python` or `ruby`",
        ),
        param("escape_early", ParamKind::Flag, Need::Optional, "escape values as `dialect` does"),
    ],
    token: "the value of `hdnts`",
    weaknesses: &[
        "without `exp` some verifiers accept a token for ever: refused here",
        "a `~` in a value begins a field: fields may not repeat, and issuing refuses or escapes it",
        "`*` in an ACL crosses slashes, and `/*` covers everything: that takes `danger_root_acl`",
        "libraries escape differently: URL tokens are tried in each spelling, ACLs as sent and \
         decoded once, and an escaped `*` never becomes a wildcard",
        "HMAC-SHA-1 and HMAC-MD5 rest on broken hashes: verified only with `danger_algorithm`",
        "whoever has the token can use it: keep it short, bind `ip`, revoke its `id`",
    ],
};
