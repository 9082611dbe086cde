//! What every implementation of the API must do: root tasks that try it.
//!
//! The [`suite`] has a test for each behaviour. A test gets a world: fresh memory, empty slots,
//! threads. It says what must hold, in terms of the API alone, so that the suite can be run on any
//! kernel that implements it. One line per test on the console, a closing line, and the exit code.
//! A build with `LINCHPIN_TEST_FILTER=word` runs the tests whose names contain the word.
//!
//! [`stress`] is hostile user space: nothing is expected of a single call, everything of the whole.
#![no_std]
#![deny(unsafe_code)]

mod isa;
mod probes;
mod report;
pub mod stress;
pub mod suite;
mod tests;
mod threads;
mod world;

pub(crate) use suite::{Test, list};

/// The driver's priority: there is room above and below for the threads of tests.
const DRIVER_PRIORITY: abi::Word = 100;
