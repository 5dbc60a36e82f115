//! The parameter sets in force: first those of the sample entry, then those met in samples.
//!
//! Only what slice headers need is kept, and reading stops there: what follows (cropping,
//! video usability information) is often odd and never matters for encryption. A picture
//! parameter set only names its sequence parameter set; the two meet when a slice needs them,
//! because either may be sent again at any time.
//!
//! SPEC: ITU-T H.264 §7.3.2.1.1, §7.3.2.2.

use std::collections::BTreeMap;

use super::{AvcError, AvcFault, bits::Bits};
use crate::bmff::AvcConfig;

/// Sequence and picture parameter sets by id.
#[derive(Clone, Debug, Default)]
pub struct ParameterSets {
    // INVARIANT: at most 32 and 256 entries, because the ids are checked.
    sps: BTreeMap<u32, Sps>,
    pps: BTreeMap<u32, Pps>,
}

impl ParameterSets {
    /// Starts with the sets of a sample entry.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read as far as slice headers need it.
    pub fn from_config(config: &AvcConfig) -> Result<Self, AvcError> {
        let mut sets = Self::default();
        for unit in &config.sps {
            sets.add_sps(unit).map_err(|fault| AvcError { offset: 0, fault })?;
        }
        for unit in &config.pps {
            sets.add_pps(unit).map_err(|fault| AvcError { offset: 0, fault })?;
        }
        Ok(sets)
    }

    /// Takes in a sequence parameter set, a whole NAL unit.
    pub(super) fn add_sps(&mut self, unit: &[u8]) -> Result<(), AvcFault> {
        let (id, sps) = Sps::read(&mut Bits::new(unit))?;
        self.sps.insert(id, sps);
        Ok(())
    }

    /// Takes in a picture parameter set, a whole NAL unit.
    pub(super) fn add_pps(&mut self, unit: &[u8]) -> Result<(), AvcFault> {
        let (id, pps) = Pps::read(&mut Bits::new(unit))?;
        self.pps.insert(id, pps);
        Ok(())
    }

    /// The sets a slice refers to.
    pub(super) fn find(&self, pps_id: u32) -> Result<(&Sps, &Pps), AvcFault> {
        let pps = self.pps.get(&pps_id).ok_or(AvcFault::UnknownPps(pps_id))?;
        let sps = self.sps.get(&pps.sps_id).ok_or(AvcFault::UnknownSps(pps.sps_id))?;
        Ok((sps, pps))
    }
}

/// What slice headers need of a sequence parameter set.
#[derive(Clone, Debug)]
pub(super) struct Sps {
    /// 0 for monochrome and for colour planes coded apart.
    pub(super) chroma_array_type: u32,
    pub(super) has_separate_planes: bool,
    pub(super) frame_num_bits: u32,
    pub(super) order: PictureOrder,
    pub(super) is_frames_only: bool,
    /// `PicSizeInMapUnits`.
    pub(super) map_units: u64,
}

/// How slice headers state the order of pictures.
#[derive(Clone, Copy, Debug)]
pub(super) enum PictureOrder {
    /// Type 2, or type 1 with deltas that are always zero: they say nothing.
    Implied,
    /// Type 0: this many low bits.
    LowBits(u32),
    /// Type 1: differences to what is expected.
    Deltas,
}

