//! What will be packaged: which tracks, under which names and classes, cut where.
//!
//! Reading a plan is where everything unsupported is named, before a key is fetched or a byte
//! written. A plan encrypts nothing and knows no key.

use std::{
    collections::{BTreeSet, HashSet},
    io::{Read, Seek},
    path::PathBuf,
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use portcullis_base::TrackClass;
use portcullis_media::bmff::{Codec, Picture, Track, TrackKind};

use crate::{
    error::{Code, PackageError},
    segmenter::{self, Segments, Timed},
    source::{Contents, Source, sha256},
    time::Moment,
    timeline::{self, Timeline},
};

/// How to plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// How long a segment should be; at least half a second.
    pub segment_target: Duration,
}

impl Default for PlanOptions {
    /// Segments of four seconds.
    fn default() -> Self {
        Self { segment_target: Duration::from_secs(4) }
    }
}

/// Inputs that can be packaged, and how.
#[derive(Debug)]
pub struct Plan<R> {
    pub(crate) asset_version: [u8; 32],
    pub(crate) segment_target: Moment,
    pub(crate) sources: Vec<PlannedSource<R>>,
    pub(crate) tracks: Vec<PlannedTrack>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct PlannedSource<R> {
    pub(crate) source: Source<R>,
    pub(crate) length: u64,
}

/// One track of the output.
#[derive(Debug)]
pub struct PlannedTrack {
    pub(crate) class: TrackClass,
    pub(crate) name: String,
    pub(crate) segments: Segments,
    pub(crate) source: usize,
    pub(crate) timeline: Timeline,
    pub(crate) track: Track,
}

impl PlannedTrack {
    /// The name of its folder in the output, such as `video-360p` or `audio-eng`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The class whose key encrypts it.
    #[must_use]
    pub const fn class(&self) -> TrackClass {
        self.class
    }

    /// ISO 639-2/T, `und` when the input does not say.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.track.language
    }

    /// The RFC 6381 string of its codec.
    #[must_use]
    pub fn codecs(&self) -> &str {
        // INVARIANT: a plan holds supported codecs only.
        self.track.sample_entry.codec.codecs().unwrap_or_default()
    }

    /// How many segments it is cut into.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    pub(crate) const fn picture(&self) -> Option<Picture> {
        match self.class {
            TrackClass::Audio => None,
            _ => self.track.sample_entry.picture,
        }
    }

    pub(crate) const fn is_audio(&self) -> bool {
        matches!(self.class, TrackClass::Audio)
    }

    fn timed(&self) -> Timed<'_> {
        Timed { name: &self.name, track: &self.track, timeline: &self.timeline }
    }
}

impl<R: Read + Seek> Plan<R> {
    /// Reads the inputs and plans their packaging. Renditions and languages may come in one
    /// input or in several.
    ///
    /// # Errors
    ///
    /// When an input cannot be read or contradicts itself, holds anything that is not
    /// supported, or the renditions cannot be cut at common places.
    pub fn read(sources: Vec<Source<R>>, options: &PlanOptions) -> Result<Self, PackageError> {
        if sources.is_empty() {
            return Err(PackageError::new(Code::NoInput, "no input to package"));
        }
        let mut planned = Vec::new();
        let mut contents = Vec::new();
        for mut source in sources {
            let read = source.read()?;
            planned.push(PlannedSource { source, length: read.length });
            contents.push(read);
        }
        let asset_version = asset_version(&contents);
        let target = u64::try_from(options.segment_target.as_micros()).unwrap_or(u64::MAX);
        let segment_target = Moment::from_micros(target).max(Moment::HALF_SECOND);
        let (tracks, warnings) = plan_tracks(&planned, contents, segment_target)?;
        Ok(Self { asset_version, segment_target, sources: planned, tracks, warnings })
    }

    /// The classes of tracks in it: one key is needed for each.
    #[must_use]
    pub fn keys_needed(&self) -> Vec<TrackClass> {
        let classes: BTreeSet<TrackClass> = self.tracks.iter().map(PlannedTrack::class).collect();
        classes.into_iter().collect()
    }

    /// A digest of everything that determines what is encrypted: the media, their order, and
    /// how this packager maps them. The same inputs give the same one.
    #[must_use]
    pub const fn asset_version(&self) -> &[u8; 32] {
        &self.asset_version
    }

    /// The tracks, in the order of the inputs.
    #[must_use]
    pub fn tracks(&self) -> &[PlannedTrack] {
        &self.tracks
    }

    /// What was repaired or is worth knowing.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn input_paths(&self) -> Vec<PathBuf> {
        let paths = self.sources.iter().filter_map(|planned| planned.source.path());
        paths.map(PathBuf::from).collect()
    }
}

