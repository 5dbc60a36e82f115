//! A sealed value opens at its place, under its kek, unchanged; and in no other case.

use portcullis_base::{KeyId, Rng};
use portcullis_keys::{
    ContentKey, new_key_id,
    root::RootKey,
    sealed::{KekRing, KeyEncryptionKey, Place, RingError, SealedFault},
};
use proptest::prelude::*;

use crate::support::{Counting, Fixed, kek, root};

const KID: [u8; 16] = [0x10, 0, 0, 0, 0x10, 0, 0x10, 0, 0x10, 0, 0x10, 0, 0, 0, 0, 1];

const PLACE: Place<'_> = Place {
    purpose: "content_key",
    tenant: "t1",
    table: "content_keys",
    row_key: &KID,
    column: "value",
};

#[track_caller]
fn check(ring: &KekRing, place: &Place<'_>, envelope: &[u8], expected: Result<(), SealedFault>) {
    let actual = ring.open(place, envelope).map(drop).map_err(|error| error.fault());
    assert_eq!(actual, expected, "{place:?}");
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let ring = KekRing::new(kek(7, 0x40));
    let envelope = ring.seal(&PLACE, &[5; 16], &Counting::default()).unwrap();
    assert_eq!(envelope.len(), 50);
    check(&ring, &PLACE, &envelope, Ok(()));
    for bit in 0..envelope.len() * 8 {
        let mut changed = envelope.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => SealedFault::Version(changed[0]),
            1 => SealedFault::Algorithm(changed[1]),
            2..6 => SealedFault::UnknownKek(u32::from_be_bytes(changed[2..6].try_into().unwrap())),
            _ => SealedFault::Tampered,
        };
        check(&ring, &PLACE, &changed, Err(expected));
    }
}

#[test]
fn no_shorter_or_longer_envelope_opens() {
    let ring = KekRing::new(kek(7, 0x40));
    let mut envelope = ring.seal(&PLACE, &[5; 16], &Counting::default()).unwrap();
    for length in 0..envelope.len() {
        let fault = if length < 34 { SealedFault::TooShort } else { SealedFault::Tampered };
        check(&ring, &PLACE, &envelope[..length], Err(fault));
    }
    envelope.push(0);
    check(&ring, &PLACE, &envelope, Err(SealedFault::Tampered));
}

#[test]
fn a_value_opens_at_no_place_but_its_own() {
    let ring = KekRing::new(kek(7, 0x40));
    let envelope = ring.seal(&PLACE, &[5; 16], &Counting::default()).unwrap();
    let others = [
        Place { purpose: "token_key", ..PLACE },
        Place { tenant: "t2", ..PLACE },
        Place { tenant: "", ..PLACE },
        Place { table: "token_keys", ..PLACE },
        Place { row_key: &[0; 16], ..PLACE },
        Place { row_key: &KID[..15], ..PLACE },
        Place { column: "value2", ..PLACE },
        // Every two neighbours swapped, and two whose bytes run together the same way.
        Place { purpose: "t1", tenant: "content_key", ..PLACE },
        Place { tenant: "content_keys", table: "t1", ..PLACE },
        Place { table: "value", column: "content_keys", ..PLACE },
        Place { row_key: b"value", column: "content_keys", ..PLACE },
        Place { purpose: "content_keyt", tenant: "1", ..PLACE },
        Place { tenant: "t1c", table: "ontent_keys", ..PLACE },
    ];
    for place in others {
        check(&ring, &place, &envelope, Err(SealedFault::Tampered));
    }
    check(&ring, &PLACE, &envelope, Ok(()));
}

#[test]
fn a_key_opens_only_from_its_own_row_and_at_its_own_length() {
    let ring = KekRing::new(kek(7, 0x40));
    let kid = KeyId::from_bytes(KID);
    let fault = |place: &Place<'_>, kid, envelope: &[u8]| {
        ring.open_content_key(place, kid, envelope).map(drop).unwrap_err().fault()
    };
    let envelope = ring.seal(&PLACE, &[5; 16], &Counting::default()).unwrap();
    assert_eq!(fault(&PLACE, new_key_id(&Counting::default()), &envelope), SealedFault::Tampered);
    for length in [0, 15, 17, 32] {
        let envelope = ring.seal(&PLACE, &vec![5; length], &Counting::default()).unwrap();
        assert_eq!(fault(&PLACE, kid, &envelope), SealedFault::Length);
    }
}

#[test]
fn a_former_kek_still_opens_and_only_the_active_one_seals() {
    let envelope = KekRing::new(kek(1, 0x40)).seal(&PLACE, b"x", &Counting::default()).unwrap();
    let mut ring = KekRing::new(kek(2, 0x60));
    check(&ring, &PLACE, &envelope, Err(SealedFault::UnknownKek(1)));
    ring.add_opening(kek(1, 0x40)).unwrap();
    check(&ring, &PLACE, &envelope, Ok(()));
    assert_eq!(ring.active_id(), 2);
    let sealed = ring.seal(&PLACE, b"x", &Counting::default()).unwrap();
    assert_eq!(sealed[2..6], [0, 0, 0, 2]);
}

#[test]
fn a_ring_takes_each_id_once_and_has_an_end() {
    let mut ring = KekRing::new(kek(1, 0x40));
    assert_eq!(ring.add_opening(kek(1, 0x60)), Err(RingError::Duplicate { id: 1 }));
    for id in 2..33 {
        assert_eq!(ring.add_opening(kek(id, 0x60)), Ok(()));
    }
    assert_eq!(ring.add_opening(kek(33, 0x60)), Err(RingError::Full { max: 31 }));
    let reserved = KeyEncryptionKey::generate(0, &Counting::default()).map(drop);
    assert_eq!(reserved, Err(RingError::Reserved));
}

