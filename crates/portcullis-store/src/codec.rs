//! Key policies as the database keeps them: one JSON document each, in canonical form.
//!
//! The form is the store's own and nobody else's API. The same policy always gives the same
//! text, so an unchanged policy is recognised by comparing texts. Reading is strict: a member
//! that is unknown or missing makes the document unreadable, because half a policy would
//! allow what the whole one refuses.

use std::time::Duration;

use portcullis_base::{
    Cidr, PolicyName,
    json::{self, Limits, Object, Value},
};
use portcullis_drm::LicenseTerms;
use portcullis_policy::model::{
    AddressRule, AllowedAddresses, AllowedClasses, Binding, EntitlementRule, KeyPolicy, KeySource,
    KeySourceKind, RequiredClaim, Restriction, TokenRestriction,
};

/// Writes a key policy; its name is not part of the document.
///
/// `None` when the policy is too large to be read back.
pub(crate) fn write_key_policy(policy: &KeyPolicy) -> Option<String> {
    let document = object([
        ("addresses", write_addresses(&policy.addresses)),
        ("classes", write_classes(&policy.classes)),
        ("entitlement", write_entitlement(policy.entitlement).into()),
        ("restriction", write_restriction(&policy.restriction)),
        ("terms", write_terms(&policy.terms)),
    ])
    .to_string();
    let same = read_key_policy(policy.name.clone(), &document).is_some_and(|read| read == *policy);
    same.then_some(document)
}

/// Reads a key policy; `None` when the document is not one.
pub(crate) fn read_key_policy(name: PolicyName, document: &str) -> Option<KeyPolicy> {
    let mut members = Members::of(json::parse(document.as_bytes(), &LIMITS).ok()?)?;
    let policy = KeyPolicy {
        name,
        addresses: read_addresses(members.take("addresses")?)?,
        classes: read_classes(&members.take("classes")?)?,
        entitlement: read_entitlement(members.take("entitlement")?.as_str()?)?,
        restriction: read_restriction(members.take("restriction")?)?,
        terms: read_terms(members.take("terms")?)?,
    };
    members.end().then_some(policy)
}

fn write_addresses(rule: &AddressRule) -> Value {
    let ranges = |ranges: &[Cidr]| Value::Array(ranges.iter().map(text).collect());
    let allow = match &rule.allow {
        AllowedAddresses::Any => ANY.into(),
        AllowedAddresses::Only(only) => ranges(only),
    };
    object([("allow", allow), ("deny", ranges(&rule.deny))])
}

fn read_addresses(value: Value) -> Option<AddressRule> {
    let ranges = |value: &Value| -> Option<Vec<Cidr>> {
        value.as_array()?.iter().map(|range| range.as_str()?.parse().ok()).collect()
    };
    let mut members = Members::of(value)?;
    let allow = match members.take("allow")? {
        Value::String(any) if any == ANY => AllowedAddresses::Any,
        only => AllowedAddresses::Only(ranges(&only)?),
    };
    let deny = ranges(&members.take("deny")?)?;
    members.end().then_some(AddressRule { allow, deny })
}

fn write_classes(classes: &AllowedClasses) -> Value {
    match classes {
        AllowedClasses::Any => ANY.into(),
        AllowedClasses::Only(only) => Value::Array(only.iter().map(text).collect()),
    }
}

fn read_classes(value: &Value) -> Option<AllowedClasses> {
    if value.as_str() == Some(ANY) {
        return Some(AllowedClasses::Any);
    }
    let classes = value.as_array()?.iter().map(|class| class.as_str()?.parse().ok());
    Some(AllowedClasses::Only(classes.collect::<Option<_>>()?))
}

const fn write_entitlement(rule: EntitlementRule) -> &'static str {
    match rule {
        EntitlementRule::Anyone => "anyone",
        EntitlementRule::Listed => "listed",
    }
}

fn read_entitlement(word: &str) -> Option<EntitlementRule> {
    match word {
        "anyone" => Some(EntitlementRule::Anyone),
        "listed" => Some(EntitlementRule::Listed),
        _ => None,
    }
}

