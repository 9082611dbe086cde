//! x86_64: a PC.

mod clock;
mod timer;

pub use clock::Clock;
pub use timer::Timer;

use user_api::{UserContext, Word};

/// An address that nobody uses, far above the program: all levels of tables are missing.
pub const FAR: Word = 0x80_0000_0000;

/// Where a thread is, and its stack.
pub const fn place(registers: &UserContext) -> (Word, Word) {
    (registers.rip, registers.rsp)
}
