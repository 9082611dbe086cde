//! What the image needs of a PC to speak and to stop.

use core::sync::atomic::{AtomicU16, Ordering};
use machine::x86_64::serial::{COM1, Serial};
use machine::x86_64::{port, registers};

/// The port that the image speaks on; 0 for none.
static PORT: AtomicU16 = AtomicU16::new(COM1);
/// Where QEMU's debug-exit device listens; real PCs have nothing there.
const DEBUG_EXIT: u16 = 0xf4;

/// Speaks on `port` from now on.
pub(super) fn select(port: Option<u16>) {
    PORT.store(port.unwrap_or(0), Ordering::Relaxed);
    if let Some(port) = port {
        Serial::at(port).initialise();
    }
}

/// Writes a byte to the debug console.
pub(crate) fn put(byte: u8) {
    match PORT.load(Ordering::Relaxed) {
        0 => {}
        port => Serial::at(port).put(byte),
    }
}

/// Stops for good; a test machine ends with `status`.
pub(crate) fn end(status: u32) -> ! {
    port::write32(DEBUG_EXIT, status);
    registers::stop()
}
