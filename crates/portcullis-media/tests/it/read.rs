//! The readers agree with ffmpeg's about films that ffmpeg wrote.

use portcullis_media::bmff::{Codec, Edit, Picture, RollRun, TrackKind};

use crate::read_film::{Film, fixture_bytes, fixture_lines};

/// Compares every sample with what ffprobe printed for it.
#[track_caller]
fn check_packets(name: &str) {
    let film = Film::fixture(name);
    let lines = fixture_lines(&format!("{name}.packets.csv"));
    for (index, track) in film.movie.tracks.iter().enumerate() {
        track.check_extents(&film.extents).unwrap();
        let mut decode_time = i64::try_from(track.first_decode_time).unwrap();
        let ours: Vec<String> = track
            .samples
            .iter()
            .map(|sample| {
                let shown = decode_time + sample.composition_offset;
                let line = format!(
                    "{index},{shown},{decode_time},{},{},{}_",
                    sample.size,
                    sample.offset,
                    if sample.is_sync { "K" } else { "_" },
                );
                decode_time += i64::from(sample.duration);
                line
            })
            .collect();
        let of_track = |line: &&String| line.starts_with(&format!("{index},"));
        let theirs: Vec<String> = lines.iter().filter(of_track).cloned().collect();
        // With negative offsets ffprobe moves decode times so that none is after its
        // presentation time; the file says otherwise.
        if name == "negative_offsets" {
            assert_eq!(without_decode_times(&ours), without_decode_times(&theirs));
        } else {
            assert_eq!(ours, theirs, "{name}, track {index}");
        }
    }
}

fn without_decode_times(lines: &[String]) -> Vec<Vec<&str>> {
    lines
        .iter()
        .map(|line| line.split(',').enumerate().filter(|(at, _)| *at != 2).map(|(_, part)| part))
        .map(Iterator::collect)
        .collect()
}

#[test]
fn every_sample_is_where_ffprobe_finds_it() {
    for name in [
        "avc3_in_band",
        "bframes_moov_last",
        "cavlc_baseline",
        "fragmented_data_offset",
        "fragmented_moof_base",
        "fragmented_previous_end",
        "high444_rgb",
        "mbaff",
        "moov_first",
        "multi_slice",
        "negative_offsets",
        "vp9",
    ] {
        check_packets(name);
    }
}

#[test]
fn fragments_and_tables_give_the_same_samples() {
    let tables = Film::fixture("bframes_moov_last");
    for name in ["fragmented_data_offset", "fragmented_moof_base", "fragmented_previous_end"] {
        let fragments = Film::fixture(name);
        assert!(fragments.movie.fragmented && !tables.movie.fragmented);
        for index in 0..2 {
            let (ours, theirs) = (&fragments.movie.tracks[index], &tables.movie.tracks[index]);
            assert_eq!(ours.samples.len(), theirs.samples.len());
            for at in 0..ours.samples.len() {
                let (a, b) = (ours.samples[at], theirs.samples[at]);
                assert_eq!(fragments.sample(index, at), tables.sample(index, at));
                assert_eq!(a.composition_offset, b.composition_offset);
                assert_eq!(a.is_sync, b.is_sync);
            }
            assert_eq!(ours.sample_entry.codec, theirs.sample_entry.codec);
        }
    }
}

#[test]
fn a_track_tells_what_a_manifest_needs() {
    let film = Film::fixture("bframes_moov_last");
    assert_eq!(film.movie.warnings, Vec::<String>::new());
    let [video, audio] = film.movie.tracks.as_slice() else { panic!("two tracks") };
    assert_eq!((video.kind, audio.kind), (TrackKind::Video, TrackKind::Audio));
    assert_eq!((video.id, audio.id), (1, 2));
    assert_eq!((video.display_width_fixed, video.display_height_fixed), (96 << 16, 64 << 16),);
    let picture = Picture { width: 96, height: 64, pixel_aspect: (1, 1) };
    assert_eq!(video.sample_entry.picture, Some(picture));
    assert_eq!(video.frame_rate(), Some((25, 1)));
    assert_eq!((video.language.as_str(), audio.language.as_str()), ("und", "eng"));
    assert_eq!(audio.name, "SoundHandler");
    let Codec::Aac(config) = &audio.sample_entry.codec else { panic!("AAC") };
    assert_eq!((config.sample_rate, config.channels), (44100, 1));
    assert_eq!(config.codecs, "mp4a.40.2");
    assert_eq!(video.sample_entry.codec.codecs(), Some("avc1.64000a"));
}

#[test]
fn priming_and_reordering_keep_their_edits() {
    let film = Film::fixture("bframes_moov_last");
    assert_eq!(film.movie.timescale, 1000);
    let [video, audio] = film.movie.tracks.as_slice() else { panic!("two tracks") };
    assert_eq!(video.edits, [Edit { duration: 1000, media_time: Some(1024) }]);
    assert_eq!(audio.edits, [Edit { duration: 1000, media_time: Some(1024) }]);
    assert_eq!(audio.roll, [RollRun { count: 45, distance: Some(-1) }]);
    assert!(video.roll.is_empty());
    let negative = Film::fixture("negative_offsets");
    let least = negative.movie.tracks[0].samples.iter().map(|sample| sample.composition_offset);
    assert_eq!(least.min(), Some(-512));
}

#[test]
fn frame_rates_are_fractions() {
    let check = |name: &str, expected| {
        assert_eq!(Film::fixture(name).movie.tracks[0].frame_rate(), Some(expected));
    };
    check("cavlc_baseline", (30000, 1001));
    check("avc3_in_band", (24000, 1001));
}

#[test]
fn a_sample_entry_is_kept_whole() {
    let film = Film::fixture("avc3_in_band");
    let entry = &film.movie.tracks[0].sample_entry;
    assert_eq!(entry.format.0, *b"avc3");
    assert_eq!(&entry.bytes[4..8], b"avc3");
    assert_eq!(entry.bytes.len(), usize::from(entry.bytes[2]) << 8 | usize::from(entry.bytes[3]));
    assert!(film.bytes.windows(entry.bytes.len()).any(|window| window == entry.bytes));
    assert!(entry.codec.codecs().unwrap().starts_with("avc3.64"));
}

#[test]
fn another_codec_is_named_with_its_track() {
    let film = Film::fixture("vp9");
    let refusal = film.movie.tracks[0].check_supported().unwrap_err();
    assert_eq!(refusal.to_string(), "track 1: VP9 is not supported yet");
    assert!(refusal.is_unsupported());
    Film::fixture("moov_first").movie.tracks[0].check_supported().unwrap();
}

#[test]
fn a_film_cut_anywhere_is_refused_or_read_but_never_more() {
    for name in ["moov_first", "fragmented_moof_base"] {
        let bytes = fixture_bytes(&format!("{name}.mp4"));
        let whole = Film::open(bytes.clone()).unwrap().movie;
        let moov_end = 3000.min(bytes.len());
        for end in (moov_end..bytes.len()).step_by(97) {
            if let Ok(film) = Film::open(bytes[..end].to_vec()) {
                assert!(film.movie.tracks[0].samples.len() < whole.tracks[0].samples.len());
            }
        }
    }
}
