//! The processor's time-stamp counter.

/// User code may read it.
pub const READABLE: bool = true;

/// Its value now.
pub fn now() -> u64 {
    // SAFETY: the instruction only reads a counter, and the kernel leaves it to user space.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Runs exactly `2 * rounds` instructions (and a few around them).
pub fn run_instructions(rounds: u64) {
    // SAFETY: counts a register down to zero; memory and stack are left alone.
    unsafe {
        core::arch::asm!(
            "2:",
            "dec {0}",
            "jnz 2b",
            inout(reg) rounds.max(1) => _,
            options(nomem, nostack)
        );
    }
}
