//! What the image needs of an Arm machine to speak and to stop.

use super::paging;
use crate::tree::Span;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::aarch64::registers;
use machine::aarch64::serial::Serial;

/// Where the port is mapped that the image speaks on; 0: none is known.
static PORT: AtomicU64 = AtomicU64::new(0);

/// Speaks on the port whose registers are at `registers`. Answers the port.
pub(super) fn select(registers: Span) -> Option<Serial> {
    let at = paging::map_device(registers)?;
    PORT.store(at, Ordering::Relaxed);
    // SAFETY: it stays mapped.
    Some(unsafe { Serial::at(at) })
}

/// Writes a byte to the debug console.
pub(crate) fn put(byte: u8) {
    match PORT.load(Ordering::Relaxed) {
        0 => {}
        // SAFETY: mapped by `select`.
        at => unsafe { Serial::at(at) }.put(byte),
    }
}

/// Stops for good. No machine has a device for the status.
pub(crate) fn end(_status: u32) -> ! {
    registers::stop()
}
