//! The end: a line on the console, then nothing more.

use crate::console::Voice;

/// What the exit device of a test machine is told when the kernel stops.
pub(crate) const EXIT_FAILED: u32 = 0x12;

/// Says why (`reason` finishes the line) and stops this machine.
#[cold]
pub(crate) fn fatal(reason: impl FnOnce(Voice) -> Voice) -> ! {
    reason(Voice.text("linchpin: fatal: ")).text("\n");
    crate::arch::end(EXIT_FAILED)
}

/// Stops for a reason that is a plain text.
#[cold]
pub(crate) fn fatal_text(reason: &str) -> ! {
    fatal(|voice| voice.text(reason))
}

/// Debug kernels say where. The others have nothing to say: if a path to here survives in one,
/// the link fails for want of this symbol (docs/security.md, "Panics").
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    const DEBUG: bool = abi::FLAVOUR.debug();
    if !DEBUG {
        unsafe extern "C" {
            fn linchpin_a_path_to_panic_survives() -> !;
        }
        // SAFETY: an image that holds this call does not link.
        unsafe { linchpin_a_path_to_panic_survives() }
    }
    // A console cannot fail.
    let _ = core::fmt::Write::write_fmt(
        &mut Voice.text("linchpin: fatal: panic: "),
        format_args!("{info}\n"),
    );
    crate::arch::end(EXIT_FAILED)
}
