//! Packaging itself: encrypt every track, write the manifests, publish.
//!
//! Nothing is decided here that a plan could have decided. Should a sample turn out to be
//! corrupt on the way, everything written so far is removed.

use std::{
    collections::BTreeMap,
    io::{Read, Seek},
    path::PathBuf,
};

use aws_lc_rs::digest::{SHA256, digest};
use portcullis_base::Scheme;
use portcullis_media::bmff::{
    Codec,
    write::init::{self, InitSegment, Media},
};

use crate::{
    encrypt::{self, Encryptor},
    error::{Code, PackageError},
    keys::KeyRing,
    manifest::{self, Packaged},
    output::{MASTER, MPD, Output, Replace},
    plan::{Plan, PlannedSource, PlannedTrack},
    report::{Report, TrackReport},
    signalling::{self, Signalling},
    time::Moment,
};

/// How and where to package.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where players ask for Clear Key licenses: an http or https URL. Without it the MPD
    /// does not announce Clear Key.
    pub clear_key_url: Option<String>,
    /// Which of the media ever encrypted under these keys this is. The caller counts them by
    /// [`Plan::asset_version`]: two different ones must never share a number, or parts of one
    /// could be computed from the other.
    pub edition: u16,
    /// The output folder.
    pub out: PathBuf,
    /// What to do when it exists.
    pub replace: Replace,
    /// How to encrypt.
    pub scheme: Scheme,
}

/// How far packaging is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Bytes of samples done.
    pub bytes_done: u64,
    /// Bytes of samples in the whole plan.
    pub bytes_total: u64,
    /// The track at hand.
    pub track: &'a str,
}

/// Packages `plan` into the folder that `options` names.
///
/// # Errors
///
/// When a key is missing, an option or the folder cannot be used, a sample is corrupt, or a
/// file cannot be read or written. Nothing is left in the folder then.
pub fn run<R: Read + Seek>(
    plan: &mut Plan<R>,
    keys: &KeyRing<'_>,
    options: &RunOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Report, PackageError> {
    if let Some(url) = &options.clear_key_url {
        check_url(url)?;
    }
    check_track_count(plan.tracks.len())?;
    let all_keys = keys.distinct(&plan.keys_needed())?;
    let url = options.clear_key_url.clone();
    let signalling = Signalling::new(all_keys.into_values(), options.scheme, url)?;
    let boxes = signalling.boxes();
    let bytes_total = plan.tracks.iter().map(sample_bytes).sum();
    let mut output = Output::create(&options.out, options.replace, &plan.input_paths())?;
    check_unchanged(&mut plan.sources)?;

    let mut packaged = Vec::new();
    let mut init_sha256 = BTreeMap::new();
    let mut bytes_done = 0;
    for (number, planned) in (0..).zip(&plan.tracks) {
        let key = keys.of_class(planned.class)?;
        let mut encryptor = Encryptor::new(planned, number, &plan.asset_version, key, options)?;
        let header = write_header(planned, &encryptor, &boxes)?;
        let path = format!("{}/init.mp4", planned.name);
        output.write(&path, &[&header])?;
        init_sha256.insert(path, hex(digest(&SHA256, &header).as_ref()));

        // INVARIANT: a track's source is one of the plan's.
        let Some(planned_source) = plan.sources.get_mut(planned.source) else { continue };
        let mut sizes = Vec::new();
        for (index, samples) in planned.segments.iter().enumerate() {
            let made = encryptor.segment(&mut planned_source.source, samples.clone())?;
            let path = format!("{}/{}.m4s", planned.name, index + 1);
            output.write(&path, &[&made.head, made.payload])?;
            sizes.push((made.head.len() + made.payload.len()) as u64);
            bytes_done += made.payload.len() as u64;
            progress(Progress { bytes_done, bytes_total, track: &planned.name });
        }
        packaged.push(Packaged::new(planned, encryptor.protection(), sizes, plan.segment_target));
    }
    check_unchanged(&mut plan.sources)?;

    let duration = packaged.iter().map(|track| track.planned.timeline.end()).max();
    let duration = duration.unwrap_or(Moment::ZERO);
    let playlists = manifest::media_playlists(&packaged, &signalling)?;
    let mpd = manifest::mpd(&packaged, &signalling, duration, plan.segment_target)?;
    let master = manifest::master(&packaged, &signalling)?;
    for (track, text) in packaged.iter().zip(playlists) {
        output.write(&format!("{}/playlist.m3u8", track.planned.name), &[text.as_bytes()])?;
    }
    output.write(MPD, &[mpd.as_bytes()])?;
    output.write(MASTER, &[master.as_bytes()])?;
    output.publish()?;

    Ok(Report {
        asset_version: hex(&plan.asset_version),
        duration_us: duration.micros_floor(),
        init_sha256,
        scheme: options.scheme.as_str(),
        systems: signalling::systems(options.scheme),
        tracks: packaged.iter().map(|track| track_report(track, &plan.sources)).collect(),
        warnings: plan.warnings.clone(),
    })
}

fn write_header(
    planned: &PlannedTrack,
    encryptor: &Encryptor<'_>,
    pssh: &[u8],
) -> Result<Vec<u8>, PackageError> {
    let track = &planned.track;
    let media = if planned.is_audio() {
        Media::Audio
    } else {
        Media::Video {
            width_fixed: track.display_width_fixed,
            height_fixed: track.display_height_fixed,
            matrix: track.matrix,
        }
    };
    let init = InitSegment {
        brands: &brands(planned),
        first_media_time: planned.timeline.first_media_time,
        language: &track.language,
        media,
        protection: encryptor.protection(),
        pssh,
        roll_distance: encrypt::roll_distance(planned),
        sample_entry: &track.sample_entry.bytes,
        timescale: track.timescale,
        track_id: encrypt::TRACK_ID,
    };
    init::write(&init)
        .map_err(|error| PackageError::new(Code::UnsupportedFeature, error).of_track(track.id))
}

/// SPEC: ISO/IEC 23000-19 annex A: a profile's brand is claimed only within its limits.
fn brands(planned: &PlannedTrack) -> Vec<[u8; 4]> {
    let mut brands = vec![*b"iso6", *b"cmfc", *b"dash"];
    match (&planned.track.sample_entry.codec, planned.picture()) {
        (Codec::Avc(config), Some(picture)) => {
            let [profile, _, level] = config.profile;
            let (width, height) = (picture.width, picture.height);
            if profile > 100 {
            } else if level <= 31 && width <= 864 && height <= 576 {
                brands.push(*b"cfsd");
            } else if level <= 40 && width <= 1920 && height <= 1080 {
                brands.push(*b"cfhd");
            }
        }
        (Codec::Aac(config), None) if config.channels <= 2 => brands.push(*b"caac"),
        _ => {}
    }
    brands
}

/// An input that grew or shrank is not the one whose digest the IVs come from.
fn check_unchanged<R: Read + Seek>(sources: &mut [PlannedSource<R>]) -> Result<(), PackageError> {
    for planned in sources {
        if planned.source.length()? != planned.length {
            let error = PackageError::new(Code::InputUnreadable, "changed while it was packaged");
            return Err(error.of_input(planned.source.name()));
        }
    }
    Ok(())
}

/// SECURITY: SEC-99. The URL goes into the MPD.
fn check_url(url: &str) -> Result<(), PackageError> {
    // Players disagree on relative addresses here: one makes `http:/license` of `/license`.
    let known = ["https://", "http://"].iter().any(|start| url.starts_with(start));
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte));
    if known && clean {
        return Ok(());
    }
    let detail = "the license URL must be a whole http or https address, without spaces or quotes";
    Err(PackageError::new(Code::BadOption, detail))
}

