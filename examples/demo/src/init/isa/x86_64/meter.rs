//! Measurements by the time-stamp counter.

use crate::init::bench::Unit;
use core::arch::x86_64::__cpuid;
pub(crate) use demo_common::clock::now as counts;

/// Round trips of a batch.
pub(crate) const BATCH: u64 = 100;
/// An emulator may count an instruction as one count, or two, or four.
pub(crate) const MAY_COUNT_INSTRUCTIONS: bool = true;

/// What is counted if not instructions.
pub(crate) fn unit() -> Unit {
    Unit::Counts {
        name: "cycles",
        meaning: if is_emulated() {
            "(an emulator's clock while it translates: compare them with each other only)"
        } else {
            "(the processor's time-stamp counter)"
        },
    }
}

/// Whether this is QEMU's translator, as it says itself.
fn is_emulated() -> bool {
    const HYPERVISOR: u32 = 0x4000_0000;
    let leaf = __cpuid(HYPERVISOR);
    [leaf.ebx, leaf.ecx, leaf.edx].map(u32::to_le_bytes) == [*b"TCGT", *b"CGTC", *b"GTCG"]
}
