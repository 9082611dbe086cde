//! AArch64: QEMU's machine `virt`.

pub(crate) mod caps;
#[expect(unsafe_code, reason = "reads the real-time clock's page")]
pub(crate) mod clock;
pub(crate) mod devices;
pub(crate) mod meter;

use abi::Word;

/// Microseconds of a tick, and how many of them an experiment waits for. The device counts
/// seconds.
pub(crate) const TICK: Word = 1_000_000;
/// As said.
pub(crate) const TICKS: Word = 3;
