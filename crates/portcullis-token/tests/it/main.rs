//! Behaviour of the token crate through its public interface.

// `cfg(test)` is always true here. It tells clippy that helpers are test code too.
#[cfg(test)]
mod akamai;
#[cfg(test)]
mod axinom;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod cat;
#[cfg(test)]
mod cloudfront;
#[cfg(test)]
mod cookie;
#[cfg(test)]
mod drmtoday;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod edge_vectors;
#[cfg(test)]
mod families;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod insys;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod jwks_vectors;
#[cfg(test)]
mod jwt_attacks;
#[cfg(test)]
mod jwt_differential;
#[cfg(test)]
mod jwt_keys;
#[cfg(test)]
mod jwt_uses;
#[cfg(test)]
mod jwt_vectors;
#[cfg(test)]
mod license_vectors;
#[cfg(test)]
mod media_cdn;
#[cfg(test)]
mod native;
#[cfg(test)]
mod pallycon;
#[cfg(test)]
mod pallycon_forgeries;
#[cfg(test)]
mod pallycon_vectors;
#[cfg(test)]
mod support;
#[cfg(test)]
mod uri_signing;
#[cfg(test)]
mod url_hash;
