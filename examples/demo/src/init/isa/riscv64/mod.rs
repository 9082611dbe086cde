//! RISC-V: QEMU's machine `virt`.

pub(crate) mod caps;
pub(crate) mod clock;
pub(crate) mod devices;
pub(crate) mod meter;

use abi::Word;

/// Microseconds of a tick, and how many of them an experiment waits for.
pub(crate) const TICK: Word = 10_000;
/// As said.
pub(crate) const TICKS: Word = 10;
