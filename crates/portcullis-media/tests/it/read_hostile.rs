//! Films that lie: each class of fault known from other readers, refused with a place.
//!
//! [`Parts`] builds a `moov` of one track; a test replaces the part that lies.

use portcullis_media::bmff::{Movie, moov};

/// The boxes of a small movie, to be replaced one by one.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    boxes: Vec<(&'static [u8; 4], Vec<u8>)>,
    pub(crate) file_len: u64,
}

impl Parts {
    /// Three samples of ten bytes in one chunk at 100, in a file of 1000 bytes.
    pub(crate) fn new() -> Self {
        let boxes = vec![
            (b"mvhd", full(b"mvhd", 0, &[be(&[0, 0, 1000, 0]), vec![0; 80]].concat())),
            (b"tkhd", tkhd(1)),
            (b"edts", Vec::new()),
            (b"mdhd", full(b"mdhd", 0, &be(&[0, 0, 12800, 0, 0x55c4_0000]))),
            (b"hdlr", full(b"hdlr", 0, b"\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0name\0")),
            (b"dinf", boxed(b"dinf", &dref(1))),
            (b"stsd", full(b"stsd", 0, &[be(&[1]), entry(b"vp09", &[])].concat())),
            (b"stts", full(b"stts", 0, &be(&[1, 3, 512]))),
            (b"ctts", Vec::new()),
            (b"stss", Vec::new()),
            (b"sdtp", Vec::new()),
            (b"stsc", full(b"stsc", 0, &be(&[1, 1, 3, 1]))),
            (b"stsz", full(b"stsz", 0, &be(&[0, 3, 10, 10, 10]))),
            (b"stco", full(b"stco", 0, &be(&[1, 100]))),
            (b"mvex", Vec::new()),
        ];
        Self { boxes, file_len: 1000 }
    }

    /// The same with another box, or other bytes, in the place of `kind`.
    pub(crate) fn with(mut self, kind: &[u8; 4], bytes: Vec<u8>) -> Self {
        let slot = self.boxes.iter_mut().find(|(name, _)| *name == kind).unwrap();
        slot.1 = bytes;
        self
    }

    /// The same as a fragmented file without samples of its own.
    pub(crate) fn fragmented(self) -> Self {
        let trex = full(b"trex", 0, &be(&[1, 1, 512, 0, 0]));
        self.with(b"stts", full(b"stts", 0, &be(&[0])))
            .with(b"stsc", full(b"stsc", 0, &be(&[0])))
            .with(b"stsz", full(b"stsz", 0, &be(&[0, 0])))
            .with(b"stco", full(b"stco", 0, &be(&[0])))
            .with(b"mvex", boxed(b"mvex", &trex))
    }

    fn part(&self, kind: &[u8; 4]) -> &[u8] {
        &self.boxes.iter().find(|(name, _)| *name == kind).unwrap().1
    }

    pub(crate) fn moov(&self) -> Vec<u8> {
        let tables: Vec<&[u8]> = self.boxes[6..14].iter().map(|(_, bytes)| &bytes[..]).collect();
        let stbl = boxed(b"stbl", &tables.concat());
        let minf = boxed(b"minf", &[self.part(b"dinf"), &stbl].concat());
        let mdia = boxed(b"mdia", &[self.part(b"mdhd"), self.part(b"hdlr"), &minf[..]].concat());
        let trak = boxed(b"trak", &[self.part(b"tkhd"), self.part(b"edts"), &mdia[..]].concat());
        [self.part(b"mvhd"), &trak, self.part(b"mvex")].concat()
    }

    pub(crate) fn parse(&self) -> Result<Movie, String> {
        moov::parse(&self.moov(), self.file_len).map_err(|error| error.to_string())
    }
}

/// 32-bit numbers.
pub(crate) fn be(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A box.
pub(crate) fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&be(&[u32::try_from(payload.len() + 8).unwrap()])[..], kind, payload].concat()
}

/// A full box of version 0.
pub(crate) fn full(kind: &[u8; 4], flags: u32, payload: &[u8]) -> Vec<u8> {
    versioned(kind, 0, flags, payload)
}

/// A full box.
pub(crate) fn versioned(kind: &[u8; 4], version: u32, flags: u32, payload: &[u8]) -> Vec<u8> {
    boxed(kind, &[&be(&[version << 24 | flags])[..], payload].concat())
}

fn tkhd(id: u32) -> Vec<u8> {
    full(
        b"tkhd",
        3,
        &[be(&[0, 0, id]), vec![0; 24], vec![0; 36], be(&[96 << 16, 64 << 16])].concat(),
    )
}

