//! x86_64: the time-stamp counter, which counts instructions where the emulator is told so.

use core::arch::{global_asm, x86_64::_rdtsc};

/// It runs already.
pub(crate) fn start_counter() {}

/// Ticks so far.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    // SAFETY: user mode may read the counter under every kernel of this API.
    unsafe { _rdtsc() }
}

// The argument is in `rdi`.
global_asm!(
    ".section .text.bench_loops, \"ax\", @progbits",
    ".global bench_syscall",
    "bench_syscall:",
    "mov rdx, rdi",
    "2: syscall",
    "jmp 2b",
    ".global bench_illegal",
    "bench_illegal: ud2",
    "jmp bench_illegal",
    ".global bench_read",
    "bench_read: mov rax, [rdi]",
    "jmp bench_read",
    ".global bench_use_fpu",
    "bench_use_fpu: pxor xmm0, xmm0",
    "ret",
    ".previous",
);
