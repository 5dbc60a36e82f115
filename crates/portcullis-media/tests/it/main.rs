//! Media bytes through the public API: small films that other tools made, hostile ones made by
//! hand, and published known answers.

#[cfg(test)]
mod avc;
#[cfg(test)]
mod avc_hand;
#[cfg(test)]
mod cenc;
#[cfg(test)]
mod dash_rewrite;
#[cfg(test)]
mod hls_rewrite;
#[cfg(test)]
mod pssh;
#[cfg(test)]
mod read;
#[cfg(test)]
mod read_film;
#[cfg(test)]
mod read_fragments;
#[cfg(test)]
mod read_hostile;
#[cfg(test)]
mod read_mutated;
#[cfg(test)]
mod read_tables;
