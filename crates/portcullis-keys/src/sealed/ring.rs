//! The ring of keks: one seals, all open (SEC-05).
//!
//! A kek exists in the clear twice: when it is made and when it is unwrapped. Put into the
//! ring its bytes are wiped and only the cipher's schedule stays. The ring does not store
//! itself and does not decide when to rotate.

use std::fmt;

use portcullis_base::{KeyId, Rng, Secret, SecretBytes};

use super::envelope::{Envelope, Kek, Place, SealedError, SealedFault};
use crate::{
    ContentKey,
    root::{Label, RootKey},
};

/// The keks in use.
pub struct KekRing {
    active: Kek,
    opening: Vec<Kek>,
}

impl KekRing {
    /// A ring of one kek, which seals and opens.
    #[must_use]
    pub fn new(active: KeyEncryptionKey) -> Self {
        Self { active: active.into_kek(), opening: Vec::new() }
    }

    /// Adds a kek that opens and does not seal: a standby or a former one.
    ///
    /// # Errors
    ///
    /// When the ring holds a kek of this id already, or is full.
    pub fn add_opening(&mut self, kek: KeyEncryptionKey) -> Result<(), RingError> {
        if self.find(kek.id).is_some() {
            return Err(RingError::Duplicate { id: kek.id });
        }
        if self.opening.len() >= OPENING_MAX {
            return Err(RingError::Full { max: OPENING_MAX });
        }
        self.opening.push(kek.into_kek());
        Ok(())
    }

    /// The id of the kek that seals.
    #[must_use]
    pub const fn active_id(&self) -> u32 {
        self.active.id
    }

    /// Seals a value for its place, under the active kek.
    ///
    /// # Errors
    ///
    /// When the value is longer than 64 KiB or a part of the place longer than 65,535 bytes.
    pub fn seal(
        &self,
        place: &Place<'_>,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, SealedError> {
        self.active.seal(place, plain, rng)
    }

    /// Opens a value at its place.
    ///
    /// # Errors
    ///
    /// When the envelope is malformed, names a kek that is not in the ring, or was not sealed
    /// for this place.
    pub fn open(&self, place: &Place<'_>, envelope: &[u8]) -> Result<SecretBytes, SealedError> {
        let envelope = Envelope::parse(envelope)?;
        let kek = self.find(envelope.kek_id).ok_or(SealedFault::UnknownKek(envelope.kek_id))?;
        let mut plain = vec![0; envelope.text.len()];
        kek.open(place, &envelope, &mut plain)?;
        Ok(SecretBytes::new(plain))
    }

    /// Opens a content key at its place.
    ///
    /// # Errors
    ///
    /// As [`KekRing::open`], and when the value is not 16 bytes long or the place's row is
    /// not that of `kid`.
    pub fn open_content_key(
        &self,
        place: &Place<'_>,
        kid: KeyId,
        envelope: &[u8],
    ) -> Result<ContentKey, SealedError> {
        if place.row_key != kid.as_bytes() {
            return Err(SealedFault::Tampered.into());
        }
        let envelope = Envelope::parse(envelope)?;
        let kek = self.find(envelope.kek_id).ok_or(SealedFault::UnknownKek(envelope.kek_id))?;
        Ok(ContentKey::from_secret(kid, open_secret(kek, place, &envelope)?))
    }

    fn find(&self, id: u32) -> Option<&Kek> {
        std::iter::once(&self.active).chain(&self.opening).find(|kek| kek.id == id)
    }
}

impl fmt::Debug for KekRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opening: Vec<u32> = self.opening.iter().map(|kek| kek.id).collect();
        write!(f, "KekRing(active {}, opening {opening:?})", self.active.id)
    }
}

/// A kek on its way between the database and the ring.
pub struct KeyEncryptionKey {
    id: u32,
    bytes: Secret<32>,
}

impl KeyEncryptionKey {
    /// Makes a new kek. Ids start at 1; 0 stands for the root in a wrapped kek.
    ///
    /// # Errors
    ///
    /// When `id` is 0.
    pub fn generate(id: u32, rng: &dyn Rng) -> Result<Self, RingError> {
        if id == ROOT_ID {
            return Err(RingError::Reserved);
        }
        Ok(Self { id, bytes: Secret::fill_with(|bytes| rng.fill(bytes)) })
    }

    /// The kek's id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Wraps the kek under the root, as it is stored.
    ///
    /// # Errors
    ///
    /// Never for a kek; the sealing beneath can refuse values that are too long.
    pub fn wrap(&self, root: &RootKey, rng: &dyn Rng) -> Result<Vec<u8>, SealedError> {
        let row_key = row_key(self.id);
        wrapping(root).seal(&place(&row_key), self.bytes.expose(), rng)
    }

    /// Unwraps a stored kek.
    ///
    /// # Errors
    ///
    /// When it was wrapped under another root or another id, or was changed.
    pub fn unwrap(root: &RootKey, id: u32, wrapped: &[u8]) -> Result<Self, SealedError> {
        let envelope = Envelope::parse(wrapped)?;
        if envelope.kek_id != ROOT_ID || id == ROOT_ID {
            return Err(SealedFault::UnknownKek(envelope.kek_id).into());
        }
        let row_key = row_key(id);
        let bytes = open_secret(&wrapping(root), &place(&row_key), &envelope)?;
        Ok(Self { id, bytes })
    }

    fn into_kek(self) -> Kek {
        Kek::new(self.id, &self.bytes)
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyEncryptionKey({})", self.id)
    }
}

/// A kek does not fit into the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The ring holds a kek of this id.
    #[error("the ring holds a kek {id} already")]
    Duplicate {
        /// The id.
        id: u32,
    },
    /// The ring is full.
    #[error("the ring holds {max} keks besides the active one; none can be added")]
    Full {
        /// How many fit.
        max: usize,
    },
    /// The id 0 stands for the root.
    #[error("a kek cannot have the id 0, which stands for the root")]
    Reserved,
}

/// Opens straight into the secret, so that nothing else ever holds the bytes.
fn open_secret<const N: usize>(
    kek: &Kek,
    place: &Place<'_>,
    envelope: &Envelope<'_>,
) -> Result<Secret<N>, SealedError> {
    let mut opened = Ok(());
    let secret = Secret::fill_with(|bytes| opened = kek.open(place, envelope, bytes));
    opened.map(|()| secret)
}

fn wrapping(root: &RootKey) -> Kek {
    Kek::new(ROOT_ID, &root.derive(Label::KekWrap))
}

const fn place(row_key: &[u8]) -> Place<'_> {
    Place { purpose: "kek", tenant: "", table: "kek_ring", row_key, column: "value" }
}

const fn row_key(id: u32) -> [u8; 4] {
    id.to_be_bytes()
}

const ROOT_ID: u32 = 0;

/// One active, and every kek of the last ten years at one rotation a year, with room.
const OPENING_MAX: usize = 31;
