//! Measurements by the cycle counter.

use crate::init::bench::Unit;
pub(crate) use demo_common::clock::cycles as counts;

/// Round trips of a batch.
pub(crate) const BATCH: u64 = 100;
/// An emulator may count an instruction as one count, or two, or four.
pub(crate) const MAY_COUNT_INSTRUCTIONS: bool = true;

/// What is counted if not instructions.
pub(crate) fn unit() -> Unit {
    Unit::Counts {
        name: "cycles",
        meaning: "(the cycle counter; an emulator's is its host's, while it translates)",
    }
}
