//! RISC-V 64.

use crate::alphabet::{Arg as A, Operation, RIGHTS, op};
use crate::layout::Kind as K;
use abi::{Invocation as I, ObjectType, Word};
use user_api::{Result, SlotPath};
use user_runtime::boot::root;

#[expect(unsafe_code, reason = "instructions that Rust cannot say")]
mod machine;

pub(crate) use machine::TRAPS;

/// Tables of all levels are of one type.
pub(crate) const TABLES: [ObjectType; 3] = [ObjectType::RiscvPageTable; 3];
/// How many calls attackers make against a debug kernel: what they call is x86_64's core, which has
/// the long run.
pub(crate) const CALLS: u64 = 60_000;

/// A handler of interrupts that never come: the machine has no device at these lines.
pub(crate) fn issue_handler(n: Word, slot: SlotPath) -> Result {
    root::IRQ_CONTROL.issue(60 + n, slot)
}

/// There is nothing that corresponds to ports.
pub(crate) fn issue_ports(_: Word) -> Result<Word> {
    Ok(0)
}

/// There are no flags: a register like others.
pub(crate) const STRANGE_FLAGS: [u64; 6] = [0, 1, 2, 4, 8, u64::MAX];
/// As said.
pub(crate) const FLAGS: u64 = 0;
/// As said.
pub(crate) const SELDOM: u64 = 0;

/// What only this instruction set has.
pub(crate) static OPERATIONS: &[Operation] = &[
    op(
        I::RiscvPageTableMap,
        K::PageTable,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::RiscvPageTableUnmap, K::PageTable, &[], &[]),
    op(
        I::RiscvPageTableMap,
        K::PageDirectory,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::RiscvPageTableUnmap, K::PageDirectory, &[], &[]),
    op(
        I::RiscvPageTableMap,
        K::Pdpt,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::RiscvPageTableUnmap, K::Pdpt, &[], &[]),
    op(
        I::RiscvPageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(
        I::RiscvPageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(I::RiscvPageUnmap, K::Frame, &[], &[]),
    op(I::RiscvPageGetAddress, K::Frame, &[], &[]),
    op(
        I::RiscvAsidControlMakePool,
        K::AsidControl,
        &[A::Empty, A::Depth],
        &[K::Untyped, K::Root],
    ),
    op(I::RiscvAsidPoolAssign, K::AsidPool, &[], &[K::VSpace]),
];
