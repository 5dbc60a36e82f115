//! The server as its clients see it: real sockets, a real store, raw bytes.

// The attribute tells the lints that helpers in here are test code too.
#[cfg(test)]
mod clearkey;
#[cfg(test)]
mod client;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod cross_origin;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod house;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod log;
#[cfg(test)]
mod media;
#[cfg(test)]
mod process;
#[cfg(test)]
mod records;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod token_service;
#[cfg(test)]
mod uses;
