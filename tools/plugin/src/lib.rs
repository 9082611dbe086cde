//! Counts what a machine does: a plugin for QEMU's translator (version 10).
//!
//! ## Between two marks
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
//!
//! ## Stays in the kernel
//!
//! ```text
//! -plugin FILE,out=FILE,kernel=HEX,paths=ISA,from=HEX,until=HEX,traps=HEX-HEX,stub=HEX[,firmware=HEX-HEX][,look=HEX-HEX]...
//! ```
//!
//! From the instruction `from` on, each stay in the kernel is measured from its first instruction
//! to the first of user space, or to where it waits for an interrupt; firmware that is called in
//! between belongs to it. `traps` is where others than system calls enter, `stub` the size of what
//! each of them has there: a thread may trap again before its first instruction. `look` are the instructions with which the kernel looks for interrupts.
//! For each way in (address, number and label of a system call, cause of a trap) the longest stay
//! and the longest run without a look are written, with where they were: see
//! [`stay::Records::lines`]. That is done at the instruction `until`, as often as it is met.
#![deny(unsafe_code)]
// Tests have no QEMU to be linked with.
#![cfg_attr(test, expect(dead_code, reason = "parts that QEMU calls"))]

#[cfg(not(test))]
mod counting;
mod machine;
mod options;
#[cfg(not(test))]
mod paths;
#[cfg(not(test))]
#[expect(unsafe_code, reason = "QEMU's side is written in C")]
mod qemu;
mod region;
mod stay;
