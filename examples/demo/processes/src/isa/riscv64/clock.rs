//! The counters of time and cycles.

use core::arch::asm;

/// User code may read them.
pub const READABLE: bool = true;

/// The time now.
pub fn now() -> u64 {
    let time;
    // SAFETY: the instruction only reads a counter, and the kernel leaves it to user space.
    unsafe { asm!("rdtime {}", out(reg) time, options(nomem, nostack, preserves_flags)) }
    time
}

/// How many cycles there were.
pub fn cycles() -> u64 {
    let cycles;
    // SAFETY: as above.
    unsafe { asm!("rdcycle {}", out(reg) cycles, options(nomem, nostack, preserves_flags)) }
    cycles
}

/// Runs exactly `2 * rounds` instructions (and a few around them).
pub fn run_instructions(rounds: u64) {
    // SAFETY: counts a register down to zero; memory and stack are left alone.
    unsafe {
        asm!(
            "2:",
            "addi {0}, {0}, -1",
            "bnez {0}, 2b",
            inout(reg) rounds.max(1) => _,
            options(nomem, nostack)
        );
    }
}
