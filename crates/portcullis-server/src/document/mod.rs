//! The policy document: key policies, contents and entitlements as an operator writes them.
//!
//! TOML in, model out. Unknown keys are faults, and all problems are reported together. It
//! does not touch the store; `portcullis policy apply` and the demo hand the result to it.

mod apply;
mod raw;

pub use apply::{Applied, apply};

use std::{path::Path, time::Duration};

use portcullis_base::{ContentId, PolicyName, SecretBytes, Timestamp, UserId};
use portcullis_drm::LicenseTerms;
use portcullis_policy::model::{
    AddressRule, AllowedAddresses, AllowedClasses, Binding, EntitlementRule, KeyPolicy, KeySource,
    KeySourceKind, RequiredClaim, Restriction, TokenRestriction, Window,
};
use portcullis_token::jwt::Algorithm;

use crate::{
    config::{Problems, Readers, from_secret_file},
    trust,
};

/// A whole document, checked.
#[derive(Debug, Default)]
pub struct PolicyDocument {
    /// Key policies, each with the keys it trusts.
    pub key_policies: Vec<(KeyPolicy, Vec<TokenKeyMaterial>)>,
    /// Contents.
    pub contents: Vec<ContentEntry>,
    /// Who is entitled to what.
    pub entitlements: Vec<EntitlementEntry>,
}

/// A key that playback tokens are signed or verified with.
#[derive(Debug)]
pub struct TokenKeyMaterial {
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// What it is told by in a token's header.
    pub kid: Option<String>,
    /// The secret, or a key in PEM.
    pub material: SecretBytes,
    /// What it may do.
    pub usage: KeyUsage,
}

/// What a token key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsage {
    /// Sign and verify: a shared secret or a private key.
    Sign,
    /// Verify only: a public key.
    Verify,
}

/// A content, before it has keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentEntry {
    /// Its id.
    pub id: ContentId,
    /// The key policy its licenses are decided by.
    pub key_policy: PolicyName,
    /// When it may be watched.
    pub window: Window,
}

/// One user's right to one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntitlementEntry {
    /// Who.
    pub user: UserId,
    /// What.
    pub content: ContentId,
    /// While it lasts.
    pub window: Window,
}

/// Reads the document at `path`; key files are looked up beside it.
///
/// # Errors
///
/// Every problem found, each with its key.
pub fn load(path: &Path) -> Result<PolicyDocument, Problems> {
    let text = crate::config::read_file(path, "`portcullis init` writes a sample")?;
    parse(&text, path.parent().unwrap_or(Path::new(".")))
}

/// Reads the document in `text`; key files are looked up in `base`.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, base: &Path) -> Result<PolicyDocument, Problems> {
    let (raw, problems): (raw::RawDocument, _) =
        crate::config::read_toml(text, "see docs/config/policy.toml")?;
    let mut check = Check { base, problems };
    let key_policies = check.each("key_policies", raw.key_policies, Check::key_policy);
    let contents = check.each("contents", raw.contents, Check::content);
    let entitlements = check.each("entitlements", raw.entitlements, Check::entitlement);
    if check.problems.list().is_empty() {
        Ok(PolicyDocument { key_policies, contents, entitlements })
    } else {
        Err(check.problems)
    }
}

struct Check<'a> {
    base: &'a Path,
    problems: Problems,
}

