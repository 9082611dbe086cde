//! The Goldfish clock: it counts nanoseconds, and has an alarm.

use crate::isa::mmio;
use crate::slot;
use user_api::{Result, Word};

/// The shortest and the longest period, in microseconds.
pub const PERIODS: (Word, Word) = (100, 3_600_000_000);

const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const ALARM_LOW: usize = 0x08;
const ALARM_HIGH: usize = 0x0c;
const INTERRUPT_ENABLED: usize = 0x10;
const CLEAR_ALARM: usize = 0x14;
const CLEAR_INTERRUPT: usize = 0x1c;

/// The device, with the next alarm and the period in nanoseconds; 0 while it is silent.
pub struct Ticker {
    next: u64,
    period: u64,
}

impl Ticker {
    /// Takes it, silent.
    ///
    /// # Errors
    /// None.
    pub fn new() -> Result<Self> {
        let mut ticker = Self { next: 0, period: 0 };
        ticker.stop()?;
        Ok(ticker)
    }

    /// Interrupts after every period, which is one of [`PERIODS`].
    ///
    /// # Errors
    /// None.
    pub fn start(&mut self, microseconds: Word) -> Result {
        self.period = microseconds * 1_000;
        self.next = now();
        mmio::write::<u32>(CLEAR_INTERRUPT, 1);
        mmio::write::<u32>(INTERRUPT_ENABLED, 1);
        self.set_alarm();
        Ok(())
    }

    /// An interrupt has come; the next may.
    ///
    /// # Errors
    /// None with the interrupt in place.
    pub fn heard(&mut self) -> Result {
        // The line has to fall before the kernel lets it interrupt again; an alarm that is past
        // already raises it at once.
        mmio::write::<u32>(CLEAR_INTERRUPT, 1);
        if self.period > 0 {
            self.set_alarm();
        }
        slot::INTERRUPT.ack()
    }

    /// Interrupts no more.
    ///
    /// # Errors
    /// None.
    pub fn stop(&mut self) -> Result {
        self.period = 0;
        mmio::write::<u32>(INTERRUPT_ENABLED, 0);
        mmio::write::<u32>(CLEAR_ALARM, 1);
        mmio::write::<u32>(CLEAR_INTERRUPT, 1);
        Ok(())
    }

    fn set_alarm(&mut self) {
        self.next += self.period;
        mmio::write(ALARM_HIGH, (self.next >> 32) as u32);
        mmio::write(ALARM_LOW, self.next as u32); // takes both
    }
}

fn now() -> u64 {
    // Reading the lower half keeps the upper one.
    let low = mmio::read::<u32>(TIME_LOW);
    u64::from(mmio::read::<u32>(TIME_HIGH)) << 32 | u64::from(low)
}
