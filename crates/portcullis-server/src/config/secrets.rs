//! Reads secrets from files and the environment, and wipes what it read.
//!
//! Refuses files that group or others can read (SEC-02): a secret everybody can read is a
//! slip, and the moment to say so is before the first license.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use portcullis_base::SecretBytes;

/// Who may be able to read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Anybody: a public key.
    Anybody,
    /// Its owner only: a secret.
    OwnerOnly,
}

/// Reads the secret in the file at `path`, without a trailing line break.
///
/// # Errors
///
/// A sentence for the operator: missing, unreadable, too open, too long or empty.
pub(crate) fn from_file(path: &Path, readers: Readers) -> Result<SecretBytes, String> {
    let shown = path.display();
    let facts = fs::metadata(path).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    if !facts.is_file() {
        return Err(format!("`{shown}` is not a file"));
    }
    if readers == Readers::OwnerOnly && facts.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "`{shown}` can be read by others than its owner: run `chmod 600 {shown}`"
        ));
    }
    if facts.len() > SECRET_BYTES_MAX {
        return Err(format!("`{shown}` is longer than {SECRET_BYTES_MAX} bytes"));
    }
    let mut bytes = fs::read(path).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    // A raw 32-byte key may end in a byte that looks like a line break; only text is trimmed.
    if bytes.len() != 32 {
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
    }
    if bytes.is_empty() { Err(format!("`{shown}` is empty")) } else { Ok(SecretBytes::new(bytes)) }
}

/// Reads the secret in the environment variable `name`.
///
/// # Errors
///
/// A sentence for the operator when it is not set or empty.
#[expect(clippy::disallowed_methods, reason = "configuration is read here, once")]
pub(crate) fn from_env(name: &str) -> Result<SecretBytes, String> {
    match std::env::var_os(name) {
        Some(value) if !value.is_empty() => {
            Ok(SecretBytes::new(std::os::unix::ffi::OsStringExt::into_vec(value)))
        }
        _ => Err(format!("the environment variable `{name}` is not set")),
    }
}

const SECRET_BYTES_MAX: u64 = 16 << 10;
