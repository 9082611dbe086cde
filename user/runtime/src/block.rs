//! The thread control block: what the thread register leads to.
//!
//! Its first word points to itself and its second word is the address of the IPC buffer, which
//! `user_api` reads on every message. On x86-64 the thread register points to the block, with
//! thread-local variables below. Where these lie above the thread pointer, the block lies below,
//! and the two words are repeated where `user_api::sys` looks for them. No compiler support is
//! needed for either.

use crate::console::Line;
use abi::ipc_buffer::IpcBuffer;

/// One thread's block.
#[repr(C)]
pub struct ThreadBlock {
    myself: *const ThreadBlock,
    ipc_buffer: *mut IpcBuffer,
    /// The line that the thread is printing.
    pub(crate) line: Line,
}

impl ThreadBlock {
    /// Writes a fresh block.
    ///
    /// # Safety
    /// `place` is aligned, writable, and will belong to the new block's thread alone.
    pub(crate) unsafe fn write(place: *mut Self, ipc_buffer: *mut IpcBuffer) {
        let block = Self {
            myself: place,
            ipc_buffer,
            line: Line::new(),
        };
        // SAFETY: the caller's promise.
        unsafe { place.write(block) }
    }
}

/// The running thread's block.
pub(crate) fn current() -> &'static ThreadBlock {
    // SAFETY: every thread of this run-time system is started with its register pointing to a
    // block that lives as long as the thread; its fields are shared with nobody else.
    unsafe { &*crate::isa::thread_block().cast::<ThreadBlock>() }
}

/// The address of the running thread's IPC buffer.
pub fn ipc_buffer() -> *mut IpcBuffer {
    current().ipc_buffer
}
