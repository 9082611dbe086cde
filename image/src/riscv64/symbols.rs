//! Where the linker has put things, and where that is in physical memory.

use crate::tree::Span;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::PhysicalAddress;

unsafe extern "C" {
    safe static image_start: u8;
    safe static text_start: u8;
    safe static text_end: u8;
    safe static rodata_start: u8;
    safe static rodata_end: u8;
    safe static data_start: u8;
    safe static data_end: u8;
    safe static ki_boot_end: u8;
    safe static ki_end: u8;
}

/// Where the image is in physical memory. Any multiple of 2 MiB.
static PHYSICAL_BASE: AtomicU64 = AtomicU64::new(0);

macro_rules! span {
    ($start:ident, $end:ident) => {
        Span {
            start: (&raw const $start).addr() as u64,
            end: (&raw const $end).addr() as u64,
        }
    };
}

/// Says where the image is in physical memory.
pub(super) fn set_physical_base(base: u64) {
    PHYSICAL_BASE.store(base, Ordering::Relaxed);
}

/// The physical address of a part of the image.
pub(super) fn physical(address: u64) -> u64 {
    // The linker has put the image in one piece; both differences wrap only for addresses that
    // are not in it.
    let offset = address.wrapping_sub((&raw const image_start).addr() as u64);
    PHYSICAL_BASE.load(Ordering::Relaxed).wrapping_add(offset)
}

/// The kernel's code.
pub(super) fn text() -> Span {
    span!(text_start, text_end)
}

/// Its constants.
pub(super) fn rodata() -> Span {
    span!(rodata_start, rodata_end)
}

/// Its variables and stacks.
pub(super) fn data() -> Span {
    span!(data_start, data_end)
}

/// The whole image in physical memory.
pub(super) fn image() -> Span {
    let linked = span!(image_start, ki_end);
    Span::new(physical(linked.start), physical(linked.end))
}

/// Where the part of the image ends that nobody needs after boot.
pub(super) fn boot_end() -> PhysicalAddress {
    PhysicalAddress(physical((&raw const ki_boot_end).addr() as u64))
}
