//! The envelope: one value sealed under one kek. Does not choose the kek.

use std::{fmt, hint::black_box};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use portcullis_base::{Rng, Secret, with_washed_stack};
use zeroize::Zeroize;

/// Where a sealed value stands. Every part is authenticated with the value.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What the value is for: `content_key`, `token_key`, `kek`, …
    pub purpose: &'a str,
    /// Whose it is; empty for what belongs to no tenant.
    pub tenant: &'a str,
    /// The table.
    pub table: &'a str,
    /// The row: for a content key the 16 bytes of its kid, else the primary key's text.
    pub row_key: &'a [u8],
    /// The column.
    pub column: &'a str,
}

/// Something does not seal or does not open.
///
/// Its text says no more than that, because whoever asked may be the one who tampered. The
/// audit record gets [`SealedError::fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be used")]
pub struct SealedError {
    fault: SealedFault,
}

impl SealedError {
    /// What exactly was wrong, for the operator.
    #[must_use]
    pub const fn fault(&self) -> SealedFault {
        self.fault
    }
}

/// What was wrong with a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealedFault {
    /// The envelope names an algorithm other than AES-256-GCM.
    Algorithm(u8),
    /// The opened value does not have the length it must have.
    Length,
    /// A part of the place, or the value, is longer than the format allows.
    TooLong,
    /// The envelope ends before its tag.
    TooShort,
    /// The tag does not match: other kek, other place, or changed bytes.
    Tampered,
    /// The kek the envelope names is not in the ring.
    UnknownKek(u32),
    /// The envelope is of a version other than 1.
    Version(u8),
}

impl fmt::Display for SealedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(algorithm) => write!(f, "unknown sealing algorithm {algorithm}"),
            Self::Length => f.write_str("the opened value has the wrong length"),
            Self::TooLong => f.write_str("the value or a part of its place is too long"),
            Self::TooShort => f.write_str("the envelope is too short"),
            Self::Tampered => f.write_str("the tag does not match"),
            Self::UnknownKek(id) => write!(f, "kek {id} is not in the ring"),
            Self::Version(version) => write!(f, "unknown envelope version {version}"),
        }
    }
}

impl From<SealedFault> for SealedError {
    fn from(fault: SealedFault) -> Self {
        Self { fault }
    }
}

/// A kek ready for use. Only the cipher's own schedule is kept, not the bytes of the key.
pub(super) struct Kek {
    pub(super) id: u32,
    key: LessSafeKey,
    /// A key that everybody knows, see [`Kek::displace`].
    worthless: LessSafeKey,
}

impl Kek {
    pub(super) fn new(id: u32, bytes: &Secret<32>) -> Self {
        let key = |bytes: &[u8; 32]| {
            let key = UnboundKey::new(&AES_256_GCM, bytes);
            LessSafeKey::new(key.expect("AES-256 takes every key of 32 bytes"))
        };
        Self { id, key: key(bytes.expose()), worthless: key(&[0; 32]) }
    }

    pub(super) fn seal(
        &self,
        place: &Place<'_>,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, SealedError> {
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(SealedFault::TooLong.into());
        }
        let head = head(self.id);
        let aad = aad(head, place)?;
        let mut nonce = [0; NONCE_BYTES];
        rng.fill(&mut nonce);

