//! What the crate does as a whole, through its public face.

// The attribute tells the lints that helpers in here are test code too.
#[cfg(test)]
mod cast;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod licenses;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod tokens;
