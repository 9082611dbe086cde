//! What each core has for itself: its kernel stack and the page that its entry stubs use.

use core::cell::UnsafeCell;

/// Bytes of a kernel stack. The deepest path (a system call in the debug flavour that ends in a
/// formatted message) needs under 8 KiB; the rest is margin.
const STACK_BYTES: usize = 32 << 10;
/// A stack with its guard page, which is never mapped.
pub(super) const STACK_SIZE: usize = GUARD_BYTES + STACK_BYTES;
const GUARD_BYTES: usize = 4096;

/// A kernel stack. Only the processor writes it, through its stack pointer.
#[repr(C, align(4096))]
pub(super) struct Stack(UnsafeCell<[u8; STACK_SIZE]>);

// SAFETY: a stack belongs to one core; no Rust code reaches into it by this name.
unsafe impl Sync for Stack {}

impl Stack {
    const fn new() -> Self {
        Self(UnsafeCell::new([0; STACK_SIZE]))
    }

    /// Where the guard page is.
    pub(super) fn guard(&self) -> u64 {
        self.0.get().addr() as u64
    }

    /// Where the stack pointer starts.
    pub(super) fn top(&self) -> u64 {
        self.guard() + STACK_SIZE as u64
    }
}

/// The stack of the core that boots.
pub(super) static BOOT_STACK: Stack = Stack::new();