        // The plaintext is copied once, to where it is encrypted, and the buffer is as long
        // as it will ever be: growing it would leave the plaintext behind.
        let mut envelope = Vec::with_capacity(OVERHEAD_BYTES.saturating_add(plain.len()));
        envelope.extend_from_slice(&head);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(plain);
        let text = envelope.get_mut(HEAD_BYTES + NONCE_BYTES..).unwrap_or_default();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = with_washed_stack(|| {
            let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(&aad), text);
            self.displace(&aad, plain.len());
            sealed
        });
        match sealed {
            Ok(tag) => envelope.extend_from_slice(tag.as_ref()),
            Err(_) => {
                envelope.zeroize();
                return Err(SealedFault::TooLong.into());
            }
        }
        Ok(envelope)
    }

    /// Opens into `plain`, which must be exactly as long as the value.
    pub(super) fn open(
        &self,
        place: &Place<'_>,
        envelope: &Envelope<'_>,
        plain: &mut [u8],
    ) -> Result<(), SealedError> {
        if plain.len() != envelope.text.len() {
            return Err(SealedFault::Length.into());
        }
        let aad = aad(head(envelope.kek_id), place)?;
        let nonce = Nonce::assume_unique_for_key(*envelope.nonce);
        let opened = with_washed_stack(|| {
            let (text, tag) = (envelope.text, envelope.tag);
            let opened = self.key.open_separate_gather(nonce, Aad::from(&aad), text, tag, plain);
            self.displace(&aad, plain.len());
            opened
        });
        opened.map_err(|_| {
            plain.zeroize();
            SealedFault::Tampered.into()
        })
    }
}

impl Kek {
    /// Seals and opens a worthless text of the same shape.
    ///
    /// SECURITY: SEC-14. The vectorized routines end with their last blocks of text in vector
    /// registers that hardly any other code uses. There they stay while the thread sleeps, and
    /// a core shows registers too. Nothing but the same routine is sure to write to the same
    /// ones.
    fn displace(&self, aad: &[u8], length: usize) {
        let nonce = || Nonce::assume_unique_for_key([0; NONCE_BYTES]);
        let (mut text, mut plain) = (vec![0; length], vec![0; length]);
        let sealed = self.worthless.seal_in_place_separate_tag(nonce(), Aad::from(aad), &mut text);
        let Ok(tag) = sealed else { return };
        let opened = self.worthless.open_separate_gather(
            nonce(),
            Aad::from(aad),
            &text,
            tag.as_ref(),
            &mut plain,
        );
        // Whether it worked does not matter; that it is not left out does.
        black_box((opened.is_ok(), plain));
    }
}

/// An envelope taken apart; nothing of it is believed yet.
pub(super) struct Envelope<'a> {
    pub(super) kek_id: u32,
    nonce: &'a [u8; NONCE_BYTES],
    pub(super) text: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, SealedError> {
        let ([version, algorithm, id @ ..], rest) =
            bytes.split_first_chunk::<HEAD_BYTES>().ok_or(SealedFault::TooShort)?;
        if *version != VERSION {
            return Err(SealedFault::Version(*version).into());
        }
        if *algorithm != ALGORITHM_AES_256_GCM {
            return Err(SealedFault::Algorithm(*algorithm).into());
        }
        let (nonce, rest) = rest.split_first_chunk().ok_or(SealedFault::TooShort)?;
        let (text, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(SealedFault::TooShort)?;
        if text.len() > PLAIN_BYTES_MAX {
            return Err(SealedFault::TooLong.into());
        }
        Ok(Self { kek_id: u32::from_be_bytes(*id), nonce, text, tag })
    }
}

const fn head(kek_id: u32) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = kek_id.to_be_bytes();
    [VERSION, ALGORITHM_AES_256_GCM, a, b, c, d]
}

fn aad(head: [u8; HEAD_BYTES], place: &Place<'_>) -> Result<Vec<u8>, SealedError> {
    let Place { purpose, tenant, table, row_key, column } = *place;
    let mut aad = head.to_vec();
    for part in
        [purpose.as_bytes(), tenant.as_bytes(), table.as_bytes(), row_key, column.as_bytes()]
    {
        let length = u16::try_from(part.len()).map_err(|_| SealedFault::TooLong)?;
        aad.extend_from_slice(&length.to_be_bytes());
        aad.extend_from_slice(part);
    }
    Ok(aad)
}

const VERSION: u8 = 1;
const ALGORITHM_AES_256_GCM: u8 = 1;
const HEAD_BYTES: usize = 6;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const OVERHEAD_BYTES: usize = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;

/// Keys, tokens, credentials: none comes near.
const PLAIN_BYTES_MAX: usize = 64 << 10;
