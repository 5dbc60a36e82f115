//! What is the same at every front door: sockets, limits, request ids, outcome records.
//!
//! Knows nothing of tokens, keys or media. A request passes, from outside in:
//! [`listener`] (connection limits, framing) → [`guard`] (request id, panics, [`cors`] for
//! players, the one outcome record) → the door's own handler.

pub(crate) mod address;
pub(crate) mod bounds;
pub(crate) mod cors;
pub(crate) mod guard;
pub(crate) mod listener;
pub(crate) mod outcome;
pub(crate) mod query;
pub(crate) mod stop;
