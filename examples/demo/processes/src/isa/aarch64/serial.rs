//! The PL011 with its interrupt, which is level-triggered.

use crate::isa::mmio;
use crate::slot;
use user_api::Result;

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const LINE_CONTROL: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;

const IS_EMPTY: u32 = 1 << 4;
const IS_FULL: u32 = 1 << 5;
/// 8 bits, FIFO on.
const EIGHT_BITS: u32 = 0x70;
/// On, both ways.
const ENABLED: u32 = 0x301;
/// Received characters, and a pause after some that are fewer than a FIFO's filling.
const RECEIVED: u32 = 1 << 4 | 1 << 6;

/// 8 bits, FIFO on, an interrupt for characters received. Firmware has set the speed.
///
/// # Errors
/// None.
pub fn set_up() -> Result {
    mmio::write(LINE_CONTROL, EIGHT_BITS);
    mmio::write(CONTROL, ENABLED);
    mmio::write(INTERRUPT_MASK, RECEIVED);
    Ok(())
}

/// Sends all of it.
///
/// # Errors
/// None.
pub fn write(bytes: &[u8]) -> Result {
    for &byte in bytes {
        while mmio::read::<u32>(FLAGS) & IS_FULL != 0 {}
        mmio::write::<u32>(DATA, byte.into());
    }
    Ok(())
}

/// After an interrupt: takes what has arrived. The device is told first, so that what comes after
/// the last look interrupts again; the kernel last, when the line has fallen.
///
/// # Errors
/// None with the interrupt in place.
pub fn receive(mut take: impl FnMut(u8)) -> Result {
    mmio::write(INTERRUPT_CLEAR, RECEIVED);
    while mmio::read::<u32>(FLAGS) & IS_EMPTY == 0 {
        take(mmio::read::<u32>(DATA) as u8);
    }
    slot::INTERRUPT.ack()
}
