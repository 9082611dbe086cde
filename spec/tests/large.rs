//! The large scopes: the same worlds, deeper. Minutes each:
//!
//! `cargo test -p linchpin-spec --test large -- --ignored`

mod common;

use abi::Isa;
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
    exactly(scopes::budgets(6, 0), 0, 0, 0);
}

#[test]
#[ignore = "minutes"]
fn sporadic_budgets() {
    exactly(scopes::budgets(6, 1), 0, 0, 0);
}

#[test]
#[ignore = "minutes"]
fn signals() {
    exactly(scopes::signals(9), 0, 0, 0);
}

#[test]
#[ignore = "minutes"]
fn capabilities_by_message() {
    exactly(scopes::capabilities_by_message(9), 89_141, 293_885, 71_857);
}

#[test]
#[ignore = "minutes"]
fn everything_ends() {
    let counts = exactly(scopes::everything_ends(5), 0, 0, 0);
    assert_eq!(counts.interrupted, 0, "calls with an interrupt");
}

#[test]
#[ignore = "minutes"]
fn address_spaces() {
    let [states, transitions, successes] = match abi::ISA {
        Isa::X86_64 => [0, 0, 0],
        Isa::AArch64 => [0, 0, 0],
        Isa::RiscV64 => [0, 0, 0],
    };
    exactly(scopes::address_spaces(5), states, transitions, successes);
}

#[test]
#[ignore = "minutes"]
fn interrupts() {
    exactly(scopes::interrupts(8), 0, 0, 0);
}

#[test]
#[ignore = "minutes"]
fn threads() {
    exactly(scopes::threads(6), 0, 0, 0);
}

#[test]
#[ignore = "minutes"]
fn much_memory() {
    let counts = exactly(scopes::much_memory(5), 0, 0, 0);
    assert_eq!(counts.interrupted, 0, "calls with an interrupt");
}
