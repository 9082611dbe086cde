//! Capabilities that only x86_64 has.

use abi::{Word, bootinfo, cap_type};

/// The fixed slots.
pub(crate) const FIXED: &[(usize, &str)] = &[(bootinfo::IO_PORT_CONTROL, "IO port control")];

/// The types.
pub(crate) const TYPES: &[(Word, &str)] = &[
    (cap_type::x86_64::PAGE_DIRECTORY, "page directory"),
    (cap_type::x86_64::PDPT, "PDPT"),
    (cap_type::x86_64::PML4, "PML4"),
    (cap_type::x86_64::IO_PORT, "IO ports"),
    (cap_type::x86_64::IO_PORT_CONTROL, "IO port control"),
    (cap_type::x86_64::IO_SPACE, "IO space"),
];
