//! The large scopes: the same worlds, deeper. Minutes each:
//!
//! `cargo test --release -p linchpin-spec --test large -- --ignored`

mod common;

use common::exactly;
use spec::scopes;

#[test]
#[ignore = "minutes"]
fn derivation() {
    exactly(scopes::derivation(6), 9921, 994_256, 50_672);
}

#[test]
#[ignore = "minutes"]
fn budgets() {
    exactly(scopes::budgets(6, 0), 262_075, 455_705, 86_715);
}

#[test]
#[ignore = "minutes"]
fn sporadic_budgets() {
    exactly(scopes::budgets(6, 1), 283_014, 490_020, 94_053);
}

#[test]
#[ignore = "minutes"]
fn signals() {
    exactly(scopes::signals(9), 43_336, 303_601, 111_859);
}

#[test]
#[ignore = "minutes"]
fn capabilities_by_message() {
    exactly(scopes::capabilities_by_message(9), 89_141, 293_885, 71_857);
}

#[test]
#[ignore = "minutes"]
fn everything_ends() {
    let counts = exactly(scopes::everything_ends(5), 26_870, 176_270, 57_185);
    assert_eq!(counts.interrupted, 74_903, "calls with an interrupt");
}
