//! `AudioSpecificConfig`: object type, sample rate and channels.
//!
//! Spectral band replication (SBR) and parametric stereo (PS) are counted when the bytes say
//! so, either as the object type itself or in the extension after the configuration of the
//! core. Players are told the same, and decoders that find them unannounced cope.
//!
//! SPEC: ISO/IEC 14496-3 §1.6.2.1, §1.6.5, §4.4.1.

use crate::bmff::{Fault, MediaError};

/// What the decoder of a track will produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// The audio object type; 5 or 29 when SBR or PS is signalled in whichever way.
    pub object_type: u8,
    /// Samples per second out of the decoder.
    pub sample_rate: u32,
    /// Channels out of the decoder; `None` when only the core's own description says.
    pub channels: Option<u16>,
}

impl AudioSpecificConfig {
    /// Reads the configuration; what follows it is not looked at.
    ///
    /// # Errors
    ///
    /// When it is cut off or holds a reserved rate.
    pub fn parse(bytes: &[u8]) -> Result<Self, MediaError> {
        let mut bits = Bits { bytes, position: 0 };
        let first = object_type(&mut bits)?;
        let core_rate = sample_rate(&mut bits)?;
        let layout = bits.take(4)?;
        let mut config =
            Self { object_type: first, sample_rate: core_rate, channels: channels(layout, first) };
        if first == SBR || first == PS {
            config.sample_rate = sample_rate(&mut bits)?;
            object_type(&mut bits)?;
        } else if (1..=4).contains(&first) {
            extension(&mut bits, layout, &mut config);
        }
        Ok(config)
    }
}

/// Looks for the backward compatible signalling of SBR behind the core's configuration.
/// It is optional, so bytes that end early or say something else mean that it is absent.
fn extension(bits: &mut Bits<'_>, layout: u32, config: &mut AudioSpecificConfig) {
    let mut find = || -> Result<(), MediaError> {
        // frameLengthFlag, dependsOnCoreCoder with its delay, extensionFlag.
        bits.take(1)?;
        if bits.take(1)? == 1 {
            bits.take(14)?;
        }
        bits.take(1)?;
        // A layout of 0 puts a program description here, whose length we do not work out.
        if layout == 0 || bits.take(11)? != SYNC_SBR || object_type(bits)? != SBR {
            return Ok(());
        }
        if bits.take(1)? == 1 {
            let rate = sample_rate(bits)?;
            (config.object_type, config.sample_rate) = (SBR, rate);
            if bits.take(11)? == SYNC_PS && bits.take(1)? == 1 {
                config.object_type = PS;
                config.channels = Some(2);
            }
        }
        Ok(())
    };
    // The bytes may end anywhere in it; what was found until then holds.
    find().unwrap_or_default();
}

fn object_type(bits: &mut Bits<'_>) -> Result<u8, MediaError> {
    let value = match bits.take(5)? {
        31 => 32 + bits.take(6)?,
        value => value,
    };
    Ok(u8::try_from(value).unwrap_or(u8::MAX))
}

fn sample_rate(bits: &mut Bits<'_>) -> Result<u32, MediaError> {
    let index = bits.take(4)?;
    let rate = match index {
        15 => bits.take(24)?,
        index => {
            let known = usize::try_from(index).ok().and_then(|at| RATES.get(at).copied());
            known.ok_or(Fault::BadValue { field: "samplingFrequencyIndex", value: index.into() })?
        }
    };
    if rate == 0 {
        return Err(Fault::BadValue { field: "samplingFrequency", value: 0 }.into());
    }
    Ok(rate)
}

fn channels(layout: u32, object_type: u8) -> Option<u16> {
    match layout {
        1 if object_type == PS => Some(2),
        1..=6 => u16::try_from(layout).ok(),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        13 => Some(24),
        _ => None,
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, MediaError> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8).ok_or(Fault::Truncated {
                needed: (self.position / 8 + 1) as u64,
                left: self.bytes.len() as u64,
            })?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Ok(value)
    }
}

const SBR: u8 = 5;
const PS: u8 = 29;
const SYNC_SBR: u32 = 0x2b7;
const SYNC_PS: u32 = 0x548;

const RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<(u8, u32, Option<u16>)>) {
        let actual = AudioSpecificConfig::parse(bytes)
            .map(|config| (config.object_type, config.sample_rate, config.channels));
        assert_eq!(actual.ok(), expected);
    }

    #[test]
    fn the_core_is_read() {
        check(&[0x12, 0x10], Some((2, 44100, Some(2))));
        check(&[0x11, 0x90], Some((2, 48000, Some(2))));
        check(&[0x11, 0xb0], Some((2, 48000, Some(6))));
        check(&[0x11, 0xb8], Some((2, 48000, Some(8))));
        check(&[0x11, 0x80], Some((2, 48000, None)));
        // An escaped rate: 15, then 24 bits.
        check(&[0x17, 0x80, 0x5d, 0xc0, 0x10], Some((2, 48000, Some(2))));
    }

    #[test]
    fn replication_counts_when_it_is_signalled() {
        // Hierarchical: object type 5, core at 24000, output at 48000.
        check(&[0x2b, 0x11, 0x88, 0x00], Some((5, 48000, Some(2))));
        // Parametric stereo makes two channels out of one.
        check(&[0xeb, 0x09, 0x88, 0x00], Some((29, 48000, Some(2))));
        // Backward compatible: LC at 22050, then the two sync words.
        check(&[0x13, 0x90, 0x56, 0xe5, 0xa0], Some((5, 44100, Some(2))));
        check(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80], Some((29, 44100, Some(2))));
        // Present, and says no.
        check(&[0x13, 0x90, 0x56, 0xe5, 0x00], Some((2, 22050, Some(2))));
    }

    #[test]
    fn escaped_object_types_and_reserved_rates() {
        // 31, then 10: object type 42 (USAC), 48000, stereo.
        check(&[0xf9, 0x46, 0x40], Some((42, 48000, Some(2))));
        check(&[0x16, 0x90], None);
        check(&[0x17, 0x00, 0x00, 0x00, 0x10], None);
        check(&[0x12], None);
        check(&[], None);
    }
}
