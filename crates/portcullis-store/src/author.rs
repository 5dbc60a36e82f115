//! On whose behalf something is written. Checks nothing: who may write was decided before.

use crate::audit::{Action, Member, Record};

/// Who writes, as the audit log shall name them.
#[derive(Clone, Debug)]
pub struct Author {
    actor: String,
    request_id: Option<String>,
    source: Option<String>,
}

impl Author {
    /// `actor` is a kind and an id: `apikey:K7Q2M4XZ`, `local:root`.
    #[must_use]
    pub fn new(actor: &str) -> Self {
        Self { actor: actor.to_owned(), request_id: None, source: None }
    }

    /// Names the request and where it came from.
    #[must_use]
    pub fn with_request(mut self, request_id: &str, source: &str) -> Self {
        self.request_id = Some(request_id.to_owned());
        self.source = Some(source.to_owned());
        self
    }

    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// A record of something done on their behalf.
    #[must_use]
    pub fn record(&self, action: Action, object: &str, tenant: &str) -> Record {
        let mut record = Record::new(action, &self.actor, object, tenant);
        for (member, text) in
            [(Member::RequestId, &self.request_id), (Member::Source, &self.source)]
        {
            if let Some(text) = text {
                record = record.with(member, text);
            }
        }
        record
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It made something new.
    Created,
    /// Everything was as asked for; nothing was written, not even to the audit log.
    Unchanged,
    /// It changed what was there.
    Updated,
}
