//! Writes a policy document into the store. Writing it twice changes nothing.

use std::collections::BTreeMap;

use portcullis_base::ContentId;
use portcullis_policy::model::{Content, Window};
use portcullis_store::{Author, Change, Error, Store, TokenKey, TokenKeyUse};

use super::{KeyUsage, PolicyDocument, TokenKeyMaterial};
use crate::app::default_tenant;

/// What writing a document changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// How many things are new.
    pub created: usize,
    /// How many were different before.
    pub updated: usize,
    /// How many were so already.
    pub unchanged: usize,
}

impl Applied {
    const fn count(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }
}

/// Writes a document. The list of a content that the document entitles anybody to is replaced
/// as a whole; other contents' lists are left alone.
///
/// # Errors
///
/// When the store fails, or a content names a key policy that exists neither in the document
/// nor in the store. What was written before that stays.
pub async fn apply(
    store: &Store,
    document: PolicyDocument,
    author: &Author,
) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    for (policy, keys) in document.key_policies {
        applied.count(store.put_key_policy(&policy, author).await?);
        let (verifying, signing) = stored(&keys);
        for (usage, keys) in [(TokenKeyUse::Verify, verifying), (TokenKeyUse::Sign, signing)] {
            applied.count(store.put_token_keys(&policy.name, usage, keys, author).await?);
        }
    }
    for entry in document.contents {
        let content = Content {
            id: entry.id,
            tenant: default_tenant(),
            key_policy: entry.key_policy,
            window: entry.window,
            keys: Vec::new(),
        };
        applied.count(store.put_content(&content, author).await?);
    }
    let mut lists: BTreeMap<ContentId, Vec<(portcullis_base::UserId, Window)>> = BTreeMap::new();
    for entry in document.entitlements {
        lists.entry(entry.content).or_default().push((entry.user, entry.window));
    }
    for (content, list) in lists {
        applied.count(store.put_entitlements(&content, &list, author).await?);
    }
    Ok(applied)
}

/// The keys to verify with and the keys to sign with. A private key verifies by its public
/// half, which is what the store keeps for verifying.
fn stored(keys: &[TokenKeyMaterial]) -> (Vec<TokenKey>, Vec<TokenKey>) {
    let copy = |key: &TokenKeyMaterial| TokenKey {
        kid: key.kid.clone().unwrap_or_default(),
        algorithm: key.algorithm.as_str().to_owned(),
        material: key.material.expose().to_vec().into(),
    };
    let signing = keys.iter().filter(|key| key.usage == KeyUsage::Sign).map(copy).collect();
    (keys.iter().map(copy).collect(), signing)
}
