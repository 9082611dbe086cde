//! The interval timer that every PC has: ports 0x40 to 0x43 and interrupt 0 (pin 2 of the IO
//! APIC).

use super::PORTS;
use crate::slot;
use user_api::{Result, Word};

/// The shortest and the longest period, in microseconds.
pub const PERIODS: (Word, Word) = (2, 54_900);

/// Counts per second.
const FREQUENCY: Word = 1_193_182;
const CHANNEL_0: u16 = 0x40;
const CONTROL: u16 = 0x43;
/// Channel 0, both bytes of the count, an interrupt each time that it has counted down.
const PERIODIC: u8 = 0x34;
/// Channel 0, both bytes of the count, one interrupt; without a count it does nothing.
const ONCE: u8 = 0x30;

/// The device. It counts periods by itself.
pub struct Ticker(());

impl Ticker {
    /// Takes it, silent.
    ///
    /// # Errors
    /// None with the ports in place.
    pub fn new() -> Result<Self> {
        let mut ticker = Self(());
        ticker.stop()?;
        Ok(ticker)
    }

    /// Interrupts after every period, which is one of [`PERIODS`].
    ///
    /// # Errors
    /// As above.
    pub fn start(&mut self, microseconds: Word) -> Result {
        let count = (microseconds * FREQUENCY / 1_000_000) as u16;
        PORTS.out8(CONTROL, PERIODIC)?;
        for byte in count.to_le_bytes() {
            PORTS.out8(CHANNEL_0, byte)?;
        }
        Ok(())
    }

    /// An interrupt has come; the next may.
    ///
    /// # Errors
    /// As above.
    pub fn heard(&mut self) -> Result {
        slot::INTERRUPT.ack()
    }

    /// Interrupts no more.
    ///
    /// # Errors
    /// As above.
    pub fn stop(&mut self) -> Result {
        PORTS.out8(CONTROL, ONCE)
    }
}
