//! What every front door has at hand. Built once at start-up; holds no state of a request.

use std::sync::{Arc, atomic::AtomicBool};

use portcullis_base::{Clock, Rng, TenantId};
use portcullis_store::Store;

use crate::{Trust, config, demo::Demo};

/// The running process.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) trust: Trust,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) edge: config::Edge,
    pub(crate) license: config::License,
    pub(crate) tokens: config::Tokens,
    pub(crate) cors: Arc<config::Cors>,
    pub(crate) proxy: Arc<config::Proxy>,
    pub(crate) limits: Arc<config::Limits>,
    /// The process was told to stop and finishes what is open.
    pub(crate) stopping: AtomicBool,
    /// Only in `portcullis demo`.
    pub(crate) demo: Option<Demo>,
}

/// The tenant of a server with one tenant.
#[must_use]
pub fn default_tenant() -> TenantId {
    "default".parse().expect("`default` keeps to the alphabet and length of tenant ids")
}
