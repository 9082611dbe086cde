//! Physical memory by the kernel's window, which the boot page tables show too.

use crate::tree::Span;
use machine::address::{PHYSICAL_WINDOW, PHYSICAL_WINDOW_SIZE};

/// Where physical address `at` is seen.
pub(super) const fn address(at: u64) -> u64 {
    // The window is at the top of the address space: wrapping for addresses that it does not show.
    at.wrapping_add(PHYSICAL_WINDOW)
}

fn pointer(at: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(address(at) as usize)
}

fn is_shown(span: Span) -> bool {
    span.start <= span.end && span.end <= PHYSICAL_WINDOW_SIZE
}

/// The bytes of a file that somebody has put into memory; none where the window does not reach.
///
/// # Safety
/// Nothing writes there while the answer is used.
pub(super) unsafe fn bytes<'a>(span: Span) -> &'a [u8] {
    if !is_shown(span) {
        return &[];
    }
    // SAFETY: mapped, and the caller's promise.
    unsafe { core::slice::from_raw_parts(pointer(span.start), span.size() as usize) }
}

/// As [`bytes`], to be written.
///
/// # Safety
/// The span is free memory, and nobody else has it.
pub(super) unsafe fn free_bytes<'a>(span: Span) -> &'a mut [u8] {
    if !is_shown(span) {
        return &mut [];
    }
    // SAFETY: mapped, and the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(pointer(span.start), span.size() as usize) }
}

/// Moves `len` bytes; the places may overlap.
///
/// # Safety
/// The destination is free memory.
pub(super) unsafe fn shift(from: u64, to: u64, len: u64) {
    let shown = |start: u64| is_shown(Span::new(start, start.saturating_add(len)));
    if shown(from) && shown(to) {
        // SAFETY: both places are mapped, and the caller's promise.
        unsafe { core::ptr::copy(pointer(from), pointer(to), len as usize) };
    }
}
