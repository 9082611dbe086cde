//! Everything that the API means. In reading order:
//!
//! - [`kernel`]: the state; [`entry`]: the one way in and out, and `preemption`, where it gives way;
//! - [`fastpath`]: plans for the most frequent of them; [`syscall`]: the eleven system calls; [`invocation`]: from a capability to an effect;
//! - [`message`], [`ipc`], [`fault`], [`error`]: what threads and kernel say to each other;
//! - [`cspace`], [`cap`], [`cdt`], [`delete`]: capabilities, how they are found, derived, removed;
//! - [`object`]: one file per kernel object; [`queue`]: the one queue;
//! - [`sched`], [`ready`], [`release`]: who runs, who could, and who waits for time; [`time`], [`refill`]: for how long;
//!   `turn`: short ways from one thread to the next; [`timer`]: when it interrupts; [`fpu`]: whose floating-point state is at hand;
//! - [`isa`]: what an instruction set means; [`boot`]: from a memory map to the first thread;
//! - [`check`]: the invariants, executable.
//!
//! No assembly, no device registers: those are the `machine` crate's. Rooms that use `unsafe`
//! are named where their module is declared.
#![cfg_attr(machine = "real", no_std)]
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

pub mod bits;
pub mod boot;
pub mod cap;
pub mod cdt;
pub mod check;
pub mod console;
pub mod cspace;
pub mod delete;
pub mod entry;
pub mod error;
pub mod fastpath;
pub mod fault;
pub mod fpu;
pub mod invocation;
pub mod ipc;
pub mod isa;
pub mod kernel;
pub mod message;
pub mod object;
mod preemption;
pub mod queue;
pub mod ready;
pub mod refill;
pub mod release;
pub mod sched;
pub mod syscall;
pub mod time;
pub mod timer;
mod turn;
pub mod usage;

pub use kernel::Kernel;
