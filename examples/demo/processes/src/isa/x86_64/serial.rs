//! The 16550 at the ports 0x3f8 to 0x3ff, with interrupt 4.

use super::PORTS;
use crate::slot;
use user_api::Result;

const DATA: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = DATA + 1;
const FIFO_CONTROL: u16 = DATA + 2;
const LINE_CONTROL: u16 = DATA + 3;
const MODEM_CONTROL: u16 = DATA + 4;
const LINE_STATUS: u16 = DATA + 5;

const HAS_DATA: u8 = 1 << 0;
const CAN_TAKE: u8 = 1 << 5;
const ALL_SENT: u8 = 1 << 6;
/// Bytes that the device takes once it says that it can.
const FIFO_BYTES: usize = 16;

/// 115200 baud, 8 bits, FIFO on, an interrupt for every character received.
///
/// # Errors
/// None with the ports in place.
pub fn set_up() -> Result {
    while PORTS.in8(LINE_STATUS)? & ALL_SENT == 0 {}
    for (register, value) in [
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, 0x80), // the next two registers are the divisor of the clock
        (DATA, 1),
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, 0x03),
        (FIFO_CONTROL, 0x01),
        (MODEM_CONTROL, 0x0b), // ready, and the line to the interrupt controller connected
        (INTERRUPT_ENABLE, 0x01),
    ] {
        PORTS.out8(register, value)?;
    }
    Ok(())
}

/// Sends all of it.
///
/// # Errors
/// As above.
pub fn write(bytes: &[u8]) -> Result {
    for chunk in bytes.chunks(FIFO_BYTES) {
        while PORTS.in8(LINE_STATUS)? & CAN_TAKE == 0 {}
        for &byte in chunk {
            PORTS.out8(DATA, byte)?;
        }
    }
    Ok(())
}

/// After an interrupt: takes what has arrived. Acknowledges first: the line's interrupt is
/// edge-triggered, and an edge that comes while it is masked would be lost.
///
/// # Errors
/// As above.
pub fn receive(mut take: impl FnMut(u8)) -> Result {
    slot::INTERRUPT.ack()?;
    while PORTS.in8(LINE_STATUS)? & HAS_DATA != 0 {
        take(PORTS.in8(DATA)?);
    }
    Ok(())
}
