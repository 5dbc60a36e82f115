//! How long a license may be used, and whether it may be kept.
//!
//! Times say what was wanted; which of two limits binds first is the DRM system's business.

use portcullis_base::{Timestamp, json::Value};

use crate::{
    json::Term,
    macros::{layer, words},
};

/// A number of seconds, or explicitly no limit.
///
/// "No limit" is not the same as "not said": it takes back a limit that lay below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// So many seconds, at least one.
    Seconds(u64),
    /// Without end.
    Unlimited,
}

impl Limit {
    /// The limit that formats write as a number in which 0 means none.
    #[must_use]
    pub const fn from_zero_is_unlimited(seconds: u64) -> Self {
        if seconds == 0 { Self::Unlimited } else { Self::Seconds(seconds) }
    }

    /// The seconds, if there is an end.
    #[must_use]
    pub const fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Unlimited => None,
        }
    }
}

impl Term for Limit {
    const EXPECTED: &'static str = "a number of seconds from 1 to 2^53 - 1, or `unlimited`";

    fn to_json(&self) -> Value {
        match self {
            Self::Seconds(seconds) => (*seconds).into(),
            Self::Unlimited => "unlimited".into(),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value.as_str() == Some("unlimited") {
            return Some(Self::Unlimited);
        }
        u64::from_json(value).filter(|seconds| *seconds > 0).map(Self::Seconds)
    }
}

layer! {
    /// How long a license may be used, and whether it may be kept.
    Playback {
        /// Whether the license may be stored and used offline.
        persistent: bool,
        /// From when the license can be used.
        not_before: Timestamp,
        /// From when the license can no longer be used, whatever the durations say.
        expires: Timestamp,
        /// How long the license can be used, counted from its issue.
        license: Limit,
        /// How long after its issue a stored license may be started for the first time.
        rental: Limit,
        /// How long the license can be used once playback has begun.
        playback: Limit,
        /// Whether playback that is under way stops when the license ends.
        cut_off: bool,
        /// Whether the license may be used for playback at all.
        allowed: bool,
    }
}

layer! {
    /// Whether and when a player asks for its license again.
    Renewal {
        /// Whether the license can be renewed.
        allowed: bool,
        /// Seconds from the license's start until the player first asks again.
        delay_s: u64,
        /// Seconds between attempts when an attempt fails.
        retry_s: u64,
        /// Seconds for which playback goes on while renewal fails.
        recovery_s: u64,
        /// Whether renewal begins only with playback.
        with_usage: bool,
        /// Where the player asks.
        url: String,
    }
}

words! {
    /// What happens when a user asks for one stream too many.
    ConcurrencyMode {
        /// A device that plays already may go on and open more; another is refused.
        BlockNewDevice = "block_new_device",
        /// The new stream is refused.
        BlockNewSession = "block_new_session",
        /// Streams are counted by nobody.
        None = "none",
        /// The oldest stream is stopped.
        StopOldest = "stop_oldest",
    }
}

layer! {
    /// How many streams a user may watch at once.
    Concurrency {
        /// The number of streams.
        limit: u32,
        /// What happens to one too many.
        mode: ConcurrencyMode,
        /// Seconds within which a stream must show that it is alive.
        interval_s: u64,
        /// Seconds it is given beyond that.
        grace_s: u64,
    }
}
