//! Whether user mode's page tables hide the kernel (docs/security.md, "Meltdown").

use core::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// Decided once, before any other address space exists.
pub(super) fn set(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Whether it does.
#[inline(always)]
pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}
