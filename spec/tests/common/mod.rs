//! Runs a scope and asserts what was explored.

use spec::explore::{Counts, Scope, explore};
use std::time::{Duration, Instant};

/// How long this thread has had a core, where the host says so.
fn on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

fn run(mut scope: Scope) -> Counts {
    let (start, before) = (Instant::now(), on_core());
    let calls = scope.calls.len();
    let counts = explore(&mut scope).unwrap_or_else(|found| panic!("{found}"));
    let passed = before
        .zip(on_core())
        .map_or(start.elapsed(), |(before, now)| now - before);
    let seconds = passed.as_secs_f64();
    let rate = counts.transitions as f64 / seconds;
    println!(
        "{}: {calls} calls, {counts:?}, {seconds:.1} s of a core, {rate:.0} transitions/s",
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