/// Tracks are numbered with 16 bits in their IVs.
fn check_track_count(count: usize) -> Result<(), PackageError> {
    if count > usize::from(u16::MAX) {
        let detail = "more than 65535 tracks are not supported";
        return Err(PackageError::new(Code::UnsupportedFeature, detail));
    }
    Ok(())
}

fn sample_bytes(planned: &PlannedTrack) -> u64 {
    let kept = planned.track.samples.iter().skip(planned.timeline.first_sample);
    kept.map(|sample| u64::from(sample.size)).sum()
}

fn track_report<R: Read + Seek>(track: &Packaged<'_>, sources: &[PlannedSource<R>]) -> TrackReport {
    let planned = track.planned;
    let source = sources.get(planned.source);
    let ticks = track.ticks();
    let length = ticks.last().zip(ticks.first()).map_or(0, |(end, start)| end - start);
    TrackReport {
        average_bandwidth: track.average_bandwidth(),
        bandwidth: track.bandwidth(),
        bytes: track.sizes.iter().sum(),
        class: planned.class.as_str(),
        codecs: planned.codecs().to_owned(),
        duration_us: Moment::from_ticks(length, planned.track.timescale).micros(),
        height: planned.picture().map(|picture| picture.height.into()),
        input: source.map_or_else(String::new, |planned| planned.source.name().to_owned()),
        kid: track.protection.kid().to_string(),
        language: planned.language().to_owned(),
        name: planned.name.clone(),
        samples: (planned.track.samples.len() - planned.timeline.first_sample) as u64,
        segments: planned.segments.len() as u64,
        width: planned.picture().map(|picture| picture.width.into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
