//! The text of a Bunny token: parameters in a query or in front of a path.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::Timestamp;

use super::super::{pairs, seconds};
use crate::{fault::Fault, uri::unescape};

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In front of the path, so that relative URLs inherit it.
    Directory,
    /// In the query.
    Query,
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) form: Form,
    pub(super) bound: bool,
    pub(super) mac: [u8; 32],
    pub(super) end_text: &'t str,
    pub(super) end: Timestamp,
    // INVARIANT: decoded, each name once, sorted; neither token nor end.
    parameters: Vec<(Cow<'t, str>, Cow<'t, str>)>,
    ignores: bool,
}

impl<'t> Token<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, Fault> {
        let (mut token, mut expires, mut form) = (None, None, Form::Query);
        let mut parameters = Vec::new();
        for (name, value) in pairs(text) {
            let twice = match name {
                "token" => token.replace(value),
                "bcdn_token" => {
                    form = Form::Directory;
                    token.replace(value)
                }
                "expires" => expires.replace(value),
                _ => {
                    parameters.push((decode(name, b"&=")?, decode(value, b"&")?));
                    None
                }
            };
            if twice.is_some() {
                return Err(Fault::Duplicate { what: name.to_owned() });
            }
        }
        parameters.sort_unstable();
        let twice = parameters.windows(2).find(|two| matches!(two, [a, b] if a.0 == b.0));
        if let Some([(name, _), ..]) = twice {
            return Err(Fault::Duplicate { what: name.to_string() });
        }
        // SECURITY: an address stands before the names, and whether there is one is not signed:
        // taken for the beginning of a name, it would hide a rule and unbind the token.
        let hides = |name: &str| {
            let mut known = RULES.iter().chain(&OWN);
            known.any(|rule| name != *rule && name.ends_with(rule))
        };
        if parameters.iter().any(|(name, _)| hides(name)) {
            return Err(Fault::malformed("a parameter's name ends like that of a rule"));
        }
        let malformed = || Fault::malformed("not `HS256-` and 32 bytes in base64url");
        let token = token.and_then(|token| token.strip_prefix("HS256-")).ok_or_else(malformed)?;
        let (bound, mac) = token.strip_prefix("1-").map_or((false, token), |mac| (true, mac));
        let mac = URL_SAFE_NO_PAD.decode(mac).ok().and_then(|mac| mac.try_into().ok());
        let end_text = expires.ok_or(Fault::NoEnd)?;
        let end = seconds(end_text);
        let ignores = match value_of(&parameters, "token_ignore_params") {
            None => false,
            Some("true") => true,
            Some(_) => return Err(Fault::malformed("`token_ignore_params` is not `true`")),
        };
        let parsed = Self {
            text,
            form,
            bound,
            mac: mac.ok_or_else(malformed)?,
            end_text,
            end: end.ok_or_else(|| Fault::malformed("`expires` is not a number of seconds"))?,
            parameters,
            ignores,
        };
        match RULES.into_iter().find(|rule| ignores && value_of(&parsed.parameters, rule).is_some())
        {
            // It would not be signed, and must not look as if it were.
            Some(rule) => Err(Fault::malformed(format!("`{rule}` is not signed"))),
            None => Ok(parsed),
        }
    }

    /// The parameters that are signed, sorted by name.
    pub(super) fn signed(&self) -> Vec<(&str, &str)> {
        let own = |name: &str| !self.ignores || OWN.contains(&name);
        let all = self.parameters.iter().map(|(name, value)| (&**name, &**value));
        all.filter(|(name, _)| own(name)).collect()
    }

    /// Every parameter, sorted by name.
    pub(super) fn all(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (&**name, &**value)).collect()
    }

    /// The value of a parameter that is signed.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mine = self.parameters.iter().find(|(known, _)| known == name);
        mine.filter(|_| !self.ignores || OWN.contains(&name)).map(|(_, value)| &**value)
    }

    /// Whether a request's query has the parameters that were signed and no others.
    pub(super) fn covers_query(&self, query: &str) -> bool {
        if self.ignores {
            return true;
        }
        let is_mine = |name: &str| {
            matches!(name, "token" | "expires") || OWN.contains(&name) || RULES.contains(&name)
        };
        let mut asked = 0;
        for (name, value) in pairs(query) {
            let (Some(name), Some(value)) = (unescape(name), unescape(value)) else { return false };
            if is_mine(&name) && self.form == Form::Query {
                continue;
            }
            let signed = self.form == Form::Query && self.value(&name) == Some(&*value);
            if !signed {
                return false;
            }
            asked += 1;
        }
        let foreign = self.parameters.iter().filter(|(name, _)| !is_mine(name)).count();
        self.form == Form::Directory || asked == foreign
    }
}

/// Takes the component that carries a token out of a path.
pub(super) fn split(path: &str) -> (Option<&str>, &str) {
    let Some(inside) = path.strip_prefix("/bcdn_token=") else { return (None, path) };
    let length = inside.find('/').unwrap_or(inside.len());
    let end = "/bcdn_token=".len().saturating_add(length);
    match path.split_at_checked(end) {
        Some((component, rest)) => (component.strip_prefix('/'), rest),
        None => (None, path),
    }
}

/// What is signed of the parameters.
pub(super) fn joined(sorted: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in sorted {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend([name, "=", value]);
    }
    out
}

/// SECURITY: with an escaped `&`, one parameter would be signed like two, and a rule could
/// be hidden in the value of another.
fn decode<'t>(text: &'t str, refused: &[u8]) -> Result<Cow<'t, str>, Fault> {
    let text = unescape(text).ok_or_else(|| Fault::malformed("a percent sign"))?;
    let clean = !text.bytes().any(|byte| refused.contains(&byte) || byte.is_ascii_control());
    if clean { Ok(text) } else { Err(Fault::malformed("an escaped mark in a parameter")) }
}

fn value_of<'a>(all: &'a [(Cow<'_, str>, Cow<'_, str>)], name: &str) -> Option<&'a str> {
    all.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
}

/// Signed even when the URL's own parameters are not.
const OWN: [&str; 2] = ["token_ignore_params", "token_path"];
const RULES: [&str; 3] = ["limit", "token_countries", "token_countries_blocked"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_parameter_ends_like_a_rule() {
        let check = |parameter: &str, taken: bool| {
            let token = format!("token=HS256-{}&expires=1700000600&{parameter}", "A".repeat(43));
            assert_eq!(Token::parse(&token).is_ok(), taken, "{parameter}");
        };
        check("token_path=/v/", true);
        check("quality=hd", true);
        check("abcdtoken_path=/v/", false);
        check("abcdtoken_countries=DE", false);
    }
}
