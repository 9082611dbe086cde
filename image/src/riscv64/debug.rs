//! What the image needs of a RISC-V machine to speak and to stop.

use core::sync::atomic::{AtomicU64, Ordering};
use machine::riscv64::csr;
use machine::riscv64::sbi::Sbi;

/// Where the exit device of a test machine is mapped; 0: it has none.
static EXIT_DEVICE: AtomicU64 = AtomicU64::new(0);

/// What ends QEMU with the status in the upper half.
const EXIT_WITH_STATUS: u32 = 0x3333;

/// There is an exit device, mapped at `at`.
pub(super) fn set_exit_device(at: u64) {
    EXIT_DEVICE.store(at, Ordering::Relaxed);
}

/// Writes a byte to the debug console.
pub(crate) fn put(byte: u8) {
    Sbi::probe().put(byte);
}

/// Stops for good; a test machine ends with `status`.
pub(crate) fn end(status: u32) -> ! {
    let at = EXIT_DEVICE.load(Ordering::Relaxed);
    if at != 0 {
        let device: *mut u32 = core::ptr::with_exposed_provenance_mut(at as usize);
        // SAFETY: the device was found and is mapped.
        unsafe { device.write_volatile(status << 16 | EXIT_WITH_STATUS) };
    }
    csr::stop()
}
