//! `SYSCALL`: number in `rdx`, capability in `rdi`, message info in `rsi`, message words in
//! `r10 r8 r9 r15`, reply capability in `r12`, second destination in `r13`.
//!
//! The instruction takes `rcx` and `r11`, and the kernel returns with `rsp` cleared: the stack
//! pointer waits in `rbx`, where a handler of an unknown system call looks for it. The compiler
//! keeps `rbx` for itself and does not offer it as an operand, so it is saved by hand.

use super::{Entry, Exit};
use core::arch::asm;

/// Enters the kernel.
#[inline(always)]
pub(crate) fn enter(number: i64, entry: Entry) -> Exit {
    let (mut badge, mut info) = (entry.cap, entry.info);
    let [mut w0, mut w1, mut w2, mut w3] = entry.words;
    // SAFETY: all registers that the instruction or the kernel changes are declared; `rbx` and
    // `rsp` are put back. Memory may change under us (the IPC buffer), so it is not `nomem`.
    unsafe {
        asm!(
            "mov r14, rbx",
            "mov rbx, rsp",
            "syscall",
            "mov rsp, rbx",
            "mov rbx, r14",
            in("rdx") number,
            inlateout("rdi") badge,
            inlateout("rsi") info,
            inlateout("r10") w0,
            inlateout("r8") w1,
            inlateout("r9") w2,
            inlateout("r15") w3,
            in("r12") entry.reply,
            in("r13") entry.destination,
            lateout("r14") _,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    Exit {
        badge,
        info,
        words: [w0, w1, w2, w3],
    }
}

/// The address of the running thread's IPC buffer: the second word at the thread pointer, where
/// whoever started the thread has put it. The first word points to itself, as x86-64 TLS wants.
#[inline(always)]
pub(crate) fn thread_ipc_buffer() -> *mut abi::ipc_buffer::IpcBuffer {
    let address: *mut abi::ipc_buffer::IpcBuffer;
    // SAFETY: reads one word of the thread's own control block, which exists before any Rust
    // code runs on the thread (a contract of this crate).
    unsafe { asm!("mov {}, fs:[8]", out(reg) address, options(nostack, preserves_flags, readonly)) }
    address
}