fn dref(flags: u32) -> Vec<u8> {
    full(b"dref", 0, &[be(&[1]), full(b"url ", flags, b"")].concat())
}

fn entry(kind: &[u8; 4], children: &[u8]) -> Vec<u8> {
    let mut payload = [0; 78];
    payload[7] = 1;
    boxed(kind, &[&payload[..], children].concat())
}

fn stsd(entries: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).unwrap();
    full(b"stsd", 0, &[be(&[count]), entries.concat()].concat())
}

#[track_caller]
fn check(kind: &[u8; 4], bytes: Vec<u8>, expected: &str) {
    let actual = Parts::new().with(kind, bytes).parse().map(|movie| movie.tracks[0].samples.len());
    assert_eq!(actual, Err(expected.to_owned()));
}

#[test]
fn the_parts_are_a_movie_when_nothing_lies() {
    let movie = Parts::new().parse().unwrap();
    let offsets: Vec<u64> = movie.tracks[0].samples.iter().map(|sample| sample.offset).collect();
    assert_eq!(offsets, [100, 110, 120]);
    assert_eq!(movie.warnings, Vec::<String>::new());
}

#[test]
fn a_count_that_wraps_32_bits_is_refused() {
    let table = "moov/trak[1]/mdia/minf/stbl";
    for kind in [b"stts", b"ctts"] {
        check(
            kind,
            full(kind, 0, &be(&[0x2000_0001, 3, 512])),
            &format!(
                "{table}/{}: 536870913 entries of 8 bytes, but 8 bytes are left",
                kind.escape_ascii()
            ),
        );
    }
    for count in [2, 0x4000_0001, u32::MAX] {
        check(
            b"stco",
            full(b"stco", 0, &be(&[count, 100])),
            &format!("{table}/stco: {count} entries of 4 bytes, but 4 bytes are left"),
        );
    }
    check(
        b"stsz",
        full(b"stsz", 0, &be(&[0, 9_999_999, 10])),
        &format!("{table}/stsz: 9999999 entries of 4 bytes, but 4 bytes are left"),
    );
    check(
        b"edts",
        boxed(b"edts", &full(b"elst", 0, &be(&[u32::MAX]))),
        "moov/trak[1]/edts/elst: 4294967295 entries of 12 bytes, but 0 bytes are left",
    );
}

#[test]
fn a_full_box_has_four_bytes_more_than_a_box() {
    // The entry would fit if the version and flags were counted as part of the table.
    check(
        b"stsc",
        full(b"stsc", 0, &be(&[1, 1, 3])),
        "moov/trak[1]/mdia/minf/stbl/stsc: 1 entries of 12 bytes, but 8 bytes are left",
    );
    check(
        b"stss",
        full(b"stss", 0, b"\0\0\0\x01\0\0\0"),
        "moov/trak[1]/mdia/minf/stbl/stss: 1 entries of 4 bytes, but 3 bytes are left",
    );
    check(
        b"stss",
        full(b"stss", 0, &be(&[1, 1, 2])),
        "moov/trak[1]/mdia/minf/stbl/stss: 4 bytes after the last field",
    );
}

#[test]
fn a_text_ends_with_its_box() {
    let name = vec![b'x'; 1024];
    let hdlr = full(b"hdlr", 0, &[b"\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0", &name[..]].concat());
    let movie = Parts::new().with(b"hdlr", hdlr).parse().unwrap();
    assert_eq!(movie.tracks[0].name, "x".repeat(256));
    check(
        b"hdlr",
        full(b"hdlr", 0, b"\0\0\0\0vide"),
        "moov/trak[1]/mdia/hdlr: 12 bytes needed, 0 left",
    );
}

#[test]
fn a_compressed_header_is_refused_whatever_its_size() {
    let moov = boxed(b"cmov", b"\0");
    let error = moov::parse(&moov, 1000).unwrap_err();
    assert_eq!(error.to_string(), "moov: a compressed movie header is not supported yet");
}

#[test]
fn deep_nesting_does_not_take_the_stack_along() {
    let mut nested = Vec::new();
    for _ in 0..20_000 {
        nested = boxed(b"moov", &nested);
    }
    let error = moov::parse(&nested, 1 << 20).unwrap_err();
    assert_eq!(error.to_string(), "moov: no `mvhd`");
    let moov = [Parts::new().moov(), nested].concat();
    assert_eq!(moov::parse(&moov, 1000).unwrap().tracks.len(), 1);
}

