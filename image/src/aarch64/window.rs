//! Physical memory by the kernel's window, which shows RAM.

use super::paging;
use crate::tree::Span;

fn pointer(at: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(paging::window(at) as usize)
}

/// The bytes of a file that somebody has put into memory.
///
/// # Safety
/// The span is RAM, and nothing writes there while the answer is used.
pub(super) unsafe fn bytes<'a>(span: Span) -> &'a [u8] {
    // SAFETY: mapped, and the caller's promise.
    unsafe { core::slice::from_raw_parts(pointer(span.start), span.size() as usize) }
}

/// As [`bytes`], to be written.
///
/// # Safety
/// The span is free memory, and nobody else has it.
pub(super) unsafe fn free_bytes<'a>(span: Span) -> &'a mut [u8] {
    // SAFETY: mapped, and the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(pointer(span.start), span.size() as usize) }
}

/// The bytes of a device tree, before it is known what is RAM.
///
/// # Safety
/// It is memory, and nothing writes there while the answer is used.
pub(super) unsafe fn view<'a>(span: Span) -> Option<&'a [u8]> {
    let at: *const u8 = core::ptr::with_exposed_provenance(paging::view(span)? as usize);
    // SAFETY: it has just been mapped, and the caller's promise.
    Some(unsafe { core::slice::from_raw_parts(at, span.size() as usize) })
}
