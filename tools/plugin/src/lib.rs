//! Counts what a machine does between two marks: a plugin for QEMU's translator (version 10).
//!
//! Marks are addresses of instructions: of the functions that a benchmark calls before and after
//! what it measures. What is executed between them is counted by whose it is, which follows from
//! the address: the kernel's, the firmware's, or user space's. For each pair of marks a line of
//! JSON is written, see [`region::Region::line`].
//!
//! ```text
//! -plugin FILE,out=FILE,begin=HEX,end=HEX,kernel=HEX[,firmware=HEX-HEX][,boot=HEX-HEX][,histogram=N,histogram_out=FILE]
//! ```
//!
//! `kernel` is its lowest address. `boot` is another pair of marks, which is met once: the
//! kernel's first instruction and the first user thread's. `histogram` asks for the addresses
//! executed in the N-th region (from 0), each with its count, in a file of its own.
#![deny(unsafe_code)]
// Tests have no QEMU to be linked with.
#![cfg_attr(test, expect(dead_code, reason = "parts that QEMU calls"))]

#[cfg(not(test))]
mod counting;
mod options;
#[cfg(not(test))]
#[expect(unsafe_code, reason = "QEMU's side is written in C")]
mod qemu;
mod region;
