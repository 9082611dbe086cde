//! RISC-V 64.

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
use user_api::{Error, LookupFailure, MissingTable};

/// Room in the root task's address space where nothing is mapped: half of it.
pub(crate) const FREE_ADDRESS: Word = 1 << 37;
/// First address that is not the user's.
pub(crate) const USER_TOP: Word = abi::riscv64::USER_TOP;
/// Addresses of pages of any size that do not end where the user's do.
pub(crate) const OUTSIDE: [Word; 4] = [
    1 << 38,
    1 << 47,
    0xffff_ffc0_0000_0000,
    Word::MAX & !0x1f_ffff,
];
/// Attributes that a mapping can have.
pub(crate) const ATTRIBUTES: Word = 2;
/// Whether frames of 1 GiB exist.
pub(crate) const HUGE_PAGES: bool = true;
/// The table that maps pages.
pub(crate) const LAST_TABLE: MissingTable = MissingTable::Last;
/// What debug calls say of the tables of the root task.
pub(crate) const TABLE_KINDS: &[Word] = &[cap_type::PAGE_TABLE];
/// What debug calls say of objects that only this ISA has.
pub(crate) const KINDS: &[(ObjectType, Word)] = &[];
/// Types of guests.
pub(crate) const SPECIAL: &[ObjectType] = &[];
/// What debug calls say of the fixed slots that differ.
pub(crate) const FIXED_SLOTS: &[(usize, Word)] = &[
    (bootinfo::INIT_VSPACE, cap_type::PAGE_TABLE),
    (bootinfo::IO_PORT_CONTROL, cap_type::NULL),
    (bootinfo::SMC, cap_type::NULL),
];
/// SchedControl capabilities come behind tables and extra BootInfo.
pub(crate) const SCHED_CONTROL_FIRST: bool = false;
/// What BootInfo says of IO address spaces.
pub(crate) const IOPT_LEVELS: Option<Word> = Some(0);

/// What a frame meets where a table is that has `bits` left below it: the walk goes on, and ends
/// at another level than the frame's.
pub(crate) fn over_a_table(bits: Word) -> Error {
    Error::FailedLookup {
        source: false,
        failure: LookupFailure::MissingCapability { bits_left: bits },
    }
}

/// The time needs no start.
pub(crate) fn start_clock(_: &'static BootInfo, _: &mut Allocator) -> user_alloc::Result {
    Ok(())
}

/// Microseconds, since whenever.
pub(crate) fn micros(boot: &'static BootInfo) -> u64 {
    ticks() / ticks_per_micro(boot)
}

/// Units of a domain's slice in a microsecond.
pub(crate) fn ticks_per_micro(_: &'static BootInfo) -> u64 {
    PROFILE.timer_frequency_hz / 1_000_000
}

/// Whether a page may be mapped where another one is.
pub(crate) const A_PAGE_REPLACES_ANOTHER: bool = false;
/// Whether a line that has interrupted is quiet until that is acknowledged.
/// On QEMU's machine the kernel completes interrupts when it delivers them.
pub(crate) const WAITS_FOR_ACKNOWLEDGEMENT: bool = false;
/// Bits of an address below the root's entries.
pub(crate) const TOP_BITS: Word = 30;
/// Tables from the last level up; there is one more than there are levels for.
pub(crate) const TABLES: [ObjectType; 3] = [ObjectType::RiscvPageTable; 3];
pub(crate) const GET_ADDRESS: Invocation = Invocation::RiscvPageGetAddress;
pub(crate) const MAP: Invocation = Invocation::RiscvPageMap;
pub(crate) const MAP_TABLE: Invocation = Invocation::RiscvPageTableMap;
pub(crate) const UNMAP_TABLE: Invocation = Invocation::RiscvPageTableUnmap;
pub(crate) const MAKE_POOL: Invocation = Invocation::RiscvAsidControlMakePool;
pub(crate) const ASSIGN: Invocation = Invocation::RiscvAsidPoolAssign;
