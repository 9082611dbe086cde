//! The large scopes: the same worlds, deeper, on x86_64. Up to a minute each:
//!
//! `cargo test -p linchpin-spec --test large -- --ignored`

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
    exactly(scopes::budgets(6, 0), 281_276, 514_020, 116_460);
}

#[test]
#[ignore = "minutes"]
fn sporadic_budgets() {
    exactly(scopes::budgets(6, 1), 320_149, 577_580, 131_721);
}

#[test]
#[ignore = "minutes"]
fn signals() {
    exactly(scopes::signals(9), 45_025, 310_608, 114_099);
}

#[test]
#[ignore = "minutes"]
fn capabilities_by_message() {
    exactly(scopes::capabilities_by_message(9), 89_141, 293_885, 71_857);
}

#[test]
#[ignore = "minutes"]
fn everything_ends() {
    let counts = exactly(scopes::everything_ends(5), 38_736, 224_103, 71_725);
    assert_eq!(counts.interrupted, 99_464, "calls with an interrupt");
}

#[test]
#[ignore = "minutes"]
fn address_spaces() {
    exactly(scopes::address_spaces(5), 140_012, 1_861_930, 747_442);
}

#[test]
#[ignore = "minutes"]
fn interrupts() {
    exactly(scopes::interrupts(8), 34_939, 503_873, 214_536);
}

#[test]
#[ignore = "minutes"]
fn threads() {
    exactly(scopes::threads(6), 137_896, 1_170_081, 478_048);
}

#[test]
#[ignore = "minutes"]
fn much_memory() {
    let counts = exactly(scopes::much_memory(5), 704, 10_936, 3574);
    assert_eq!(counts.interrupted, 5060, "calls with an interrupt");
}