fn plan_tracks<R: Read + Seek>(
    sources: &[PlannedSource<R>],
    contents: Vec<Contents>,
    target: Moment,
) -> Result<(Vec<PlannedTrack>, Vec<String>), PackageError> {
    let name_of = |source: usize| {
        sources.get(source).map_or("", |planned: &PlannedSource<R>| planned.source.name())
    };
    let mut warnings = Vec::new();
    let mut supported = Vec::new();
    for (source, read) in contents.into_iter().enumerate() {
        let name = name_of(source);
        warnings.extend(read.movie.warnings.iter().map(|warning| format!("{name}: {warning}")));
        for track in read.movie.tracks {
            let class =
                supported_class(&track).map_err(|error| error.of_track(track.id).of_input(name))?;
            supported.push((source, class, read.movie.timescale, track));
        }
    }
    let timed: Vec<(&Track, u32)> =
        supported.iter().map(|(_, _, timescale, track)| (track, *timescale)).collect();
    let (timelines, more) = timeline::build(&timed)?;
    warnings.extend(more);

    let mut names = HashSet::new();
    let mut tracks = Vec::new();
    for ((source, class, _, track), timeline) in supported.into_iter().zip(timelines) {
        let name = unique(base_name(class, &track), &mut names);
        tracks.push(PlannedTrack { class, name, segments: Vec::new(), source, timeline, track });
    }
    cut(&mut tracks, target)?;
    Ok((tracks, warnings))
}

fn cut(tracks: &mut [PlannedTrack], target: Moment) -> Result<(), PackageError> {
    let (audio, video): (Vec<_>, Vec<_>) = tracks.iter().partition(|track| track.is_audio());
    let video: Vec<Timed<'_>> = video.into_iter().map(PlannedTrack::timed).collect();
    let audio: Vec<Timed<'_>> = audio.into_iter().map(PlannedTrack::timed).collect();
    let (pictures, sounds) = segmenter::cut(&video, &audio, target)?;
    let (mut pictures, mut sounds) = (pictures.into_iter(), sounds.into_iter());
    for track in tracks {
        let next = if track.is_audio() { sounds.next() } else { pictures.next() };
        track.segments = next.unwrap_or_default();
    }
    Ok(())
}

/// The class of a track, or why it cannot be packaged.
fn supported_class(track: &Track) -> Result<TrackClass, PackageError> {
    let codec = &track.sample_entry.codec;
    let unsupported = |what: &str| {
        PackageError::new(Code::UnsupportedCodec, format!("{what} is not supported yet"))
    };
    let class = match (track.kind, codec, track.sample_entry.picture) {
        (_, Codec::Unsupported(name), _) => return Err(unsupported(name)),
        (TrackKind::Audio, Codec::Aac(_), _) => TrackClass::Audio,
        (TrackKind::Video, Codec::Avc(_), Some(picture)) => {
            TrackClass::of_picture(picture.width.into(), picture.height.into())
        }
        (TrackKind::Other(handler), ..) => {
            return Err(unsupported(&format!("a track of kind `{handler}`")));
        }
        _ => {
            let detail = "the handler and the sample entry do not go together";
            return Err(PackageError::new(Code::CorruptInput, detail));
        }
    };
    if track.samples.is_empty() {
        return Err(PackageError::new(Code::EmptyTrack, "the track has no samples"));
    }
    Ok(class)
}

fn base_name(class: TrackClass, track: &Track) -> String {
    match (class, track.sample_entry.picture) {
        (TrackClass::Audio, _) | (_, None) => {
            let plain = |letter: u8| letter.is_ascii_lowercase();
            let known = track.language.len() == 3 && track.language.bytes().all(plain);
            format!("audio-{}", if known { track.language.as_str() } else { "und" })
        }
        (_, Some(picture)) => format!("video-{}p", picture.height.min(picture.width)),
    }
}

fn unique(base: String, taken: &mut HashSet<String>) -> String {
    let mut name = base.clone();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{base}-{number}");
    }
    name
}

/// Names everything that determines the samples and how they are encrypted. The format
/// version changes when the same input would be mapped to other protected ranges, because
/// then the same IVs would meet other plaintext.
fn asset_version(contents: &[Contents]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(FORMAT_VERSION);
    for read in contents {
        context.update(&read.digest);
    }
    sha256(context)
}

const FORMAT_VERSION: &[u8] = b"portcullis/packager/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        let mut taken = HashSet::new();
        let names = ["audio-eng", "audio-eng", "audio-deu", "audio-eng"];
        let unique: Vec<String> =
            names.iter().map(|name| unique((*name).into(), &mut taken)).collect();
        assert_eq!(unique, ["audio-eng", "audio-eng-2", "audio-deu", "audio-eng-3"]);
    }
}
