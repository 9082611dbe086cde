//! Protections that are switched on once, and what is done against speculation
//! (docs/security.md).

use super::cpuid::Features;
use super::registers::{self, msr};

const CR0_WRITE_PROTECT: u64 = 1 << 16;
const CR4_MACHINE_CHECK: u64 = 1 << 6;
const CR4_USER_COUNTERS: u64 = 1 << 8;
const CR4_UMIP: u64 = 1 << 11;
const CR4_FSGSBASE: u64 = 1 << 16;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;
const EFER_NO_EXECUTE: u64 = 1 << 11;
const SPEC_IBRS: u64 = 1 << 0;
const SPEC_STIBP: u64 = 1 << 1;
const PRED_IBPB: u64 = 1;

/// Page attribute 4 (PAT bit alone) means write-combining; the others are as after reset:
/// write-back, write-through, uncached unless a range register says otherwise, uncached.
const MEMORY_TYPES: u64 = 0x0007_0401_0007_0406;

/// Lets page tables forbid execution. Comes first: without it the bit is reserved.
pub fn allow_no_execute() {
    // SAFETY: 64-bit processors have the register.
    let efer = unsafe { registers::read_msr(msr::EFER) };
    // SAFETY: the caller has checked that the processor has NX.
    unsafe { registers::write_msr(msr::EFER, efer | EFER_NO_EXECUTE) };
}

/// Switches on what the processor has.
pub fn start(features: &Features) {
    // SAFETY: no read-only page of ours is written.
    unsafe { registers::set_cr0(registers::cr0() | CR0_WRITE_PROTECT) };
    let wanted = [
        (features.machine_check, CR4_MACHINE_CHECK),
        (abi::PROFILE.export_pmc_user, CR4_USER_COUNTERS),
        (features.umip, CR4_UMIP),
        (features.fsgsbase, CR4_FSGSBASE),
        (features.smep, CR4_SMEP),
        (features.smap, CR4_SMAP),
    ];
    let bits = wanted
        .into_iter()
        .filter(|(there, _)| *there)
        .fold(0, |bits, (_, bit)| bits | bit);
    // SAFETY: CPUID shows these features; the kernel touches user memory only through its own
    // window, whose pages are the kernel's.
    unsafe { registers::set_cr4(registers::cr4() | bits) };
    // SAFETY: PAT was checked at boot; no page of ours uses attribute 4.
    unsafe { registers::write_msr(msr::PAT, MEMORY_TYPES) };
    let mut control = 0;
    if features.enhanced_ibrs {
        control |= SPEC_IBRS;
    }
    if features.stibp {
        control |= SPEC_STIBP;
    }
    if control != 0 {
        // SAFETY: either feature implies the register.
        unsafe { registers::write_msr(msr::SPEC_CTRL, control) };
    }
}

/// Forgets what earlier code has taught the branch predictor.
pub fn forget_predictions(features: &Features) {
    if features.ibpb {
        // SAFETY: the feature implies the register.
        unsafe { registers::write_msr(msr::PRED_CMD, PRED_IBPB) };
    }
}
