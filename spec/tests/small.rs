//! The small scopes: explored at every push, with the exact counts of what was explored: states,
//! transitions, answers of success. On x86_64 all of it; on the other ISAs, whose kernel differs
//! in address spaces and registers only, those in full and the rest less deep.

mod common;

use abi::Isa;
use abi::invocation::{Invocation, LABELS};
use abi::object::{OBJECT_TYPES, ObjectType};
use common::exactly;
use spec::explore::{Scope, call, replay};
use spec::scopes;

/// States, transitions, successes.
type Counts = [usize; 3];

/// Explores to the first depth on x86_64, to the second on others.
fn explored(scope: fn(usize) -> Scope, all: (usize, Counts), less: (usize, Counts)) {
    let (depth, [states, transitions, successes]) = match abi::ISA {
        Isa::X86_64 => all,
        Isa::AArch64 | Isa::RiscV64 => less,
    };
    exactly(scope(depth), states, transitions, successes);
}

#[test]
fn derivation() {
    explored(
        scopes::derivation,
        (5, [4894, 446_616, 24_693]),
        (3, [706, 37_336, 2817]),
    );
}

#[test]
fn messages_between_three() {
    explored(
        scopes::messages_between_three,
        (60, [28_485, 118_625, 2475]),
        (5, [7169, 30_200, 950]),
    );
}

#[test]
fn capabilities_by_message() {
    explored(
        scopes::capabilities_by_message,
        (7, [45_447, 138_786, 34_297]),
        (5, [13_003, 33_911, 8651]),
    );
}

#[test]
fn signals() {
    explored(
        scopes::signals,
        (6, [12_629, 72_455, 26_721]),
        (4, [1800, 8060, 2901]),
    );
}

#[test]
fn everything_ends() {
    let (depth, expected, interrupted) = match abi::ISA {
        Isa::X86_64 => (4, [8314, 42_877, 15_869], 24_599),
        Isa::AArch64 | Isa::RiscV64 => (3, [1200, 6091, 2467], 3832),
    };
    let [states, transitions, successes] = expected;
    let counts = exactly(
        scopes::everything_ends(depth),
        states,
        transitions,
        successes,
    );
    assert_eq!(counts.interrupted, interrupted, "calls with an interrupt");
}

#[test]
fn budgets() {
    explored(
        |depth| scopes::budgets(depth, 0),
        (4, [6043, 10_248, 2338]),
        (3, [762, 1316, 289]),
    );
}

#[test]
fn sporadic_budgets() {
    explored(
        |depth| scopes::budgets(depth, 1),
        (4, [6608, 10_990, 2514]),
        (3, [815, 1358, 299]),
    );
}

#[test]
fn address_spaces() {
    let [states, transitions, successes] = match abi::ISA {
        Isa::X86_64 => [26_599, 277_130, 117_565],
        Isa::AArch64 => [28_413, 286_650, 124_197],
        Isa::RiscV64 => [24_995, 260_680, 113_265],
    };
    exactly(scopes::address_spaces(4), states, transitions, successes);
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

#[test]
fn interrupts() {
    explored(
        scopes::interrupts,
        (6, [9569, 103_411, 43_329]),
        (5, [3810, 35_708, 14_880]),
    );
}

#[test]
fn threads() {
    explored(
        scopes::threads,
        (4, [14_853, 103_906, 45_146]),
        (3, [2863, 17_099, 7784]),
    );
}

/// Found by exploration: the time of a caller that ends came back to it, and its scheduling context
/// kept a link to a thread that was gone.
#[test]
fn the_time_of_a_caller_that_ends_stays_with_the_server() {
    let mut scope = scopes::threads(0);
    let delete = LABELS.label(Invocation::CNodeDelete).unwrap_or_default();
    let steps = [
        call(-7, [5, 7, 0], 0, &[], &[]),
        call(-1, [0, 0, 0], delete, &[4, 4], &[]),
        call(-1, [5, 0, 0], 0, &[], &[]),
        call(-1, [0, 0, 0], delete, &[1, 4], &[]),
    ];
    replay(&mut scope, &steps).unwrap_or_else(|found| panic!("{found}"));
}

/// Found by exploration: who yielded to a thread was not answered as that thread ended.
#[test]
fn a_yield_to_a_thread_that_ends_is_answered() {
    let mut scope = scopes::threads(0);
    let label = |invocation| LABELS.label(invocation).unwrap_or_default();
    let delete = label(Invocation::CNodeDelete);
    let steps = [
        call(
            -1,
            [1, 0, 0],
            label(Invocation::TcbSetPriority),
            &[101],
            &[2],
        ),
        call(
            -1,
            [3, 0, 0],
            label(Invocation::SchedContextYieldTo),
            &[],
            &[],
        ),
        call(-1, [0, 0, 0], delete, &[4, 4], &[]),
        call(-1, [0, 0, 0], delete, &[1, 4], &[]),
    ];
    replay(&mut scope, &steps).unwrap_or_else(|found| panic!("{found}"));
}

#[test]
fn faults() {
    let [states, transitions, successes] = match abi::ISA {
        Isa::X86_64 => [10_876, 27_670, 5863],
        Isa::AArch64 => [11_488, 28_730, 6038],
        Isa::RiscV64 => [10_982, 27_654, 5805],
    };
    exactly(scopes::faults(5), states, transitions, successes);
}

#[test]
fn large_pages() {
    let [states, transitions, successes] = match abi::ISA {
        Isa::X86_64 => [774, 10_920, 4588],
        Isa::AArch64 => [887, 11_795, 5047],
        Isa::RiscV64 => [866, 11_690, 4874],
    };
    exactly(scopes::large_pages(4), states, transitions, successes);
}

#[test]
fn much_memory() {
    let counts = exactly(scopes::much_memory(3), 198, 2288, 758);
    assert_eq!(counts.interrupted, 1510, "calls with an interrupt");
}

/// A page is mapped over another, which is unmapped then: it is no longer there.
#[test]
fn a_page_takes_the_place_of_another() {
    let mut scope = scopes::address_spaces(0);
    let (page, map, unmap) = match abi::ISA {
        Isa::X86_64 => (
            ObjectType::X86SmallPage,
            Invocation::X86PageMap,
            Invocation::X86PageUnmap,
        ),
        Isa::AArch64 => (
            ObjectType::ArmSmallPage,
            Invocation::ArmPageMap,
            Invocation::ArmPageUnmap,
        ),
        Isa::RiscV64 => (
            ObjectType::RiscvSmallPage,
            Invocation::RiscvPageMap,
            Invocation::RiscvPageUnmap,
        ),
    };
    let label = |invocation| LABELS.label(invocation).unwrap_or_default();
    let number = OBJECT_TYPES.number(page).unwrap_or_default();
    let retype = label(Invocation::UntypedRetype);
    let at = [0x1000, 3, 0];
    let steps = [
        call(-1, [10, 0, 0], retype, &[number, 0, 0, 0, 8, 1], &[0]),
        call(-1, [7, 0, 0], label(map), &at, &[1]),
        call(-1, [8, 0, 0], label(map), &at, &[1]),
        call(-1, [7, 0, 0], label(unmap), &[], &[]),
    ];
    replay(&mut scope, &steps).unwrap_or_else(|found| panic!("{found}"));
}
