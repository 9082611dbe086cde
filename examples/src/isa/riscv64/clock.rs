//! The time counter.

use abi::PROFILE;
use abi::bootinfo::BootInfo;
use user_alloc::{Allocator, Result};

/// Time since a moment.
pub struct Clock {
    start: u64,
}

impl Clock {
    /// Its smallest step, in microseconds.
    pub const STEP: u64 = 1;

    /// Begins now.
    ///
    /// # Errors
    /// None.
    pub fn start(_: &'static BootInfo, _: &mut Allocator) -> Result<Self> {
        Ok(Self { start: ticks() })
    }

    /// Microseconds since the start.
    pub fn micros(&self) -> u64 {
        (ticks() - self.start) * 1_000 / (PROFILE.timer_frequency_hz / 1_000)
    }
}

fn ticks() -> u64 {
    let time;
    // SAFETY: the instruction only reads, and user code may execute it.
    unsafe { core::arch::asm!("rdtime {}", out(reg) time, options(nomem, nostack)) }
    time
}
