//! AArch64: QEMU's machine `virt`. The counters are the kernel's there, so its real-time clock is
//! both the device that ticks and the clock.

mod clock;
mod timer;

pub use clock::Clock;
pub use timer::Timer;

use user_api::{UserContext, Word};

/// An address that nobody uses, far above the program: all levels of tables are missing.
pub const FAR: Word = 0x80_0000_0000;

/// Where a thread is, and its stack.
pub const fn place(registers: &UserContext) -> (Word, Word) {
    (registers.pc, registers.sp)
}
