//! The small scopes: explored at every push, with the exact counts of what was explored: states,
//! transitions, answers of success.

mod common;

use common::exactly;
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
    exactly(scopes::signals(7), 22_888, 143_291, 52_891);
}

#[test]
fn everything_ends() {
    let counts = exactly(scopes::everything_ends(2), 98, 627, 235);
    assert_eq!(counts.interrupted, 239, "calls with an interrupt");
}

#[test]
fn budgets() {
    exactly(scopes::budgets(4, 0), 5814, 9316, 1896);
}

#[test]
fn sporadic_budgets() {
    exactly(scopes::budgets(4, 1), 6171, 9810, 2013);
}
