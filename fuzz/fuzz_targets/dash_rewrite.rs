//! Foreign text as an MPD: without an answer nothing changes, and what is written is accepted
//! again with the same URLs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_media::dash::rewrite::rewrite;

fuzz_target!(|mpd: &str| {
    let Ok(same) = rewrite(mpd, &mut |_| None) else { return };
    assert_eq!(same, mpd);
    assert!(!mpd.contains("<!DOCTYPE") || mpd.contains("<!--") || mpd.contains("<![CDATA["));

    let mut written = Vec::new();
    let rewritten = rewrite(mpd, &mut |url| {
        let url = format!("/T/{url}");
        written.push(url.clone());
        Some(url)
    });
    let Ok(rewritten) = rewritten else { return };
    let mut read = Vec::new();
    rewrite(&rewritten, &mut |url| {
        read.push(url.to_owned());
        Some(url.to_owned())
    })
    .expect("what was written is an MPD");
    assert_eq!(read, written);
});
