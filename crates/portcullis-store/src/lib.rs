//! Remembers: contents, policies, sealed keys, the audit log.
//!
//! The database is not trusted with a secret: everything secret in it is sealed by the
//! [`Vault`], which alone opens content keys and asks for a grant first. There are no status
//! codes here, no wire shapes and no decisions; [`Store`] answers with facts.
//!
//! | where | what |
//! |---|---|
//! | `backend/` | the SQLite file, its schema, and the one writer |
//! | `ring`, `vault` | keks, and what they seal |
//! | `audit/` | the chained log |
//! | `snapshot` | all that decisions read, in memory |
//! | `uses`, `revocations` | how often tokens were used; what was taken back |
//! | `cookie_sessions` | sessions of random cookies |
//! | `contents`, `editions`, `key_policies`, `token_keys`, `api_keys` | one file per use |

mod api_keys;
pub mod audit;
mod author;
mod backend;
mod codec;
mod contents;
mod cookie_sessions;
mod editions;
mod error;
mod key_policies;
mod revocations;
mod ring;
mod snapshot;
mod store;
mod token_keys;
mod uses;
mod vault;

pub use api_keys::{ApiKey, NewApiKey};
pub use author::{Author, Change};
pub use backend::Location;
pub use cookie_sessions::CookieSession;
pub use error::Error;
pub use revocations::{Listed, Revocation, Revocations, Subject, SubjectError};
pub use store::{Store, StoreOptions};
pub use token_keys::{TokenKey, TokenKeyUse};
pub use uses::{Reserved, TokenDigest, Use, Uses};
pub use vault::Vault;
