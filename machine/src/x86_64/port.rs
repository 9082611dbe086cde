//! IO ports.

use core::arch::asm;

/// Reads a byte from `port`.
pub fn read8(port: u16) -> u8 {
    let value: u8;
    // SAFETY: an IO read touches no memory of ours.
    unsafe {
        asm!("in al, dx", out("al") value, in("dx") port, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Reads 16 bits from `port`.
pub fn read16(port: u16) -> u16 {
    let value: u16;
    // SAFETY: an IO read touches no memory of ours.
    unsafe {
        asm!("in ax, dx", out("ax") value, in("dx") port, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Reads 32 bits from `port`.
pub fn read32(port: u16) -> u32 {
    let value: u32;
    // SAFETY: an IO read touches no memory of ours.
    unsafe {
        asm!("in eax, dx", out("eax") value, in("dx") port, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Writes a byte to `port`.
pub fn write8(port: u16, value: u8) {
    // SAFETY: devices whose DMA could touch our memory belong to user space, which is trusted
    // with that by whoever gave it the ports (docs/security.md, "DMA").
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    };
}

/// Writes 16 bits to `port`.
pub fn write16(port: u16, value: u16) {
    // SAFETY: as in `write8`.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags))
    };
}

/// Writes 32 bits to `port`.
pub fn write32(port: u16, value: u32) {
    // SAFETY: as in `write8`.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags))
    };
}
