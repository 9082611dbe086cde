//! The 16550 serial port, polled.

use super::port;

/// Where COM1 is when nobody says otherwise.
pub const COM1: u16 = 0x3f8;

const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

const DIVISOR_LATCH: u8 = 0x80;
const EIGHT_BITS: u8 = 0x03;
const ENABLE_AND_CLEAR_FIFOS: u8 = 0x07;
/// Data terminal ready, request to send, and the gate that lets the port's interrupt out to
/// the interrupt controller for whoever drives it later.
const READY: u8 = 0x0b;
const TRANSMITTER_EMPTY: u8 = 0x20;
/// 115200 baud.
const DIVISOR: u8 = 1;
/// A port that stays busy this long is not there: at 115200 baud a byte takes 87 microseconds.
const PATIENCE: u32 = 1 << 20;

/// One serial port.
#[derive(Clone, Copy, Debug)]
pub struct Serial {
    base: u16,
}

impl Serial {
    /// The port whose registers start at `base`, as it is set now.
    pub const fn at(base: u16) -> Self {
        Self { base }
    }

    /// Sets 115200 baud, eight bits, no parity, one stop bit, no interrupts.
    pub fn initialise(self) {
        self.write(INTERRUPT_ENABLE, 0);
        self.write(LINE_CONTROL, DIVISOR_LATCH | EIGHT_BITS);
        self.write(DATA, DIVISOR);
        self.write(INTERRUPT_ENABLE, 0);
        self.write(LINE_CONTROL, EIGHT_BITS);
        self.write(FIFO_CONTROL, ENABLE_AND_CLEAR_FIFOS);
        self.write(MODEM_CONTROL, READY);
    }

    /// Writes `byte`; a line feed brings its carriage return.
    pub fn put(self, byte: u8) {
        if byte == b'\n' {
            self.put_raw(b'\r');
        }
        self.put_raw(byte);
    }

    fn put_raw(self, byte: u8) {
        let status = self.base.wrapping_add(LINE_STATUS);
        for _ in 0..PATIENCE {
            if port::read8(status) & TRANSMITTER_EMPTY != 0 {
                break;
            }
        }
        self.write(DATA, byte);
    }

    fn write(self, register: u16, value: u8) {
        // Port numbers are 16 bits and wrap in hardware too.
        port::write8(self.base.wrapping_add(register), value);
    }
}
