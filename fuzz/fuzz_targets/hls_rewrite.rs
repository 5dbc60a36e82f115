//! Foreign text as a playlist: without an answer nothing changes, and with one only URIs do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_media::hls::rewrite::rewrite;

fuzz_target!(|playlist: &str| {
    let Ok(same) = rewrite(playlist, &mut |_| None) else { return };
    assert_eq!(same, playlist);

    let mut asked = Vec::new();
    let rewritten = rewrite(playlist, &mut |uri| {
        asked.push(uri.to_owned());
        Some(format!("/T/{}", asked.len()))
    });
    let Ok(rewritten) = rewritten else { return };
    assert_eq!(rewritten.lines().count(), playlist.lines().count());

    // Putting back what was asked about gives back the playlist.
    let mut answers = asked.iter();
    let back = rewrite(&rewritten, &mut |uri| {
        assert!(uri.starts_with("/T/"));
        answers.next().cloned()
    });
    if let Ok(back) = back {
        assert_eq!(back, playlist);
        assert!(answers.next().is_none());
    }
});
