//! Reads the bits of a NAL unit, passing over emulation prevention bytes.
//!
//! Inside a NAL unit, `00 00 03` stands for `00 00`. The reader drops the `03`, and counts it:
//! what matters here is how many bytes of the file a header takes.
//!
//! SPEC: ITU-T H.264 §7.3.1, §7.4.1 (emulation prevention), §9.1 (Exp-Golomb codes).

use super::AvcFault;

/// A cursor over the bytes of a NAL unit as they are in the file.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to take bits from.
    next: usize,
    /// The byte bits are taken from.
    current: u8,
    /// Bits of `current` not yet taken.
    left: u8,
    /// Zero bytes in a row up to `current`.
    zeros: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, current: 0, left: 0, zeros: 0 }
    }

    /// Bytes of the file read from so far; a byte begun counts.
    pub(super) fn bytes_read(&self) -> usize {
        self.next
    }

    pub(super) fn bit(&mut self) -> Result<u32, AvcFault> {
        if self.left == 0 {
            self.load()?;
        }
        self.left -= 1;
        Ok(u32::from(self.current >> self.left & 1))
    }

    pub(super) fn flag(&mut self) -> Result<bool, AvcFault> {
        self.bit().map(|bit| bit == 1)
    }

    /// `u(count)`, at most 32 bits.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32, AvcFault> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Ok(value)
    }

    /// `ue(v)`, at most `most`; `field` names it in a fault.
    pub(super) fn ue_within(&mut self, field: &'static str, most: u32) -> Result<u32, AvcFault> {
        match self.ue()? {
            value if value <= most => Ok(value),
            value => Err(AvcFault::BadValue { field, value }),
        }
    }

    /// `ue(v)`.
    pub(super) fn ue(&mut self) -> Result<u32, AvcFault> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > CODE_ZEROS_MAX {
                return Err(AvcFault::BadValue { field: "Exp-Golomb prefix", value: zeros });
            }
        }
        // INVARIANT: at most 31 zeros, so 2^zeros - 1 + suffix fits 32 bits.
        Ok((1u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// `se(v)`, whose value nobody here needs.
    pub(super) fn skip_se(&mut self) -> Result<(), AvcFault> {
        self.ue().map(drop)
    }

    fn load(&mut self) -> Result<(), AvcFault> {
        let mut byte = self.take()?;
        if self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = self.take()?;
        }
        self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        (self.current, self.left) = (byte, 8);
        Ok(())
    }

    fn take(&mut self) -> Result<u8, AvcFault> {
        let byte = self.bytes.get(self.next).copied().ok_or(AvcFault::HeaderCutOff)?;
        self.next += 1;
        Ok(byte)
    }
}

/// Leading zeros of the longest code, whose value still fits 32 bits.
const CODE_ZEROS_MAX: u32 = 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ue(bytes: &[u8], expected: Result<u32, AvcFault>) {
        assert_eq!(Bits::new(bytes).ue(), expected);
    }

    #[test]
    fn codes_are_read_up_to_the_longest_that_fits() {
        check_ue(&[0b1000_0000], Ok(0));
        check_ue(&[0b0100_0000], Ok(1));
        check_ue(&[0b0110_0000], Ok(2));
        check_ue(&[0b0001_0100], Ok(9));
        // 31 zeros, a one, 31 ones.
        check_ue(&[0, 0, 0x03, 0, 1, 0xff, 0xff, 0xff, 0xfe], Ok(u32::MAX - 1));
        let prefix = AvcFault::BadValue { field: "Exp-Golomb prefix", value: 32 };
        check_ue(&[0, 0, 3, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0xff], Err(prefix));
        check_ue(&[0b0000_0001], Err(AvcFault::HeaderCutOff));
        check_ue(&[], Err(AvcFault::HeaderCutOff));
    }

    #[test]
    fn prevention_bytes_are_counted_once_they_are_passed() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 0xff]);
        assert_eq!(bits.bits(16), Ok(0));
        assert_eq!(bits.bytes_read(), 2);
        assert_eq!(bits.bits(8), Ok(1));
        assert_eq!(bits.bytes_read(), 4);
    }

    #[test]
    fn three_is_a_value_unless_two_zeros_precede() {
        let mut bits = Bits::new(&[0, 3, 0, 0, 3, 0, 0, 3, 3]);
        assert_eq!(bits.bits(16), Ok(3));
        assert_eq!(bits.bits(32), Ok(0));
        assert_eq!(bits.bits(8), Ok(3));
        assert_eq!(bits.bytes_read(), 9);
    }
}
