//! Finds the end of a slice header.
//!
//! Every field is read in order, because the length of each depends on those before it; the
//! values are dropped. The answer is a number of bytes of the file, NAL header included,
//! rounded up: with CAVLC the slice data starts inside the last of them, and that byte stays
//! clear.
//!
//! SPEC: ITU-T H.264 §7.3.3 and its subclauses.

use super::{
    AvcFault, ParameterSets,
    bits::Bits,
    parameter_sets::{PictureOrder, Pps, Sps},
};

/// Bytes of `unit`, a slice NAL unit, up to the end of its slice header.
pub(super) fn header_len(unit: &[u8], sets: &ParameterSets) -> Result<usize, AvcFault> {
    let mut bits = Bits::new(unit);
    bits.bit()?;
    let reference_idc = bits.bits(2)?;
    let nal_type = bits.bits(5)?;
    // first_mb_in_slice
    bits.ue()?;
    let kind = SliceKind::from_code(bits.ue_within("slice_type", 9)?);
    let (sps, pps) = sets.find(bits.ue_within("pic_parameter_set_id", 255)?)?;
    let is_idr = nal_type == IDR;
    let header = SliceHeader { sps, pps, kind, is_idr, is_reference: reference_idc != 0 };
    header.skip(&mut bits)?;
    Ok(bits.bytes_read())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SliceKind {
    B,
    I,
    P,
    Si,
    Sp,
}

impl SliceKind {
    fn from_code(code: u32) -> Self {
        match code % 5 {
            0 => Self::P,
            1 => Self::B,
            2 => Self::I,
            3 => Self::Sp,
            _ => Self::Si,
        }
    }

    fn is_intra(self) -> bool {
        matches!(self, Self::I | Self::Si)
    }
}

struct SliceHeader<'s> {
    sps: &'s Sps,
    pps: &'s Pps,
    kind: SliceKind,
    is_idr: bool,
    is_reference: bool,
}

