//! The world of domains, for a profile that has some; the default one has not. By day:
//!
//! `LINCHPIN_PROFILE=domains cargo test --release -p linchpin-spec --test domains -- --ignored --skip deep`

mod common;

use abi::invocation::{Invocation, LABELS};
use common::exactly;
use spec::explore::{call, replay};
use spec::scopes;

#[test]
#[ignore = "a profile with domains"]
fn domains() {
    assert_eq!(abi::PROFILE.num_domains, 4, "the profile is `domains`");
    exactly(scopes::domains(4), 27_880, 83_961, 27_509);
}

#[test]
#[ignore = "a profile with domains, and half a minute"]
fn deep() {
    assert_eq!(abi::PROFILE.num_domains, 4, "the profile is `domains`");
    exactly(scopes::domains(5), 212_580, 688_615, 222_579);
}

/// Found by exploration: a more important thread is put into the domain whose turn it is, and waits
/// for the next decision. A signal that wakes a thread is one, on the fast way too.
#[test]
#[ignore = "a profile with domains"]
fn a_signal_decides_who_runs_of_those_who_came_into_the_domain() {
    let mut scope = scopes::domains(0);
    let label = |invocation| LABELS.label(invocation).unwrap_or_default();
    let set = label(Invocation::DomainSetSet);
    let start = label(Invocation::DomainScheduleSetStart);
    let steps = [
        call(-1, [4, 0, 0], set, &[1], &[5]),
        call(-1, [4, 0, 0], start, &[1], &[]),
        call(-9, [1, 0, 0], 0, &[], &[]),
        call(-1, [4, 0, 0], set, &[1], &[6]),
        call(-5, [1, 0, 0], 0, &[], &[]),
    ];
    replay(&mut scope, &steps).unwrap_or_else(|found| panic!("{found}"));
}
