//! All terms of a license, before they are resolved for a system and a track.
//!
//! Resolution goes from the general to the particular, and the later word wins, field by
//! field: for outputs `ALL`, then `ALL_VIDEO`, then the track's own class; for times the
//! common ones, then those of the DRM system. An entry that says little therefore keeps what
//! a wider entry says, which fails safe.

use std::{collections::BTreeMap, fmt};

use portcullis_base::{
    DrmSystem, TrackClass,
    json::{Object, Value},
};

use crate::{
    json::{Term, TermsFault, join, map, member, members},
    output::Output,
    playback::{Concurrency, Playback, Renewal},
};

/// What a license may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How long, and whether it may be kept.
    pub playback: Playback,
    /// The same for one DRM system, in front of the common ones.
    pub systems: BTreeMap<DrmSystem, Playback>,
    /// Whether and when the player asks again.
    pub renewal: Renewal,
    /// How many streams at once.
    pub concurrency: Concurrency,
    /// The classes whose keys may be in the license. `None`: not said.
    pub classes: Option<ClassSet>,
    /// What device and outputs must be, for some tracks.
    pub outputs: BTreeMap<Tracks, Output>,
}

impl Terms {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    /// These terms with those of `over` in front: what `over` says wins, what it leaves open
    /// stays.
    #[must_use]
    pub fn overlay(&self, over: &Self) -> Self {
        let mut systems = self.systems.clone();
        for (system, playback) in &over.systems {
            let below = systems.entry(*system).or_default();
            *below = below.overlay(playback);
        }
        let mut outputs = self.outputs.clone();
        for (tracks, output) in &over.outputs {
            let below = outputs.entry(*tracks).or_default();
            *below = below.merge(output);
        }
        Self {
            playback: self.playback.overlay(&over.playback),
            systems,
            renewal: self.renewal.overlay(&over.renewal),
            concurrency: self.concurrency.overlay(&over.concurrency),
            classes: over.classes.or(self.classes),
            outputs,
        }
    }

    /// What is said about time to a player of `system`.
    #[must_use]
    pub fn playback_for(&self, system: DrmSystem) -> Playback {
        match self.systems.get(&system) {
            Some(own) => self.playback.overlay(own),
            None => self.playback.clone(),
        }
    }

    /// What is asked of device and outputs for a track of `class`.
    #[must_use]
    pub fn output_for(&self, class: TrackClass) -> Output {
        let wider = [Tracks::All, Tracks::AllVideo, Tracks::Class(class)];
        let applies = |tracks: &Tracks| *tracks != Tracks::AllVideo || class != TrackClass::Audio;
        let entries = wider.iter().filter(|tracks| applies(tracks));
        let entries = entries.filter_map(|tracks| self.outputs.get(tracks));
        entries.fold(Output::default(), |below, over| below.merge(over))
    }

    /// Whether keys of `class` may be in the license; yes if nothing is said.
    #[must_use]
    pub fn allows_class(&self, class: TrackClass) -> bool {
        self.classes.is_none_or(|classes| classes.contains(class))
    }

    /// The terms as JSON. Only what is said is written.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = Object::new();
        let mut put = |name: &str, value: Value| {
            if value.as_object().is_none_or(|members| !members.is_empty()) {
                all.insert(name.to_owned(), value);
            }
        };
        put("playback", self.playback.to_json());
        put("renewal", self.renewal.to_json());
        put("concurrency", self.concurrency.to_json());
        let systems = self.systems.iter();
        put("systems", named(systems.map(|(system, terms)| (system.as_str(), terms.to_json()))));
        let outputs = self.outputs.iter();
        put("outputs", named(outputs.map(|(tracks, terms)| (tracks.as_str(), terms.to_json()))));
        if let Some(classes) = self.classes {
            put("classes", classes.iter().collect::<Vec<_>>().to_json());
        }
        Value::Object(all)
    }

    /// Reads what [`Terms::to_json`] writes.
    ///
    /// # Errors
    ///
    /// Names the first member that is unknown or holds a wrong value.
    pub fn from_json(value: &Value) -> Result<Self, TermsFault> {
        const NAMES: [&str; 6] =
            ["playback", "renewal", "concurrency", "systems", "outputs", "classes"];
        let all = members(value, "", &NAMES)?;
        let system = |name: &str| name.parse().ok();
        let named = |name: &str| all.get(name).map(|value| (value, join("", name)));
        Ok(Self {
            playback: member(all, "playback", "")?.unwrap_or_default(),
            renewal: member(all, "renewal", "")?.unwrap_or_default(),
            concurrency: member(all, "concurrency", "")?.unwrap_or_default(),
            systems: named("systems")
                .map(|(value, place)| map(value, &place, system))
                .transpose()?
                .unwrap_or_default(),
            outputs: named("outputs")
                .map(|(value, place)| map(value, &place, Tracks::from_word))
                .transpose()?
                .unwrap_or_default(),
            classes: member::<Vec<TrackClass>>(all, "classes", "")?
                .map(|classes| classes.into_iter().collect()),
        })
    }
}