impl Check<'_> {
    fn each<R, T>(
        &mut self,
        name: &str,
        raws: Vec<R>,
        one: fn(&mut Self, &str, R) -> Option<T>,
    ) -> Vec<T> {
        let numbered = raws.into_iter().enumerate();
        numbered.filter_map(|(at, raw)| one(self, &format!("{name}[{at}]"), raw)).collect()
    }

    fn key_policy(
        &mut self,
        at: &str,
        raw: raw::RawKeyPolicy,
    ) -> Option<(KeyPolicy, Vec<TokenKeyMaterial>)> {
        let name = self.typed(&format!("{at}.name"), &raw.name);
        let classes: Vec<_> = raw
            .classes
            .iter()
            .flatten()
            .filter_map(|class| self.typed(&format!("{at}.classes"), class))
            .collect();
        let mut ranges = |key: &str, texts: &[String]| {
            let key = format!("{at}.{key}");
            texts.iter().filter_map(|text| self.typed(&key, text)).collect::<Vec<_>>()
        };
        let allow = ranges("allow", &raw.allow);
        let deny = ranges("deny", &raw.deny);
        let entitlement = match raw.entitlement.as_str() {
            "anyone" => EntitlementRule::Anyone,
            "listed" => EntitlementRule::Listed,
            other => {
                self.unknown(&format!("{at}.entitlement"), other, "`anyone` or `listed`");
                EntitlementRule::Listed
            }
        };
        let (restriction, keys) = self.restriction(at, &raw);
        let policy = KeyPolicy {
            name: name?,
            restriction: restriction?,
            terms: LicenseTerms::UNRESTRICTED,
            classes: match raw.classes {
                None => AllowedClasses::Any,
                Some(_) => AllowedClasses::Only(classes.into_iter().collect()),
            },
            entitlement,
            addresses: AddressRule {
                allow: match raw.allow.is_empty() {
                    true => AllowedAddresses::Any,
                    false => AllowedAddresses::Only(allow),
                },
                deny,
            },
        };
        Some((policy, keys))
    }

    fn restriction(
        &mut self,
        at: &str,
        raw: &raw::RawKeyPolicy,
    ) -> (Option<Restriction>, Vec<TokenKeyMaterial>) {
        match raw.restriction.as_str() {
            "open" => {
                let names_token = [
                    &raw.issuer,
                    &raw.audience,
                    &raw.key_file,
                    &raw.jwks_url,
                    &raw.openid_configuration,
                ];
                if names_token.into_iter().any(Option::is_some) {
                    let problem = "an open policy asks for no token, yet names one";
                    self.problems.add(at, problem, "remove issuer, audience and the keys");
                }
                (Some(Restriction::Open), Vec::new())
            }
            "token" => self.token_restriction(at, raw),
            other => {
                self.unknown(&format!("{at}.restriction"), other, "`open` or `token`");
                (None, Vec::new())
            }
        }
    }

    fn token_restriction(
        &mut self,
        at: &str,
        raw: &raw::RawKeyPolicy,
    ) -> (Option<Restriction>, Vec<TokenKeyMaterial>) {
        let mut present = |key: &str, value: &Option<String>| {
            let filled = value.clone().filter(|text| !text.is_empty());
            if filled.is_none() {
                self.problems.add(&format!("{at}.{key}"), "is needed when a token is", "");
            }
            filled
        };
        let issuer = present("issuer", &raw.issuer);
        let audience = present("audience", &raw.audience);
        let key_source = self.key_source(at, raw);
        let keys = self.token_key(at, raw);
        let lifetime_max = raw.lifetime_max_s.unwrap_or(86_400);
        if !(1..=31_536_000).contains(&lifetime_max) {
            self.problems.add(&format!("{at}.lifetime_max_s"), "from 1 to 31536000", "");
        }
        let leeway = raw.leeway_s.unwrap_or(30);
        if leeway > 60 {
            self.problems.add(&format!("{at}.leeway_s"), "at most 60", "");
        }
        let required = raw
            .required_claims
            .iter()
            .map(|claim| RequiredClaim { name: claim.name.clone(), value: claim.value.clone() });
        let restriction = issuer.zip(audience).map(|(issuer, audience)| {
            Restriction::Token(TokenRestriction {
                issuer,
                audience,
                required_claims: required.collect(),
                binding: match raw.binding_optional {
                    true => Binding::Optional,
                    false => Binding::Required,
                },
                leeway: Duration::from_secs(leeway),
                lifetime_max: Duration::from_secs(lifetime_max),
                key_source,
            })
        });
        (restriction, keys.into_iter().collect())
    }

    fn key_source(&mut self, at: &str, raw: &raw::RawKeyPolicy) -> Option<KeySource> {
        let (key, kind, url) = match (&raw.jwks_url, &raw.openid_configuration) {
            (None, None) => {
                if raw.jwks_algorithm.is_some() {
                    let problem = "there are no published keys that it could be for";
                    self.problems.add(&format!("{at}.jwks_algorithm"), problem, "");
                }
                return None;
            }
            (Some(url), None) => ("jwks_url", KeySourceKind::KeySet, url),
            (None, Some(url)) => ("openid_configuration", KeySourceKind::OpenIdConfiguration, url),
            (Some(_), Some(_)) => {
                let problem = "jwks_url and openid_configuration cannot stand together";
                self.problems.add(at, problem, "the second leads to the first");
                return None;
            }
        };
        let key_of_rsa = format!("{at}.jwks_algorithm");
        let rsa = raw.jwks_algorithm.as_deref().unwrap_or("RS256");
        let rsa = self.typed::<Algorithm>(&key_of_rsa, rsa);
        if rsa.is_some_and(|rsa| !rsa.is_rsa()) {
            let hint = "the other kinds of keys say which it is";
            self.problems.add(&key_of_rsa, "expected an algorithm of RSA keys", hint);
        }
        let url = self.typed(&format!("{at}.{key}"), url);
        Some(KeySource { kind, url: url?, rsa: rsa? })
    }

    fn token_key(&mut self, at: &str, raw: &raw::RawKeyPolicy) -> Option<TokenKeyMaterial> {
        let algorithm = self.typed::<Algorithm>(
            &format!("{at}.algorithm"),
            raw.algorithm.as_deref().unwrap_or("HS256"),
        );
        let (key, file, usage, readers) = match (&raw.key_file, &raw.public_key_file) {
            (Some(file), None) => ("key_file", file, KeyUsage::Sign, Readers::OwnerOnly),
            (None, Some(file)) => ("public_key_file", file, KeyUsage::Verify, Readers::Anybody),
            (None, None) if raw.jwks_url.is_some() || raw.openid_configuration.is_some() => {
                return None;
            }
            (None, None) => {
                let problem = "one of key_file, public_key_file, jwks_url and \
                               openid_configuration is needed";
                let hint = "a shared secret or private key, a public key, or where they are \
                            published";
                self.problems.add(at, problem, hint);
                return None;
            }
            (Some(_), Some(_)) => {
                let problem = "key_file and public_key_file cannot stand together";
                self.problems.add(at, problem, "a shared secret or private key, or a public key");
                return None;
            }
        };
        let algorithm = algorithm?;
        let usable = from_secret_file(&self.base.join(file), readers).and_then(|material| {
            let tried = match usage {
                KeyUsage::Sign => trust::signer(algorithm, &material).map(drop),
                KeyUsage::Verify => trust::verifier(algorithm, &material).map(drop),
            };
            tried.map(|()| material).map_err(|error| format!("`{file}`: {error}"))
        });
        match usable {
            Ok(material) => {
                Some(TokenKeyMaterial { algorithm, kid: raw.key_id.clone(), material, usage })
            }
            Err(problem) => {
                self.problems.add(&format!("{at}.{key}"), &problem, "");
                None
            }
        }
    }

    fn content(&mut self, at: &str, raw: raw::RawContent) -> Option<ContentEntry> {
        let id = self.typed(&format!("{at}.id"), &raw.id);
        let key_policy = self.typed(&format!("{at}.key_policy"), &raw.key_policy);
        let window = self.window(at, raw.opens.as_deref(), raw.closes.as_deref());
        Some(ContentEntry { id: id?, key_policy: key_policy?, window: window? })
    }

    fn entitlement(&mut self, at: &str, raw: raw::RawEntitlement) -> Option<EntitlementEntry> {
        let user = self.typed(&format!("{at}.user"), &raw.user);
        let content = self.typed(&format!("{at}.content"), &raw.content);
        let window = self.window(at, raw.from.as_deref(), raw.until.as_deref());
        Some(EntitlementEntry { user: user?, content: content?, window: window? })
    }

    fn window(&mut self, at: &str, opens: Option<&str>, closes: Option<&str>) -> Option<Window> {
        let mut moment = |text: Option<&str>| match text {
            None => Some(None),
            Some(text) => match text.parse::<jiff::Timestamp>() {
                Ok(at) => u64::try_from(at.as_second()).ok().map(|second| Some(Timestamp(second))),
                Err(_) => {
                    let problem = format!("`{text}` is not a moment");
                    self.problems.add(at, &problem, "such as `2026-11-22T20:15:00Z`");
                    None
                }
            },
        };
        let (opens, closes) = (moment(opens)?, moment(closes)?);
        Window::new(opens, closes)
            .map_err(|error| self.problems.add(at, &error.to_string(), ""))
            .ok()
    }

    fn typed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        text: &str,
    ) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.problems.add(key, &error.to_string(), "")).ok()
    }

    fn unknown(&mut self, key: &str, given: &str, known: &str) {
        self.problems.add(key, &format!("`{given}` is not known"), &format!("expected {known}"));
    }
}
