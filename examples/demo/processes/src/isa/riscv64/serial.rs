//! The 16550 with its interrupt, which is level-triggered.

use crate::isa::mmio;
use crate::slot;
use user_api::Result;

const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const MODEM_CONTROL: usize = 4;
const LINE_STATUS: usize = 5;

const HAS_DATA: u8 = 1 << 0;
const CAN_TAKE: u8 = 1 << 5;
/// Bytes that the device takes once it says that it can.
const FIFO_BYTES: usize = 16;

/// 8 bits, FIFO on, an interrupt for every character received. Firmware has set the speed.
///
/// # Errors
/// None.
pub fn set_up() -> Result {
    for (register, value) in [
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, 0x03),
        (FIFO_CONTROL, 0x01),
        (MODEM_CONTROL, 0x0b), // ready
        (INTERRUPT_ENABLE, 0x01),
    ] {
        mmio::write::<u8>(register, value);
    }
    Ok(())
}

/// Sends all of it.
///
/// # Errors
/// None.
pub fn write(bytes: &[u8]) -> Result {
    for chunk in bytes.chunks(FIFO_BYTES) {
        while mmio::read::<u8>(LINE_STATUS) & CAN_TAKE == 0 {}
        chunk.iter().for_each(|&byte| mmio::write(DATA, byte));
    }
    Ok(())
}

/// After an interrupt: takes what has arrived, and tells the kernel when the line has fallen.
///
/// # Errors
/// None with the interrupt in place.
pub fn receive(mut take: impl FnMut(u8)) -> Result {
    while mmio::read::<u8>(LINE_STATUS) & HAS_DATA != 0 {
        take(mmio::read(DATA));
    }
    slot::INTERRUPT.ack()
}
