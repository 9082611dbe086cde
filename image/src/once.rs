//! A value in static memory that one owner takes, once. Boot's findings are too large for a
//! kernel stack.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// The value, until it is taken.
pub(crate) struct Once<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by whoever takes it, and by nobody else.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// A value nobody has taken.
    pub(crate) const fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// The value; `None` if somebody has it already.
    #[expect(clippy::mut_from_ref, reason = "the swap hands the reference out once")]
    pub(crate) fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: the swap lets one caller come here.
        Some(unsafe { &mut *self.value.get() })
    }
}
