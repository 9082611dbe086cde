//! The PL031's alarm.

use super::clock::{DATA, take};
use crate::isa::page;
use user_alloc::{Allocator, Result};
use user_api::{SlotPath, Word};
use user_runtime::boot::root;
use user_runtime::println;

const MATCH: usize = 0x04;
const INTERRUPT_MASK: usize = 0x10;
const INTERRUPT_CLEAR: usize = 0x1c;
const INTERRUPT: Word = 34;

/// The device.
pub struct Timer(());

impl Timer {
    /// Microseconds between two interrupts.
    pub const PERIOD: u64 = 1_000_000;

    /// Takes its page.
    ///
    /// # Errors
    /// If somebody else has it.
    pub fn take(allocator: &mut Allocator) -> Result<Self> {
        take(allocator)?;
        Ok(Self(()))
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
        self.quiet();
        page::write(INTERRUPT_MASK, 1);
        println!("The alarm is set to the next second, again and again.");
        Ok(())
    }

    /// An interrupt has been heard: its line falls, and the next alarm is set.
    pub fn quiet(&mut self) {
        page::write(MATCH, page::read(DATA).wrapping_add(1));
        page::write(INTERRUPT_CLEAR, 1);
    }
}
