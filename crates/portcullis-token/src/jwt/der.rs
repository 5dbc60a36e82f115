//! Just enough DER to look at an RSA public key before trusting it.
//!
//! Reads `RSAPublicKey`, bare (PKCS #1) or wrapped (SubjectPublicKeyInfo), and nothing else.
//! The key itself is read by the cryptographic library; this only finds modulus and exponent.
//!
//! SPEC: RFC 8017 §A.1.1; RFC 5280 §4.1; X.690 §8, §10.

/// Modulus and exponent, big-endian, without leading zeros.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let inside = match inside.first()? {
        // SubjectPublicKeyInfo: an algorithm, then the key in a bit string.
        &SEQUENCE => {
            let (_, rest) = element(inside, SEQUENCE)?;
            let (bits, []) = element(rest, BIT_STRING)? else { return None };
            let [0, wrapped @ ..] = bits else { return None };
            let (inside, []) = element(wrapped, SEQUENCE)? else { return None };
            inside
        }
        _ => inside,
    };
    let (modulus, rest) = element(inside, INTEGER)?;
    let (exponent, []) = element(rest, INTEGER)? else { return None };
    Some((positive(modulus)?, positive(exponent)?))
}

/// The contents of the first element, if it has the tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest
            .split_first_chunk()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, rest @ ..] => Some(rest),
        [0x80..=0xff, ..] | [] => None,
        _ => Some(integer),
    }
}

const BIT_STRING: u8 = 3;
const INTEGER: u8 = 2;
const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wrappings_give_the_numbers() {
        let bare = [0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 3];
        let expected = Some(([0x81, 1].as_slice(), [3].as_slice()));
        assert_eq!(rsa_public_key(&bare), expected);
        let mut wrapped = vec![0x30, 15, 0x30, 0, 3, 11, 0];
        wrapped.extend(bare);
        assert_eq!(rsa_public_key(&wrapped), expected);
    }

    #[test]
    fn any_other_shape_is_none() {
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1],
            &[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 3, 0],
            &[0x30, 7, 2, 2, 0x81, 1, 2, 1, 3],
            &[0x30, 0x83, 0, 0, 8, 2, 3, 0, 0x81, 1, 2, 1, 3],
        ] {
            assert_eq!(rsa_public_key(der), None, "{der:?}");
        }
    }
}
