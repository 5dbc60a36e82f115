//! The policy of a signed URL or cookie: one statement that says what, until when, and from
//! where.
//!
//! It is verified as the bytes that were received and never written again for that; readers
//! differ in the order of members. Read strictly: members nobody knows, members that stand
//! twice and a second statement are refused.
//!
//! SPEC: CloudFront Developer Guide, canned and custom policies; botocore for the order of
//! members.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{
    Cidr, CidrError, Timestamp,
    json::{self, JsonFault, Limits, Object, Value},
};

use crate::fault::Fault;

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The URL, with `*` for any run of characters and `?` for one.
    pub resource: String,
    /// From when it may no longer be used (`DateLessThan`).
    pub end: Timestamp,
    /// Until when it may not yet be used, that moment included (`DateGreaterThan`).
    pub after: Option<Timestamp>,
    /// The only addresses it may be used from.
    pub source: Option<Cidr>,
}

impl Policy {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let policy = json::parse(text, &Limits::TOKEN).map_err(|error| match error.fault {
            JsonFault::Duplicate => Fault::Duplicate { what: "a member of the policy".to_owned() },
            _ => Fault::malformed(format!("the policy is not strict JSON: {error}")),
        })?;
        let policy = members(&policy, "Policy", &["Statement"])?;
        let statement = match policy.get("Statement").and_then(Value::as_array) {
            Some([one]) => members(one, "Statement", &["Condition", "Resource"])?,
            Some([]) | None => return Err(claim("Statement")),
            Some(_) => return Err(Fault::Unsupported { what: "Statement".to_owned() }),
        };
        let resource = statement.get("Resource").and_then(Value::as_str);
        let resource = resource.filter(|text| !text.is_empty()).ok_or_else(|| claim("Resource"))?;
        let condition = statement.get("Condition").ok_or_else(|| claim("Condition"))?;
        let known = ["DateGreaterThan", "DateLessThan", "IpAddress"];
        let condition = members(condition, "Condition", &known)?;
        Ok(Self {
            resource: resource.to_owned(),
            end: time(condition, "DateLessThan")?.ok_or(Fault::NoEnd)?,
            after: time(condition, "DateGreaterThan")?,
            source: source(condition)?,
        })
    }

    /// The text to sign. A policy that says nothing but URL and end comes out as the canned
    /// one.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = canned_start(&self.resource);
        text.push_str(&format!("{}}}", self.end));
        if let Some(source) = &self.source {
            text.push_str(&format!(r#","IpAddress":{{"AWS:SourceIp":"{source}"}}"#));
        }
        if let Some(after) = self.after {
            text.push_str(&format!(r#","DateGreaterThan":{{"AWS:EpochTime":{after}}}"#));
        }
        text.push_str("}}]}");
        text
    }
}

/// The canned policy of a URL, with its end as it was sent.
pub(super) fn canned(url: &str, end: &str) -> String {
    format!("{}{end}}}}}}}]}}", canned_start(url))
}

fn canned_start(resource: &str) -> String {
    let resource = Value::from(resource);
    format!(
        r#"{{"Statement":[{{"Resource":{resource},"Condition":{{"DateLessThan":{{"AWS:EpochTime":"#
    )
}

/// Writes base64 with the three characters that CloudFront replaces.
pub(super) fn encode(bytes: &[u8]) -> String {
    let replaced = |character| match character {
        '+' => '-',
        '=' => '_',
        '/' => '~',
        other => other,
    };
    STANDARD.encode(bytes).chars().map(replaced).collect()
}

/// Reads what [`encode`] writes, and nothing else.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let replaced = |byte| match byte {
        b'-' => b'+',
        b'_' => b'=',
        b'~' => b'/',
        b'+' | b'=' | b'/' => b' ',
        other => other,
    };
    let text: Vec<u8> = text.bytes().map(replaced).collect();
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

/// The members of an object that may have these and no others.
fn members<'a>(value: &'a Value, name: &str, known: &[&str]) -> Result<&'a Object, Fault> {
    let object = value.as_object().ok_or_else(|| claim(name))?;
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Fault::Unsupported { what: name.clone() }),
        None => Ok(object),
    }
}

fn time(condition: &Object, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(value) = condition.get(name) else { return Ok(None) };
    let value = members(value, name, &["AWS:EpochTime"])?.get("AWS:EpochTime");
    let seconds = value.and_then(Value::as_number).and_then(json::Number::as_u64);
    seconds.map(|seconds| Some(Timestamp(seconds))).ok_or_else(|| claim(name))
}

fn source(condition: &Object) -> Result<Option<Cidr>, Fault> {
    let name = "IpAddress";
    let Some(value) = condition.get(name) else { return Ok(None) };
    let text = members(value, name, &["AWS:SourceIp"])?.get("AWS:SourceIp");
    let text = text.and_then(Value::as_str).ok_or_else(|| claim(name))?;
    let range = match text.parse() {
        // CloudFront does not mind bits below the prefix.
        Err(CidrError::HostBits { network }) => network.parse(),
        other => other,
    };
    range.map(Some).map_err(|_| claim(name))
}

fn claim(name: &str) -> Fault {
    Fault::Claim { name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_written_as_botocore_writes_them() {
        let url = "https://d111111abcdef8.cloudfront.net/vod/movie42/";
        let mut policy = Policy {
            resource: format!("{url}master.m3u8"),
            end: Timestamp(1_700_003_600),
            after: None,
            source: None,
        };
        let expected = format!(
            concat!(
                r#"{{"Statement":[{{"Resource":"{url}master.m3u8","#,
                r#""Condition":{{"DateLessThan":{{"AWS:EpochTime":1700003600}}}}}}]}}"#,
            ),
            url = url
        );
        assert_eq!(policy.to_text(), expected);
        assert_eq!(canned(&policy.resource, "1700003600"), expected);
        policy.resource = format!("{url}*");
        policy.after = Some(Timestamp(1_700_000_000));
        policy.source = Some("203.0.113.0/24".parse().unwrap());
        let expected = format!(
            concat!(
                r#"{{"Statement":[{{"Resource":"{url}*","#,
                r#""Condition":{{"DateLessThan":{{"AWS:EpochTime":1700003600}},"#,
                r#""IpAddress":{{"AWS:SourceIp":"203.0.113.0/24"}},"#,
                r#""DateGreaterThan":{{"AWS:EpochTime":1700000000}}}}}}]}}"#,
            ),
            url = url
        );
        assert_eq!(policy.to_text(), expected);
        assert_eq!(Policy::parse(expected.as_bytes()), Ok(policy));
    }

    #[test]
    fn base64_has_the_three_characters_replaced_and_one_spelling() {
        for bytes in [&[0xfb, 0xff][..], &[0xff], &[1, 2, 3]] {
            assert_eq!(decode(&encode(bytes)).as_deref(), Some(bytes));
        }
        assert_eq!(encode(&[0xfb, 0xff]), "-~8_");
        for bad in ["", "+~8_", "-/8_", "-~8=", "-~8", "-~9_", "-~8_ ", "%2d~8_"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
