//! Text for people: gathered by line, written to the kernel's console, or to the serial port
//! where the kernel has none.

use abi::syscall::Syscall;
use core::cell::Cell;
use core::fmt;
use user_api::debug;

const LINE_BYTES: usize = 120;

/// A line in the making. Each thread has its own, so that threads do not mix theirs more than
/// they must.
pub(crate) struct Line {
    bytes: [Cell<u8>; LINE_BYTES],
    used: Cell<usize>,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [const { Cell::new(0) }; LINE_BYTES],
            used: Cell::new(0),
        }
    }

    fn push(&self, byte: u8) {
        let used = self.used.get();
        if let Some(place) = self.bytes.get(used) {
            place.set(byte);
            self.used.set(used + 1);
        }
        if byte == b'\n' || used + 1 >= LINE_BYTES {
            self.flush();
        }
    }

    fn flush(&self) {
        let used = self.used.replace(0);
        for byte in self.bytes.iter().take(used) {
            write_byte(byte.get());
        }
    }
}

/// Writes a byte at once, past the line.
pub fn write_byte(byte: u8) {
    if debug::available(Syscall::DebugPutChar) {
        debug::put_char(byte);
    } else {
        crate::isa::serial_byte(byte);
    }
}

/// The capability to the serial port, if the console has taken it because the kernel does not
/// print: for a driver that is to take over.
pub use crate::isa::serial_port as port;

/// Writes what is left of the running thread's line.
pub fn flush() {
    crate::block::current().line.flush();
}

/// The running thread's console.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let line = &crate::block::current().line;
        text.bytes().for_each(|byte| line.push(byte));
        Ok(())
    }
}

/// For the macros.
pub fn print(arguments: fmt::Arguments<'_>) {
    // The console takes everything; an error could only come from a broken `Display`.
    let _ = fmt::write(&mut Console, arguments);
}

/// Prints to the console.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::console::print(format_args!($($argument)*)) };
}

/// Prints a line to the console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($argument)*))) };
}
