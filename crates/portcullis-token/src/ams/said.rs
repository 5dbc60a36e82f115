//! What a token of either kind says, before anybody asked whether that is what it should say.

use std::{borrow::Cow, num::NonZeroU64};

use portcullis_base::{
    KeyId, Timestamp,
    json::{Object, Value},
};

use crate::{
    claims::{Claims, Uses},
    fault::Fault,
    identity::{TokenFormat, TokenIdentity},
    jws,
    jwt::{CONTENT_KEY_ID, MAX_USES},
};

/// What a token says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) issuer: Option<String>,
    pub(super) audiences: Vec<String>,
    pub(super) subject: Option<String>,
    pub(super) issued_at: Option<Timestamp>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) id: Option<String>,
    /// Every claim, those above included, by type.
    pub(super) all: Object,
}

impl Said {
    pub(super) fn of_jwt(all: Object) -> Result<Self, Fault> {
        Ok(Self {
            issuer: jws::text(&all, "iss")?.map(str::to_owned),
            audiences: jws::texts(&all, "aud")?,
            subject: jws::text(&all, "sub")?.map(str::to_owned),
            issued_at: jws::date(&all, "iat")?,
            start: jws::date(&all, "nbf")?,
            end: jws::date(&all, "exp")?,
            id: jws::text(&all, "jti")?.map(str::to_owned),
            all,
        })
    }

    pub(super) fn of_swt(all: Object) -> Result<Self, Fault> {
        let text = |name| jws::text(&all, name).map(|text| text.map(str::to_owned));
        let end = match jws::text(&all, "ExpiresOn")? {
            None => None,
            Some(digits) => {
                let fault = || Fault::Claim { name: "ExpiresOn".to_owned() };
                Some(seconds(digits).ok_or_else(fault)?)
            }
        };
        Ok(Self {
            issuer: text("Issuer")?,
            audiences: text("Audience")?.into_iter().collect(),
            subject: None,
            issued_at: None,
            start: None,
            end,
            id: None,
            all,
        })
    }

    /// The key the token names.
    pub(super) fn content_key_id(&self) -> Result<Option<KeyId>, Fault> {
        let fault = || Fault::Claim { name: CONTENT_KEY_ID.to_owned() };
        let Some(text) = self.single(CONTENT_KEY_ID)? else { return Ok(None) };
        let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        bare.unwrap_or(&text).parse().map(Some).map_err(|_| fault())
    }

    /// How often the token may be used: a number of at least 1, or the word `unlimited`.
    pub(super) fn uses(&self) -> Result<Uses, Fault> {
        let Some(text) = self.single(MAX_USES)? else { return Ok(Uses::Unlimited) };
        if text == "unlimited" {
            return Ok(Uses::Unlimited);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { text.parse::<NonZeroU64>().ok() } else { None };
        let fault = || Fault::Claim { name: MAX_USES.to_owned() };
        number.map(Uses::AtMost).ok_or_else(fault)
    }

    /// Whether the token carries a claim of this type, with this text if one is wanted.
    pub(super) fn carries(&self, name: &str, wanted: Option<&str>) -> bool {
        let mut values = self.all.get(name).into_iter().flat_map(values).filter_map(text);
        values.any(|value| wanted.is_none_or(|wanted| value == wanted))
    }

    /// The text of a claim that may have one value only.
    fn single(&self, name: &str) -> Result<Option<Cow<'_, str>>, Fault> {
        let Some(value) = self.all.get(name) else { return Ok(None) };
        match values(value) {
            [one] => text(one).map(Some),
            _ => None,
        }
        .ok_or_else(|| Fault::Claim { name: name.to_owned() })
    }

    pub(super) fn into_claims(mut self, signature: &[u8], format: TokenFormat) -> Claims {
        let kids = self.content_key_id().ok().flatten().into_iter().collect();
        let uses = self.uses().unwrap_or_default();
        for name in OWN_PLACE {
            self.all.remove(name);
        }
        let issuer = self.issuer.clone().unwrap_or_default();
        Claims {
            identity: TokenIdentity::new(format, &issuer, signature),
            issuer: self.issuer,
            audiences: self.audiences,
            issued_at: self.issued_at,
            start: self.start,
            end: self.end,
            id: self.id,
            uses,
            user: self.subject,
            kids,
            other: self.all,
            ..Claims::default()
        }
    }
}

/// SPEC: an array is several claims of one type.
fn values(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// SPEC: numbers, booleans and strings compare by their text.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Array(_) | Value::Null | Value::Object(_) => None,
        Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
        Value::Number(number) => Some(number.as_str().into()),
        Value::String(text) => Some(text.into()),
    }
}

fn seconds(digits: &str) -> Option<Timestamp> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = if plain { digits.parse().ok()? } else { return None };
    (1..1 << 53).contains(&seconds).then_some(Timestamp(seconds))
}

/// Claims that have a place of their own in the common words.
const OWN_PLACE: [&str; 12] = [
    "Audience",
    "ExpiresOn",
    "Issuer",
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "sub",
    CONTENT_KEY_ID,
    MAX_USES,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        Said::of_jwt(jws::object(text.as_bytes(), "claims").unwrap()).unwrap()
    }

    #[test]
    fn claims_compare_by_their_text_and_a_list_is_several() {
        let said = said(r#"{"a":["x",1,true,null],"b":1.0,"c":{},"d":[],"e":null}"#);
        let check = |name: &str, wanted: Option<&str>, expected: bool| {
            assert_eq!(said.carries(name, wanted), expected, "{name} {wanted:?}");
        };
        for text in ["x", "1", "true"] {
            check("a", Some(text), true);
        }
        check("a", Some("null"), false);
        check("a", Some("X"), false);
        check("b", Some("1.0"), true);
        check("b", Some("1"), false);
        check("a", None, true);
        for name in ["c", "d", "e", "f"] {
            check(name, None, false);
        }
    }

    #[test]
    fn the_number_of_uses_is_a_number_or_a_word() {
        let check = |value: &str, expected: Option<Uses>| {
            let text = format!(r#"{{"{MAX_USES}":{value}}}"#);
            assert_eq!(said(&text).uses().ok(), expected, "{value}");
        };
        let five = NonZeroU64::new(5).map(Uses::AtMost);
        check("5", five);
        check(r#""5""#, five);
        check(r#"["5"]"#, five);
        check(r#""unlimited""#, Some(Uses::Unlimited));
        for bad in ["0", "-1", "1.5", "1e1", r#""""#, r#""Unlimited""#, r#"" 5""#, "true", "null"] {
            check(bad, None);
        }
        check(r#"["5","5"]"#, None);
        check("[]", None);
        check("18446744073709551616", None);
    }

    #[test]
    fn a_key_id_is_one_guid_in_any_case() {
        let kid = "f4fb47a2-2f95-4f2c-ba93-733ca0e24714";
        let check = |value: &str, expected: bool| {
            let text = format!(r#"{{"{CONTENT_KEY_ID}":{value}}}"#);
            let read = said(&text).content_key_id();
            assert_eq!(read.is_ok_and(|read| read == kid.parse().ok()), expected, "{value}");
        };
        check(&format!(r#""{kid}""#), true);
        check(&format!(r#""{}""#, kid.to_uppercase()), true);
        check(&format!(r#""{{{kid}}}""#), true);
        check(&format!(r#"["{kid}"]"#), true);
        check(&format!(r#"["{kid}","{kid}"]"#), false);
        check(r#""*""#, false);
        check("1", false);
    }
}
