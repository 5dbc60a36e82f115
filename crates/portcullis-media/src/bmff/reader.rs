//! Reads fields from bytes, and knows how many are left.
//!
//! Nothing is read past the end and nothing is allocated: a table is checked against the
//! bytes that are there before anybody makes room for its entries. All numbers are big
//! endian.

use super::{BoxType, Fault, MediaError};

/// A cursor over the payload of one box.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], MediaError> {
        let Some((head, tail)) = self.bytes.split_at_checked(count) else {
            return Err(self.truncated(count));
        };
        self.bytes = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], MediaError> {
        let Some((head, tail)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        self.bytes = tail;
        Ok(*head)
    }

    /// Everything that is left; nothing is left afterwards.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// Passes over `count` bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn skip(&mut self, count: usize) -> Result<(), MediaError> {
        self.bytes(count).map(drop)
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// When none is left; the same holds for every number below.
    pub fn u8(&mut self) -> Result<u8, MediaError> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn u16(&mut self) -> Result<u16, MediaError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Two bytes, signed.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn i16(&mut self) -> Result<i16, MediaError> {
        self.array().map(i16::from_be_bytes)
    }

    /// Three bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn u24(&mut self) -> Result<u32, MediaError> {
        let [a, b, c] = self.array()?;
        Ok(u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn u32(&mut self) -> Result<u32, MediaError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Four bytes, signed.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn i32(&mut self) -> Result<i32, MediaError> {
        self.array().map(i32::from_be_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn u64(&mut self) -> Result<u64, MediaError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Eight bytes, signed.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn i64(&mut self) -> Result<i64, MediaError> {
        self.array().map(i64::from_be_bytes)
    }

    /// A four-character code.
    ///
    /// # Errors
    ///
    /// When fewer than four bytes are left.
    pub fn fourcc(&mut self) -> Result<BoxType, MediaError> {
        self.array().map(BoxType)
    }

    /// Version and flags of a full box.
    ///
    /// # Errors
    ///
    /// When fewer than four bytes are left.
    pub fn full_box(&mut self) -> Result<(u8, u32), MediaError> {
        Ok((self.u8()?, self.u24()?))
    }

    /// A count whose entries must all be in the bytes that follow.
    ///
    /// # Errors
    ///
    /// When `count * entry_size` is more than what is left. Nothing wraps: both are 64 bits.
    pub fn check_table(&self, count: u32, entry_size: usize) -> Result<(), MediaError> {
        let left = self.left() as u64;
        let entry_size = entry_size as u64;
        match u64::from(count).checked_mul(entry_size) {
            Some(needed) if needed <= left => Ok(()),
            _ => Err(Fault::TableSize { count: count.into(), entry_size, left }.into()),
        }
    }

    /// Says that the last field has been read.
    ///
    /// # Errors
    ///
    /// When bytes are left over.
    pub fn finish(&self) -> Result<(), MediaError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(Fault::Trailing { left: self.left() as u64 }.into())
        }
    }

    fn truncated(&self, needed: usize) -> MediaError {
        Fault::Truncated { needed: needed as u64, left: self.left() as u64 }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian_and_consume_their_bytes() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(reader.u8().unwrap(), 1);
        assert_eq!(reader.u16().unwrap(), 2);
        assert_eq!(reader.u24().unwrap(), 3);
        assert_eq!(reader.i32().unwrap(), -2);
        reader.finish().unwrap();
        assert_eq!(reader.u8().unwrap_err(), Fault::Truncated { needed: 1, left: 0 }.into());
    }

    #[test]
    fn a_short_read_consumes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u32().unwrap_err(), Fault::Truncated { needed: 4, left: 3 }.into());
        assert_eq!(reader.left(), 3);
        assert_eq!(reader.finish().unwrap_err(), Fault::Trailing { left: 3 }.into());
    }

    #[test]
    fn a_table_is_checked_before_it_is_believed() {
        let reader = Reader::new(&[0; 24]);
        assert!(reader.check_table(3, 8).is_ok());
        assert!(reader.check_table(4, 8).is_err());
        // 0x20000001 * 8 wraps to 8 in 32 bits.
        assert!(reader.check_table(0x2000_0001, 8).is_err());
        assert!(reader.check_table(u32::MAX, usize::MAX).is_err());
    }
}