fn write_restriction(restriction: &Restriction) -> Value {
    let Restriction::Token(token) = restriction else { return "open".into() };
    let claims = token.required_claims.iter().map(|claim| {
        let value = claim.value.as_deref().map_or(Value::Null, Value::from);
        object([("name", claim.name.as_str().into()), ("value", value)])
    });
    let mut members = vec![
        ("audience", token.audience.as_str().into()),
        ("binding", write_binding(token.binding).into()),
        ("issuer", token.issuer.as_str().into()),
        ("leeway_s", token.leeway.as_secs().into()),
        ("lifetime_max_s", token.lifetime_max.as_secs().into()),
        ("required_claims", Value::Array(claims.collect())),
    ];
    // Policies without one read and look as they did before there were any.
    if let Some(source) = &token.key_source {
        members.push(("key_source", write_key_source(source)));
    }
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn write_key_source(source: &KeySource) -> Value {
    let kind = match source.kind {
        KeySourceKind::KeySet => "jwks",
        KeySourceKind::OpenIdConfiguration => "openid_configuration",
    };
    object([("kind", kind.into()), ("rsa", text(&source.rsa)), ("url", source.url.as_str().into())])
}

fn read_key_source(value: Value) -> Option<KeySource> {
    let mut members = Members::of(value)?;
    let kind = match members.text("kind")?.as_str() {
        "jwks" => KeySourceKind::KeySet,
        "openid_configuration" => KeySourceKind::OpenIdConfiguration,
        _ => return None,
    };
    let (rsa, url) = (members.text("rsa")?.parse().ok()?, members.text("url")?.parse().ok()?);
    members.end().then_some(KeySource { kind, url, rsa })
}

fn read_restriction(value: Value) -> Option<Restriction> {
    if value.as_str() == Some("open") {
        return Some(Restriction::Open);
    }
    let mut members = Members::of(value)?;
    let claims = members.take("required_claims")?;
    let claims = claims.as_array()?.iter().map(|claim| read_claim(claim.clone()));
    let token = TokenRestriction {
        required_claims: claims.collect::<Option<_>>()?,
        audience: members.text("audience")?,
        binding: read_binding(&members.text("binding")?)?,
        issuer: members.text("issuer")?,
        leeway: Duration::from_secs(members.number("leeway_s")?),
        lifetime_max: Duration::from_secs(members.number("lifetime_max_s")?),
        key_source: match members.take("key_source") {
            None => None,
            Some(source) => Some(read_key_source(source)?),
        },
    };
    members.end().then_some(Restriction::Token(token))
}

fn read_claim(value: Value) -> Option<RequiredClaim> {
    let mut members = Members::of(value)?;
    let name = members.text("name")?;
    let value = match members.take("value")? {
        Value::Null => None,
        value => Some(value.as_str()?.to_owned()),
    };
    members.end().then_some(RequiredClaim { name, value })
}

const fn write_binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Optional => "optional",
        Binding::Required => "required",
    }
}

fn read_binding(word: &str) -> Option<Binding> {
    match word {
        "optional" => Some(Binding::Optional),
        "required" => Some(Binding::Required),
        _ => None,
    }
}

fn write_terms(terms: &LicenseTerms) -> Value {
    object([
        ("hdcp", terms.hdcp.as_str().into()),
        ("license_duration_s", terms.license_duration_s.map_or(Value::Null, Value::from)),
        ("persistence", terms.persistence.as_str().into()),
        ("robustness", terms.robustness.as_str().into()),
    ])
}

fn read_terms(value: Value) -> Option<LicenseTerms> {
    let mut members = Members::of(value)?;
    let license_duration_s = match members.take("license_duration_s")? {
        Value::Null => None,
        seconds => Some(seconds.as_number()?.as_u64()?),
    };
    let terms = LicenseTerms {
        license_duration_s,
        hdcp: members.text("hdcp")?.parse().ok()?,
        persistence: members.text("persistence")?.parse().ok()?,
        robustness: members.text("robustness")?.parse().ok()?,
    };
    members.end().then_some(terms)
}

/// The members of an object that were not taken yet.
struct Members(Object);

impl Members {
    fn of(value: Value) -> Option<Self> {
        if let Value::Object(members) = value { Some(Self(members)) } else { None }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.take(name)? { Some(text) } else { None }
    }

    fn number(&mut self, name: &str) -> Option<u64> {
        self.take(name)?.as_number()?.as_u64()
    }