impl Sps {
    fn read(bits: &mut Bits<'_>) -> Result<(u32, Self), AvcFault> {
        bits.bits(8)?;
        let profile = bits.bits(8)?;
        // Constraint flags and level.
        bits.bits(16)?;
        let id = bits.ue_within("seq_parameter_set_id", SPS_ID_MAX)?;
        let (mut chroma_format, mut has_separate_planes) = (1, false);
        if CHROMA_PROFILES.contains(&profile) {
            chroma_format = bits.ue_within("chroma_format_idc", 3)?;
            if chroma_format == 3 {
                has_separate_planes = bits.flag()?;
            }
            // Bit depths of luma and chroma, the transform bypass.
            bits.ue()?;
            bits.ue()?;
            bits.bit()?;
            if bits.flag()? {
                let lists = if chroma_format == 3 { 12 } else { 8 };
                for list in 0..lists {
                    if bits.flag()? {
                        skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_num_bits = bits.ue_within("log2_max_frame_num_minus4", 12)? + 4;
        let order = PictureOrder::read(bits)?;
        // Reference frames, and whether frame numbers may have gaps.
        bits.ue()?;
        bits.bit()?;
        let width = u64::from(bits.ue_within("pic_width_in_mbs_minus1", SIDE_MAX)?) + 1;
        let height = u64::from(bits.ue_within("pic_height_in_map_units_minus1", SIDE_MAX)?) + 1;
        let is_frames_only = bits.flag()?;
        let sps = Self {
            chroma_array_type: if has_separate_planes { 0 } else { chroma_format },
            has_separate_planes,
            frame_num_bits,
            order,
            is_frames_only,
            map_units: width * height,
        };
        Ok((id, sps))
    }
}

impl PictureOrder {
    fn read(bits: &mut Bits<'_>) -> Result<Self, AvcFault> {
        match bits.ue_within("pic_order_cnt_type", 2)? {
            0 => {
                let low = bits.ue_within("log2_max_pic_order_cnt_lsb_minus4", 12)?;
                Ok(Self::LowBits(low + 4))
            }
            1 => {
                let is_always_zero = bits.flag()?;
                bits.skip_se()?;
                bits.skip_se()?;
                let cycle = bits.ue_within("num_ref_frames_in_pic_order_cnt_cycle", 255)?;
                for _ in 0..cycle {
                    bits.skip_se()?;
                }
                Ok(if is_always_zero { Self::Implied } else { Self::Deltas })
            }
            _ => Ok(Self::Implied),
        }
    }
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Result<(), AvcFault> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            let code = i64::from(bits.ue()?);
            let delta = if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 };
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

/// What slice headers need of a picture parameter set.
#[derive(Clone, Debug)]
pub(super) struct Pps {
    pub(super) sps_id: u32,
    pub(super) is_cabac: bool,
    /// `bottom_field_pic_order_in_frame_present_flag`.
    pub(super) has_bottom_order: bool,
    /// `SliceGroupChangeRate`, when slices state a change cycle.
    pub(super) change_rate: Option<u64>,
    pub(super) references_l0: u32,
    pub(super) references_l1: u32,
    pub(super) is_weighted: bool,
    /// `weighted_bipred_idc` is 1.
    pub(super) is_weighted_explicitly_in_b: bool,
    pub(super) has_deblocking: bool,
    pub(super) has_redundant_count: bool,
}

impl Pps {
    fn read(bits: &mut Bits<'_>) -> Result<(u32, Self), AvcFault> {
        bits.bits(8)?;
        let id = bits.ue_within("pic_parameter_set_id", PPS_ID_MAX)?;
        let sps_id = bits.ue_within("seq_parameter_set_id", SPS_ID_MAX)?;
        let is_cabac = bits.flag()?;
        let has_bottom_order = bits.flag()?;
        let change_rate = match bits.ue_within("num_slice_groups_minus1", 7)? {
            0 => None,
            groups => slice_groups(bits, groups)?,
        };
        let references_l0 = bits.ue_within("num_ref_idx_l0_default_active_minus1", 31)? + 1;
        let references_l1 = bits.ue_within("num_ref_idx_l1_default_active_minus1", 31)? + 1;
        let is_weighted = bits.flag()?;
        let is_weighted_explicitly_in_b = bits.bits(2)? == 1;
        // Quantizers: initial luma and switching, chroma offset.
        bits.skip_se()?;
        bits.skip_se()?;
        bits.skip_se()?;
        let has_deblocking = bits.flag()?;
        // Constrained intra prediction.
        bits.bit()?;
        let pps = Self {
            sps_id,
            is_cabac,
            has_bottom_order,
            change_rate,
            references_l0,
            references_l1,
            is_weighted,
            is_weighted_explicitly_in_b,
            has_deblocking,
            has_redundant_count: bits.flag()?,
        };
        Ok((id, pps))
    }
}

/// Reads the map of slice groups; `groups` is their number minus one.
fn slice_groups(bits: &mut Bits<'_>, groups: u32) -> Result<Option<u64>, AvcFault> {
    match bits.ue_within("slice_group_map_type", 6)? {
        0 => {
            for _ in 0..=groups {
                bits.ue()?;
            }
            Ok(None)
        }
        2 => {
            for _ in 0..groups {
                bits.ue()?;
                bits.ue()?;
            }
            Ok(None)
        }
        3..=5 => {
            bits.bit()?;
            Ok(Some(u64::from(bits.ue()?) + 1))
        }
        6 => {
            let id_bits = (groups + 1).next_power_of_two().trailing_zeros();
            // Each unit takes a bit at least, so the loop ends with the bytes.
            for _ in 0..=u64::from(bits.ue()?) {
                bits.bits(id_bits)?;
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

const SPS_ID_MAX: u32 = 31;
const PPS_ID_MAX: u32 = 255;

/// Macroblocks per side; level 6.2 allows 1055.
const SIDE_MAX: u32 = 0xffff;

/// Profiles whose sequence parameter set states the chroma format.
const CHROMA_PROFILES: &[u32] = &[44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];
