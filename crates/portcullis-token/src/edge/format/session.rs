//! The adapter for session tokens (`hdntl`).

use portcullis_base::{Rng, Timestamp};

use super::{
    ALGORITHM, DANGER_ALGORITHM, DANGER_UNKNOWN, DATA, EXP, IP, KEY, Kind, PathComponent, Place,
    REVOKED, SALT, SKEW, Said, Settings, TOKEN_NAME, TRANSITION_KEY, WINDOW, acl, address,
    check_revoked, end, fields_of, globs, param, refused, resembles, revoked_check, shown, unread,
};
use crate::{
    Verified,
    claims::Claims,
    edge::{
        Sight,
        session::{self, NAME, SessionClaims, SessionRequest},
    },
    fault::{Fault, Refused, Step},
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Verdict,
    },
};

/// Akamai Adaptive Media Delivery session tokens.
#[derive(Debug)]
pub struct AkamaiSession;

impl Format for AkamaiSession {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        resembles(token, Kind::Session)
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
        let parsed = match session::parse_with(token, settings.unknown) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(error.into())),
        };
        let header_salt = header_salt(given, |name| request.header(name).next());
        let Some(lookup) = place.lookup(request, &header_salt) else {
            return Ok(Err(Fault::RequestLacks { what: "path" }.at(Step::Coverage)));
        };
        let verified = match parsed.verify_within(keys, &lookup, now, settings.leeway) {
            Ok(verified) => verified.into_claims(),
            Err(error) => return Ok(Err(refused(error, request))),
        };
        let verdict = check_revoked(given, verified.id.as_deref());
        Ok(verdict.map(|()| Verified::new(claims(verified))))
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
        let (parsed, place) =
            match (session::parse_with(token, settings.unknown), place(given, request)) {
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
        let header_salt = header_salt(given, |name| request.header(name).next());
        let lookup = place.lookup(request, &header_salt);
        // Headers are part of what is signed: without them nothing can be said of the MAC.
        let judged = lookup.is_some() || !given.has("header_for_salt");
        let sight = Sight {
            keys: settings.keys.as_ref().filter(|_| judged),
            lookup: lookup.as_ref(),
            now,
            leeway: settings.leeway,
        };
        explanation.checks = parsed.explain(&sight);
        let Ok(said) = parsed.said() else { return Ok(explanation) };
        explanation.checks.push(revoked_check(given, said.id.as_deref()));
        Ok(explanation.saying(&claims(said)))
    }

    fn issue(&self, given: &Given, now: Timestamp, _rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let settings = Settings::read(given)?;
        let headers: Vec<(&str, &str)> =
            given.all("header").filter_map(|line| line.split_once(':')).collect();
        let header_salt = header_salt(given, |name| {
            let mut named = headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.trim_matches([' ', '\t']))
        });
        let request = SessionRequest {
            acl: &acl(given)?.ok_or(GivenFault::Missing { name: "acl" })?,
            issued_at: now,
            end: end(given, now, now)?,
            address: address(given)?,
            id: given.text("id")?,
            data: given.text("data")?,
            header_salt: &header_salt,
        };
        let token = session::issue(&request, settings.need_keys()?).map_err(GivenFault::denied)?;
        let name = given.text("token_name")?.unwrap_or(NAME);
        let pair = format!("{name}={token}");
        let component = format!("/{NAME}={token}/");
        let carriage = vec![("cookie or query parameter", pair), ("path component", component)];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        fields_of(claims)
    }
}

fn place<'a>(given: &Given, request: &'a Request) -> Result<Place<'a>, Refused> {
    let name = given.all("token_name").next().unwrap_or(NAME);
    Ok(Place::find(name, PathComponent::Carries, request)?)
}

/// What the headers named in `header_for_salt` add to the salt.
fn header_salt<'a>(given: &Given, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let names: Vec<String> = given.all("header_for_salt").map(str::to_ascii_lowercase).collect();
    let pairs: Vec<(&str, Option<&str>)> =
        names.iter().map(|name| (name.as_str(), value(name))).collect();
    session::header_salt(&pairs)
}

fn claims(said: SessionClaims) -> Claims {
    let (identity, covers) = (said.identity(), globs(&said.acl));
    let SessionClaims { lifetime, address, id, data, .. } = said;
    Said { lifetime, address, id, data, identity, covers }.into_claims()
}

static ABOUT: About = About {
    name: "akamai-session",
    title: "Akamai Adaptive Media Delivery session token (`hdntl`)",
    source: "tokens seen in the field; how headers enter the salt is Portcullis's own",
    keys: &[
        KEY,
        TRANSITION_KEY,
        ALGORITHM,
        DANGER_ALGORITHM,
        SALT,
        param(
            "header_for_salt",
            ParamKind::Text,
            Need::Repeated,
            "a request header whose value is signed with the salt",
        ),
        SKEW,
        DANGER_UNKNOWN,
        REVOKED,
        TOKEN_NAME,
    ],
    says: &[
        IP,
        EXP,
        WINDOW,
        param("acl", ParamKind::Text, Need::Repeated, "a path pattern it covers"),
        param("id", ParamKind::Text, Need::Optional, "the access token's id"),
        DATA,
        param(
            "header",
            ParamKind::Text,
            Need::Repeated,
            "`NAME: VALUE` as the player will send it, for `header_for_salt`",
        ),
    ],
    token: "the value of `hdntl`",
    weaknesses: &[
        "signed like an access token: its payload must begin with `hdntl`, the other's must not",
        "whoever has the token can use it: bind it to `ip`, or to headers by `header_for_salt`",
        "lives as long as the film: a day at most, and revoked by the `id` it inherits",
    ],
};
