//! The kernel against its specification: an input is a long way through one of the worlds that are
//! explored breadth first, by calls of its alphabet, as they are or with other contents of registers,
//! and by time, interrupts and faults. Each step is judged as in exploration.

use std::cell::RefCell;
use std::collections::BTreeMap;

use abi::{PROFILE, Word};
use spec::explore::{Scope, Step};
use spec::model::Request;
use spec::model::state::Trap;
use spec::scopes;
use spec::walk::Walk;

use crate::bytes::Input;
use crate::system_calls::BORDERS;

/// A way ends here.
const MOST_STEPS: u64 = 2000;

/// The worlds, without those in which a step takes long.
const WORLDS: &[fn() -> Scope] = &[
    || scopes::derivation(0),
    || scopes::messages_between_three(0),
    || scopes::capabilities_by_message(0),
    || scopes::signals(0),
    || scopes::everything_ends(0),
    || scopes::budgets(0, 0),
    || scopes::budgets(0, 1),
    || scopes::address_spaces(0),
    || scopes::interrupts(0),
    || scopes::threads(0),
    || scopes::faults(0),
    || scopes::domains(0),
];

thread_local! {
    /// The worlds that have been made.
    static WALKS: RefCell<BTreeMap<usize, Walk>> = const { RefCell::new(BTreeMap::new()) };
}

/// Takes the steps that the input says. Answers how many.
pub fn run(bytes: &[u8]) -> u64 {
    let mut input = Input::new(bytes);
    // The last world is one of several domains.
    let worlds = WORLDS.len() - usize::from(PROFILE.num_domains == 1);
    let which = usize::from(input.byte()) % worlds;
    WALKS.with_borrow_mut(|walks| {
        let walk = walks
            .entry(which)
            .or_insert_with(|| Walk::new(WORLDS[which]()));
        walk.begin();
        go(walk, input)
    })
}

fn go(walk: &mut Walk, mut input: Input<'_>) -> u64 {
    let mut taken = 0;
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        let step = step(&walk.scope, &mut input);
        match walk.step(&step) {
            Ok(was) => taken += u64::from(was),
            Err(found) => panic!("{found}"),
        }
        if !walk.somebody_runs() && walk.scope.lines.is_empty() {
            // Somebody may wait for time.
            match walk.step(&Step::Pass(5000)) {
                Ok(_) if walk.somebody_runs() => {}
                Ok(_) => walk.begin(),
                Err(found) => panic!("{found}"),
            }
        }
    }
    taken
}

fn step(scope: &Scope, input: &mut Input<'_>) -> Step {
    let what = input.byte();
    let often = |more: bool| if more { 32 } else { 2 };
    let time = often(!scope.pauses.is_empty());
    let traps = often(!scope.traps.is_empty());
    match what {
        what if what < time => Step::Pass(pause(scope, input)),
        what if what < time + traps => Step::Trap(trap(input)),
        what if what < time + traps + 32 && !scope.lines.is_empty() => {
            let which = usize::from(input.byte());
            Step::Raise(scope.lines[which % scope.lines.len()])
        }
        _ => Step::Call(call(scope, input)),
    }
}

fn pause(scope: &Scope, input: &mut Input<'_>) -> u64 {
    let byte = usize::from(input.byte());
    match scope.pauses.get(byte % 8) {
        Some(ticks) => *ticks,
        None => byte as u64 * u64::from(input.byte()),
    }
}

fn trap(input: &mut Input<'_>) -> Trap {
    match input.byte() % 3 {
        0 => Trap::Exception {
            number: word(input),
            code: word(input),
        },
        kind => Trap::Memory {
            address: word(input),
            status: word(input),
            instruction: kind == 1,
        },
    }
}

/// A call of the alphabet, often with something else in its registers.
fn call(scope: &Scope, input: &mut Input<'_>) -> Request {
    let mut any = || {
        let which = usize::from(input.byte()) << 8 | usize::from(input.byte());
        &scope.calls[which % scope.calls.len()]
    };
    let (mut request, other) = (any().clone(), any());
    let changes = match input.byte() {
        0..160 => 0,
        160..230 => 1,
        _ => 2,
    };
    for _ in 0..changes {
        change(&mut request, other, input);
    }
    request
}

fn change(request: &mut Request, other: &Request, input: &mut Input<'_>) {
    let (field, value) = (input.byte(), input.byte());
    let small = Word::from(value % 18);
    match field % 9 {
        0 => request.cap = small,
        1 => request.reply = small,
        2 => request.destination = small,
        3 => request.syscall = -1 - i64::from(value % 11),
        4 => {
            let n = usize::from(value) % request.words.len().max(1);
            let word = word(input);
            request
                .words
                .splice(n..request.words.len().min(n + 1), [word]);
        }
        5 => {
            let n = usize::from(value) % request.caps.len().max(1);
            let cap = Word::from(input.byte() % 18);
            request.caps.splice(n..request.caps.len().min(n + 1), [cap]);
        }
        6 => drop(request.words.pop()),
        7 => request.caps.truncate(usize::from(value % 3)),
        _ => {
            request.label = other.label;
            request.words.clone_from(&other.words);
        }
    }
}

fn word(input: &mut Input<'_>) -> Word {
    match input.byte() {
        255 => input.word(),
        byte @ 200.. => BORDERS[usize::from(byte - 200) % BORDERS.len()],
        byte => Word::from(byte % 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mutator;

    fn noise(world: u8, seed: u64) -> Vec<u8> {
        let mut bytes = Mutator::new(seed).input(&[], 4000);
        bytes[0] = world;
        bytes
    }

    #[test]
    fn every_world_is_walked() {
        let worlds = WORLDS.len() - usize::from(PROFILE.num_domains == 1);
        for world in 0..worlds {
            let steps: u64 = (0..4).map(|seed| run(&noise(world as u8, seed))).sum();
            assert!(steps > 100, "world {world}: {steps} steps");
        }
    }

    /// The negative control: a kernel that does something else than the specification is noticed.
    #[test]
    #[should_panic(expected = "the kernel and the specification disagree")]
    fn another_state_than_specified_is_noticed() {
        let mut walk = Walk::new(scopes::signals(0));
        let thread = walk.scope.world.players[0].tcb;
        // It would be the same for all that the invariants say.
        walk.scope.world.k[thread].max_controlled_priority = 7;
        for seed in 0..100 {
            go(&mut walk, Input::new(&noise(0, seed)));
        }
    }
}
