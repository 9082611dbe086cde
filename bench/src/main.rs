//! How much each operation of the API costs.
//!
//! An ordinary root task: it uses nothing but the API, so that the same file measures any kernel
//! that implements it. Each operation is brought into its steady state, then repeated between two
//! [marks](measure); what lies between them is counted by a counter that user mode may read, or
//! from outside by a plugin of the emulator. A line for each measurement:
//!
//! ```text
//! {"op":"call","parameter":"words=0 space=other server=passive","count":64,"ticks":45678}
//! ```
//!
//! `count` is how often the operation was made, `ticks` what the counter says of all together, the
//! user's side and the loop around it included.
//!
//! Everything runs on one core, on budgets that last longer than the program, so that no timer
//! interrupts a measurement. A build with `LINCHPIN_BENCH_OPS=call,signal` measures those
//! operations only.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod bench;
#[expect(unsafe_code, reason = "counters, and loops without a stack")]
mod isa;
#[expect(unsafe_code, reason = "marks have names that tools look for")]
mod measure;
mod ops;
mod room;
mod server;
mod space;

use bench::Bench;
use user_runtime::prelude::*;

user_runtime::entry!(main);

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut bench = Bench::new(boot)?;
    ops::run(&mut bench)?;
    println!("bench: all measured");
    Ok(())
}
