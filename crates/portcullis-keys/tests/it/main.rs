//! Behaviour of the keys crate through its public face. Tests no internals.

// `cfg(test)` is always true here. It tells clippy that helpers are test code too.
#[cfg(test)]
mod derivation;
#[cfg(test)]
mod envelopes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
