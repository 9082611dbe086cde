//! AArch64.

mod clock;
mod code;
pub(crate) mod probes;
mod registers;
mod tests;
mod timer;

pub(crate) use clock::{micros, start_clock, ticks_per_micro};
pub(crate) use code::*;
pub(crate) use registers::*;
pub(crate) use tests::TESTS;
pub(crate) use timer::Timer;

use abi::aarch64::user_top;
use abi::bootinfo;
use abi::{Invocation, ObjectType, PROFILE, Word, cap_type};
use user_api::{Error, LookupFailure, MissingTable};

/// Room in the root task's address space where nothing is mapped: 512 GiB of it.
pub(crate) const FREE_ADDRESS: Word = 0x10 << 39;
/// First address that is not the user's.
pub(crate) const USER_TOP: Word = user_top(&PROFILE) + 1;
/// Addresses of large pages that are not the user's.
pub(crate) const OUTSIDE: [Word; 4] = [
    USER_TOP,
    1 << 48,
    0xffff_8000_0000_0000,
    Word::MAX & !0x1f_ffff,
];
/// Attributes that a mapping can have.
pub(crate) const ATTRIBUTES: Word = 8;
/// Whether frames of 1 GiB exist.
pub(crate) const HUGE_PAGES: bool = true;
/// The table that maps pages.
pub(crate) const LAST_TABLE: MissingTable = MissingTable::Level3;
/// What debug calls say of the tables of the root task.
pub(crate) const TABLE_KINDS: &[Word] = &[cap_type::PAGE_TABLE];
/// What debug calls say of objects that only this ISA has.
pub(crate) const KINDS: &[(ObjectType, Word)] =
    &[(ObjectType::ArmVSpace, cap_type::aarch64::VSPACE)];
/// Types of guests.
pub(crate) const SPECIAL: &[ObjectType] = &[ObjectType::ArmVcpu];
/// What debug calls say of the fixed slots that differ.
pub(crate) const FIXED_SLOTS: &[(usize, Word)] = &[
    (bootinfo::INIT_VSPACE, cap_type::aarch64::VSPACE),
    (bootinfo::IO_PORT_CONTROL, cap_type::NULL),
    (
        bootinfo::SMC,
        if PROFILE.allow_smc_calls {
            cap_type::aarch64::SMC
        } else {
            cap_type::NULL
        },
    ),
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

/// Whether a page may be mapped where another one is.
pub(crate) const A_PAGE_REPLACES_ANOTHER: bool = true;
/// Whether a line that has interrupted is quiet until that is acknowledged.
pub(crate) const WAITS_FOR_ACKNOWLEDGEMENT: bool = true;
/// Bits of an address below the root's entries.
pub(crate) const TOP_BITS: Word = 39;
/// Tables from the last level up.
pub(crate) const TABLES: [ObjectType; 3] = [ObjectType::ArmPageTable; 3];
pub(crate) const GET_ADDRESS: Invocation = Invocation::ArmPageGetAddress;
pub(crate) const MAP: Invocation = Invocation::ArmPageMap;
pub(crate) const MAP_TABLE: Invocation = Invocation::ArmPageTableMap;
pub(crate) const UNMAP_TABLE: Invocation = Invocation::ArmPageTableUnmap;
pub(crate) const MAKE_POOL: Invocation = Invocation::ArmAsidControlMakePool;
pub(crate) const ASSIGN: Invocation = Invocation::ArmAsidPoolAssign;
