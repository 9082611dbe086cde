//! `SVC #0`: number in `x7`, capability in `x0`, message info in `x1`, message words in `x2` to
//! `x5`, reply capability in `x6`, second destination in `x8`.

use super::{Entry, Exit};
use core::arch::asm;

/// Enters the kernel.
#[inline(always)]
pub(crate) fn enter(number: i64, entry: Entry) -> Exit {
    let (mut badge, mut info) = (entry.cap, entry.info);
    let [mut w0, mut w1, mut w2, mut w3] = entry.words;
    // SAFETY: all registers that the kernel changes are declared. Memory may change under us (the
    // IPC buffer), so it is not `nomem`.
    unsafe {
        asm!(
            "svc #0",
            in("x7") number,
            inlateout("x0") badge,
            inlateout("x1") info,
            inlateout("x2") w0,
            inlateout("x3") w1,
            inlateout("x4") w2,
            inlateout("x5") w3,
            in("x6") entry.reply,
            in("x8") entry.destination,
        );
    }
    Exit {
        badge,
        info,
        words: [w0, w1, w2, w3],
    }
}

/// The address of the running thread's IPC buffer: the second word at the thread pointer, in the
/// 16 bytes that AArch64 TLS leaves to the run-time system.
#[inline(always)]
pub(crate) fn thread_ipc_buffer() -> *mut abi::ipc_buffer::IpcBuffer {
    let address: *mut abi::ipc_buffer::IpcBuffer;
    // SAFETY: reads one word of the thread's own control block, which exists before any Rust
    // code runs on the thread (a contract of this crate).
    unsafe {
        asm!(
            "mrs {0}, tpidr_el0",
            "ldr {0}, [{0}, #8]",
            out(reg) address,
            options(nostack, preserves_flags, readonly)
        );
    }
    address
}
