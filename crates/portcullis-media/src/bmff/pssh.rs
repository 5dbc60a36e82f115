//! The `pssh` box: init data of one DRM system. What its data mean belongs to that system
//! and is not looked at here.
//!
//! ```text
//! version(1) flags(3) system_id(16) [version 1: count(4) kid(16)×count] size(4) data(size)
//! ```
//!
//! SPEC: ISO/IEC 23001-7 §8.1. SEC-95 for the limits; nothing may follow the last box, and
//! the sizes of a box and of its data must agree exactly.

use portcullis_base::KeyId;

use super::{BoxType, Fault, MediaError, Reader, read_header};

/// The init data of one DRM system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsshBox {
    /// Whose init data these are.
    pub system_id: [u8; 16],
    /// The kids a box of version 1 lists; `None` makes it version 0.
    pub kids: Option<Vec<KeyId>>,
    /// The system's own bytes.
    pub data: Vec<u8>,
}

impl PsshBox {
    /// Reads a single box.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly one `pssh` box within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, MediaError> {
        let (parsed, rest) = parse_first(bytes)?;
        Reader::new(rest).finish()?;
        Ok(parsed)
    }

    /// Reads boxes standing one after the other, as in the init data of the browser's
    /// `encrypted` event.
    ///
    /// # Errors
    ///
    /// When the bytes are not one or several `pssh` boxes, up to the last byte.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, MediaError> {
        let mut boxes = Vec::new();
        let mut rest = bytes;
        loop {
            let (parsed, after) = parse_first(rest)?;
            boxes.push(parsed);
            if after.is_empty() {
                return Ok(boxes);
            }
            if boxes.len() >= BOXES_MAX {
                let value = BOXES_MAX.saturating_add(1) as u64;
                return Err(
                    Fault::Limit { what: "`pssh` boxes", value, most: BOXES_MAX as u64 }.into()
                );
            }
            rest = after;
        }
    }

    /// The box as bytes.
    ///
    /// # Errors
    ///
    /// When it would be longer, or list more kids, than [`PsshBox::parse`] accepts.
    pub fn write(&self) -> Result<Vec<u8>, MediaError> {
        let count = self.kids.as_ref().map_or(0, Vec::len);
        check_kids(count as u64)?;
        let kid_bytes =
            self.kids.as_ref().map_or(0, |_| count.saturating_mul(16).saturating_add(4));
        let size = BYTES_MIN.saturating_add(kid_bytes).saturating_add(self.data.len());
        check_size(size as u64)?;

        let mut out = Vec::with_capacity(size);
        // The limit just checked is far below 4 GiB: no cast loses anything.
        out.extend_from_slice(&(size as u32).to_be_bytes());
        out.extend_from_slice(&PSSH.0);
        out.extend_from_slice(&[u8::from(self.kids.is_some()), 0, 0, 0]);
        out.extend_from_slice(&self.system_id);
        if let Some(kids) = &self.kids {
            out.extend_from_slice(&(count as u32).to_be_bytes());
            for kid in kids {
                out.extend_from_slice(kid.as_bytes());
            }
        }
        out.extend_from_slice(&(self.data.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.data);
        Ok(out)
    }
}

fn parse_first(bytes: &[u8]) -> Result<(PsshBox, &[u8]), MediaError> {
    let header = read_header(bytes, bytes.len() as u64)?;
    if header.kind != PSSH {
        return Err(Fault::Missing(PSSH).into());
    }
    if bytes.starts_with(&[0; 4]) {
        return Err(Fault::OpenEnd(PSSH).into());
    }
    check_size(header.size_total)?;
    let mut reader = Reader::new(bytes);
    reader.skip(header.header_len.into())?;
    // The size was just checked to be small.
    let mut payload = Reader::new(reader.bytes(header.payload_len() as usize)?);
    let parsed = parse_payload(&mut payload).map_err(|error| error.within(PSSH))?;
    Ok((parsed, reader.rest()))
}

fn parse_payload(payload: &mut Reader<'_>) -> Result<PsshBox, MediaError> {
    let (version, flags) = payload.full_box()?;
    if version > 1 {
        return Err(MediaError::unsupported(format!("version {version} of `pssh`")));
    }
    if flags != 0 {
        return Err(Fault::BadValue { field: "flags", value: flags.into() }.into());
    }
    let system_id = payload.array()?;
    let kids = if version == 0 { None } else { Some(parse_kids(payload)?) };
    let size = payload.u32()?;
    payload.check_table(size, 1)?;
    let data = payload.bytes(size as usize)?.to_vec();
    payload.finish()?;
    Ok(PsshBox { system_id, kids, data })
}

fn parse_kids(payload: &mut Reader<'_>) -> Result<Vec<KeyId>, MediaError> {
    let count = payload.u32()?;
    check_kids(count.into())?;
    payload.check_table(count, 16)?;
    (0..count).map(|_| payload.array().map(KeyId::from_bytes)).collect()
}

fn check_kids(count: u64) -> Result<(), MediaError> {
    if count > KIDS_MAX {
        return Err(Fault::Limit { what: "kids", value: count, most: KIDS_MAX }.into());
    }
    Ok(())
}

fn check_size(size: u64) -> Result<(), MediaError> {
    if size > BYTES_MAX {
        return Err(Fault::Limit { what: "bytes of `pssh`", value: size, most: BYTES_MAX }.into());
    }
    Ok(())
}

const PSSH: BoxType = BoxType(*b"pssh");
/// A box of version 0 without data.
const BYTES_MIN: usize = 32;
const BYTES_MAX: u64 = 64 << 10;
const KIDS_MAX: u64 = 256;
const BOXES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_data(length: usize) -> PsshBox {
        PsshBox { system_id: [7; 16], kids: None, data: vec![1; length] }
    }

    #[test]
    fn the_largest_box_is_written_and_read_and_a_larger_one_is_neither() {
        let most = (64 << 10) - 32;
        let written = with_data(most).write().unwrap();
        assert_eq!(PsshBox::parse(&written), Ok(with_data(most)));
        let limit = Fault::Limit { what: "bytes of `pssh`", value: (64 << 10) + 1, most: 64 << 10 };
        assert_eq!(with_data(most + 1).write(), Err(limit.clone().into()));
        let mut longer = written;
        longer.push(1);
        longer[..4].copy_from_slice(&((64_u32 << 10) + 1).to_be_bytes());
        assert_eq!(PsshBox::parse(&longer), Err(limit.into()));
    }

    #[test]
    fn a_box_lists_256_kids_and_no_more() {
        let with_kids = |count| PsshBox {
            system_id: [7; 16],
            kids: Some(vec![KeyId::from_bytes([1; 16]); count]),
            data: Vec::new(),
        };
        let written = with_kids(256).write().unwrap();
        assert_eq!(PsshBox::parse(&written), Ok(with_kids(256)));
        assert!(with_kids(257).write().is_err());
        let none = with_kids(0).write().unwrap();
        assert_eq!(PsshBox::parse(&none).unwrap().kids, Some(Vec::new()));
    }

    #[test]
    fn thirty_two_boxes_stand_in_a_row_and_no_more() {
        let one = with_data(3).write().unwrap();
        assert_eq!(PsshBox::parse_all(&one.repeat(32)).unwrap().len(), 32);
        assert!(PsshBox::parse_all(&one.repeat(33)).is_err());
        assert!(PsshBox::parse_all(&[]).is_err());
        assert!(PsshBox::parse(&one.repeat(2)).is_err());
        let cut = &one.repeat(2)[..2 * one.len() - 1];
        assert!(PsshBox::parse_all(cut).is_err());
    }
}
