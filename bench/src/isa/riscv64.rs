//! RISC-V: the counter of cycles, which counts instructions where the emulator is told so.

use core::arch::{asm, global_asm};

/// It runs already.
pub(crate) fn start_counter() {}

/// Cycles so far.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    let count;
    // SAFETY: reads a register. Where user mode may not, the program ends here.
    unsafe { asm!("rdcycle {}", out(reg) count, options(nomem, nostack)) };
    count
}

// The argument is in `a0`.
global_asm!(
    ".section .text.bench_loops, \"ax\", @progbits",
    ".global bench_syscall",
    "bench_syscall:",
    "mv a7, a0",
    "2: ecall",
    "j 2b",
    ".global bench_illegal",
    "bench_illegal: unimp",
    "j bench_illegal",
    ".global bench_read",
    "bench_read: ld a1, 0(a0)",
    "j bench_read",
    ".global bench_use_fpu",
    "bench_use_fpu:",
    ".option push",
    ".option arch, +d",
    "fmv.d.x f0, zero",
    ".option pop",
    "ret",
    ".previous",
);