fn named<'a>(members: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The tracks an entry speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tracks {
    /// Every track, sound included.
    All,
    /// Every picture track.
    AllVideo,
    /// The tracks of one class.
    Class(TrackClass),
}

impl Tracks {
    /// The word in JSON: `ALL`, `ALL_VIDEO` or the class's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::AllVideo => "ALL_VIDEO",
            Self::Class(class) => class.as_str(),
        }
    }

    /// The tracks a word speaks of.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "ALL" => Some(Self::All),
            "ALL_VIDEO" => Some(Self::AllVideo),
            _ => word.parse().ok().map(Self::Class),
        }
    }
}

impl fmt::Display for Tracks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of track classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClassSet(u8);

impl ClassSet {
    /// Every class.
    pub const ALL: Self = Self(0b1_1111);

    /// Sound, and pictures up to `top`.
    #[must_use]
    pub fn up_to(top: TrackClass) -> Self {
        CLASSES.into_iter().filter(|class| *class <= top).collect()
    }

    /// Whether `class` is in the set.
    #[must_use]
    pub const fn contains(self, class: TrackClass) -> bool {
        self.0 & bit(class) != 0
    }

    /// The classes in the set, from sound to the largest picture.
    pub fn iter(self) -> impl Iterator<Item = TrackClass> {
        CLASSES.into_iter().filter(move |class| self.contains(*class))
    }
}

impl FromIterator<TrackClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = TrackClass>>(classes: I) -> Self {
        Self(classes.into_iter().fold(0, |bits, class| bits | bit(class)))
    }
}

const fn bit(class: TrackClass) -> u8 {
    match class {
        TrackClass::Audio => 1,
        TrackClass::Sd => 2,
        TrackClass::Hd => 4,
        TrackClass::Uhd1 => 8,
        TrackClass::Uhd2 => 16,
    }
}

const CLASSES: [TrackClass; 5] =
    [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd, TrackClass::Uhd1, TrackClass::Uhd2];

#[cfg(test)]
mod tests {
    use portcullis_base::json::{Limits, parse};

    use super::*;
    use crate::{
        output::{WidevineHdcp, WidevineLevel, WidevineOutput},
        playback::Limit,
    };

    fn read(text: &str) -> Result<Terms, TermsFault> {
        Terms::from_json(&parse(text.as_bytes(), &Limits::BODY).unwrap())
    }

