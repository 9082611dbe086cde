//! What a simulated Rocket core needs instead of firmware: it opens memory and counters to the
//! kernel, hands traps over to it, and does in machine mode the little that a kernel asks for.
//!
//! | asked for | answer |
//! |---|---|
//! | the timer (SBI, extension and legacy) | the comparator of the core's own timer |
//! | which extensions there are | the timer's |
//! | a byte for the console (legacy) | the test bench's serial line |
//! | the end (legacy) | the test bench's exit device |
//! | `rdtime`, which this core does not have | the core's own timer |
//!
//! Any other illegal instruction is the supervisor's to handle.
#![cfg_attr(target_arch = "riscv64", no_std, no_main)]

#[cfg(target_arch = "riscv64")]
mod shim;

/// On other machines there is nothing to run.
#[cfg(not(target_arch = "riscv64"))]
fn main() {}
