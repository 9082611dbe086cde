//! Floating-point and vector state. While the live registers are not the running thread's, each use
//! in user mode traps.

use super::registers::write;
use core::arch::asm;

/// CPACR_EL1.FPEN: user mode traps, the kernel does not.
const TRAP_USER: u64 = 1 << 20;
const TRAP_NONE: u64 = 3 << 20;

/// Lets user space use the registers, or makes each use trap, from the next return to user mode on.
#[inline(always)]
pub fn enable(enabled: bool) {
    let value = if enabled { TRAP_NONE } else { TRAP_USER };
    // SAFETY: traps of user mode go to the kernel, which is prepared for them.
    unsafe { write!("cpacr_el1", value) };
}

/// Saves the live registers at `area`.
///
/// # Safety
/// `area` is a thread's FPU area: 528 writable bytes, aligned to 16.
#[inline]
pub unsafe fn save(area: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            ".arch_extension fp",
            ".arch_extension simd",
            "stp q0, q1, [{area}, #0]",
            "stp q2, q3, [{area}, #32]",
            "stp q4, q5, [{area}, #64]",
            "stp q6, q7, [{area}, #96]",
            "stp q8, q9, [{area}, #128]",
            "stp q10, q11, [{area}, #160]",
            "stp q12, q13, [{area}, #192]",
            "stp q14, q15, [{area}, #224]",
            "stp q16, q17, [{area}, #256]",
            "stp q18, q19, [{area}, #288]",
            "stp q20, q21, [{area}, #320]",
            "stp q22, q23, [{area}, #352]",
            "stp q24, q25, [{area}, #384]",
            "stp q26, q27, [{area}, #416]",
            "stp q28, q29, [{area}, #448]",
            "stp q30, q31, [{area}, #480]",
            "mrs {status}, fpsr",
            "mrs {control}, fpcr",
            "add {area}, {area}, #512",
            "stp {status}, {control}, [{area}]",
            area = inout(reg) area => _,
            status = out(reg) _,
            control = out(reg) _,
            options(nostack, preserves_flags)
        );
    }
}

/// Loads the registers from `area`.
///
/// # Safety
/// `area` is a thread's FPU area, written by [`save`] or all zero.
#[inline]
pub unsafe fn restore(area: *const u8) {
    // SAFETY: the caller's promise; kernel code uses none of these registers.
    unsafe {
        asm!(
            ".arch_extension fp",
            ".arch_extension simd",
            "ldp q0, q1, [{area}, #0]",
            "ldp q2, q3, [{area}, #32]",
            "ldp q4, q5, [{area}, #64]",
            "ldp q6, q7, [{area}, #96]",
            "ldp q8, q9, [{area}, #128]",
            "ldp q10, q11, [{area}, #160]",
            "ldp q12, q13, [{area}, #192]",
            "ldp q14, q15, [{area}, #224]",
            "ldp q16, q17, [{area}, #256]",
            "ldp q18, q19, [{area}, #288]",
            "ldp q20, q21, [{area}, #320]",
            "ldp q22, q23, [{area}, #352]",
            "ldp q24, q25, [{area}, #384]",
            "ldp q26, q27, [{area}, #416]",
            "ldp q28, q29, [{area}, #448]",
            "ldp q30, q31, [{area}, #480]",
            "add {area}, {area}, #512",
            "ldp {status}, {control}, [{area}]",
            "msr fpsr, {status}",
            "msr fpcr, {control}",
            area = inout(reg) area => _,
            status = out(reg) _,
            control = out(reg) _,
            options(nostack, readonly, preserves_flags)
        );
    }
}
