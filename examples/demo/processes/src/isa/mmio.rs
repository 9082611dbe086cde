//! Device registers in memory: a page that init maps into its driver.

use core::ptr::with_exposed_provenance_mut;

/// Where init maps the page.
pub const REGISTERS: usize = 0x2001_0000;

/// Reads the register at an offset.
///
/// # Panics
/// If the offset is not aligned or not inside the page.
pub fn read<T: Copy>(offset: usize) -> T {
    // SAFETY: only processes whose device init maps there call this, and a device's registers are
    // numbers of any value.
    unsafe { register::<T>(offset).read_volatile() }
}

/// Writes it.
///
/// # Panics
/// If the offset is not aligned or not inside the page.
pub fn write<T: Copy>(offset: usize, value: T) {
    // SAFETY: as for reading.
    unsafe { register::<T>(offset).write_volatile(value) }
}

fn register<T>(offset: usize) -> *mut T {
    assert!(offset.is_multiple_of(size_of::<T>()) && offset < 1 << abi::object::PAGE_BITS);
    with_exposed_provenance_mut(REGISTERS + offset)
}
