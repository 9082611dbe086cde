//! The Goldfish clock's alarm.

use crate::isa::page;
use user_alloc::{Allocator, Result};
use user_api::{SlotPath, Word};
use user_runtime::boot::root;
use user_runtime::println;

const ADDRESS: Word = 0x10_1000;
const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const ALARM_LOW: usize = 0x08;
const ALARM_HIGH: usize = 0x0c;
const INTERRUPT_ENABLED: usize = 0x10;
const CLEAR_INTERRUPT: usize = 0x1c;
const INTERRUPT: Word = 11;

/// The device, with its next alarm in nanoseconds.
pub struct Timer(u64);

impl Timer {
    /// Microseconds between two interrupts.
    pub const PERIOD: u64 = 10_000;

    /// Takes its page.
    ///
    /// # Errors
    /// If somebody else has it.
    pub fn take(allocator: &mut Allocator) -> Result<Self> {
        page::map(allocator, ADDRESS)?;
        println!("We hold the page of the clock at {ADDRESS:#x}.");
        Ok(Self(0))
    }

    /// The authority over its interrupt.
    ///
    /// # Errors
    /// `RevokeFirst` if somebody has it.
    pub fn issue(slot: SlotPath) -> user_api::Result {
        root::IRQ_CONTROL.issue(INTERRUPT, slot)
    }

    /// Lets it interrupt, after every period.
    ///
    /// # Errors
    /// None.
    pub fn start(&mut self) -> Result {
        // Reading the lower half keeps the upper one.
        let low = page::read(TIME_LOW);
        self.0 = u64::from(page::read(TIME_HIGH)) << 32 | u64::from(low);
        page::write(INTERRUPT_ENABLED, 1);
        self.quiet();
        println!(
            "The alarm is set {} us ahead, again and again.",
            Self::PERIOD
        );
        Ok(())
    }

    /// An interrupt has been heard: its line falls, and the next alarm is set.
    pub fn quiet(&mut self) {
        page::write(CLEAR_INTERRUPT, 1);
        self.0 += Self::PERIOD * 1_000;
        page::write(ALARM_HIGH, (self.0 >> 32) as u32);
        page::write(ALARM_LOW, self.0 as u32); // takes both
    }
}
