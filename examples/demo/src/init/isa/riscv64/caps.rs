//! Capabilities that only RISC-V has: none.

use abi::Word;

/// The fixed slots.
pub(crate) const FIXED: &[(usize, &str)] = &[];

/// The types.
pub(crate) const TYPES: &[(Word, &str)] = &[];
