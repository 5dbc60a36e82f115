//! The payload of a Widevine `pssh` box: a protobuf message of two fields. Does not read
//! challenges and does not make licenses; those are Google's.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | 2, repeated | 16 bytes | kid, in UUID text order |
//! | 9 | varint | protection scheme: its four characters as a big-endian number |
//!
//! SPEC: WidevinePsshData. A missing field 9 means `cenc`; it is always written, because
//! clients refuse or mis-decrypt `cbcs` without it.

use portcullis_base::{KeyId, Scheme};

/// The payload that names `kids`, all under one scheme.
#[must_use]
pub fn pssh_data(kids: &[KeyId], scheme: Scheme) -> Vec<u8> {
    let mut data = Vec::new();
    for kid in kids {
        data.extend_from_slice(&[FIELD_KID, KID_BYTES]);
        data.extend_from_slice(kid.as_bytes());
    }
    data.push(FIELD_SCHEME);
    push_varint(&mut data, u32::from_be_bytes(scheme.fourcc()));
    data
}

/// SPEC: protobuf base-128 varint: seven bits a byte, low ones first, the top bit set on all
/// but the last.
fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Field 2, length-delimited.
const FIELD_KID: u8 = 2 << 3 | 2;
/// Field 9, varint.
const FIELD_SCHEME: u8 = 9 << 3;
const KID_BYTES: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kids: &[[u8; 16]], scheme: Scheme, expected: &str) {
        let kids: Vec<KeyId> = kids.iter().copied().map(KeyId::from_bytes).collect();
        assert_eq!(hex::encode(pssh_data(&kids, scheme)), expected);
    }

    #[test]
    fn each_kid_is_a_field_and_the_scheme_comes_last() {
        let kid = "1210".to_owned() + &"01".repeat(16);
        check(&[[1; 16]], Scheme::Cenc, &format!("{kid}48e3dc959b06"));
        check(&[[1; 16]], Scheme::Cbcs, &format!("{kid}48f3c6899b06"));
        check(&[[1; 16]; 2], Scheme::Cbcs, &format!("{kid}{kid}48f3c6899b06"));
    }

    #[test]
    fn varints_carry_seven_bits_a_byte() {
        for (number, expected) in
            [(0, "00"), (127, "7f"), (128, "8001"), (16_384, "808001"), (u32::MAX, "ffffffff0f")]
        {
            let mut out = Vec::new();
            push_varint(&mut out, number);
            assert_eq!(hex::encode(out), expected, "{number}");
        }
    }
}