#[test]
fn a_walk_always_moves_forward() {
    let check = |bytes: &[u8], expected: &str| {
        let moov = [&Parts::new().moov(), bytes].concat();
        assert_eq!(moov::parse(&moov, 1000).unwrap_err().to_string(), expected);
    };
    check(b"\0\0\0\0free\0", "moov: a box `free` without a size inside a container");
    check(b"\0\0\0\x07free", "moov: a box `free` of 7 bytes where 8 to 8 are possible");
    check(b"\0\0\0\x09free", "moov: a box `free` of 9 bytes where 8 to 8 are possible");
    check(
        b"\0\0\0\x01free\0\0\0\0\0\0\0\x08",
        "moov: a box `free` of 8 bytes where 16 to 16 are possible",
    );
    check(
        b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff",
        "moov: a box `free` of 18446744073709551615 bytes where 16 to 16 are possible",
    );
}

#[test]
fn samples_without_bytes_are_not_made() {
    let sizes = |size, count| full(b"stsz", 0, &be(&[size, count]));
    let place = "moov/trak[1]/mdia/minf/stbl";
    check(
        b"stsz",
        sizes(1, u32::MAX),
        &format!("{place}/stsz: samples: 4294967295, at most 10000000 are read"),
    );
    let all = |size, count| {
        Parts::new()
            .with(b"stsz", sizes(size, count))
            .with(b"stts", full(b"stts", 0, &be(&[1, u32::MAX, 1])))
            .with(b"stsc", full(b"stsc", 0, &be(&[1, 1, u32::MAX, 1])))
    };
    let parts = all(1, 10_000_000).with(b"stts", full(b"stts", 0, &be(&[1, 10_000_000, 1])));
    let claims = "the samples claim more bytes than the file has";
    assert_eq!(parts.parse().unwrap_err(), format!("{place}/stsz: {claims}"));
    let parts = all(u32::MAX, 3).with(b"stts", full(b"stts", 0, &be(&[1, 3, 1])));
    assert_eq!(parts.parse().unwrap_err(), format!("{place}/stsz: {claims}"));
}

#[test]
fn a_sample_outside_the_file_is_refused() {
    let at = |offset| full(b"stco", 0, &be(&[1, offset]));
    assert_eq!(Parts::new().with(b"stco", at(970)).parse().unwrap().tracks[0].samples.len(), 3);
    check(
        b"stco",
        at(971),
        "moov/trak[1]/mdia/minf/stbl: sample 2 at 991..1001 lies outside the media data",
    );
    let huge = full(b"co64", 0, &be(&[1, u32::MAX, u32::MAX - 4]));
    check(b"stco", huge, "moov/trak[1]/mdia/minf/stbl: offset out of range");
}

#[test]
fn a_sample_outside_mdat_is_found() {
    let movie = Parts::new().parse().unwrap();
    let check = |extents: &[(u64, u64)], expected: Result<(), &str>| {
        let extents: Vec<_> = extents.iter().map(|(start, end)| *start..*end).collect();
        let actual = movie.tracks[0].check_extents(&extents).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    };
    check(&[(100, 130)], Ok(()));
    check(&[(500, 600), (110, 200), (0, 110)], Ok(()));
    check(&[(101, 130)], Err("track 1: sample 0 at 100..110 lies outside the media data"));
    check(&[(100, 129)], Err("track 1: sample 2 at 120..130 lies outside the media data"));
    check(
        &[(100, 115), (115, 130)],
        Err("track 1: sample 1 at 110..120 lies outside the media data"),
    );
    check(&[], Err("track 1: sample 0 at 100..110 lies outside the media data"));
}

#[test]
fn time_does_not_stand_still_or_run_backwards() {
    check(
        b"mdhd",
        full(b"mdhd", 0, &be(&[0, 0, 0, 0, 0])),
        "moov/trak[1]/mdia/mdhd: `timescale` cannot be 0",
    );
    check(
        b"stts",
        full(b"stts", 0, &be(&[1, 3, 1 << 31])),
        "moov/trak[1]/mdia/minf/stbl/stts: `sample_delta` cannot be 2147483648",
    );
    let longest = full(b"stts", 0, &be(&[1, 3, (1 << 31) - 1]));
    let movie = Parts::new().with(b"stts", longest).parse().unwrap();
    assert_eq!(movie.tracks[0].media_duration(), 6_442_450_941);
}

