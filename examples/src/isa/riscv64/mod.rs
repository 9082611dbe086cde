//! RISC-V: QEMU's machine `virt`.

mod clock;
mod timer;

pub use clock::Clock;
pub use timer::Timer;

use user_api::{UserContext, Word};

/// An address that nobody uses, far above the program: all levels of tables are missing.
pub const FAR: Word = 0x20_0000_0000;

/// Where a thread is, and its stack.
pub const fn place(registers: &UserContext) -> (Word, Word) {
    (registers.pc, registers.sp)
}
