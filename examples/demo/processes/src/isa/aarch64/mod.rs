//! AArch64: the PL011 and the PL031 of QEMU's machine `virt`, reached by memory.

#[expect(unsafe_code, reason = "counts instructions")]
pub mod clock;
pub mod serial;
pub mod timer;

use abi::Word;

/// The syndrome's bit for a write.
const WRITE: Word = 1 << 6;

/// Whether a VM fault with this status was a write.
pub const fn is_write(status: Word) -> bool {
    status & WRITE != 0
}
