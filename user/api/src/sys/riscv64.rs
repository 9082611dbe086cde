//! `ECALL`: number in `a7`, capability in `a0`, message info in `a1`, message words in `a2` to
//! `a5`, reply capability in `a6`, second destination in `t0`.

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
            "ecall",
            in("a7") number,
            inlateout("a0") badge,
            inlateout("a1") info,
            inlateout("a2") w0,
            inlateout("a3") w1,
            inlateout("a4") w2,
            inlateout("a5") w3,
            in("a6") entry.reply,
            in("t0") entry.destination,
        );
    }
    Exit {
        badge,
        info,
        words: [w0, w1, w2, w3],
    }
}

/// The address of the running thread's IPC buffer: the word below the thread pointer, since
/// RISC-V TLS begins at the thread pointer itself.
#[inline(always)]
pub(crate) fn thread_ipc_buffer() -> *mut abi::ipc_buffer::IpcBuffer {
    let address: *mut abi::ipc_buffer::IpcBuffer;
    // SAFETY: reads one word of the thread's own control block, which exists before any Rust
    // code runs on the thread (a contract of this crate).
    unsafe { asm!("ld {}, -8(tp)", out(reg) address, options(nostack, preserves_flags, readonly)) }
    address
}
