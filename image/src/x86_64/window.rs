//! Physical memory by the boot page tables: the low 4 GiB, before the kernel's own tables exist.

use super::paging::BOOT_WINDOW;
use machine::address::PHYSICAL_WINDOW;
use machine::firmware::Span;

fn pointer(at: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(at.wrapping_add(PHYSICAL_WINDOW) as usize)
}

fn is_shown(span: Span) -> bool {
    span.start <= span.end && span.end <= BOOT_WINDOW
}

/// Copies bytes out; `false` if they are out of reach. What parsers read firmware through.
pub(super) fn read(at: u64, into: &mut [u8]) -> bool {
    let Some(end) = at
        .checked_add(into.len() as u64)
        .filter(|end| *end <= BOOT_WINDOW)
    else {
        return false;
    };
    for (at, to) in (at..end).zip(into) {
        // SAFETY: the boot page tables show it. Volatile: it is not Rust's memory.
        *to = unsafe { pointer(at).read_volatile() };
    }
    true
}

/// A file that a loader has put into memory.
///
/// # Safety
/// Nothing writes there while the answer is used.
pub(super) unsafe fn bytes<'a>(span: Span) -> &'a [u8] {
    if !is_shown(span) {
        return &[];
    }
    // SAFETY: mapped, initialised by the loader, and the caller's promise.
    unsafe { core::slice::from_raw_parts(pointer(span.start), span.size() as usize) }
}

/// Moves `len` bytes; the places may overlap.
///
/// # Safety
/// The destination is free memory.
pub(super) unsafe fn shift(from: u64, to: u64, len: u64) {
    let shown = |start: u64| {
        start
            .checked_add(len)
            .is_some_and(|end| is_shown(Span { start, end }))
    };
    if shown(from) && shown(to) {
        // SAFETY: both places are mapped, and the caller's promise.
        unsafe { core::ptr::copy(pointer(from), pointer(to), len as usize) };
    }
}

/// Writes zeroes to `span` and then `bytes` to its start.
///
/// # Safety
/// The span is free memory.
pub(super) unsafe fn fill(span: Span, bytes: &[u8]) {
    if !is_shown(span) || bytes.len() as u64 > span.size() {
        return;
    }
    // SAFETY: mapped, and the caller's promise.
    unsafe { pointer(span.start).write_bytes(0, span.size() as usize) };
    // SAFETY: likewise; `bytes` lies elsewhere, for it is not free memory.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), pointer(span.start), bytes.len()) };
}
