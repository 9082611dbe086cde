//! What the examples need of each ISA: a device that ticks, a clock, and names of registers.
//!
//! The examples themselves are the programs in `bin`; start there.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[expect(unsafe_code, reason = "reads counters and device registers")]
pub mod isa;
