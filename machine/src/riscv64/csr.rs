//! Control and status registers of supervisor mode.

use core::arch::asm;

/// Bits of `sstatus`.
pub mod status {
    /// Interrupts are taken in supervisor mode.
    pub const SIE: u64 = 1 << 1;
    /// Interrupts were taken before the trap; they are after `sret`.
    pub const SPIE: u64 = 1 << 5;
    /// The trap came from supervisor mode; `sret` goes there.
    pub const SPP: u64 = 1 << 8;
    /// Floating point: off (0), initial, clean, dirty (all ones).
    pub const FS: u64 = 0b11 << 13;
    /// Floating point: unchanged since it was loaded.
    pub const FS_CLEAN: u64 = 0b10 << 13;
    /// Supervisor mode may reach user pages.
    pub const SUM: u64 = 1 << 18;
    /// Executable pages are readable.
    pub const MXR: u64 = 1 << 19;
}

/// Bits of `sie` and `sip`.
pub mod interrupt {
    /// From another hart.
    pub const SOFTWARE: u64 = 1 << 1;
    /// From the timer.
    pub const TIMER: u64 = 1 << 5;
    /// From the interrupt controller.
    pub const EXTERNAL: u64 = 1 << 9;
}

macro_rules! register {
    ($(#[$doc:meta])* $read:ident, $write:ident, $csr:literal) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $read() -> u64 {
            let value;
            // SAFETY: reading it has no effect.
            unsafe {
                asm!(concat!("csrr {}, ", $csr), out(reg) value, options(nomem, nostack, preserves_flags));
            }
            value
        }

        /// Writes it.
        ///
        /// # Safety
        /// Whatever the change does to the running code is intended.
        #[inline(always)]
        pub unsafe fn $write(value: u64) {
            // SAFETY: the caller's promise. Not `nomem`: memory may look different afterwards.
            unsafe {
                asm!(concat!("csrw ", $csr, ", {}"), in(reg) value, options(nostack, preserves_flags));
            }
        }
    };
}

register!(
    /// Status.
    sstatus, set_sstatus, "sstatus"
);
register!(
    /// Enabled interrupts.
    sie, set_sie, "sie"
);
register!(
    /// Waiting interrupts.
    sip, set_sip, "sip"
);
register!(
    /// Where traps go.
    stvec, set_stvec, "stvec"
);
register!(
    /// The trap stubs' own.
    sscratch, set_sscratch, "sscratch"
);
register!(
    /// Why the last trap came.
    scause, set_scause, "scause"
);
register!(
    /// What the last trap was about.
    stval, set_stval, "stval"
);
register!(
    /// Where the last trap came from.
    sepc, set_sepc, "sepc"
);
register!(
    /// The root of the address space.
    satp, set_satp, "satp"
);
register!(
    /// Which counters user mode may read.
    scounteren, set_scounteren, "scounteren"
);

/// Sets bits of `sstatus`.
///
/// # Safety
/// As for [`set_sstatus`].
#[inline(always)]
pub unsafe fn raise_sstatus(bits: u64) {
    // SAFETY: the caller's promise.
    unsafe { asm!("csrs sstatus, {}", in(reg) bits, options(nostack, preserves_flags)) };
}

/// Clears bits of `sstatus`.
///
/// # Safety
/// As for [`set_sstatus`].
#[inline(always)]
pub unsafe fn lower_sstatus(bits: u64) {
    // SAFETY: the caller's promise.
    unsafe { asm!("csrc sstatus, {}", in(reg) bits, options(nostack, preserves_flags)) };
}

/// The time.
#[inline(always)]
pub fn time() -> u64 {
    let value;
    // SAFETY: reading it has no effect; the kernel's order of reads is kept.
    unsafe { asm!("rdtime {}", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Cycles of this hart.
#[inline(always)]
pub fn cycles() -> u64 {
    let value;
    // SAFETY: reading it has no effect. Firmware that starts kernels lets them read counters.
    unsafe { asm!("rdcycle {}", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// What was written before is visible to all that reads or executes it afterwards.
pub fn fence_all() {
    // SAFETY: orders accesses, and has no other effect.
    unsafe { asm!("fence", "fence.i", options(nostack, preserves_flags)) };
}

/// Waits until an enabled interrupt waits, taken or not.
#[inline(always)]
pub fn wait() {
    // SAFETY: has no effect but to pass time.
    unsafe { asm!("wfi", options(nomem, nostack, preserves_flags)) };
}

/// Does nothing more, ever.
pub fn stop() -> ! {
    // SAFETY: no interrupt is of interest any more.
    unsafe { set_sie(0) };
    loop {
        wait();
    }
}
