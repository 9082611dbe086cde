//! System registers and barriers.

use core::arch::asm;

/// Reads a system register. Reading has no effect.
macro_rules! read {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reading this register has no effect.
        unsafe {
            core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags));
        }
        value
    }};
}

/// Writes a system register. The place of use says why that is sound.
macro_rules! write {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        core::arch::asm!(concat!("msr ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags))
    }};
}

pub(crate) use {read, write};

/// Later instructions see what earlier ones did to the processor's state.
#[inline(always)]
pub fn instruction_barrier() {
    // SAFETY: a barrier has no other effect.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

/// All that was done to memory is done, for the whole inner shareable domain.
#[inline(always)]
pub fn data_barrier() {
    // SAFETY: a barrier has no other effect.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
}

/// All stores are done, for the whole inner shareable domain.
#[inline(always)]
pub fn store_barrier() {
    // SAFETY: a barrier has no other effect.
    unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) };
}

/// All that was done to memory and devices is done.
#[inline(always)]
pub fn system_barrier() {
    // SAFETY: a barrier has no other effect.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

/// Whether an interrupt waits, though they are off.
#[inline(always)]
pub fn interrupt_pending() -> bool {
    const IRQ: u64 = 1 << 7;
    read!("isr_el1") & IRQ != 0
}

/// The address of the last data or instruction abort.
#[inline(always)]
pub fn fault_address() -> u64 {
    read!("far_el1")
}

/// The affinity fields of this core.
pub fn affinity() -> u64 {
    read!("mpidr_el1") & 0xff_00ff_ffff
}

/// Waits for ever, with interrupts off.
pub fn stop() -> ! {
    // SAFETY: nothing happens any more.
    unsafe { asm!("msr daifset, #15", options(nomem, nostack, preserves_flags)) };
    loop {
        // SAFETY: waiting has no effect.
        unsafe { asm!("wfi", options(nomem, nostack, preserves_flags)) };
    }
}
