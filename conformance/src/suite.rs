//! The suite: every test in its order, then every probe.

use crate::probes;
use crate::report::{Outcome, Tally};
use crate::tests;
use crate::world::World;
use abi::bootinfo::BootInfo;
use user_runtime::println;

/// One behaviour.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) body: fn(&mut World) -> Outcome,
}

/// A list of tests named after their functions: `list!["group": first, second]`.
macro_rules! list {
    ($group:literal: $($test:ident),* $(,)?) => {
        /// The tests of this file.
        pub(crate) const TESTS: &[$crate::suite::Test] =
            &[$($crate::suite::Test { name: concat!($group, "::", stringify!($test)), body: $test }),*];
    };
}
pub(crate) use list;

/// Runs the suite; the exit code.
pub fn run(boot: &'static BootInfo) -> u32 {
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
