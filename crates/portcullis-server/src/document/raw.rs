//! The policy document as written. Nothing here is checked beyond TOML types.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDocument {
    pub(super) key_policies: Vec<RawKeyPolicy>,
    pub(super) contents: Vec<RawContent>,
    pub(super) entitlements: Vec<RawEntitlement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeyPolicy {
    pub(super) name: String,
    pub(super) restriction: String,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) public_key_file: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) jwks_url: Option<String>,
    pub(super) openid_configuration: Option<String>,
    pub(super) jwks_algorithm: Option<String>,
    pub(super) lifetime_max_s: Option<u64>,
    pub(super) leeway_s: Option<u64>,
    /// Accept tokens that name neither a content nor a key.
    #[serde(default)]
    pub(super) binding_optional: bool,
    #[serde(default)]
    pub(super) required_claims: Vec<RawClaim>,
    pub(super) classes: Option<Vec<String>>,
    pub(super) entitlement: String,
    #[serde(default)]
    pub(super) allow: Vec<String>,
    #[serde(default)]
    pub(super) deny: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClaim {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContent {
    pub(super) id: String,
    pub(super) key_policy: String,
    pub(super) opens: Option<String>,
    pub(super) closes: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntitlement {
    pub(super) user: String,
    pub(super) content: String,
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
}
