//! Where the rows lie.
//!
//! One backend so far, SQLite ([`sqlite`]). The [`writer`] is the only way to change a row;
//! everything else reads. Nothing here knows what a row means.

pub(crate) mod migrations;
pub(crate) mod sqlite;
pub(crate) mod writer;

pub use sqlite::Location;