#[test]
fn absent_parts_are_named() {
    let stbl = "moov/trak[1]/mdia/minf/stbl";
    for kind in [b"stsd", b"stts", b"stsc", b"stsz", b"stco"] {
        check(kind, Vec::new(), &format!("{stbl}: no `{}`", kind.escape_ascii()));
    }
    check(b"mvhd", Vec::new(), "moov: no `mvhd`");
    check(b"tkhd", Vec::new(), "moov/trak[1]: no `tkhd`");
    check(b"mdhd", Vec::new(), "moov/trak[1]/mdia: no `mdhd`");
    check(b"hdlr", Vec::new(), "moov/trak[1]/mdia: no `hdlr`");
    check(b"stsd", stsd(&[]), &format!("{stbl}/stsd: `entry_count` cannot be 0"));
    check(b"stsd", stsd(&[entry(b"avc1", &[])]), &format!("{stbl}/stsd/avc1[1]: no `avcC`"));
    check(b"tkhd", tkhd(0), "moov/trak[1]/tkhd: `track_ID` cannot be 0");
}

#[test]
fn a_codec_record_is_walked_only_as_far_as_it_goes() {
    let stbl = "moov/trak[1]/mdia/minf/stbl";
    let avcc = boxed(b"avcC", b"\x01\x64\x00\x28\xff\xe1\xff\xff\x67");
    check(
        b"stsd",
        stsd(&[entry(b"avc1", &avcc)]),
        &format!("{stbl}/stsd/avc1[1]/avcC: 65535 bytes needed, 1 left"),
    );
    check(
        b"stsd",
        stsd(&[boxed(b"avc1", &[0; 30])]),
        &format!("{stbl}/stsd/avc1[1]: 78 bytes needed, 30 left"),
    );
}

#[test]
fn media_in_another_file_is_refused() {
    let place = "moov/trak[1]/mdia/minf/stbl";
    check(
        b"dinf",
        boxed(b"dinf", &dref(0)),
        &format!("{place}: the media data is in another file; only self-contained files are read"),
    );
    check(
        b"dinf",
        boxed(b"dinf", &full(b"dref", 0, &be(&[u32::MAX]))),
        "moov/trak[1]/mdia/minf/dinf/dref: `entry_count` cannot be 4294967295",
    );
    let mut other = entry(b"vp09", &[]);
    other[15] = 2;
    check(b"stsd", stsd(&[other]), &format!("{place}: `data_reference_index` cannot be 2"));
}

#[test]
fn encrypted_media_is_named_and_its_records_are_not_read() {
    let frma = boxed(b"frma", b"avc1");
    let schm = full(b"schm", 0, b"cbcs\0\x01\0\0");
    // An IV of 255 bytes in a `tenc` of eight.
    let tenc = full(b"tenc", 0, b"\0\0\x01\xff");
    let check = |children: &[Vec<u8>], expected: &str| {
        let sinf = boxed(b"sinf", &children.concat());
        let movie = Parts::new().with(b"stsd", stsd(&[entry(b"encv", &sinf)])).parse().unwrap();
        let refusal = movie.tracks[0].check_supported().unwrap_err().to_string();
        assert_eq!(refusal, format!("track 1: {expected} is not supported yet"));
    };
    let schi = boxed(b"schi", &tenc);
    check(&[frma.clone(), schm, schi], "H.264 that is already encrypted (`cbcs`)");
    check(std::slice::from_ref(&frma), "H.264 encrypted in an unknown way");
    let place = "moov/trak[1]/mdia/minf/stbl/stsd/encv[1]";
    let none = stsd(&[entry(b"encv", &[])]);
    assert_eq!(
        Parts::new().with(b"stsd", none).parse().unwrap_err(),
        format!("{place}: no `sinf`")
    );
    let empty = stsd(&[entry(b"encv", &boxed(b"sinf", b""))]);
    let error = Parts::new().with(b"stsd", empty).parse().unwrap_err();
    assert_eq!(error, format!("{place}/sinf: no `frma`"));
}

#[test]
fn two_tracks_may_not_share_an_id_nor_bytes_they_do_not_have() {
    let parts = Parts::new();
    let moov = parts.moov();
    let trak = &moov[108..];
    let twice = [&moov[..], trak].concat();
    let error = moov::parse(&twice, 1000).unwrap_err();
    assert_eq!(error.to_string(), "moov/trak[2]: `track_ID` cannot be 1");
    let second = Parts::new().with(b"tkhd", tkhd(2)).moov();
    let both = [&moov[..], &second[108..]].concat();
    assert_eq!(moov::parse(&both, 130).unwrap().tracks.len(), 2);
    let parts = Parts { file_len: 59, ..parts }.with(b"stco", full(b"stco", 0, &be(&[1, 0])));
    let second = parts.clone().with(b"tkhd", tkhd(2)).moov();
    let both = [&parts.moov()[..], &second[108..]].concat();
    assert!(moov::parse(&both, 60).is_ok());
    let error = moov::parse(&both, 59).unwrap_err().to_string();
    let place = "moov/trak[2]/mdia/minf/stbl";
    assert_eq!(error, format!("{place}: the samples claim more bytes than the file has"));
}
