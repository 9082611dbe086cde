//! The thread control block: what the thread register points to.
//!
//! x86-64 wants the first word to point to itself, with thread-local variables below; the second
//! word is the address of the IPC buffer, which `user_api` reads on every message. No compiler
//! support is needed for either.

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
    unsafe { &*crate::isa::thread_pointer().cast::<ThreadBlock>() }
}

/// The address of the running thread's IPC buffer.
pub fn ipc_buffer() -> *mut IpcBuffer {
    current().ipc_buffer
}
