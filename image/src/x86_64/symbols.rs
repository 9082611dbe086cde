//! Where the linker has put things.

use machine::PhysicalAddress;
use machine::firmware::Span;

/// Where the image is linked, above its physical addresses.
pub(super) const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;

unsafe extern "C" {
    safe static entry_text_start: u8;
    safe static entry_text_end: u8;
    safe static text_start: u8;
    safe static text_end: u8;
    safe static rodata_start: u8;
    safe static rodata_end: u8;
    safe static data_start: u8;
    safe static entry_data_end: u8;
    safe static data_end: u8;
    safe static image_start: u8;
    safe static ki_boot_end: u8;
    safe static ki_end: u8;
}

macro_rules! span {
    ($start:ident, $end:ident) => {
        Span {
            start: (&raw const $start).addr() as u64,
            end: (&raw const $end).addr() as u64,
        }
    };
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

/// The part of the code that user mode's page tables show when the kernel is isolated.
pub(super) fn entry_text() -> Span {
    span!(entry_text_start, entry_text_end)
}

/// The part of the data that they show.
pub(super) fn entry_data() -> Span {
    span!(data_start, entry_data_end)
}

/// Where the image's byte at `address` is in physical memory.
pub(super) fn physical(address: u64) -> u64 {
    // Wrapping: addresses of the image are above its base.
    address.wrapping_sub(KERNEL_BASE)
}

/// The whole image in physical memory.
pub(super) fn image() -> Span {
    let end = (&raw const ki_end).addr() as u64;
    Span {
        start: (&raw const image_start).addr() as u64,
        end: physical(end),
    }
}

/// Where the part of the image ends that nobody needs after boot.
pub(super) fn boot_end() -> PhysicalAddress {
    PhysicalAddress(physical((&raw const ki_boot_end).addr() as u64))
}