#[test]
fn a_wrapped_kek_unwraps_under_its_root_and_id_only() {
    let wrapped = kek(7, 0x40).wrap(&root(), &Counting::default()).unwrap();
    let other = RootKey::read(&[9; 32]).unwrap();
    assert!(KeyEncryptionKey::unwrap(&root(), 7, &wrapped).is_ok());
    assert!(KeyEncryptionKey::unwrap(&root(), 8, &wrapped).is_err());
    assert!(KeyEncryptionKey::unwrap(&root(), 0, &wrapped).is_err());
    assert!(KeyEncryptionKey::unwrap(&other, 7, &wrapped).is_err());
    for byte in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[byte] ^= 1;
        assert!(KeyEncryptionKey::unwrap(&root(), 7, &changed).is_err(), "byte {byte}");
    }
}

#[test]
fn a_value_sealed_by_the_ring_is_not_a_wrapped_kek_and_the_reverse() {
    let wrapped = kek(7, 0x40).wrap(&root(), &Counting::default()).unwrap();
    let ring = KekRing::new(kek(7, 0x40));
    let place = Place {
        purpose: "kek",
        tenant: "",
        table: "kek_ring",
        row_key: &[0, 0, 0, 7],
        column: "value",
    };
    check(&ring, &place, &wrapped, Err(SealedFault::UnknownKek(0)));
    let sealed = ring.seal(&place, &[5; 32], &Counting::default()).unwrap();
    let fault = KeyEncryptionKey::unwrap(&root(), 7, &sealed).unwrap_err().fault();
    assert_eq!(fault, SealedFault::UnknownKek(7));
}

#[test]
fn the_stated_lengths_seal_and_one_more_does_not() {
    let ring = KekRing::new(kek(7, 0x40));
    let seal = |place: &Place<'_>, length: usize| {
        let sealed = ring.seal(place, &vec![5; length], &Counting::default());
        sealed.map_err(|error| error.fault())
    };
    let longest = seal(&PLACE, 64 << 10).unwrap();
    check(&ring, &PLACE, &longest, Ok(()));
    assert_eq!(seal(&PLACE, (64 << 10) + 1), Err(SealedFault::TooLong));
    let row_key = vec![1; 0x10000];
    let place = Place { row_key: &row_key, ..PLACE };
    assert_eq!(seal(&place, 1), Err(SealedFault::TooLong));
    assert!(seal(&Place { row_key: &row_key[1..], ..PLACE }, 1).is_ok());
}

#[test]
fn neither_keys_nor_errors_print_what_they_hide() {
    let ring = KekRing::new(kek(7, 0x40));
    assert_eq!(
        format!("{ring:?} {:?}", kek(7, 0x40)),
        "KekRing(active 7, opening []) KeyEncryptionKey(7)"
    );
    let error = ring.open(&PLACE, &[1; 40]).unwrap_err();
    assert_eq!(error.to_string(), "the sealed value cannot be used");
    assert_eq!(error.fault().to_string(), "kek 16843009 is not in the ring");
}

#[test]
fn two_seals_of_one_value_differ() {
    let ring = KekRing::new(kek(7, 0x40));
    let rng = Counting::default();
    assert_ne!(ring.seal(&PLACE, b"x", &rng).unwrap(), ring.seal(&PLACE, b"x", &rng).unwrap());
}

proptest! {
    #[test]
    fn what_was_sealed_opens_as_it_was(
        plain in prop::collection::vec(any::<u8>(), 0..300),
        purpose in ".{0,20}", tenant in ".{0,20}", table in ".{0,20}", column in ".{0,20}",
        row_key in prop::collection::vec(any::<u8>(), 0..40),
        nonce in any::<[u8; 12]>(),
    ) {
        let ring = KekRing::new(kek(7, 0x40));
        let place = Place {
            purpose: &purpose, tenant: &tenant, table: &table, row_key: &row_key, column: &column,
        };
        let envelope = ring.seal(&place, &plain, &Fixed(nonce.to_vec())).unwrap();
        prop_assert_eq!(envelope.len(), plain.len() + 34);
        let opened = ring.open(&place, &envelope).unwrap();
        prop_assert!(opened.ct_eq(&plain));
    }

    #[test]
    fn a_new_key_comes_back_from_its_row(bytes in any::<[u8; 16]>(), kid in any::<[u8; 16]>()) {
        let ring = KekRing::new(kek(7, 0x40));
        let kid = KeyId::from_bytes(kid);
        let rng: &dyn Rng = &Fixed(bytes.to_vec());
        let key = ContentKey::generate(kid, rng);
        let place = Place { row_key: kid.as_bytes(), ..PLACE };
        let envelope = ring.seal(&place, key.expose(), &Counting::default()).unwrap();
        let opened = ring.open_content_key(&place, kid, &envelope).unwrap();
        prop_assert_eq!((opened.kid(), opened.expose()), (kid, &bytes));
    }

    #[test]
    fn no_foreign_bytes_open(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let ring = KekRing::new(kek(7, 0x40));
        let mut envelope = vec![1, 1, 0, 0, 0, 7];
        envelope.extend(bytes);
        prop_assert!(ring.open(&PLACE, &envelope).is_err());
    }
}
