//! AArch64: the cycle counter, which counts instructions where the emulator is told so. The
//! profile has to give it to user mode.

use core::arch::{asm, global_asm};

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
    ".previous",
);
