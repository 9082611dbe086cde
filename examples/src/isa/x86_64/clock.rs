//! The time-stamp counter.

use abi::bootinfo::BootInfo;
use user_alloc::{Allocator, Result};
use user_runtime::boot;

/// Time since a moment.
pub struct Clock {
    start: u64,
    mhz: u64,
}

impl Clock {
    /// Its smallest step, in microseconds.
    pub const STEP: u64 = 1;

    /// Begins now.
    ///
    /// # Errors
    /// None.
    pub fn start(boot: &'static BootInfo, _: &mut Allocator) -> Result<Self> {
        Ok(Self {
            start: ticks(),
            mhz: boot::tsc_mhz(boot).map_or(1, u64::from),
        })
    }

    /// Microseconds since the start.
    pub fn micros(&self) -> u64 {
        (ticks() - self.start) / self.mhz
    }
}

fn ticks() -> u64 {
    // SAFETY: the instruction only reads, and user code may execute it.
    unsafe { core::arch::x86_64::_rdtsc() }
}
