//! What a token says, in words common to every family.
//!
//! A format reads its own fields into [`Claims`], and writes them from it. What has no place
//! here is kept under the format's own name in [`Claims::other`], so that nothing a token
//! said is lost in silence when it is shown or converted. No format is the model.

use std::{fmt, num::NonZeroU64};

use portcullis_base::{
    Cidr, DrmSystem, KeyId, SecretBytes, Timestamp,
    json::{Object, Value},
};
use portcullis_terms::{Terms, Tracks, output::Output};

use crate::identity::TokenIdentity;

/// What a token says.
#[derive(Debug, Default)]
pub struct Claims {
    /// Who made it: an issuer, a site, a merchant.
    pub issuer: Option<String>,
    /// For whom it is meant; empty if it does not say.
    pub audiences: Vec<String>,
    /// When it was made.
    pub issued_at: Option<Timestamp>,
    /// From when it may be used.
    pub start: Option<Timestamp>,
    /// From when it may no longer be used.
    pub end: Option<Timestamp>,
    /// The id by which it can be told apart and revoked, as text.
    pub id: Option<String>,
    /// What tells it from every other token, for counting uses. It is never shown.
    pub identity: Option<TokenIdentity>,
    /// How often it may be used.
    pub uses: Uses,
    /// The viewer.
    pub user: Option<String>,
    /// The viewer's session.
    pub session: Option<String>,
    /// The only devices it may be used on; empty if any.
    pub devices: Vec<String>,
    /// The only addresses it may be used from; empty if any.
    pub addresses: Vec<Cidr>,
    /// The only countries it may be used from, ISO 3166; empty if any.
    pub countries: Vec<String>,
    /// What may be fetched with it; empty if the token is not about fetching.
    pub covers: Vec<Cover>,
    /// The content it is for.
    pub content: Option<String>,
    /// The keys it is for; empty if all of the content's.
    pub kids: Vec<KeyId>,
    /// The DRM system it is for.
    pub system: Option<TokenSystem>,
    /// Keys the token brings along.
    pub keys: Vec<InlineKey>,
    /// What the license may do.
    pub terms: Terms,
    /// What device and outputs must be for single keys, in front of the terms' own outputs.
    pub key_outputs: Vec<(KeyId, Output)>,
    /// A payload for somebody else.
    pub data: Option<String>,
    /// What has no place above, by the format's own names.
    pub other: Object,
}

impl Claims {
    /// The claims as JSON, with only what is said, and no key.
    #[must_use]
    pub fn to_json(&self) -> Object {
        let mut all = Object::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                all.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let time = |time: Option<Timestamp>| time.map(|time| Value::from(time.0));
        let list = |items: Vec<String>| {
            (!items.is_empty()).then(|| Value::Array(items.into_iter().map(Value::from).collect()))
        };
        put("issuer", text(&self.issuer));
        put("audiences", list(self.audiences.clone()));
        put("issued_at", time(self.issued_at));
        put("start", time(self.start));
        put("end", time(self.end));
        put("id", text(&self.id));
        put("uses", self.uses.limit().map(|limit| Value::from(limit.get())));
        put("user", text(&self.user));
        put("session", text(&self.session));
        put("devices", list(self.devices.clone()));
        put("addresses", list(self.addresses.iter().map(ToString::to_string).collect()));
        put("countries", list(self.countries.clone()));
        put("covers", list(self.covers.iter().map(ToString::to_string).collect()));
        put("content", text(&self.content));
        put("kids", list(self.kids.iter().map(ToString::to_string).collect()));
        put("system", self.system.map(|system| Value::from(system.as_str())));
        put("keys", list(self.keys.iter().map(InlineKey::describe).collect()));
        put("terms", (!self.terms.is_unsaid()).then(|| self.terms.to_json()));
        let outputs =
            self.key_outputs.iter().map(|(kid, output)| (kid.to_string(), output.to_json()));
        put(
            "key_outputs",
            (!self.key_outputs.is_empty()).then(|| Value::Object(outputs.collect())),
        );
        put("data", text(&self.data));
        put("other", (!self.other.is_empty()).then(|| Value::Object(self.other.clone())));
        all
    }
}

/// How often a token may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uses {
    /// So many times.
    AtMost(NonZeroU64),
    /// As often as its lifetime allows.
    #[default]
    Unlimited,
}

impl Uses {
    /// Once.
    pub const ONCE: Self = Self::AtMost(NonZeroU64::MIN);

    /// The number, if there is one.
    #[must_use]
    pub const fn limit(self) -> Option<NonZeroU64> {
        match self {
            Self::AtMost(limit) => Some(limit),
            Self::Unlimited => None,
        }
    }
}

/// Something that may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// One path as sent, with its query if there is one.
    Path(String),
    /// A path pattern as Akamai writes it: `*` any run, `?` one character.
    PathGlob(String),
    /// Every path that begins so.
    PathPrefix(String),
    /// One URL, whole.
    Url(String),
    /// A URL pattern: `*` any run, `?` one character.
    UrlGlob(String),
    /// Conditions on parts of the URL, in the format's own words.
    UrlParts(String),
    /// Every URL that begins so.
    UrlPrefix(String),
    /// A regular expression over the whole URL.
    UrlRegex(String),
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Path(text) => ("path", text),
            Self::PathGlob(text) => ("path glob", text),
            Self::PathPrefix(text) => ("path prefix", text),
            Self::Url(text) => ("url", text),
            Self::UrlGlob(text) => ("url glob", text),
            Self::UrlParts(text) => ("url parts", text),
            Self::UrlPrefix(text) => ("url prefix", text),
            Self::UrlRegex(text) => ("url regex", text),
        };
        write!(f, "{kind} {text}")
    }
}

/// The DRM system a token is for. License tokens know two that Portcullis does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenSystem {
    /// One of ours.
    Known(DrmSystem),
    /// INKA's NCG.
    Ncg,
    /// Huawei's WisePlay.
    WisePlay,
}

impl TokenSystem {
    /// The name in reports and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known(system) => system.as_str(),
            Self::Ncg => "ncg",
            Self::WisePlay => "wiseplay",
        }
    }

    /// The system of a name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "ncg" => Some(Self::Ncg),
            "wiseplay" => Some(Self::WisePlay),
            known => known.parse().ok().map(Self::Known),
        }
    }
}

/// A content key that came in a token.
#[derive(Debug)]
pub struct InlineKey {
    /// Its id, if it has one.
    pub kid: Option<KeyId>,
    /// The tracks it is for.
    pub tracks: Tracks,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The key: 16 bytes, for NCG 32.
    pub key: SecretBytes,
    /// The vector, if it comes with one.
    pub iv: Option<[u8; 16]>,
}

impl InlineKey {
    /// What can be shown of it.
    #[must_use]
    pub fn describe(&self) -> String {
        let kid = self.kid.map_or_else(|| "without id".to_owned(), |kid| kid.to_string());
        format!("{} {} {kid}", self.purpose.as_str(), self.tracks)
    }
}

/// What a key that came in a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Common encryption.
    Cenc,
    /// HLS with FairPlay or AES-128.
    Hls,
    /// NCG.
    Ncg,
}

impl KeyPurpose {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cenc => "cenc",
            Self::Hls => "hls",
            Self::Ncg => "ncg",
        }
    }
}
