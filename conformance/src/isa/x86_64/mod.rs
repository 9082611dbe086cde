//! x86_64.

mod code;
pub(crate) mod probes;
mod registers;
mod tests;
mod timer;

pub(crate) use code::*;
pub(crate) use registers::*;
pub(crate) use tests::TESTS;
pub(crate) use timer::Timer;

use abi::bootinfo::{self, BootInfo};
use abi::{Invocation, ObjectType, PROFILE, Word, cap_type};
use user_alloc::Allocator;
use user_api::{Error, MissingTable};
use user_runtime::boot;

/// Room in the root task's address space where nothing is mapped: 512 GiB of it.
pub(crate) const FREE_ADDRESS: Word = 0x10 << 39;
/// First address that is not the user's.
pub(crate) const USER_TOP: Word = 1 << 47;
/// Addresses of large pages that are not the user's.
pub(crate) const OUTSIDE: [Word; 4] = [
    1 << 47,
    1 << 48,
    0xffff_8000_0000_0000,
    Word::MAX & !0x1f_ffff,
];
/// Attributes that a mapping can have.
pub(crate) const ATTRIBUTES: Word = 5;
/// Whether frames of 1 GiB exist.
pub(crate) const HUGE_PAGES: bool = PROFILE.huge_page;
/// The table that maps pages.
pub(crate) const LAST_TABLE: MissingTable = MissingTable::PageTable;
/// What debug calls say of the tables of the root task.
pub(crate) const TABLE_KINDS: &[Word] = &[
    cap_type::x86_64::PDPT,
    cap_type::x86_64::PAGE_DIRECTORY,
    cap_type::PAGE_TABLE,
];
/// What debug calls say of objects that only this ISA has.
pub(crate) const KINDS: &[(ObjectType, Word)] = &[
    (
        ObjectType::X86PageDirectory,
        cap_type::x86_64::PAGE_DIRECTORY,
    ),
    (ObjectType::X86Pdpt, cap_type::x86_64::PDPT),
    (ObjectType::X86Pml4, cap_type::x86_64::PML4),
];
/// Types of devices' and guests' address spaces.
pub(crate) const SPECIAL: &[ObjectType] = &[
    ObjectType::X86IoPageTable,
    ObjectType::X86Vcpu,
    ObjectType::X86EptPml4,
    ObjectType::X86EptPdpt,
    ObjectType::X86EptPd,
    ObjectType::X86EptPt,
];
/// What debug calls say of the fixed slots that differ.
pub(crate) const FIXED_SLOTS: &[(usize, Word)] = &[
    (bootinfo::INIT_VSPACE, cap_type::x86_64::PML4),
    (bootinfo::IO_PORT_CONTROL, cap_type::x86_64::IO_PORT_CONTROL),
    (bootinfo::SMC, cap_type::NULL),
];
/// SchedControl capabilities come before everything else that has no fixed slot.
pub(crate) const SCHED_CONTROL_FIRST: bool = true;
/// What BootInfo says of IO address spaces; `None`: it depends on the hardware.
pub(crate) const IOPT_LEVELS: Option<Word> = if PROFILE.iommu {
    None
} else {
    Some(bootinfo::NO_IOPT_LEVELS)
};

/// What a frame meets where a table is that has `bits` left below it.
pub(crate) fn over_a_table(_bits: Word) -> Error {
    Error::DeleteFirst
}

/// The time-stamp counter needs no start.
pub(crate) fn start_clock(_: &'static BootInfo, _: &mut Allocator) -> user_alloc::Result {
    Ok(())
}

/// Microseconds, since whenever.
pub(crate) fn micros(boot: &'static BootInfo) -> u64 {
    ticks() / ticks_per_micro(boot)
}

/// Units of a domain's slice in a microsecond.
pub(crate) fn ticks_per_micro(boot: &'static BootInfo) -> u64 {
    boot::tsc_mhz(boot).unwrap_or(1_000).into()
}

/// Whether a page may be mapped where another one is.
pub(crate) const A_PAGE_REPLACES_ANOTHER: bool = true;
/// Whether a line that has interrupted is quiet until that is acknowledged.
pub(crate) const WAITS_FOR_ACKNOWLEDGEMENT: bool = true;
/// Bits of an address below the root's entries.
pub(crate) const TOP_BITS: Word = 39;
/// Tables from the last level up.
pub(crate) const TABLES: [ObjectType; 3] = [
    ObjectType::X86PageTable,
    ObjectType::X86PageDirectory,
    ObjectType::X86Pdpt,
];
pub(crate) const GET_ADDRESS: Invocation = Invocation::X86PageGetAddress;
pub(crate) const MAP: Invocation = Invocation::X86PageMap;
pub(crate) const MAP_TABLE: Invocation = Invocation::X86PageTableMap;
pub(crate) const UNMAP_TABLE: Invocation = Invocation::X86PageTableUnmap;
pub(crate) const MAKE_POOL: Invocation = Invocation::X86AsidControlMakePool;
pub(crate) const ASSIGN: Invocation = Invocation::X86AsidPoolAssign;
