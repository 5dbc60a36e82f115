//! Box headers, and the walk over the boxes of a container.
//!
//! The walk always moves forward: a size that is smaller than its own header, larger than
//! what is left, or absent ends it with a fault. Containers know their depth and refuse to be
//! opened past [`DEPTH_MAX`], because a stack overflow cannot be caught.
//!
//! ```text
//! size(4) type(4) [size(8) when the first is 1] payload
//! ```
//!
//! SPEC: ISO/IEC 14496-12 §4.2. The `uuid` extension of the header is left in the payload.

use super::{BoxType, Fault, MediaError, Reader};

/// What stands before the payload of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of the box.
    pub kind: BoxType,
    /// The whole box, header included.
    pub size_total: u64,
    /// The header alone: 8, or 16 with a 64-bit size.
    pub header_len: u8,
}

impl Header {
    /// The bytes after the header.
    #[must_use]
    pub fn payload_len(&self) -> u64 {
        self.size_total.saturating_sub(self.header_len.into())
    }
}

/// Reads the header of a box at the top level of a file.
///
/// `bytes` are the first bytes of the box, 16 or as many as there are; `remaining` is what is
/// left of the file from the box's first byte on. A size of 0 means "to the end of the file"
/// here and nowhere else.
///
/// # Errors
///
/// When the header is cut off, or its size is less than itself or more than `remaining`.
pub fn read_header(bytes: &[u8], remaining: u64) -> Result<Header, MediaError> {
    header(bytes, remaining, OpenEnd::Accept)
}

/// The boxes of a container, in order.
#[derive(Clone, Debug)]
pub struct Boxes<'a> {
    rest: &'a [u8],
    depth: u8,
}

impl<'a> Boxes<'a> {
    /// The boxes in the payload of a top-level box.
    #[must_use]
    pub fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload, depth: 1 }
    }

    /// The only box of each kind in `wanted`, if there is one; others are passed over.
    ///
    /// # Errors
    ///
    /// When a wanted box occurs twice, or the walk meets a fault.
    pub fn collect_once<const N: usize>(
        self,
        wanted: [&[u8; 4]; N],
    ) -> Result<[Option<Child<'a>>; N], MediaError> {
        let mut found = [None; N];
        for child in self {
            let child = child?;
            for (slot, kind) in found.iter_mut().zip(wanted) {
                if child.kind.0 == *kind && slot.replace(child).is_some() {
                    return Err(Fault::Duplicate(child.kind).into());
                }
            }
        }
        Ok(found)
    }

    fn next_child(&mut self) -> Result<Option<Child<'a>>, MediaError> {
        if self.rest.len() <= TERMINATOR_MAX && self.rest.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let header = header(self.rest, self.rest.len() as u64, OpenEnd::Refuse)?;
        let mut reader = Reader::new(self.rest);
        // INVARIANT: `header` checked that the size is at most what is left, so it fits usize.
        let whole = reader.bytes(usize::try_from(header.size_total).unwrap_or(usize::MAX))?;
        let mut inner = Reader::new(whole);
        inner.skip(header.header_len.into())?;
        self.rest = reader.rest();
        Ok(Some(Child { kind: header.kind, whole, payload: inner.rest(), depth: self.depth }))
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Child<'a>, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_child();
        if next.is_err() {
            self.rest = &[];
        }
        next.transpose()
    }
}

/// One box of a container.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// The type of the box.
    pub kind: BoxType,
    /// The whole box, header included.
    pub whole: &'a [u8],
    /// The bytes after the header.
    pub payload: &'a [u8],
    depth: u8,
}

impl<'a> Child<'a> {
    /// The boxes inside this one.
    ///
    /// # Errors
    ///
    /// When this box is already [`DEPTH_MAX`] deep.
    pub fn boxes(&self) -> Result<Boxes<'a>, MediaError> {
        self.boxes_after(0)
    }

    /// The boxes inside this one that follow `skipped` bytes of its own fields.
    ///
    /// # Errors
    ///
    /// When this box is already [`DEPTH_MAX`] deep, or has fewer bytes than that.
    pub fn boxes_after(&self, skipped: usize) -> Result<Boxes<'a>, MediaError> {
        if self.depth >= DEPTH_MAX {
            return Err(Fault::TooDeep.into());
        }
        let mut reader = Reader::new(self.payload);
        reader.skip(skipped)?;
        Ok(Boxes { rest: reader.rest(), depth: self.depth.saturating_add(1) })
    }

    /// Reads the payload with `read`, to the last byte; a fault gets this box's name.
    ///
    /// # Errors
    ///
    /// What `read` answers, or that it left bytes over.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, MediaError>,
    ) -> Result<T, MediaError> {
        let mut reader = Reader::new(self.payload);
        read(&mut reader)
            .and_then(|value| reader.finish().map(|()| value))
            .map_err(|error| error.within(self.kind))
    }

    /// Opens the box as a container; a fault gets this box's name.
    ///
    /// # Errors
    ///
    /// What `open` answers, or that the box is too deep.
    pub fn open<T>(
        &self,
        open: impl FnOnce(Boxes<'a>) -> Result<T, MediaError>,
    ) -> Result<T, MediaError> {
        self.boxes().and_then(open).map_err(|error| error.within(self.kind))
    }
}

