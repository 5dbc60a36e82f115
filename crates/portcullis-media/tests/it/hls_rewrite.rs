//! A playlist is rewritten in its URIs and stays the same elsewhere.

use portcullis_media::hls::rewrite::rewrite;
use proptest::prelude::*;

const MULTIVARIANT: &str = "#EXTM3U\n\
    #EXT-X-VERSION:7\n\
    #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMATVERSIONS=\"1\"\n\
    #EXT-X-SESSION-DATA:DATA-ID=\"a\",URI=\"data.json\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x, URI=y\",URI=\"audio/p.m3u8\"\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i/p.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\n\
    video/p.m3u8\r\n\
    #EXT-X-STREAM-INF:BANDWIDTH=2\n\
    https://elsewhere.example/p.m3u8\n";

#[test]
fn a_session_token_goes_into_the_path_of_what_is_ours() {
    let token = "hdntl=exp=1~acl=%2f*~hmac=ab";
    let rewritten = rewrite(MULTIVARIANT, &mut |uri| {
        (!uri.starts_with("https://")).then(|| format!("{token}/{uri}"))
    });
    let expected = MULTIVARIANT
        .replace("\"data.json", &format!("\"{token}/data.json"))
        .replace("\"audio/", &format!("\"{token}/audio/"))
        .replace("\"i/", &format!("\"{token}/i/"))
        .replace("\nvideo/", &format!("\n{token}/video/"));
    assert_eq!(rewritten, Ok(expected));
}

proptest! {
    #[test]
    fn no_text_makes_the_rewriter_panic(text in ".{0,200}") {
        let _ = rewrite(&format!("#EXTM3U\n{text}"), &mut |uri| Some(format!("T/{uri}")));
    }

    #[test]
    fn lines_neither_come_nor_go(
        lines in prop::collection::vec(prop::sample::select(vec![
            "a.m4s", "#EXT-X-MAP:URI=\"i.mp4\"", "#EXT-X-MAP:URI=\"i.mp4", "# x", "", " b ",
            "#EXTINF:4,t", "#EXT-X-KEY:METHOD=NONE", "#EXT-X-KEY:URI=\"data:x\",IV=0x0",
        ]), 0..12),
        ending in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let playlist = format!("#EXTM3U{ending}{}", lines.join(ending));
        if let Ok(same) = rewrite(&playlist, &mut |_| None) {
            prop_assert_eq!(&same, &playlist);
            let tokens = rewrite(&playlist, &mut |uri| Some(format!("T/{uri}"))).unwrap();
            prop_assert_eq!(tokens.replace("T/", ""), playlist);
        }
    }
}
