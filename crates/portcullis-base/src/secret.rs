//! Bytes that must not be seen.
//!
//! Neither type prints, serializes, compares with `==` or clones. `Debug` shows the type's
//! name and length only. The bytes are wiped when the value is dropped and are lent by
//! `expose`, which is the word reviewers search for.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::with_washed_stack;

/// A secret of a length known at compile time.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Makes a secret by letting `fill` write it in place, so that no copy is left behind, on
    /// the stack either.
    #[must_use]
    pub fn fill_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        with_washed_stack(|| fill(&mut secret.0));
        secret
    }

    /// Copies a secret out of `bytes`; `None` when the length differs. The caller wipes its
    /// own copy.
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == N).then(|| Self::fill_with(|secret| secret.copy_from_slice(bytes)))
    }

    /// Lends the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Compares without telling by its duration where the difference lies.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>")
    }
}

/// A secret of any length.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over; the vector is wiped when this value is dropped.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Lends the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares without telling by its duration where the difference lies.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_type_prints_its_bytes() {
        let secret = Secret::<4>::copy_from(&[222, 173, 190, 239]).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret<4>");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![222, 173])), "SecretBytes(2 bytes)");
    }

    #[test]
    fn comparison_sees_every_byte_and_the_length() {
        let secret = Secret::<3>::copy_from(&[1, 2, 3]).unwrap();
        assert!(secret.ct_eq(&[1, 2, 3]));
        assert!(!secret.ct_eq(&[1, 2, 4]));
        assert!(!secret.ct_eq(&[1, 2]));
        assert!(Secret::<3>::copy_from(&[1, 2]).is_none());
    }
}
