//! Behaviour of the drm crate through its public face. Tests no internals.

// `cfg(test)` is always true here. It tells clippy that helpers are test code too.
#[cfg(test)]
mod clearkey;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory;
#[cfg(test)]
mod playready;
#[cfg(test)]
mod support;
#[cfg(test)]
mod widevine;
