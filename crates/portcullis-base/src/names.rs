//! Names that operators and viewers' systems choose: tenants, policies, users.
//!
//! They are opaque: nothing is read out of them. Each has a stated alphabet and length, so
//! that none can carry a line break into a log, a path or a manifest.

use std::{fmt, str::FromStr};

/// The text cannot serve as this kind of name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct NameError {
    kind: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let accepts: fn(char) -> bool = $accepts;
                let fits = !text.is_empty() && text.len() <= $max && text.chars().all(accepts);
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { kind: $kind, rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// Whose data this is. Objects of different tenants never meet.
    TenantId,
    "tenant id",
    32,
    "1 to 32 lower-case letters, digits or hyphens",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);

name!(
    /// The name of a key policy.
    PolicyName,
    "policy name",
    128,
    "1 to 128 letters, digits, `.`, `_` or `-`",
    |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
);

name!(
    /// Who watches, in the words of the operator's own system.
    UserId,
    "user id",
    256,
    "1 to 256 bytes without control characters",
    |c| !c.is_control() && !crate::url::overrides_direction(c)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_keeps_to_its_alphabet_and_length() {
        assert!("t1".parse::<TenantId>().is_ok());
        assert!("T1".parse::<TenantId>().is_err());
        assert!("".parse::<TenantId>().is_err());
        assert!("a".repeat(32).parse::<TenantId>().is_ok());
        assert!("a".repeat(33).parse::<TenantId>().is_err());
        assert!("multi-drm_v1.0".parse::<PolicyName>().is_ok());
        assert!("multi drm".parse::<PolicyName>().is_err());
        assert!("alice@example.org".parse::<UserId>().is_ok());
        assert!("al\nice".parse::<UserId>().is_err());
        assert!("al\u{202e}ice".parse::<UserId>().is_err());
    }
}
