//! Boot, in order: what the loader said, what the processor can do, the root task, the
//! kernel's address space, the interrupt hardware, then the kernel core's own boot.

use crate::console;
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};

/// Where Rust begins, on the boot stack and the boot page tables.
pub(super) extern "sysv64" fn start(magic: u32, info: u32) -> ! {
    console::select(Some(machine::x86_64::serial::COM1));
    Voice
        .text("hello from ")
        .hex(magic.into())
        .text(" ")
        .number(info.into())
        .text("\n");
    fatal_text("stop")
}
