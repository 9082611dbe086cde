//! The end: a line on the console, then nothing more.

use crate::console::Voice;
use machine::x86_64::{port, registers};

/// What the debug-exit device of a test machine is told when the kernel stops.
pub(crate) const EXIT_FAILED: u32 = 0x12;
/// Where QEMU's debug-exit device listens; real PCs have nothing there.
const DEBUG_EXIT: u16 = 0xf4;

/// Says why (`reason` finishes the line) and stops this machine.
pub(crate) fn fatal(reason: impl FnOnce(Voice) -> Voice) -> ! {
    reason(Voice.text("linchpin: fatal: ")).text("\n");
    port::write32(DEBUG_EXIT, EXIT_FAILED);
    registers::stop()
}

/// Stops for a reason that is a plain text.
pub(crate) fn fatal_text(reason: &str) -> ! {
    fatal(|voice| voice.text(reason))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write;
    let _ = writeln!(Voice.text("linchpin: fatal: panic: "), "{info}");
    port::write32(DEBUG_EXIT, EXIT_FAILED);
    registers::stop()
}
