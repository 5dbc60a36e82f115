//! The store through its public face: in memory where that is enough, in files where files
//! matter.

// `cfg(test)` is always true here. It tells clippy that helpers are test code too.
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod cookie_sessions;
#[cfg(test)]
mod editions;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token_keys;
#[cfg(test)]
mod uses;
#[cfg(test)]
mod vectors;
