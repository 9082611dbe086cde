//! The operations, by what they are about.

mod cnode;
mod fault;
mod interrupt;
mod ipc;
mod memory;
mod scaling;
mod signal;
mod thread;
mod time;

use crate::bench::Bench;
use crate::{isa, measure};
use user_alloc::Result;

/// Measures all that are wanted.
pub(crate) fn run(bench: &mut Bench) -> Result {
    isa::start_counter();
    // What the loop around each operation costs by itself.
    measure::steady("nothing", "", || core::hint::black_box(()));
    let server = ipc::run(bench)?;
    signal::run(bench)?;
    time::run(bench)?;
    fault::run(bench)?;
    memory::run(bench)?;
    cnode::run(bench)?;
    thread::run(bench)?;
    interrupt::run(bench)?;
    scaling::run(bench, server)
}
