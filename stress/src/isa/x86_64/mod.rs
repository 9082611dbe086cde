//! x86_64.

use crate::alphabet::{Arg as A, Operation, RIGHTS, op};
use crate::layout::Kind as K;
use abi::{Invocation as I, ObjectType, Word};
use user_api::{MsiRoute, Result, SlotPath};
use user_runtime::boot::root;

#[expect(unsafe_code, reason = "instructions that Rust cannot say")]
mod machine;

pub(crate) use machine::TRAPS;

/// Tables, from the last to the highest but the root.
pub(crate) const TABLES: [ObjectType; 3] = [
    ObjectType::X86PageTable,
    ObjectType::X86PageDirectory,
    ObjectType::X86Pdpt,
];
/// How many calls attackers make against a debug kernel.
pub(crate) const CALLS: u64 = 1_000_000;

/// A handler of interrupts that never come: of a device that sends no such messages.
pub(crate) fn issue_handler(n: Word, slot: SlotPath) -> Result {
    let route = MsiRoute {
        device: n,
        vector: 40 + n,
        ..MsiRoute::default()
    };
    root::IRQ_CONTROL.issue_msi(route, slot)
}

/// The second and the third serial line, which the machine does not have. How many slots that takes.
pub(crate) fn issue_ports(first: Word) -> Result<Word> {
    root::IO_PORT_CONTROL.issue(0x2f8, 0x2ff, root::CNODE.absolute(first))?;
    root::IO_PORT_CONTROL.issue(0x3e8, 0x3ef, root::CNODE.absolute(first + 1))?;
    Ok(2)
}

/// Ports of the second serial line, and two more.
const PORT: A = A::Among(&[
    0x2f8, 0x2f9, 0x2fa, 0x2fb, 0x2fc, 0x2fd, 0x2fe, 0x2ff, 0x300, 0x301,
]);

/// Flags in which a processor can be surprised: direction, alignment check, nested task,
/// identification; seldom the trap flag.
pub(crate) const STRANGE_FLAGS: [u64; 6] = [1 << 10, 1 << 18, 1 << 14, 1 << 21, 0xcd5, 1 << 16];
/// Those that are always on, and the one that is seldom.
pub(crate) const FLAGS: u64 = 0x202;
/// As said.
pub(crate) const SELDOM: u64 = 1 << 8;

/// What only x86 has.
pub(crate) static OPERATIONS: &[Operation] = &[
    op(
        I::X86PageTableMap,
        K::PageTable,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::X86PageTableUnmap, K::PageTable, &[], &[]),
    op(
        I::X86PageDirectoryMap,
        K::PageDirectory,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    op(I::X86PageDirectoryUnmap, K::PageDirectory, &[], &[]),
    op(I::X86PdptMap, K::Pdpt, &[A::Page, A::Zero], &[K::VSpace]),
    op(I::X86PdptUnmap, K::Pdpt, &[], &[]),
    op(
        I::X86PageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(
        I::X86PageMap,
        K::Frame,
        &[A::Page, RIGHTS, A::Small],
        &[K::VSpace],
    ),
    op(I::X86PageUnmap, K::Frame, &[], &[]),
    op(I::X86PageGetAddress, K::Frame, &[], &[]),
    op(
        I::X86AsidControlMakePool,
        K::AsidControl,
        &[A::Empty, A::Depth],
        &[K::Untyped, K::Root],
    ),
    op(I::X86AsidPoolAssign, K::AsidPool, &[], &[K::VSpace]),
    op(I::X86IoPortIn8, K::IoPort, &[PORT], &[]),
    op(I::X86IoPortIn32, K::IoPort, &[PORT], &[]),
    op(I::X86IoPortOut8, K::IoPort, &[PORT, A::Small], &[]),
    op(I::X86IoPortOut16, K::IoPort, &[PORT, A::Word], &[]),
];
