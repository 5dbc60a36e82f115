//! Behaviour of the crate through its public API, and the vectors of its formats.

#[cfg(test)]
mod cenc;
