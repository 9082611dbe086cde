//! AArch64: the cycle counter, which counts instructions where the emulator is told so. The
//! kernel has to give the performance monitor to user mode; not every kernel starts it.

use core::arch::{asm, global_asm};

/// Lets the counter run.
pub(crate) fn start_counter() {
    const CYCLES: u64 = 1 << 31;
    const LONG_AND_ENABLED: u64 = 1 << 6 | 1;
    // SAFETY: starts counting. Where user mode may not, the program ends here.
    unsafe { asm!("msr pmcntenset_el0, {}", in(reg) CYCLES, options(nomem, nostack)) };
    // SAFETY: as before.
    unsafe { asm!("msr pmcr_el0, {}", in(reg) LONG_AND_ENABLED, options(nomem, nostack)) };
}

/// Cycles so far.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    let count;
    // SAFETY: reads a register. Where user mode may not, the program ends here.
    unsafe { asm!("mrs {}, pmccntr_el0", out(reg) count, options(nomem, nostack)) };
    count
}

// The argument is in `x0`.
global_asm!(
    ".section .text.bench_loops, \"ax\", @progbits",
    ".global bench_syscall",
    "bench_syscall:",
    "mov x7, x0",
    "2: svc #0",
    "b 2b",
    ".global bench_illegal",
    "bench_illegal: udf #0",
    "b bench_illegal",
    ".global bench_read",
    "bench_read: ldr x1, [x0]",
    "b bench_read",
    ".global bench_use_fpu",
    "bench_use_fpu:",
    ".arch_extension fp",
    "fmov d0, xzr",
    "ret",
    ".previous",
);
