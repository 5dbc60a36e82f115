//! Behaviour of the packager: what comes out, judged by reading it back.

#[cfg(test)]
mod output;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tracks;