/// Turns an absent box into a fault.
pub(crate) fn required<'a>(
    child: Option<Child<'a>>,
    kind: &[u8; 4],
) -> Result<Child<'a>, MediaError> {
    child.ok_or_else(|| Fault::Missing(kind.into()).into())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenEnd {
    Accept,
    Refuse,
}

fn header(bytes: &[u8], remaining: u64, open_end: OpenEnd) -> Result<Header, MediaError> {
    let mut reader = Reader::new(bytes);
    let short = reader.u32()?;
    let kind = reader.fourcc()?;
    let (size_total, header_len) = match short {
        0 if open_end == OpenEnd::Accept => (remaining, 8),
        0 => return Err(Fault::OpenEnd(kind).into()),
        1 => (reader.u64()?, 16),
        size => (size.into(), 8),
    };
    let least = u64::from(header_len);
    if size_total < least || size_total > remaining {
        return Err(Fault::BoxSize { kind, size: size_total, least, most: remaining }.into());
    }
    Ok(Header { kind, size_total, header_len })
}

/// Containers may be nested this deep; real files need nine.
pub const DEPTH_MAX: u8 = 16;

/// QuickTime ends some containers with a 32-bit zero instead of stopping.
const TERMINATOR_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], remaining: u64, expected: Result<(u64, u8), ()>) {
        let actual = read_header(bytes, remaining).map(|h| (h.size_total, h.header_len));
        assert_eq!(actual.map_err(drop), expected);
    }

    #[test]
    fn a_size_lies_between_the_header_and_what_is_left() {
        check(b"\0\0\0\x07free", 100, Err(()));
        check(b"\0\0\0\x08free", 100, Ok((8, 8)));
        check(b"\0\0\0\x64free", 100, Ok((100, 8)));
        check(b"\0\0\0\x65free", 100, Err(()));
        check(b"\0\0\0", 100, Err(()));
    }

    #[test]
    fn a_long_size_counts_its_sixteen_bytes() {
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x08", 100, Err(()));
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f", 100, Err(()));
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x10", 100, Ok((16, 16)));
        check(b"\0\0\0\x01mdat\0\0\0\x02\0\0\0\0", 1 << 40, Ok((1 << 33, 16)));
        check(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", 100, Err(()));
        check(b"\0\0\0\x01mdat\0\0\0", 100, Err(()));
    }

    #[test]
    fn only_the_top_level_may_leave_its_size_open() {
        check(b"\0\0\0\0mdat", 77, Ok((77, 8)));
        let inside = Boxes::new(b"\0\0\0\0free\0\0\0\0").next().unwrap().unwrap_err();
        assert_eq!(inside, Fault::OpenEnd(BoxType(*b"free")).into());
    }

    #[test]
    fn a_walk_ends_after_a_fault_and_after_a_terminator() {
        let mut walk = Boxes::new(b"\0\0\0\x08free\0\0\0\x09free");
        assert!(walk.next().unwrap().is_ok());
        assert!(walk.next().unwrap().is_err());
        assert!(walk.next().is_none());
        assert_eq!(Boxes::new(b"\0\0\0\x08free\0\0\0\0").count(), 1);
        assert!(Boxes::new(b"\0\0\0\x08free\0\0\0\0\0").nth(1).unwrap().is_err());
    }

    #[test]
    fn containers_open_sixteen_deep_and_no_deeper() {
        let mut nested = Vec::new();
        for _ in 0..20_000 {
            let size = u32::try_from(nested.len() + 8).unwrap();
            let mut outer = size.to_be_bytes().to_vec();
            outer.extend_from_slice(b"moov");
            outer.extend_from_slice(&nested);
            nested = outer;
        }
        let mut boxes = Boxes::new(&nested);
        let mut depth = 0;
        let fault = loop {
            depth += 1;
            let child = boxes.next().unwrap().unwrap();
            match child.boxes() {
                Ok(inner) => boxes = inner,
                Err(error) => break error,
            }
        };
        assert_eq!((depth, fault), (16, Fault::TooDeep.into()));
    }

    #[test]
    fn a_wanted_box_may_occur_once() {
        let twice = b"\0\0\0\x08mvhd\0\0\0\x08mvhd";
        let fault = Boxes::new(twice).collect_once([b"mvhd"]).unwrap_err();
        assert_eq!(fault, Fault::Duplicate(BoxType(*b"mvhd")).into());
        let [none, other] = Boxes::new(twice).collect_once([b"trak", b"mdia"]).unwrap();
        assert!(none.is_none() && other.is_none());
    }
}
