//! One record: its members, its canonical text, its maximum length.
//!
//! Values are strings and whole numbers. A record holds no secret and no text of a request
//! body; who puts a viewer into it uses the pseudonym.
//!
//! SPEC: SEC-17, SEC-101; RFC 8785 for the text.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use jiff::Timestamp;
use portcullis_base::json::{Object, Value};

use crate::Error;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// An API key was made.
    ApiKeyCreate,
    /// A content was made or changed.
    ContentPut,
    /// A switch that weakens protection was on at start.
    Danger,
    /// The list of who is entitled was changed.
    EntitlementsPut,
    /// A sealed row did not open.
    IntegrityFault,
    /// Content keys were made.
    KeyCreate,
    /// A key policy was made or changed.
    KeyPolicyPut,
    /// Content keys were opened to encrypt media.
    KeyRead,
    /// The ring of keks was made or changed.
    KeyringChange,
    /// A license was asked for.
    LicenseIssue,
    /// A revocation was taken back.
    RevocationLift,
    /// Something was revoked, or a revocation was changed.
    RevocationPut,
    /// The schema of the database was changed.
    SchemaMigrate,
    /// The program started.
    Start,
    /// The program stopped.
    Stop,
    /// A token was asked for.
    TokenIssue,
    /// The keys that verify or sign tokens were changed.
    TokenKeysPut,
}

impl Action {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyCreate => "api_key.create",
            Self::ContentPut => "content.put",
            Self::Danger => "danger",
            Self::EntitlementsPut => "entitlements.put",
            Self::IntegrityFault => "integrity.fault",
            Self::KeyCreate => "key.create",
            Self::KeyPolicyPut => "key_policy.put",
            Self::KeyRead => "key.read",
            Self::KeyringChange => "keyring.change",
            Self::LicenseIssue => "license.issue",
            Self::RevocationLift => "revocation.lift",
            Self::RevocationPut => "revocation.put",
            Self::SchemaMigrate => "schema.migrate",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::TokenIssue => "token.issue",
            Self::TokenKeysPut => "token_keys.put",
        }
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was begun and given up.
    Abandoned,
    /// Something of ours or upstream broke.
    Failed,
    /// It was done.
    Ok,
    /// It is about to happen; another record tells how it went.
    Open,
    /// Somebody decided no.
    Refused,
}

impl Outcome {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
            Self::Ok => "ok",
            Self::Open => "open",
            Self::Refused => "refused",
        }
    }
}

/// A member a record may have besides those it always has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// The value after a change.
    After,
    /// Who approved.
    Approver,
    /// The value before a change.
    Before,
    /// What a change changed.
    Diff,
    /// The key policy that decided.
    Policy,
    /// The code of the reason for a refusal.
    Reason,
    /// The id of the request.
    RequestId,
    /// Where the request came from.
    Source,
    /// The DRM system.
    System,
    /// The keyed digest by which a token is known, counted and revoked.
    Token,
}

impl Member {
    const fn as_str(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Approver => "approver",
            Self::Before => "before",
            Self::Diff => "diff",
            Self::Policy => "policy",
            Self::Reason => "reason",
            Self::RequestId => "request_id",
            Self::Source => "source",
            Self::System => "system",
            Self::Token => "token",
        }
    }
}

/// What is to be recorded, without what the log adds: moment, node and number.
#[derive(Clone, Debug)]
pub struct Record {
    action: Action,
    actor: String,
    object: String,
    tenant: String,
    members: BTreeMap<Member, String>,
}

impl Record {
    /// `actor` and `object` are a kind and an id: `apikey:K7Q2`, `content:film`. `tenant` is
    /// empty for what concerns them all.
    #[must_use]
    pub fn new(action: Action, actor: &str, object: &str, tenant: &str) -> Self {
        let (actor, object, tenant) = (plain(actor), plain(object), plain(tenant));
        Self { action, actor, object, tenant, members: BTreeMap::new() }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: Member, text: &str) -> Self {
        self.set(member, text);
        self
    }

    pub(super) fn set(&mut self, member: Member, text: &str) {
        self.members.insert(member, plain(text));
    }

    pub(crate) fn draft(&self, at_ms: u64, outcome: Outcome) -> Draft {
        let mut members: Object = self
            .members
            .iter()
            .map(|(member, text)| (member.as_str().to_owned(), Value::from(text.as_str())))
            .collect();
        for (name, value) in [
            ("action", self.action.as_str()),
            ("actor", &self.actor),
            ("at", &utc_ms(at_ms)),
            ("object", &self.object),
            ("outcome", outcome.as_str()),
            ("tenant", &self.tenant),
        ] {
            members.insert(name.to_owned(), value.into());
        }
        Draft(members)
    }
}

