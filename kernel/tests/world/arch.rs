//! What worlds have to call by another name on each ISA.

use abi::{Invocation, ObjectType, Word};
use machine::Irq;

/// A frame of 4 KiB.
#[cfg(isa = "x86_64")]
pub(crate) const SMALL_PAGE: ObjectType = ObjectType::X86SmallPage;
#[cfg(isa = "aarch64")]
pub(crate) const SMALL_PAGE: ObjectType = ObjectType::ArmSmallPage;
#[cfg(isa = "riscv64")]
pub(crate) const SMALL_PAGE: ObjectType = ObjectType::RiscvSmallPage;

/// A frame of 2 MiB.
#[cfg(isa = "x86_64")]
pub(crate) const LARGE_PAGE: ObjectType = ObjectType::X86LargePage;
#[cfg(isa = "aarch64")]
pub(crate) const LARGE_PAGE: ObjectType = ObjectType::ArmLargePage;
#[cfg(isa = "riscv64")]
pub(crate) const LARGE_PAGE: ObjectType = ObjectType::RiscvMegaPage;

/// A page table of the last level, and the root of an address space.
#[cfg(isa = "x86_64")]
pub(crate) const TABLES: [ObjectType; 2] = [ObjectType::X86PageTable, ObjectType::X86Pml4];
#[cfg(isa = "aarch64")]
pub(crate) const TABLES: [ObjectType; 2] = [ObjectType::ArmPageTable, ObjectType::ArmVSpace];
#[cfg(isa = "riscv64")]
pub(crate) const TABLES: [ObjectType; 2] = [ObjectType::RiscvPageTable, ObjectType::RiscvPageTable];

/// The number of the `n`-th line that user code may have.
pub(crate) const fn line(n: u16) -> Irq {
    if cfg!(isa = "x86_64") {
        Irq(16 + n)
    } else if cfg!(isa = "aarch64") {
        Irq(32 + n)
    } else {
        Irq(1 + n)
    }
}

/// How IRQ control is asked for a handler of that line, to be put into `slot` of the root CNode.
pub(crate) fn issue_handler(n: u16, slot: Word, depth: Word) -> (Invocation, Vec<Word>) {
    if cfg!(isa = "x86_64") {
        (
            Invocation::X86IrqIssueIrqHandlerMsi,
            vec![slot, depth, 0, 0, 0, 0, n.into()],
        )
    } else {
        (
            Invocation::IrqIssueIrqHandler,
            vec![line(n).0.into(), slot, depth],
        )
    }
}
