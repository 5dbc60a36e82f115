//! Moments on the timeline of a presentation, comparable across tracks.
//!
//! Tracks count time in different units. Every moment is converted from its own absolute
//! tick count, never from another converted one, so rounding (half a nanosecond at most)
//! cannot add up over a film.

/// Nanoseconds from the start of the presentation; may lie before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const NANOSECOND: Self = Self(1);
    pub(crate) const HALF_SECOND: Self = Self(500_000_000);

    pub(crate) fn from_ticks(ticks: i64, timescale: u32) -> Self {
        Self(rescale(ticks, timescale.into(), NANOS))
    }

    pub(crate) fn from_micros(micros: u64) -> Self {
        Self(i64::try_from(micros).unwrap_or(i64::MAX).saturating_mul(1000))
    }

    /// The nearest tick of a timescale, halves upwards.
    pub(crate) fn in_ticks(self, timescale: u32) -> i64 {
        rescale(self.0, NANOS, timescale.into())
    }

    /// Microseconds, to the nearest; before the start counts as the start.
    pub(crate) fn micros(self) -> u64 {
        u64::try_from(rescale(self.0, NANOS, 1_000_000)).unwrap_or(0)
    }

    /// Microseconds, rounded down.
    pub(crate) fn micros_floor(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    pub(crate) const fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// How often `part` fits in, rounded down.
    pub(crate) fn whole(self, part: Self) -> i64 {
        self.0.div_euclid(part.0.max(1))
    }

    pub(crate) const fn half(self) -> Self {
        Self(self.0 / 2)
    }

    pub(crate) const fn distance(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).saturating_abs())
    }

    /// How many bits per second `bytes` are over this long; rounded up.
    pub(crate) fn bits_per_second(self, bytes: u64) -> u64 {
        let nanos = u128::try_from(self.0).unwrap_or(0).max(1);
        let bits = u128::from(bytes) * 8 * u128::from(NANOS);
        u64::try_from(bits.div_ceil(nanos)).unwrap_or(u64::MAX)
    }
}

fn rescale(value: i64, from: u64, to: u64) -> i64 {
    let from = i128::from(from.max(1));
    let scaled = (i128::from(value) * i128::from(to) * 2 + from).div_euclid(2 * from);
    i64::try_from(scaled).unwrap_or(if scaled < 0 { i64::MIN } else { i64::MAX })
}

const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_back_as_they_were() {
        for timescale in [1, 24, 12_800, 44_100, 90_000, 10_000_000] {
            for ticks in [0, 1, 2, 1024, 123_456_789, -1024] {
                let moment = Moment::from_ticks(ticks, timescale);
                assert_eq!(moment.in_ticks(timescale), ticks, "{ticks}/{timescale}");
            }
        }
    }

    #[test]
    fn a_conversion_goes_to_the_nearest_and_never_overflows() {
        assert_eq!(rescale(1, 3, 10), 3);
        assert_eq!(rescale(1, 2, 1), 1);
        assert_eq!(rescale(-1, 2, 1), 0);
        assert_eq!(rescale(-2, 3, 1), -1);
        assert_eq!(Moment::from_ticks(i64::MAX, 1), Moment(i64::MAX));
        assert_eq!(Moment::from_ticks(i64::MIN, 1), Moment(i64::MIN));
        assert_eq!(Moment::from_ticks(-5, 1).micros(), 0);
    }

    #[test]
    fn a_bit_rate_is_rounded_up() {
        let second = Moment::from_ticks(1, 1);
        assert_eq!(second.bits_per_second(1), 8);
        assert_eq!(Moment::from_ticks(3, 1).bits_per_second(1), 3);
        assert_eq!(Moment::ZERO.bits_per_second(0), 0);
    }
}
