//! The expression over which nginx computes its hash: text with variables in it.
//!
//! Known are `$secure_link_expires`, `$uri`, `$remote_addr`, `$host`, `$arg_NAME` and
//! `$http_NAME`, also written `${uri}`. An unknown variable is a fault of the configuration,
//! never an empty text. What is no variable is taken to be secret.
//!
//! SPEC: ngx_http_secure_link_module, `secure_link_md5`; ngx_http_core_module, variables.

use std::borrow::Cow;

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::super::Asked;
use crate::{fault::Fault, uri::unescape};

/// An expression, taken apart.
pub(super) struct Expression(Vec<Part>);

enum Part {
    Argument(String),
    Expires,
    Header(String),
    Host,
    Literal(Zeroizing<String>),
    RemoteAddress,
    Uri,
}

impl Expression {
    /// `None` when a variable is not known, or when there is no text besides variables: a
    /// hash of what everybody knows proves nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, variable) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
            if !literal.is_empty() {
                parts.push(Part::Literal(Zeroizing::new(literal.to_owned())));
            }
            let Some(after) = variable.strip_prefix('$') else { break };
            let (name, after) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}')?,
                None => after.split_at(after.find(|c| !is_of_name(c)).unwrap_or(after.len())),
            };
            parts.push(variable_called(name)?);
            rest = after;
        }
        let secret = parts.iter().any(|part| matches!(part, Part::Literal(text) if is_key(text)));
        secret.then_some(Self(parts))
    }

    /// Whether the end is part of what is hashed, `name` being its argument.
    pub(super) fn has_end(&self, name: &str) -> bool {
        self.0.iter().any(|part| match part {
            Part::Expires => true,
            Part::Argument(known) => known.eq_ignore_ascii_case(name),
            _ => false,
        })
    }

    /// Whether the path is part of what is hashed.
    pub(super) fn has_path(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Uri))
    }

    /// Whether the client's address is part of what is hashed.
    pub(super) fn has_address(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::RemoteAddress))
    }

    /// The hash over the expression for one request.
    pub(super) fn hash(
        &self,
        asked: &Asked<'_>,
        expires_name: &str,
        expires: &str,
    ) -> Result<[u8; 16], Fault> {
        let mut hash = Md5::new();
        for part in &self.0 {
            match part {
                Part::Argument(name) if name.eq_ignore_ascii_case(expires_name) => {
                    hash.update(expires);
                }
                Part::Argument(name) => {
                    let mut all = asked.parameters();
                    let mine = all.find(|(known, _)| known.eq_ignore_ascii_case(name));
                    hash.update(mine.map_or("", |(_, value)| value));
                }
                Part::Expires => hash.update(expires),
                Part::Header(name) => hash.update(asked.header(name).unwrap_or_default()),
                Part::Host => hash.update(&*host(asked)?),
                Part::Literal(text) => hash.update(text.as_bytes()),
                Part::RemoteAddress => {
                    let address = asked.address.ok_or(Fault::RequestLacks { what: "address" })?;
                    hash.update(address.to_canonical().to_string());
                }
                Part::Uri => hash.update(&*uri(asked)?),
            }
        }
        Ok(hash.finalize().into())
    }
}

/// `$uri` is the path decoded once. What passed the check of paths has no other reading.
fn uri<'a>(asked: &Asked<'a>) -> Result<Cow<'a, str>, Fault> {
    let path = asked.path.ok_or(Fault::RequestLacks { what: "url" })?;
    unescape(path).ok_or_else(|| Fault::PathMalformed { what: "its percent signs".to_owned() })
}

/// `$host` is in lower case and has no port.
fn host<'a>(asked: &Asked<'a>) -> Result<Cow<'a, str>, Fault> {
    let origin = asked.origin.and_then(|origin| origin.split_once("://"));
    let authority = origin.map(|(_, host)| host).or_else(|| asked.header("host"));
    let authority = authority.ok_or(Fault::RequestLacks { what: "host" })?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Ok(if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}

fn variable_called(name: &str) -> Option<Part> {
    Some(match name {
        "secure_link_expires" => Part::Expires,
        "uri" => Part::Uri,
        "remote_addr" => Part::RemoteAddress,
        "host" => Part::Host,
        _ => match (name.strip_prefix("arg_"), name.strip_prefix("http_")) {
            (Some(argument), _) if !argument.is_empty() => Part::Argument(argument.to_owned()),
            (_, Some(header)) if !header.is_empty() => Part::Header(header.replace('_', "-")),
            _ => return None,
        },
    })
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether a text has more to it than separators.
fn is_key(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_has_known_variables_and_a_secret() {
        for (text, expected) in [
            ("$secure_link_expires$uri$remote_addr secret", true),
            ("${uri}secret", true),
            ("secret$arg_user$http_user_agent:$host", true),
            ("", false),
            ("$uri", false),
            ("$uri $host", false),
            ("$uri$unknown secret", false),
            ("$arg_ secret", false),
            ("$ secret", false),
            ("${uri secret", false),
        ] {
            assert_eq!(Expression::parse(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn variables_mean_what_nginx_says() {
        let headers = [("User-Agent".to_owned(), "player".to_owned())];
        let asked = Asked {
            origin: Some("https://CDN.test:8443"),
            path: Some("/a%20b"),
            query: Some("USER=u&md5=x"),
            address: Some("::ffff:192.0.2.1".parse().unwrap()),
            headers: &headers,
            ..Asked::default()
        };
        let expression =
            "$secure_link_expires|$arg_expires|$uri|$remote_addr|$host|$arg_user|$http_user_agent";
        let hash = Expression::parse(&format!("{expression}|secret")).unwrap();
        let plain = "7|7|/a b|192.0.2.1|cdn.test|u|player|secret";
        let expected: [u8; 16] = Md5::digest(plain).into();
        assert_eq!(hash.hash(&asked, "expires", "7"), Ok(expected));
    }
}
