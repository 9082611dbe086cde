//! The register file of a thread.

use crate::object::store::Object;
use abi::Word;
use machine::Kind;

/// A thread's registers while it is not running. The trap stubs of the image write and read
/// it by `offset_of!`; the kernel core reads and writes it by name.
///
/// `SYSCALL` destroys `rcx` and `r11`, and user code keeps its stack pointer in `rbx` over the
/// call, so entry by `SYSCALL` does not save `rcx`, `r11` and `rsp`: the fields keep what they
/// held before (`abi/tables/registers.json`, `faults.json`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    /// In: the invoked capability. Out: the badge.
    pub rdi: Word,
    /// Message info.
    pub rsi: Word,
    /// Message register 0.
    pub r10: Word,
    /// Message register 1.
    pub r8: Word,
    /// Message register 2.
    pub r9: Word,
    /// Message register 3.
    pub r15: Word,
    /// The reply capability.
    pub r12: Word,
    /// Destination of `NBSendRecv`.
    pub r13: Word,
    /// The system call number.
    pub rdx: Word,
    pub rax: Word,
    pub rbx: Word,
    pub rbp: Word,
    pub r14: Word,
    pub rcx: Word,
    pub r11: Word,
    pub rsp: Word,
    /// Where the thread continues.
    pub next_ip: Word,
    /// Where the instruction that entered the kernel starts; a restart goes there.
    pub fault_ip: Word,
    pub rflags: Word,
    pub fs_base: Word,
    pub gs_base: Word,
    /// 1 if the thread may return by `SYSRET`: it entered by `SYSCALL` and nobody has since
    /// written registers that `SYSRET` does not restore.
    pub fast_return: Word,
}

impl Object for Context {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = 0;
}
