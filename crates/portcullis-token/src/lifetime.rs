//! The span of time in which a token may be used.
//!
//! Every token format states its span differently: `st`/`exp` in an edge token,
//! `nbf`/`exp` in a JWT. Both are read into a [`Lifetime`], so there is one place that
//! compares a token with the clock, and one answer to what happens on the last second.
//!
//! This module does not know what time it is. The caller says.

use std::time::Duration;

use portcullis_base::Timestamp;

/// From `start`, included, to `end`, excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    // INVARIANT: start < end. `Lifetime::new` is the only constructor.
    start: Timestamp,
    end: Timestamp,
}

impl Lifetime {
    /// Reads the span a token claims for itself.
    ///
    /// # Errors
    ///
    /// [`LifetimeError::Empty`] when the span has no second in it. Issuers make such
    /// tokens by mixing up seconds and milliseconds or by swapping two arguments, so
    /// it is worth an answer of its own, apart from an ordinary expiry.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, LifetimeError> {
        if start < end { Ok(Self { start, end }) } else { Err(LifetimeError::Empty { start, end }) }
    }

    /// The first moment inside.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The first moment no longer inside.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Checks that `now` lies within the span, give or take `leeway`.
    ///
    /// # Errors
    ///
    /// Says on which side of the span `now` fell, and where that side was.
    pub fn check(&self, now: Timestamp, leeway: Duration) -> Result<(), LifetimeError> {
        let leeway = leeway.as_secs();
        if now.0.saturating_add(leeway) < self.start.0 {
            return Err(LifetimeError::NotYet { start: self.start });
        }
        if self.end.0.saturating_add(leeway) <= now.0 {
            return Err(LifetimeError::Over { end: self.end });
        }
        Ok(())
    }
}

/// How far a verifier's clock and an issuer's may differ: a minute at most (SEC-23).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leeway(Duration);

impl Leeway {
    /// None at all.
    pub const NONE: Self = Self(Duration::ZERO);

    /// A leeway of 60 s at most; `None` for a longer one.
    #[must_use]
    pub const fn new(leeway: Duration) -> Option<Self> {
        if leeway.as_secs() > 60 || (leeway.as_secs() == 60 && leeway.subsec_nanos() > 0) {
            return None;
        }
        Some(Self(leeway))
    }

    /// The leeway as a span of time.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// Why a lifetime was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LifetimeError {
    /// The span has no second in it.
    #[error("the token ends at {end}, no later than it starts at {start}")]
    Empty {
        /// The start as claimed.
        start: Timestamp,
        /// The end as claimed.
        end: Timestamp,
    },
    /// The span has not begun.
    #[error("the token cannot be used before {start}")]
    NotYet {
        /// When it begins.
        start: Timestamp,
    },
    /// The span is over.
    #[error("the token could be used until {end}")]
    Over {
        /// When it ended.
        end: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(span: (u64, u64), now: u64, leeway: u64, expected: Result<(), LifetimeError>) {
        let actual = Lifetime::new(Timestamp(span.0), Timestamp(span.1))
            .and_then(|lifetime| lifetime.check(Timestamp(now), Duration::from_secs(leeway)));
        assert_eq!(actual, expected);
    }

    #[test]
    fn the_first_second_is_inside_and_the_last_is_not() {
        check((100, 200), 99, 0, Err(LifetimeError::NotYet { start: Timestamp(100) }));
        check((100, 200), 100, 0, Ok(()));
        check((100, 200), 199, 0, Ok(()));
        check((100, 200), 200, 0, Err(LifetimeError::Over { end: Timestamp(200) }));
    }

    #[test]
    fn leeway_widens_both_ends() {
        check((100, 200), 95, 5, Ok(()));
        check((100, 200), 204, 5, Ok(()));
        check((100, 200), 205, 5, Err(LifetimeError::Over { end: Timestamp(200) }));
    }

    #[test]
    fn leeway_is_a_minute_at_most() {
        let minute = Duration::from_secs(60);
        assert_eq!(Leeway::new(minute).map(Leeway::duration), Some(minute));
        assert_eq!(Leeway::new(minute + Duration::from_nanos(1)), None);
        assert_eq!(Leeway::new(Duration::from_secs(61)), None);
        assert_eq!(Leeway::NONE.duration(), Duration::ZERO);
    }

    #[test]
    fn a_span_without_a_second_is_named_as_such() {
        let empty = LifetimeError::Empty { start: Timestamp(200), end: Timestamp(200) };
        check((200, 200), 200, 0, Err(empty));
    }

    #[test]
    fn an_end_at_the_edge_of_time_does_not_wrap() {
        check((0, u64::MAX), u64::MAX - 1, u64::MAX, Ok(()));
    }
}
