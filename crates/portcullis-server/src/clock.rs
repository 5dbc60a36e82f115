//! The one place that reads the system clock.
//!
//! Everything below is told the time by its caller; everything in this crate asks the
//! [`Clock`] it was given.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_base::Clock;

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the file the rule points to")]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
