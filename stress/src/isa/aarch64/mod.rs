//! AArch64.

use crate::alphabet::{Arg as A, Operation, RIGHTS, op};
use crate::layout::Kind as K;
use abi::{Invocation as I, ObjectType, Word};
use user_api::{Result, SlotPath};
use user_runtime::boot::root;

#[expect(unsafe_code, reason = "instructions that Rust cannot say")]
mod machine;

pub(crate) use machine::TRAPS;

/// Tables of all levels are of one type.
pub(crate) const TABLES: [ObjectType; 3] = [ObjectType::ArmPageTable; 3];
/// How many calls attackers make against a debug kernel: what they call is x86_64's core, which has
/// the long run.
pub(crate) const CALLS: u64 = 60_000;

/// A handler of interrupts that never come: the machine has no device at these lines.
pub(crate) fn issue_handler(n: Word, slot: SlotPath) -> Result {
    root::IRQ_CONTROL.issue(32 + 100 + n, slot)
}

/// What raises interrupts of this core that nobody handles. How many slots that takes.
pub(crate) fn issue_ports(first: Word) -> Result<Word> {
    for n in 0..2 {
        root::IRQ_CONTROL.issue_sgi_signal(6 + n, 0, root::CNODE.absolute(first + n))?;
    }
    Ok(2)
}

/// Conditions.
pub(crate) const STRANGE_FLAGS: [u64; 6] = [1 << 31, 1 << 30, 1 << 29, 1 << 28, 0xf << 28, 0];
/// Those that are always on, and the one that is seldom.
pub(crate) const FLAGS: u64 = 0;
/// As said.
pub(crate) const SELDOM: u64 = 0;

/// What only this instruction set has.
pub(crate) static OPERATIONS: &[Operation] = &[
    op(
        I::ArmPageTableMap,
        K::PageTable,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::ArmPageTableUnmap, K::PageTable, &[], &[]),
    op(
        I::ArmPageTableMap,
        K::PageDirectory,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::ArmPageTableUnmap, K::PageDirectory, &[], &[]),
    op(
        I::ArmPageTableMap,
        K::Pdpt,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::ArmPageTableUnmap, K::Pdpt, &[], &[]),
    op(
        I::ArmPageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(
        I::ArmPageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(I::ArmPageUnmap, K::Frame, &[], &[]),
    op(I::ArmPageGetAddress, K::Frame, &[], &[]),
    op(
        I::ArmAsidControlMakePool,
        K::AsidControl,
        &[A::Empty, A::Depth],
        &[K::Untyped, K::Root],
    ),
    op(I::ArmAsidPoolAssign, K::AsidPool, &[], &[K::VSpace]),
    op(I::ArmVSpaceCleanData, K::VSpace, &[A::Page, A::Page], &[]),
    op(
        I::ArmVSpaceInvalidateData,
        K::VSpace,
        &[A::Page, A::Page],
        &[],
    ),
    op(
        I::ArmVSpaceUnifyInstruction,
        K::VSpace,
        &[A::Page, A::Page],
        &[],
    ),
    op(I::ArmPageCleanData, K::Frame, &[A::Small, A::Word], &[]),
    op(
        I::ArmPageCleanInvalidateData,
        K::Frame,
        &[A::Zero, A::Buffer],
        &[],
    ),
    op(
        I::ArmPageUnifyInstruction,
        K::Frame,
        &[A::Zero, A::Small],
        &[],
    ),
];