    #[test]
    fn an_entry_for_a_class_keeps_what_a_wider_entry_says() {
        let terms = read(
            r#"{"outputs":{
                "ALL":{"widevine":{"hdcp":"HDCP_V1","security_level":"SW_SECURE_CRYPTO"}},
                "ALL_VIDEO":{"widevine":{"security_level":"SW_SECURE_DECODE"}},
                "HD":{"widevine":{"security_level":"HW_SECURE_ALL"}}}}"#,
        )
        .unwrap();
        let check = |class, level| {
            let expected = WidevineOutput {
                hdcp: Some(WidevineHdcp::V1),
                security_level: Some(level),
                ..WidevineOutput::default()
            };
            assert_eq!(terms.output_for(class).widevine, Some(expected), "{class}");
        };
        check(TrackClass::Audio, WidevineLevel::SwSecureCrypto);
        check(TrackClass::Sd, WidevineLevel::SwSecureDecode);
        check(TrackClass::Hd, WidevineLevel::HwSecureAll);
    }

    #[test]
    fn the_terms_of_a_system_stand_in_front_of_the_common_ones() {
        let terms = read(
            r#"{"playback":{"persistent":true,"license":60},
                "systems":{"fairplay":{"license":"unlimited"}}}"#,
        )
        .unwrap();
        let fairplay = terms.playback_for(DrmSystem::FairPlay);
        assert_eq!((fairplay.persistent, fairplay.license), (Some(true), Some(Limit::Unlimited)));
        let widevine = terms.playback_for(DrmSystem::Widevine);
        assert_eq!(widevine.license, Some(Limit::Seconds(60)));
    }

    #[test]
    fn what_lies_on_top_wins_field_by_field() {
        let below = read(
            r#"{"playback":{"persistent":true,"license":60},"classes":["SD"],
                "outputs":{"HD":{"widevine":{"hdcp":"HDCP_V1"}}}}"#,
        );
        let over = read(
            r#"{"playback":{"license":30},
                "outputs":{"HD":{"widevine":{"disable_analog":true}}}}"#,
        );
        let expected = read(
            r#"{"playback":{"persistent":true,"license":30},"classes":["SD"],
                "outputs":{"HD":{"widevine":{"hdcp":"HDCP_V1","disable_analog":true}}}}"#,
        );
        assert_eq!(below.unwrap().overlay(&over.unwrap()), expected.unwrap());
    }

    #[test]
    fn terms_print_as_they_were_read() {
        for text in [
            "{}",
            r#"{"classes":["AUDIO","SD"]}"#,
            r#"{"classes":[]}"#,
            concat!(
                r#"{"concurrency":{"limit":2,"mode":"stop_oldest"},"#,
                r#""outputs":{"ALL_VIDEO":{"playready":{"analog_restrictions":"#,
                r#"[{"config":"1","id":"x"}],"security_level":2000},"#,
                r#""wiseplay":{"security_level":3}}},"#,
                r#""playback":{"expires":1700000000,"license":"unlimited"},"#,
                r#""renewal":{"delay_s":60,"url":"https://a.test/"},"#,
                r#""systems":{"widevine":{"persistent":false}}}"#
            ),
        ] {
            assert_eq!(read(text).unwrap().to_json().to_string(), text);
        }
    }

    #[test]
    fn a_fault_says_where_it_stands() {
        let check = |text: &str, expected: &str| {
            assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
        };
        check("[]", "`terms` is not an object");
        check(r#"{"x":1}"#, "`x` is not a term");
        check(r#"{"playback":{"x":1}}"#, "`playback.x` is not a term");
        check(r#"{"outputs":{"4K":{}}}"#, "`outputs.4K` is not a term");
        check(r#"{"systems":{"ncg":{}}}"#, "`systems.ncg` is not a term");
        check(
            r#"{"playback":{"license":0}}"#,
            "`playback.license` is not a number of seconds from 1 to 2^53 - 1, or `unlimited`",
        );
        check(
            r#"{"outputs":{"HD":{"widevine":{"hdcp":"V1"}}}}"#,
            concat!(
                "`outputs.HD.widevine.hdcp` is not one of `HDCP_NONE` `HDCP_V1` `HDCP_V2` ",
                "`HDCP_V2_1` `HDCP_V2_2` `HDCP_V2_3` `HDCP_NO_DIGITAL_OUTPUT`"
            ),
        );
    }

    #[test]
    fn sound_is_in_every_set_up_to_a_class() {
        assert_eq!(ClassSet::up_to(TrackClass::Uhd2), ClassSet::ALL);
        let sd: Vec<TrackClass> = ClassSet::up_to(TrackClass::Sd).iter().collect();
        assert_eq!(sd, [TrackClass::Audio, TrackClass::Sd]);
    }
}
