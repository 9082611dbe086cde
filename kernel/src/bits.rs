//! Arithmetic on sizes that are powers of two. Everything wraps, and nothing that the kernel
//! passes in does: sizes are at most 2^47 and ranges lie inside an untyped, whose end exists.

/// `2^bits`.
#[inline(always)]
pub const fn size(bits: u8) -> u64 {
    1u64.wrapping_shl(bits as u32)
}

/// The bits below `2^bits`.
#[inline(always)]
pub const fn mask(bits: u8) -> u64 {
    size(bits).wrapping_sub(1)
}

/// `value` rounded up to a multiple of `2^bits`.
#[inline(always)]
pub const fn round_up(value: u64, bits: u8) -> u64 {
    value.wrapping_add(mask(bits)) & !mask(bits)
}

/// Whether `value` is a multiple of `2^bits`.
#[inline(always)]
pub const fn aligned(value: u64, bits: u8) -> bool {
    value & mask(bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_and_masks() {
        assert_eq!(size(47), 1 << 47);
        assert_eq!(mask(12), 0xfff);
        assert_eq!(round_up(0x1001, 12), 0x2000);
        assert_eq!(round_up(0x1000, 12), 0x1000);
        assert!(aligned(0x20_0000, 21) && !aligned(0x20_1000, 21));
    }
}
