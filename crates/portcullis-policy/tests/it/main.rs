//! What the crate does as a whole, through its public face.

mod cast;
mod explain;
mod licenses;
mod matrix;
mod reasons;
mod tokens;
