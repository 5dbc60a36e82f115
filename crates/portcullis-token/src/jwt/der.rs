//! Just enough DER to look at an RSA public key before trusting it.
//!
//! Reads `RSAPublicKey`, bare (PKCS #1) or wrapped (SubjectPublicKeyInfo), finds the wrapped
//! key in a certificate, and nothing else. The key itself is read by the cryptographic
//! library. A certificate's dates and signature are not looked at: whoever configured it
//! trusts the key in it, and it is no more than the key's envelope.
//!
//! SPEC: RFC 8017 §A.1.1; RFC 5280 §4.1; X.690 §8, §10.

/// Modulus and exponent, big-endian, without leading zeros.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let inside = match inside.first()? {
        &SEQUENCE => {
            let (inside, []) = element(wrapped_key(der)?, SEQUENCE)? else { return None };
            inside
        }
        _ => inside,
    };
    let (modulus, rest) = element(inside, INTEGER)?;
    let (exponent, []) = element(rest, INTEGER)? else { return None };
    Some((positive(modulus)?, positive(exponent)?))
}

/// The key inside a SubjectPublicKeyInfo: an algorithm, then the key in a bit string.
pub(super) fn wrapped_key(der: &[u8]) -> Option<&[u8]> {
    let (inside, []) = element(der, SEQUENCE)? else { return None };
    let (_, rest) = element(inside, SEQUENCE)?;
    let (bits, []) = element(rest, BIT_STRING)? else { return None };
    match bits {
        [0, key @ ..] => Some(key),
        _ => None,
    }
}

/// The SubjectPublicKeyInfo of a certificate.
pub(super) fn certificate_key(der: &[u8]) -> Option<&[u8]> {
    let (certificate, []) = element(der, SEQUENCE)? else { return None };
    let (inside, rest) = element(certificate, SEQUENCE)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    let (_, []) = element(rest, BIT_STRING)? else { return None };
    let rest = element(inside, VERSION).map_or(inside, |(_, rest)| rest);
    let (_, rest) = element(rest, INTEGER)?;
    // Signature algorithm, issuer, validity, subject.
    let rest = (0..4).try_fold(rest, |rest, _| Some(element(rest, SEQUENCE)?.1))?;
    let (_, after) = element(rest, SEQUENCE)?;
    rest.get(..rest.len().checked_sub(after.len())?)
}

/// The contents of the first element, if it has the tag, and what follows it. A length has
/// one form, the shortest.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => match rest {
            [length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
            _ => return None,
        },
        0x82 => match rest {
            [high @ 1..=0xff, low, rest @ ..] => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        },
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, rest @ ..] => rest.first().filter(|first| **first >= 0x80).map(|_| rest),
        [0x80..=0xff, ..] | [] => None,
        _ => Some(integer),
    }
}

const BIT_STRING: u8 = 3;
const INTEGER: u8 = 2;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

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
            &[0x30, 0x81, 8, 2, 3, 0, 0x81, 1, 2, 1, 3],
            &[0x30, 0x82, 0, 8, 2, 3, 0, 0x81, 1, 2, 1, 3],
            &[0x30, 8, 2, 3, 0, 0x71, 1, 2, 1, 3],
            &[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 0],
        ] {
            assert_eq!(rsa_public_key(der), None, "{der:?}");
        }
    }

    #[test]
    fn a_certificate_is_walked_to_its_key() {
        // Version, serial number, four sequences, the key; then an algorithm and a signature.
        let inside = [0xa0, 3, 2, 1, 2, 2, 1, 7, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0];
        let key = [0x30, 1, 9];
        let certificate = |inside: &[u8], after: &[u8]| {
            let length = u8::try_from(inside.len()).unwrap();
            let mut whole = vec![0x30, length + 2 + u8::try_from(after.len()).unwrap()];
            whole.extend([0x30, length]);
            whole.extend(inside);
            whole.extend(after);
            whole
        };
        let signed = [0x30, 0, 3, 1, 0];
        let full = [&inside[..], &key].concat();
        let extended = [&full[..], &[0xa3, 0]].concat();
        for inside in [&full[..], &extended, &full[5..]] {
            assert_eq!(certificate_key(&certificate(inside, &signed)), Some(&key[..]));
        }
        let good = certificate(&full, &signed);
        for end in 0..good.len() {
            assert_eq!(certificate_key(&good[..end]), None, "{end}");
        }
        assert_eq!(certificate_key(&certificate(&inside, &signed)), None);
        assert_eq!(certificate_key(&certificate(&full, &[0x30, 0])), None);
        assert_eq!(certificate_key(&certificate(&full, &[0x30, 0, 3, 1, 0, 5, 0])), None);
    }
}
