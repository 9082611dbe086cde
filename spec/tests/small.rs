//! The small scopes: explored at every push, with the exact counts of what was explored: states,
//! transitions, answers of success.

mod common;

use common::exactly;
use spec::explore::{call, replay};
use spec::scopes;

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
    exactly(scopes::capabilities_by_message(7), 45_447, 138_786, 34_297);
}

#[test]
fn signals() {
    exactly(scopes::signals(6), 12_609, 72_435, 26_714);
}

#[test]
fn everything_ends() {
    let counts = exactly(scopes::everything_ends(4), 5799, 33_575, 12_689);
    assert_eq!(counts.interrupted, 18_460, "calls with an interrupt");
}

#[test]
fn budgets() {
    exactly(scopes::budgets(4, 0), 5814, 9316, 1896);
}

#[test]
fn sporadic_budgets() {
    exactly(scopes::budgets(4, 1), 6171, 9810, 2013);
}

/// Found by exploration: the memory that a CNode is made of is revoked by a slot of that CNode.
#[test]
fn a_revoked_slot_may_end_with_its_cnode() {
    let mut scope = scopes::everything_ends(0);
    let steps = [
        call(-1, [3, 0, 0], 0, &[], &[]),
        call(-1, [0, 0, 0], 18, &[6, 3], &[]),
    ];
    replay(&mut scope, &steps).unwrap_or_else(|found| panic!("{found}"));
}
