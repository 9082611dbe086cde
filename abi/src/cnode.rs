//! The word that gives a CNode capability its guard.

use crate::Word;

/// Bits of the field that holds a guard's size.
pub const GUARD_SIZE_BITS: usize = 6;
/// Bits of the field that holds a guard.
pub const GUARD_BITS: usize = 58;

/// Guard \[63:6\] and its size in bits \[5:0\].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(transparent)]
pub struct CNodeCapData(pub Word);

impl CNodeCapData {
    /// Puts a guard and its size together; bits that do not fit are dropped.
    #[inline]
    pub const fn new(guard: Word, guard_size: usize) -> Self {
        Self((guard << GUARD_SIZE_BITS) | (guard_size as Word & ((1 << GUARD_SIZE_BITS) - 1)))
    }

    /// The bits that an address must show here.
    #[inline]
    pub const fn guard(self) -> Word {
        self.0 >> GUARD_SIZE_BITS
    }

    /// How many bits of the address the guard takes.
    #[inline]
    pub const fn guard_size(self) -> usize {
        (self.0 & ((1 << GUARD_SIZE_BITS) - 1)) as usize
    }
}
