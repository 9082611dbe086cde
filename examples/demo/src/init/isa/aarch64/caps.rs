//! Capabilities that only AArch64 has.

use abi::{Word, bootinfo, cap_type};

/// The fixed slots.
pub(crate) const FIXED: &[(usize, &str)] = if abi::PROFILE.allow_smc_calls {
    &[(bootinfo::SMC, "SMC")]
} else {
    &[]
};

/// The types.
pub(crate) const TYPES: &[(Word, &str)] = &[
    (cap_type::aarch64::VSPACE, "VSpace"),
    (cap_type::aarch64::SMC, "SMC"),
    (cap_type::aarch64::SGI_SIGNAL, "SGI signal"),
];
