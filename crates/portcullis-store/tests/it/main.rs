//! The store through its public face: in memory where that is enough, in files where files
//! matter.

mod api_keys;
mod audit;
mod contents;
mod opening;
mod sealing;
mod support;
mod token_keys;
mod vectors;
