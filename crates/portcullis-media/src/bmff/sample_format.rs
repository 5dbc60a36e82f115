//! What people call the formats we do not handle.
//!
//! A refusal should say "VP9", not "`vp09`". Formats we do handle are not here.

use super::BoxType;

/// The name of a sample format.
pub(super) fn name(format: BoxType) -> String {
    let known = NAMES.iter().find(|(fourcc, _)| **fourcc == format.0);
    known.map_or_else(|| format!("sample format `{format}`"), |(_, name)| (*name).to_owned())
}

const NAMES: &[(&[u8; 4], &str)] = &[
    (b".mp3", "MP3"),
    (b"Opus", "Opus"),
    (b"ac-3", "AC-3"),
    (b"ac-4", "AC-4"),
    (b"alac", "Apple Lossless"),
    (b"alaw", "A-law sound"),
    (b"ap4h", "ProRes"),
    (b"apch", "ProRes"),
    (b"apcn", "ProRes"),
    (b"apco", "ProRes"),
    (b"apcs", "ProRes"),
    (b"av01", "AV1"),
    (b"avc1", "H.264"),
    (b"avc2", "H.264 with extractors"),
    (b"avc3", "H.264"),
    (b"avc4", "H.264 with extractors"),
    (b"c608", "closed captions"),
    (b"c708", "closed captions"),
    (b"dtsc", "DTS"),
    (b"dtse", "DTS"),
    (b"dtsh", "DTS"),
    (b"dtsl", "DTS"),
    (b"dtsx", "DTS"),
    (b"dva1", "Dolby Vision"),
    (b"dvav", "Dolby Vision"),
    (b"dvh1", "Dolby Vision"),
    (b"dvhe", "Dolby Vision"),
    (b"ec-3", "E-AC-3"),
    (b"fLaC", "FLAC"),
    (b"fpcm", "uncompressed sound"),
    (b"hev1", "HEVC"),
    (b"hev2", "HEVC"),
    (b"hvc1", "HEVC"),
    (b"hvc2", "HEVC"),
    (b"in24", "uncompressed sound"),
    (b"ipcm", "uncompressed sound"),
    (b"jpeg", "Motion JPEG"),
    (b"lpcm", "uncompressed sound"),
    (b"mebx", "timed metadata"),
    (b"mett", "timed metadata"),
    (b"metx", "timed metadata"),
    (b"mha1", "MPEG-H sound"),
    (b"mhm1", "MPEG-H sound"),
    (b"mlpa", "Dolby TrueHD"),
    (b"mp4a", "MPEG-4 sound"),
    (b"mp4s", "MPEG-4 systems"),
    (b"mp4v", "MPEG-4 Visual"),
    (b"mvc1", "stereo H.264 (MVC)"),
    (b"raw ", "uncompressed media"),
    (b"rtp ", "a hint track"),
    (b"samr", "AMR"),
    (b"sawb", "AMR"),
    (b"sbtt", "timed text"),
    (b"sowt", "uncompressed sound"),
    (b"stpp", "timed text (TTML)"),
    (b"svc1", "scalable H.264 (SVC)"),
    (b"text", "timed text"),
    (b"tmcd", "a time code track"),
    (b"twos", "uncompressed sound"),
    (b"tx3g", "timed text (3GPP)"),
    (b"ulaw", "mu-law sound"),
    (b"urim", "timed metadata"),
    (b"vc-1", "VC-1"),
    (b"vp08", "VP8"),
    (b"vp09", "VP9"),
    (b"vvc1", "VVC"),
    (b"vvi1", "VVC"),
    (b"wvtt", "timed text (WebVTT)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_formats_have_names_and_others_their_code() {
        assert_eq!(name(BoxType(*b"vp09")), "VP9");
        assert_eq!(name(BoxType(*b"hev1")), "HEVC");
        assert_eq!(name(BoxType(*b"xyz\0")), "sample format `xyz\\x00`");
    }
}