    /// Whether every member was taken.
    fn end(&self) -> bool {
        self.0.is_empty()
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(value: &impl ToString) -> Value {
    value.to_string().into()
}

/// Stands where everything is meant; an empty list means nothing.
const ANY: &str = "any";

const LIMITS: Limits =
    Limits { bytes_max: 64 << 10, depth_max: 8, values_max: 4096, string_bytes_max: 4 << 10 };

#[cfg(test)]
mod tests {
    use portcullis_base::TrackClass;
    use portcullis_drm::{Hdcp, Persistence, Robustness};

    use super::*;

    fn full() -> KeyPolicy {
        KeyPolicy {
            name: "film".parse().unwrap(),
            restriction: Restriction::Token(TokenRestriction {
                issuer: "https://issuer.test".into(),
                audience: "urn:\"test\"".into(),
                required_claims: vec![
                    RequiredClaim { name: "plan".into(), value: Some("gold".into()) },
                    RequiredClaim { name: "sub".into(), value: None },
                ],
                binding: Binding::Optional,
                leeway: Duration::from_secs(30),
                lifetime_max: Duration::from_secs(86_400),
                key_source: Some(KeySource {
                    kind: KeySourceKind::OpenIdConfiguration,
                    url: "https://issuer.test/.well-known/openid-configuration".parse().unwrap(),
                    rsa: "PS256".parse().unwrap(),
                }),
            }),
            classes: AllowedClasses::Only([TrackClass::Audio, TrackClass::Sd].into()),
            entitlement: EntitlementRule::Listed,
            addresses: AddressRule {
                allow: AllowedAddresses::Only(vec!["192.0.2.0/24".parse().unwrap()]),
                deny: vec!["192.0.2.7".parse().unwrap()],
            },
            terms: LicenseTerms {
                persistence: Persistence::Offline,
                license_duration_s: Some(3600),
                hdcp: Hdcp::V2_2,
                robustness: Robustness::HardwareAll,
            },
        }
    }

    fn bare() -> KeyPolicy {
        KeyPolicy {
            name: "film".parse().unwrap(),
            restriction: Restriction::Open,
            classes: AllowedClasses::Any,
            entitlement: EntitlementRule::Anyone,
            addresses: AddressRule::NONE,
            terms: LicenseTerms::UNRESTRICTED,
        }
    }

    #[test]
    fn a_policy_reads_as_it_was_written() {
        for policy in [full(), bare()] {
            let document = write_key_policy(&policy).unwrap();
            assert_eq!(read_key_policy(policy.name.clone(), &document), Some(policy));
        }
    }

    #[test]
    fn nothing_allowed_is_not_everything_allowed() {
        let mut policy = bare();
        policy.classes = AllowedClasses::Only([].into());
        policy.addresses.allow = AllowedAddresses::Only(Vec::new());
        let document = write_key_policy(&policy).unwrap();
        assert_eq!(read_key_policy(policy.name.clone(), &document), Some(policy));
    }

    #[test]
    fn a_document_with_a_member_too_many_or_too_few_is_none() {
        let document = write_key_policy(&full()).unwrap();
        let read = |document: &str| read_key_policy("film".parse().unwrap(), document);
        for (from, to) in [
            ("{\"addresses\"", "{\"a\":1,\"addresses\""),
            ("\"entitlement\":\"listed\",", ""),
            ("\"binding\":\"optional\",", ""),
            ("\"deny\"", "\"Deny\""),
            ("listed", "Listed"),
            ("\"leeway_s\":30", "\"leeway_s\":-30"),
            ("\"kind\":\"openid", "\"kind\":\"saml"),
            ("\"rsa\":\"PS256\"", "\"rsa\":\"none\""),
            ("\"url\":\"https:", "\"url\":\"http:"),
            (",\"url\":", ",\"URL\":"),
            ("\"hdcp\":\"2.2\"", "\"hdcp\":\"9\""),
        ] {
            let changed = document.replacen(from, to, 1);
            assert_ne!(changed, document, "{from}");
            assert_eq!(read(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_policy_too_large_to_be_read_back_is_not_written() {
        let mut policy = bare();
        policy.addresses.deny = vec!["192.0.2.7".parse().unwrap(); 5000];
        assert_eq!(write_key_policy(&policy), None);
    }
}
