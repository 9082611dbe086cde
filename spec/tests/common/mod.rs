//! Runs a scope and asserts what was explored.

use spec::explore::{Counts, Scope, explore};
use std::time::Instant;

fn run(mut scope: Scope) -> Counts {
    let start = Instant::now();
    let calls = scope.calls.len();
    let counts = explore(&mut scope).unwrap_or_else(|found| panic!("{found}"));
    let seconds = start.elapsed().as_secs_f64();
    let rate = counts.transitions as f64 / seconds;
    println!(
        "{}: {calls} calls, {counts:?}, {seconds:.1} s, {rate:.0} transitions/s",
        scope.name
    );
    counts
}

/// Asserts what was explored: a scope that has shrunk checks less than it says.
pub(crate) fn exactly(scope: Scope, states: usize, transitions: usize, successes: usize) -> Counts {
    let counts = run(scope);
    let found = (counts.states, counts.transitions, counts.successes);
    assert_eq!(
        found,
        (states, transitions, successes),
        "states, transitions, successes"
    );
    counts
}
