//! The built program as a whole: processes, files and sockets, nothing pretended.
//!
//! Every test works in a folder of its own, listens on free ports of the loopback interface,
//! and ends the processes it started by their handles.

// `cfg(test)` is always true here. It tells clippy that helpers are test code too.
#[cfg(test)]
mod audit;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod first_steps;
#[cfg(test)]
mod package;
#[cfg(test)]
mod revoke;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
