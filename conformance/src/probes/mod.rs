//! Every error of every invocation: requests that are wrong in one way each, and the answers.
//!
//! The order of checks is part of the API (which error wins), so the table says exactly what is
//! answered. Its cases run in their order on one set of objects: later ones rely on what earlier
//! ones did.

pub(crate) mod case;
pub(crate) mod table;

use crate::report::{Outcome, Tally, Verdict, check_eq};
use crate::world::World;
use abi::{Invocation, LABELS, PROFILE, Word};
use case::{Ask, Case, Place, Setting, Value};
use user_api::{CPtr, Message, ipc_buffer, syscalls};
use user_runtime::println;

/// Runs all cases, and counts those whose names contain the filter.
pub(crate) fn run(world: &mut World, filter: &str, tally: &mut Tally) {
    let cases = || table::CASES.iter().copied().flatten();
    if !cases().any(|case| case.name.contains(filter)) {
        return;
    }
    let mut setting = Setting::new(world);
    for case in cases() {
        println!("-- {}", case.name);
        let outcome = one(world, &mut setting, case);
        if case.name.contains(filter) {
            tally.count(case.name, &outcome);
        }
    }
    tally.count("probe::clean", &world.clean());
}

fn one(world: &mut World, setting: &mut Setting, case: &Case) -> Outcome {
    if matches!(case.on, Place::Fixed(abi::bootinfo::IO_SPACE)) && PROFILE.iommu {
        return Err(Verdict::Skipped("the profile has IO spaces"));
    }
    setting.prepare(world, case)?;
    let mut words = [0; 8];
    for (place, value) in words.iter_mut().zip(case.words) {
        *place = setting.value(world, *value);
    }
    let mut caps = [CPtr::NULL; ipc_buffer::MAX_CAPS];
    for (place, cap) in caps.iter_mut().zip(case.caps) {
        *place = setting.place(world, *cap);
    }
    let Some(label) = label(case.ask) else {
        return Err(Verdict::Skipped("the profile has no such invocation"));
    };
    let message = Message::new(label)
        .with_words(&words[..case.words.len()])
        .with_caps(&caps[..case.caps.len()]);
    let answer = syscalls::call(setting.place(world, case.on), message);
    let found: [Word; 5] = answer.words();
    check_eq!(
        (answer.label(), answer.length()),
        (case.error.number(), case.answer.len()),
        "label and length of the answer, with words {found:?}"
    );
    for (index, wanted) in case
        .answer
        .iter()
        .enumerate()
        .filter(|(_, wanted)| !matches!(wanted, Value::Any))
    {
        check_eq!(
            found[index],
            setting.value(world, *wanted),
            "word {index} of the answer"
        );
    }
    Ok(())
}

fn label(ask: Ask) -> Option<Word> {
    match ask {
        Ask::Label(label) => Some(label),
        Ask::For(invocation) => LABELS.label(invocation),
        Ask::Beyond(invocation) => beyond(invocation),
    }
}

/// The label after an invocation's own.
fn beyond(invocation: Invocation) -> Option<Word> {
    LABELS.label(invocation).map(|label| label + 1)
}
