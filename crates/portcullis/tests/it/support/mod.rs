//! What the tests have in common: a folder made by `init`, the running server, a small HTTP
//! client, and a search for secrets. Nothing here asserts a behaviour of its own.

mod http;
mod scan;
mod server;
mod site;

pub(crate) use self::{
    http::{Answer, ask, connect, get, post, read_answer},
    scan::{Needles, core_of},
    server::Server,
    site::{CONTENT, Ran, Site, USER, films, run_in, tree},
};