impl SliceHeader<'_> {
    fn skip(&self, bits: &mut Bits<'_>) -> Result<(), AvcFault> {
        self.skip_picture(bits)?;
        let (mut l0, mut l1) = (self.pps.references_l0, self.pps.references_l1);
        if self.kind == SliceKind::B {
            // direct_spatial_mv_pred_flag
            bits.bit()?;
        }
        if !self.kind.is_intra() && bits.flag()? {
            l0 = bits.ue_within("num_ref_idx_l0_active_minus1", 31)? + 1;
            if self.kind == SliceKind::B {
                l1 = bits.ue_within("num_ref_idx_l1_active_minus1", 31)? + 1;
            }
        }
        if !self.kind.is_intra() {
            skip_list_modification(bits)?;
        }
        if self.kind == SliceKind::B {
            skip_list_modification(bits)?;
        } else {
            l1 = 0;
        }
        if self.is_weighted() {
            self.skip_weights(bits, l0, l1)?;
        }
        if self.is_reference {
            self.skip_marking(bits)?;
        }
        self.skip_coding(bits)
    }

    /// Which picture, and which part of it.
    fn skip_picture(&self, bits: &mut Bits<'_>) -> Result<(), AvcFault> {
        if self.sps.has_separate_planes {
            bits.bits(2)?;
        }
        bits.bits(self.sps.frame_num_bits)?;
        let is_field = !self.sps.is_frames_only && bits.flag()?;
        if is_field {
            // bottom_field_flag
            bits.bit()?;
        }
        if self.is_idr {
            // idr_pic_id
            bits.ue()?;
        }
        let has_bottom_order = self.pps.has_bottom_order && !is_field;
        match self.sps.order {
            PictureOrder::Implied => {}
            PictureOrder::LowBits(count) => {
                bits.bits(count)?;
                if has_bottom_order {
                    bits.skip_se()?;
                }
            }
            PictureOrder::Deltas => {
                bits.skip_se()?;
                if has_bottom_order {
                    bits.skip_se()?;
                }
            }
        }
        if self.pps.has_redundant_count {
            bits.ue()?;
        }
        Ok(())
    }

    fn is_weighted(&self) -> bool {
        match self.kind {
            SliceKind::P | SliceKind::Sp => self.pps.is_weighted,
            SliceKind::B => self.pps.is_weighted_explicitly_in_b,
            SliceKind::I | SliceKind::Si => false,
        }
    }

    fn skip_weights(&self, bits: &mut Bits<'_>, l0: u32, l1: u32) -> Result<(), AvcFault> {
        let has_chroma = self.sps.chroma_array_type != 0;
        // The denominators.
        bits.ue()?;
        if has_chroma {
            bits.ue()?;
        }
        for _ in 0..l0 + l1 {
            if bits.flag()? {
                bits.skip_se()?;
                bits.skip_se()?;
            }
            if has_chroma && bits.flag()? {
                for _ in 0..4 {
                    bits.skip_se()?;
                }
            }
        }
        Ok(())
    }

    /// `dec_ref_pic_marking()`
    fn skip_marking(&self, bits: &mut Bits<'_>) -> Result<(), AvcFault> {
        if self.is_idr {
            bits.bits(2)?;
            return Ok(());
        }
        if !bits.flag()? {
            return Ok(());
        }
        // Each operation takes a bit at least, so the loop ends with the bytes.
        loop {
            match bits.ue_within("memory_management_control_operation", 6)? {
                0 => return Ok(()),
                3 => {
                    bits.ue()?;
                    bits.ue()?;
                }
                5 => {}
                _ => {
                    bits.ue()?;
                }
            }
        }
    }

    /// Entropy coding, quantizers, deblocking, slice groups.
    fn skip_coding(&self, bits: &mut Bits<'_>) -> Result<(), AvcFault> {
        if self.pps.is_cabac && !self.kind.is_intra() {
            // cabac_init_idc
            bits.ue_within("cabac_init_idc", 2)?;
        }
        // slice_qp_delta
        bits.skip_se()?;
        if self.kind == SliceKind::Sp {
            // sp_for_switch_flag
            bits.bit()?;
        }
        if matches!(self.kind, SliceKind::Si | SliceKind::Sp) {
            // slice_qs_delta
            bits.skip_se()?;
        }
        if self.pps.has_deblocking && bits.ue_within("disable_deblocking_filter_idc", 2)? != 1 {
            bits.skip_se()?;
            bits.skip_se()?;
        }
        if let Some(rate) = self.pps.change_rate {
            bits.bits(change_cycle_bits(self.sps.map_units, rate))?;
        }
        Ok(())
    }
}

/// `ref_pic_list_modification()` for one list.
fn skip_list_modification(bits: &mut Bits<'_>) -> Result<(), AvcFault> {
    if !bits.flag()? {
        return Ok(());
    }
    // Each operation takes a bit at least, so the loop ends with the bytes.
    while bits.ue_within("modification_of_pic_nums_idc", 3)? != 3 {
        bits.ue()?;
    }
    Ok(())
}

/// `Ceil(Log2(PicSizeInMapUnits ÷ SliceGroupChangeRate + 1))`, the division being exact.
fn change_cycle_bits(map_units: u64, rate: u64) -> u32 {
    let mut bits = 0;
    // INVARIANT: both are below 2^33, so this ends before the shift is too far.
    while ((1u64 << bits) - 1).saturating_mul(rate) < map_units {
        bits += 1;
    }
    bits
}

const IDR: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_cycle_has_as_many_bits_as_cycles_need() {
        // 99 / 7 + 1 is a little over 15, which takes 4 bits; 105 / 7 + 1 is 16: still 4.
        assert_eq!(change_cycle_bits(99, 7), 4);
        assert_eq!(change_cycle_bits(105, 7), 4);
        assert_eq!(change_cycle_bits(106, 7), 5);
        assert_eq!(change_cycle_bits(1, 1), 1);
        assert_eq!(change_cycle_bits(1 << 33, 1), 34);
    }
}
