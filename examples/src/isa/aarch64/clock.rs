//! The PL031: it counts seconds.

use crate::isa::page;
use abi::bootinfo::BootInfo;
use core::sync::atomic::{AtomicBool, Ordering};
use user_alloc::{Allocator, Result};
use user_runtime::println;

const ADDRESS: u64 = 0x901_0000;
/// The register that counts.
pub(super) const DATA: usize = 0x00;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the device, if that has not been done.
pub(super) fn take(allocator: &mut Allocator) -> Result {
    if !TAKEN.load(Ordering::Relaxed) {
        page::map(allocator, ADDRESS)?;
        TAKEN.store(true, Ordering::Relaxed);
        println!("We hold the page of the real-time clock at {ADDRESS:#x}.");
    }
    Ok(())
}

/// Time since a moment.
pub struct Clock {
    start: u32,
}

impl Clock {
    /// Its smallest step, in microseconds.
    pub const STEP: u64 = 1_000_000;

    /// Begins now, that is when a second begins.
    ///
    /// # Errors
    /// If somebody else has the device.
    pub fn start(_: &'static BootInfo, allocator: &mut Allocator) -> Result<Self> {
        take(allocator)?;
        let before = page::read(DATA);
        while page::read(DATA) == before {}
        Ok(Self {
            start: page::read(DATA),
        })
    }

    /// Microseconds since the start, in whole seconds.
    pub fn micros(&self) -> u64 {
        u64::from(page::read(DATA) - self.start) * Self::STEP
    }
}
