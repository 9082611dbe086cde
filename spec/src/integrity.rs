//! Integrity: a step changes only what its caller can reach: what its capabilities name, whoever waits
//! there or is bound to that, and what was derived from there. What the passage of time and the choice
//! of who runs change is excepted, and nothing else.

use crate::judge::Verdict;
use crate::model::state::{SchedContext, ThreadState};
use crate::model::{Cap, Entry, Object, Place, Slot, State};
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// What `caller` can reach.
pub fn reach(state: &State, caller: Place) -> BTreeSet<Place> {
    let mut reached = BTreeSet::new();
    let mut from = vec![caller];
    while let Some(at) = from.pop() {
        if reached.insert(at) {
            neighbours(state, at, &mut from);
        }
    }
    reached
}

fn neighbours(state: &State, at: Place, found: &mut Vec<Place>) {
    for (slot, held) in state.slots.iter().filter(|(slot, _)| slot.holder == at) {
        named(state, &held.cap, found);
        // What was derived from it can be revoked, wherever it is.
        for below in state.descendants(*slot) {
            found.extend(state.cap(below).and_then(|cap| cap.object()));
        }
    }
    match state.objects.get(&at) {
        Some(Object::Endpoint { waiting }) => found.extend(waiting),
        Some(Object::Notification(it)) => {
            found.extend(it.waiting.iter().copied().chain(it.bound).chain(it.context));
        }
        Some(Object::Reply) => {
            found.extend(state.user_of(at));
            found.extend(all_of(state, |_, object| match object {
                Object::SchedContext(context) => context.calls.contains(&at),
                _ => false,
            }));
        }
        Some(Object::Thread(thread)) => {
            found.extend(thread.context.into_iter().chain(thread.yields_to));
            found.extend(state.bound_to(at));
            match &thread.state {
                ThreadState::Sending { to, .. } => found.push(*to),
                ThreadState::Receiving { from, reply } => found.extend(reply.iter().chain([from])),
                ThreadState::Calling { reply } => found.push(*reply),
                ThreadState::Waiting { on } => found.push(*on),
                ThreadState::Inactive | ThreadState::Running | ThreadState::Restart => {}
            }
        }
        Some(Object::SchedContext(context)) => {
            found.extend(&context.calls);
            found.extend(all_of(state, |_, object| match object {
                Object::Thread(thread) => {
                    thread.context == Some(at) || thread.yields_to == Some(at)
                }
                Object::Notification(it) => it.context == Some(at),
                _ => false,
            }));
        }
        Some(Object::Table { entries }) => {
            found.extend(entries.values().map(|entry| match entry {
                Entry::Table(at) | Entry::Page { at, .. } => *at,
            }))
        }
        Some(Object::AsidPool) => found.extend(state.asids.values()),
        Some(Object::CNode { .. } | Object::Remnant { .. } | Object::Frame) | None => {}
    }
}

/// What a capability gives access to.
fn named(state: &State, cap: &Cap, found: &mut Vec<Place>) {
    found.extend(cap.object());
    match cap {
        Cap::Zombie { at } => found.push(*at),
        Cap::Untyped { .. } => found.extend(inside(state, cap)),
        Cap::Frame {
            mapped: Some((asid, _)),
            ..
        }
        | Cap::Table {
            mapped: Some((asid, _)),
            ..
        } => found.extend(state.asids.get(asid)),
        Cap::IrqControl | Cap::IrqHandler { .. } => found.push(crate::model::interrupt::LINES),
        _ => {}
    }
}

fn inside(state: &State, memory: &Cap) -> Vec<Place> {
    let Some((start, len)) = memory.memory() else {
        return vec![];
    };
    let range = start..Place(start.0 + len as i64);
    state.objects.range(range).map(|(at, _)| *at).collect()
}

fn all_of(state: &State, wanted: impl Fn(Place, &Object) -> bool) -> Vec<Place> {
    let all = state.objects.iter();
    all.filter(|(at, object)| wanted(**at, object))
        .map(|(at, _)| *at)
        .collect()
}

/// What of an object time and the choice of who runs may change is left out.
fn lasting(object: &Object) -> Object {
    let mut object = object.clone();
    match &mut object {
        Object::SchedContext(SchedContext { time, .. }) => *time = None,
        Object::Thread(thread) => {
            thread.yields_to = None;
            if thread.runnable() {
                (thread.state, thread.says) = (ThreadState::Running, None);
            }
        }
        _ => {}
    }
    object
}

/// Nothing has changed but what `caller` can reach.
pub fn kept(before: &State, now: &State, caller: Place) -> Verdict<()> {
    if before.objects == now.objects && before.slots == now.slots {
        return Ok(());
    }
    // Most steps change nothing that has to be looked up.
    let reached = OnceCell::new();
    let may = |at: Place| reached.get_or_init(|| reach(before, caller)).contains(&at);
    for (at, object) in &before.objects {
        let same = now.objects.get(at) == Some(object);
        let kept = same || now.objects.get(at).map(lasting) == Some(lasting(object));
        if !kept && !may(*at) {
            return Err(format!("{at:?} has changed, which {caller:?} cannot reach"));
        }
    }
    for slot in before.slots.keys().chain(now.slots.keys()) {
        let (old, new) = (before.cap(*slot), now.cap(*slot));
        let derived = || old.is_some_and(|cap| from_reach(before, *slot, &cap, &may));
        if old != new && !may(slot.holder) && !derived() {
            return Err(format!(
                "{slot:?} has changed, which {caller:?} cannot reach"
            ));
        }
    }
    Ok(())
}

/// Whether a capability may be taken away: an ancestor, or its object, is within reach.
fn from_reach(state: &State, slot: Slot, cap: &Cap, may: &impl Fn(Place) -> bool) -> bool {
    let mut above = state.slots.get(&slot).and_then(|held| held.parent);
    while let Some(ancestor) = above {
        if may(ancestor.holder) {
            return true;
        }
        above = state.slots.get(&ancestor).and_then(|held| held.parent);
    }
    cap.object().is_some_and(may)
}
