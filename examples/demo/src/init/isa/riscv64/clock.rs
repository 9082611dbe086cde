//! The time counter.

use abi::bootinfo::BootInfo;
use abi::{PROFILE, Word};
use core::fmt;
use demo_common::clock;
use user_alloc::{Allocator, Result};

/// The clock.
pub(crate) struct Clock {
    /// Counts of [`clock::now`] in a microsecond.
    pub(crate) megahertz: Word,
}

impl Clock {
    /// As fast as the profile says.
    pub(crate) fn new(_: &'static BootInfo, _: &mut Allocator) -> Result<Self> {
        let megahertz = (PROFILE.timer_frequency_hz / 1_000_000).max(1);
        Ok(Self { megahertz })
    }

    /// Microseconds, since whenever.
    pub(crate) fn micros(&self) -> Word {
        clock::now() / self.megahertz
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the time counter ({} MHz)", self.megahertz)
    }
}
