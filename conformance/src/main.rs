//! What every implementation of the API must do: a root task with a test for each behaviour.
//!
//! A test gets a [`World`](world::World): fresh memory, empty slots, threads. It says what must
//! hold, in terms of the API alone, so the suite can be run on any kernel that implements it.
//!
//! One line per test on the console, a closing line, and the exit code. A build with
//! `LINCHPIN_TEST_FILTER=word` runs the tests whose names contain the word.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod isa;
mod probes;
mod report;
mod tests;
mod threads;
mod world;

use report::{Outcome, Tally};
use user_runtime::prelude::*;
use world::World;

user_runtime::entry!(main);

/// The driver's priority: there is room above and below for the threads of tests.
pub(crate) const DRIVER_PRIORITY: Word = 100;

/// One behaviour.
pub(crate) struct Test {
    name: &'static str,
    body: fn(&mut World) -> Outcome,
}

/// A list of tests named after their functions: `list!["group": first, second]`.
macro_rules! list {
    ($group:literal: $($test:ident),* $(,)?) => {
        /// The tests of this file.
        pub(crate) const TESTS: &[$crate::Test] =
            &[$($crate::Test { name: concat!($group, "::", stringify!($test)), body: $test }),*];
    };
}
pub(crate) use list;

fn main(boot: &'static BootInfo) -> u32 {
    let mut world = match World::new(boot) {
        Ok(world) => world,
        Err(error) => {
            println!("conformance: no memory for the tests: {error:?}");
            return 1;
        }
    };
    let filter = option_env!("LINCHPIN_TEST_FILTER").unwrap_or("");
    let mut tally = Tally::default();
    for test in tests::ALL
        .iter()
        .copied()
        .flatten()
        .filter(|test| test.name.contains(filter))
    {
        println!("-- {}", test.name);
        let outcome = (test.body)(&mut world).and_then(|()| world.clean());
        tally.count(test.name, &outcome);
        if outcome.is_err() && world.clean().is_err() {
            println!(
                "conformance: the memory of {} cannot be had back",
                test.name
            );
            break;
        }
    }
    probes::run(&mut world, filter, &mut tally);
    tally.close()
}
