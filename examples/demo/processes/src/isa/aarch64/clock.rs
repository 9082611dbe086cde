//! The generic timer's counters belong to the kernel: in the usual profiles reading them is an
//! exception. Programs do without; init has a page of the real-time clock.

/// User code may not read a counter.
pub const READABLE: bool = false;

/// Always 0.
pub const fn now() -> u64 {
    0
}

/// Runs exactly `2 * rounds` instructions (and a few around them).
pub fn run_instructions(rounds: u64) {
    // SAFETY: counts a register down to zero; memory and stack are left alone.
    unsafe {
        core::arch::asm!(
            "2:",
            "subs {0}, {0}, #1",
            "b.ne 2b",
            inout(reg) rounds.max(1) => _,
            options(nomem, nostack)
        );
    }
}
