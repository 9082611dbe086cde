//! The small scopes: explored at every push, with the exact counts of what was explored.

use spec::explore::{Counts, Scope, explore};
use spec::scopes;
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
fn exactly(scope: Scope, states: usize, transitions: usize, successes: usize) {
    let counts = run(scope);
    let found = (counts.states, counts.transitions, counts.successes);
    assert_eq!(
        found,
        (states, transitions, successes),
        "states, transitions, successes"
    );
}

#[test]
fn derivation() {
    exactly(scopes::derivation(5), 4894, 446_616, 24_693);
}

#[test]
fn messages_between_three() {
    exactly(scopes::messages_between_three(60), 28_671, 118_625, 2475);
}

#[test]
fn capabilities_by_message() {
    exactly(scopes::capabilities_by_message(7), 42_581, 127_150, 36_054);
}

#[test]
fn signals() {
    exactly(scopes::signals(8), 21_154, 133_471, 51_566);
}

#[test]
fn everything_ends() {
    exactly(scopes::everything_ends(2), 98, 627, 235);
}
