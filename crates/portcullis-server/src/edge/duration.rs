//! How long the media behind a manifest last, to bound a session that travels in the path.
//!
//! Reads just the one figure, leniently: a manifest that does not say (a live one, say) has
//! no duration, and the route's own maximum holds.

use std::time::Duration;

/// SPEC: ISO/IEC 23009-1 §5.3.1.2: `MPD@mediaPresentationDuration`, an `xs:duration`.
pub(super) fn of_mpd(mpd: &str) -> Option<Duration> {
    let (_, after) = mpd.split_once("mediaPresentationDuration=\"")?;
    let (text, _) = after.split_once('"')?;
    let time = text.strip_prefix("PT")?;
    let mut total = Duration::ZERO;
    let mut number = String::new();
    for character in time.chars() {
        match character {
            '0'..='9' | '.' => number.push(character),
            unit @ ('H' | 'M' | 'S') => {
                let value = Duration::try_from_secs_f64(number.parse().ok()?).ok()?;
                let factor = match unit {
                    'H' => 3600,
                    'M' => 60,
                    _ => 1,
                };
                total = total.checked_add(value.checked_mul(factor)?)?;
                number.clear();
            }
            _ => return None,
        }
    }
    number.is_empty().then_some(total)
}

/// SPEC: RFC 8216 §4.3.2.1. Only a playlist that has ended has a duration.
pub(super) fn of_media_playlist(playlist: &str) -> Option<Duration> {
    if !playlist.contains("#EXT-X-ENDLIST") {
        return None;
    }
    let mut total = Duration::ZERO;
    for line in playlist.lines() {
        if let Some(rest) = line.strip_prefix("#EXTINF:") {
            let seconds = rest.split(',').next()?.parse().ok()?;
            total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        }
    }
    Some(total)
}

/// The first media playlist a multivariant playlist names.
pub(super) fn first_variant(playlist: &str) -> Option<&str> {
    let mut lines = playlist.lines();
    lines.by_ref().find(|line| line.starts_with("#EXT-X-STREAM-INF:"))?;
    lines.map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duration_of_a_manifest_is_read_in_every_unit() {
        let of = |text: &str| of_mpd(&format!("<MPD mediaPresentationDuration=\"{text}\">"));
        assert_eq!(of("PT20.5S"), Some(Duration::from_millis(20_500)));
        assert_eq!(of("PT1H2M3S"), Some(Duration::from_secs(3723)));
        assert_eq!(of("P1D"), None);
        assert_eq!(of("PT5"), None);
        assert_eq!(of("PT99999999999999999999999S"), None);
        assert_eq!(of_mpd("<MPD type=\"dynamic\">"), None);
    }

    #[test]
    fn only_a_playlist_that_has_ended_has_a_duration() {
        let playlist = "#EXTM3U\n#EXTINF:4.0,\na\n#EXTINF:2.5,\nb\n";
        assert_eq!(of_media_playlist(playlist), None);
        let ended = format!("{playlist}#EXT-X-ENDLIST\n");
        assert_eq!(of_media_playlist(&ended), Some(Duration::from_millis(6500)));
    }

    #[test]
    fn the_first_variant_is_the_line_after_its_tag() {
        let master = "#EXTM3U\n#EXT-X-MEDIA:URI=\"a\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/p.m3u8\n";
        assert_eq!(first_variant(master), Some("v/p.m3u8"));
        assert_eq!(first_variant("#EXTM3U\n"), None);
    }
}
