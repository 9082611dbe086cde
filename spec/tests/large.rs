//! The large scopes: the same worlds, deeper. Minutes each:
//!
//! `cargo test -p linchpin-spec --test large -- --ignored`

mod common;

use common::exactly;
use spec::scopes;

#[test]
#[ignore = "minutes"]
fn derivation() {
    exactly(scopes::derivation(7), 16_989, 0, 89_600);
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
    exactly(scopes::signals(60), 0, 0, 0);
}
