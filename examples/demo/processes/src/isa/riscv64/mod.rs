//! RISC-V: the 16550 and the Goldfish clock of QEMU's machine `virt`, reached by memory.

#[expect(unsafe_code, reason = "reads the counters")]
pub mod clock;
pub mod serial;
pub mod timer;

use abi::Word;

/// The causes of traps that a write takes: no access, no page.
const WRITES: [Word; 2] = [7, 15];

/// Whether a VM fault with this status was a write.
pub const fn is_write(status: Word) -> bool {
    status == WRITES[0] || status == WRITES[1]
}
