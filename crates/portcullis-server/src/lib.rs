//! The HTTP shell: one folder per front door.
//!
//! A door parses a request, loads facts, authenticates, asks the policy, acts and answers; it
//! reads top to bottom in one file. There is no SQL here, no cryptography and no second copy
//! of a rule. What is the same everywhere (sockets, limits, ids, outcome records) is in
//! `http/`.
//!
//! | where | what |
//! |---|---|
//! | [`config`], [`document`] | the configuration file; the policy document |
//! | `edge/` | media: access token in, session out |
//! | `license/` | licenses, one file per DRM system |
//! | `tokens/` | the token service |
//! | `console/` | the player page |
//! | [`demo`] | everything at once, for a newcomer |
//! | [`jwks`] | the keys that issuers publish, fetched in the background |
//! | [`outbound`] | calls this server makes itself |
//! | [`packaging`] | from MP4 to protected media, with keys from the vault |
//! | [`routes`] | every route there is |
//! | [`serve()`] | start, run, drain, stop |

#![forbid(unsafe_code)]

mod app;
mod authenticate;
mod clock;
pub mod config;
mod console;
pub mod demo;
pub mod document;
pub mod edge;
mod health;
mod http;
pub mod jwks;
pub mod license;
mod media_file;
mod origin;
pub mod outbound;
pub mod packaging;
mod random;
mod revocation;
pub mod routes;
pub mod serve;
pub mod telemetry;
pub mod tokens;
mod trust;

pub use app::default_tenant;
pub use clock::SystemClock;
pub use random::SystemRng;
pub use serve::serve;
pub use trust::Trust;
