//! The PL031, a real-time clock with an alarm. It counts seconds, so ticks are as far apart: the
//! machine has no finer device that is not the kernel's.

use crate::isa::mmio;
use crate::slot;
use user_api::{Result, Word};

/// The shortest and the longest period, in microseconds.
pub const PERIODS: (Word, Word) = (SECOND, 3600 * SECOND);

/// Microseconds of one.
const SECOND: Word = 1_000_000;

const DATA: usize = 0x00;
const MATCH: usize = 0x04;
const INTERRUPT_MASK: usize = 0x10;
const INTERRUPT_CLEAR: usize = 0x1c;

/// The device, and the seconds of a period; 0 while it is silent.
pub struct Ticker(u32);

impl Ticker {
    /// Takes it, silent.
    ///
    /// # Errors
    /// None.
    pub fn new() -> Result<Self> {
        let mut ticker = Self(0);
        ticker.stop()?;
        Ok(ticker)
    }

    /// Interrupts after every period, which is one of [`PERIODS`], rounded down to seconds.
    ///
    /// # Errors
    /// None.
    pub fn start(&mut self, microseconds: Word) -> Result {
        self.0 = (microseconds / SECOND) as u32;
        self.set_alarm();
        mmio::write::<u32>(INTERRUPT_CLEAR, 1);
        mmio::write::<u32>(INTERRUPT_MASK, 1);
        Ok(())
    }

    /// An interrupt has come; the next may.
    ///
    /// # Errors
    /// None with the interrupt in place.
    pub fn heard(&mut self) -> Result {
        if self.0 > 0 {
            self.set_alarm();
        }
        // The line has to fall before the kernel lets it interrupt again.
        mmio::write::<u32>(INTERRUPT_CLEAR, 1);
        slot::INTERRUPT.ack()
    }

    /// Interrupts no more.
    ///
    /// # Errors
    /// None.
    pub fn stop(&mut self) -> Result {
        self.0 = 0;
        mmio::write::<u32>(INTERRUPT_MASK, 0);
        mmio::write::<u32>(INTERRUPT_CLEAR, 1);
        Ok(())
    }

    fn set_alarm(&self) {
        mmio::write(MATCH, mmio::read::<u32>(DATA).wrapping_add(self.0));
    }
}
