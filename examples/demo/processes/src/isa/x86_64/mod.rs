//! x86_64: a PC's 16550 and interval timer, reached by IO ports.

#[expect(unsafe_code, reason = "reads the time-stamp counter")]
pub mod clock;
pub mod serial;
pub mod timer;

use abi::Word;
use user_api::IoPort;

/// A driver's IO ports, in its capability space.
pub const PORTS: IoPort = IoPort::new(8);

/// What a VM fault says of a write.
const WRITE: Word = 1 << 1;

/// Whether a VM fault with this status was a write.
pub const fn is_write(status: Word) -> bool {
    status & WRITE != 0
}
