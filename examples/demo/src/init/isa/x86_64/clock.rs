//! The time-stamp counter.

use abi::Word;
use abi::bootinfo::BootInfo;
use core::fmt;
use demo_common::clock;
use user_alloc::{Allocator, Result};
use user_runtime::boot;

/// The clock.
pub(crate) struct Clock {
    /// Counts of [`clock::now`] in a microsecond.
    pub(crate) megahertz: Word,
}

impl Clock {
    /// By what the kernel has found out.
    pub(crate) fn new(boot: &'static BootInfo, _: &mut Allocator) -> Result<Self> {
        let megahertz = boot::tsc_mhz(boot).unwrap_or(1).max(1).into();
        Ok(Self { megahertz })
    }

    /// Microseconds, since whenever.
    pub(crate) fn micros(&self) -> Word {
        clock::now() / self.megahertz
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the time-stamp counter ({} MHz)", self.megahertz)
    }
}