/// A record that lacks its node and number only.
#[derive(Clone, Debug)]
pub(crate) struct Draft(Object);

impl Draft {
    /// Says which opening record this one closes.
    // SPEC: SEC-101 has a member `grant`; here it is the number of the record of
    // the same node under which the grant was acted on.
    pub(super) fn closing(mut self, opened: u64) -> Self {
        self.0.insert("grant".to_owned(), opened.into());
        self
    }

    /// The canonical text.
    ///
    /// # Errors
    ///
    /// When the record is too long even after what a change changed is replaced by digests.
    pub(super) fn text(&self, node: &str, seq: u64) -> Result<String, Error> {
        let mut members = self.0.clone();
        members.insert("node".to_owned(), node.into());
        members.insert("seq".to_owned(), seq.into());
        let mut record = Value::Object(members);
        let text = record.to_string();
        if text.len() <= RECORD_BYTES_MAX {
            return Ok(text);
        }
        if let Value::Object(members) = &mut record {
            for name in [Member::After.as_str(), Member::Before.as_str(), Member::Diff.as_str()] {
                if let Some(Value::String(long)) = members.get_mut(name) {
                    *long = digest_and_size(long);
                }
            }
        }
        let text = record.to_string();
        if text.len() <= RECORD_BYTES_MAX {
            Ok(text)
        } else {
            Err(Error::Long { what: "an audit record", max: RECORD_BYTES_MAX })
        }
    }
}

fn digest_and_size(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let digest = digest.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("sha256:{digest}, {} bytes", text.len())
}

/// Replaces what could hide or reorder text on a terminal by its code.
fn plain(text: &str) -> String {
    if !text.contains(hides) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut plain, c| {
        if hides(c) {
            plain.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            plain.push(c);
        }
        plain
    })
}

/// Control characters and those that change the direction of text.
fn hides(c: char) -> bool {
    let turns = '\u{202a}'..='\u{202e}';
    let isolates = '\u{2066}'..='\u{2069}';
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}')
        || turns.contains(&c)
        || isolates.contains(&c)
}

/// UTC with milliseconds. A moment beyond the calendar prints as its last one.
fn utc_ms(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

const RECORD_BYTES_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(diff: &str) -> Draft {
        Record::new(Action::ContentPut, "local:root", "content:film", "t1")
            .with(Member::Diff, diff)
            .draft(1_767_323_045_678, Outcome::Ok)
    }

    #[test]
    fn members_are_sorted_and_times_have_milliseconds() {
        assert_eq!(
            draft("x").closing(4).text("n1", 5).unwrap(),
            r#"{"action":"content.put","actor":"local:root","at":"2026-01-02T03:04:05.678Z","#
                .to_owned()
                + r#""diff":"x","grant":4,"node":"n1","object":"content:film","outcome":"ok","#
                + r#""seq":5,"tenant":"t1"}"#
        );
    }

    #[test]
    fn a_record_of_the_maximum_stays_and_a_longer_change_becomes_its_digest() {
        let empty = draft("").text("n1", 5).unwrap().len();
        let fits = "x".repeat(RECORD_BYTES_MAX - empty);
        assert_eq!(draft(&fits).text("n1", 5).unwrap().len(), RECORD_BYTES_MAX);
        let text = draft(&format!("{fits}x")).text("n1", 5).unwrap();
        assert!(text.contains(&format!(", {} bytes\"", fits.len() + 1)), "{text}");
        assert!(text.contains("\"diff\":\"sha256:"), "{text}");
    }

    #[test]
    fn a_record_that_is_long_without_a_change_is_refused() {
        let record = Record::new(Action::Start, &"x".repeat(RECORD_BYTES_MAX), "o", "");
        assert!(matches!(record.draft(0, Outcome::Ok).text("n1", 1), Err(Error::Long { .. })));
    }

    #[test]
    fn text_that_hides_text_is_written_as_its_code() {
        for (text, expected) in [
            ("a\nb", "a\\u000ab"),
            ("\u{1b}[2J", "\\u001b[2J"),
            ("a\u{202e}b", "a\\u202eb"),
            ("é 中", "é 中"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
