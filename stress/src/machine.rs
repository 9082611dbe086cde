//! Instructions that Rust cannot say: a system call with any registers, and ways to fault. They are
//! in the folders of [`crate::isa`]; here are their names.

use crate::isa::{Registers, TRAPS};

unsafe extern "C" {
    fn stress_syscall(registers: *mut Registers);
    fn stress_stub();
    fn stress_trap(n: u64, at: u64);
    fn stress_after_syscall();
    /// Made by the linker: where initialised data ends. Code and constants lie before it.
    static edata: u8;
}

/// Where the part of the image ends that attackers need.
pub(crate) fn code_end() -> usize {
    (&raw const edata).addr()
}

/// Where a thread may be started with any registers.
pub(crate) fn stub() -> u64 {
    stress_stub as *const () as u64
}

/// Where a thread goes on after a system call.
pub(crate) fn after_syscall() -> u64 {
    stress_after_syscall as *const () as u64
}

/// Makes a system call with these registers.
pub(crate) fn syscall(registers: &mut Registers) {
    // SAFETY: what the calling convention keeps is kept. The kernel may change memory that the
    // caller has no references to; whatever else happens to an attacker is its own misfortune.
    unsafe { stress_syscall(registers) }
}

/// Does something that most processors refuse; `n` chooses, `at` is an address without sense.
pub(crate) fn trap(n: u64, at: u64) {
    // SAFETY: `n` is below the table's length; the calling convention is kept by all that returns.
    // What faults comes back only if somebody lets it.
    unsafe { stress_trap(n % TRAPS, at) }
}
