//! A device whose registers are a page of memory.

use core::ptr::with_exposed_provenance_mut;
use user_alloc::{AddressSpace, Allocator, Result};
use user_api::{Attributes, CapRights, Frame, FrameSize, Word};
use user_runtime::boot::root;

/// Where it is mapped: far from the program.
const PLACE: Word = 0x2000_0000;

/// Takes the device at a physical address, and maps it.
///
/// # Errors
/// If it is taken.
pub(super) fn map(allocator: &mut Allocator, address: Word) -> Result {
    let frame: Frame = allocator.frame_at(address, FrameSize::Small.object())?.cap;
    let space = AddressSpace::manage(root::VSPACE, PLACE..PLACE);
    let rights = CapRights::READ_WRITE;
    space.map_at(allocator, frame, PLACE, rights, Attributes::UNCACHED)
}

/// Reads the register at an offset of the device that is mapped.
pub(super) fn read(offset: usize) -> u32 {
    // SAFETY: called only by those who hold the device, so it is mapped; its registers may have
    // any value.
    unsafe { with_exposed_provenance_mut::<u32>(PLACE as usize + offset).read_volatile() }
}

/// Writes it.
pub(super) fn write(offset: usize, value: u32) {
    // SAFETY: as for reading.
    unsafe { with_exposed_provenance_mut::<u32>(PLACE as usize + offset).write_volatile(value) }
}
