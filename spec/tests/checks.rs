//! Controls of the checks that stand beside the comparison with the specification, which would find
//! most defects first: each is shown a step that only it has to refuse, and one that is right.

use machine::{KernelAddress, Machine};
use spec::integrity;
use spec::judge::{Before, confined, outside_untouched, revoked};
use spec::model::state::{Access, Notification, Rights};
use spec::model::{Cap, Entry, Held, Object, Place, Slot, State, Thread};
use spec::saved::Saved;
use spec::{scopes, space};
use std::collections::BTreeMap;

const THREAD: Place = Place(0x1000);
const CNODE: Place = Place(0x2000);
const STRANGER: Place = Place(0x3000);
const THEIR_CNODE: Place = Place(0x4000);

const fn slot(holder: Place, index: u64) -> Slot {
    Slot { holder, index }
}

fn hold(state: &mut State, to: Slot, cap: Cap, parent: Option<Slot>) {
    let held = Held {
        cap,
        parent,
        original: true,
    };
    state.slots.insert(to, held);
}

fn endpoint(at: i64, badge: u64, rights: u64) -> Cap {
    Cap::Endpoint {
        at: Place(at),
        badge,
        rights: Rights(rights),
    }
}

fn cnode(at: Place) -> Cap {
    Cap::CNode {
        at,
        radix: 2,
        guard: 0,
        guard_bits: 62,
    }
}

/// A thread with a CNode that holds an endpoint, and a stranger with one that holds another.
fn two() -> State {
    let mut state = State::default();
    for (thread, node, at) in [(THREAD, CNODE, 0x10), (STRANGER, THEIR_CNODE, 0x20)] {
        state.objects.insert(thread, Object::Thread(Thread::NEW));
        state.objects.insert(node, Object::CNode { radix: 2 });
        let waiting = vec![];
        state
            .objects
            .insert(Place(at), Object::Endpoint { waiting });
        hold(&mut state, slot(thread, 0), cnode(node), None);
        hold(&mut state, slot(node, 0), endpoint(at, 0, 3), None);
    }
    state
}

#[test]
fn no_authority_may_appear() {
    let before = two();
    let refused = |cap: Cap| {
        let mut now = before.clone();
        hold(&mut now, slot(CNODE, 1), cap, None);
        confined(&before, &now).is_err()
    };
    assert!(!refused(endpoint(0x10, 7, 1)), "less rights, and a badge");
    assert!(refused(endpoint(0x10, 0, 7)), "more rights");
    assert!(refused(endpoint(0x30, 0, 3)), "an object out of nowhere");
    assert!(refused(Cap::Thread { at: Place(0x10) }), "another kind");
    assert!(refused(Cap::IrqControl), "a control");
}

#[test]
fn a_badge_stays() {
    let mut before = two();
    hold(&mut before, slot(CNODE, 0), endpoint(0x10, 5, 3), None);
    let mut now = before.clone();
    hold(&mut now, slot(CNODE, 1), endpoint(0x10, 6, 3), None);
    assert!(confined(&before, &now).is_err());
}

#[test]
fn a_frame_stays_as_it_is() {
    let frame = |access| Cap::Frame {
        at: Place(0x8000),
        bits: 12,
        device: false,
        access,
        mapped: None,
    };
    let mut before = two();
    hold(&mut before, slot(CNODE, 1), frame(Access::Read), None);
    let mut now = before.clone();
    hold(&mut now, slot(CNODE, 2), frame(Access::ReadWrite), None);
    assert!(confined(&before, &now).is_err());
}

#[test]
fn memory_becomes_objects_only_where_none_are() {
    let untyped = Cap::Untyped {
        at: Place(0),
        bits: 6,
        device: false,
        watermark: 0,
    };
    let mut before = two();
    hold(&mut before, slot(CNODE, 1), untyped, None);
    let refused = |at| {
        let mut now = before.clone();
        hold(&mut now, slot(CNODE, 2), endpoint(at, 0, 15), None);
        confined(&before, &now).is_err()
    };
    assert!(!refused(0), "new");
    assert!(refused(0x10), "over another");
    assert!(refused(0x40), "outside");
}

#[test]
fn a_revocation_must_be_complete() {
    let mut before = two();
    let (parent, child) = (slot(CNODE, 0), slot(THEIR_CNODE, 1));
    hold(&mut before, child, endpoint(0x10, 0, 3), Some(parent));
    assert!(revoked(&before, &before, parent).is_err());
    let mut now = before.clone();
    now.slots.remove(&child);
    assert!(revoked(&before, &now, parent).is_ok());
}

#[test]
fn a_stranger_stays_as_it_is() {
    let before = two();
    let refused = |change: fn(&mut State)| {
        let mut now = before.clone();
        change(&mut now);
        integrity::kept(&before, &now, THREAD).is_err()
    };
    let waits = |at: i64| {
        move |state: &mut State| {
            let waiting = vec![THREAD];
            state
                .objects
                .insert(Place(at), Object::Endpoint { waiting });
        }
    };
    let (mine, theirs) = (waits(0x10), waits(0x20));
    let kept = |change: &dyn Fn(&mut State)| {
        let mut now = before.clone();
        change(&mut now);
        integrity::kept(&before, &now, THREAD).is_ok()
    };
    assert!(kept(&mine), "an endpoint that the caller names");
    assert!(!kept(&theirs), "one that it does not");
    assert!(refused(|state| {
        state.slots.remove(&slot(THEIR_CNODE, 0));
    }));
    assert!(refused(|state| {
        let thread = Thread {
            priority: 200,
            ..Thread::NEW
        };
        state.objects.insert(STRANGER, Object::Thread(thread));
    }));
}

#[test]
fn who_waits_where_the_caller_signals_is_within_reach() {
    let mut state = two();
    let notification = Notification {
        waiting: vec![STRANGER],
        ..Notification::default()
    };
    let at = Place(0x30);
    state.objects.insert(at, Object::Notification(notification));
    assert!(!integrity::reach(&state, THREAD).contains(&STRANGER));
    let rights = Rights::ALL;
    let badge = 0;
    hold(
        &mut state,
        slot(CNODE, 1),
        Cap::Notification { at, badge, rights },
        None,
    );
    assert!(integrity::reach(&state, THREAD).contains(&STRANGER));
}

#[test]
fn what_is_outside_the_world_stays_as_it_is() {
    let mut scope = scopes::messages_between_three(0);
    let world = &mut scope.world;
    let lens = world.lens();
    let state = State::default();
    let saved = Saved::of(&mut world.k);
    let verdict = |world: &spec::world::World| {
        let before = Before::new(&world.k, &world.players, &state, &saved);
        outside_untouched(world, &lens, &before)
    };
    assert_eq!(verdict(world), Ok(()));
    // The table that the threads of this world share, which is the root task's.
    let (root, _) = world.k.machine.root();
    let at = KernelAddress::of(root.expect("a root"));
    let word = world.k.machine.load(at);
    world.k.machine.store(at, word ^ 1 << 60);
    assert!(verdict(world).is_err());
}

#[test]
fn a_bystander_stays_as_it_is() {
    let mut scope = scopes::threads(0);
    let world = &mut scope.world;
    let bystander = world.bystander.clone().expect("a bystander");
    let thread = bystander.thread;
    let begin = Saved::of(&mut world.k);
    let mut verdict = |ran, change: &dyn Fn(&mut kernel::Kernel)| {
        begin.put(&mut world.k);
        change(&mut world.k);
        bystander.as_it_was(&world.k, ran).is_ok()
    };
    let time = |k: &kernel::Kernel| k[thread].sched_context.expect("time");
    assert!(verdict(false, &|_| {}));
    assert!(
        verdict(false, &|k| kernel::ready::dequeue(k, thread)),
        "a place in a queue"
    );
    assert!(!verdict(false, &|k| k[thread].priority += 1));
    assert!(!verdict(true, &|k| k[thread].flags ^= 1));
    assert!(
        !verdict(true, &|k| k[thread.context()].set_badge(0x77)),
        "a register"
    );
    let used = |k: &mut kernel::Kernel| {
        let time = time(k);
        k[time].consumed += 1;
    };
    assert!(!verdict(false, &used), "its time, while it did not run");
    assert!(verdict(true, &used));
}

#[test]
fn what_is_cached_must_be_so() {
    let mut scope = scopes::address_spaces(0);
    let world = &mut scope.world;
    let lens = world.lens();
    let mut state = spec::refinement::abstraction(&world.k, &lens).state;
    // The specification is made to see a page that is not there.
    let (&asid, &root) = state.asids.iter().next_back().expect("an address space");
    let page = Entry::Page {
        at: Place(0),
        access: Access::Read,
        attributes: 0,
    };
    let entries = BTreeMap::from([(0, page)]);
    state.objects.insert(root, Object::Table { entries });
    let addresses = world.addresses.clone();
    let k = &mut world.k;
    assert!(space::touch(k, lens.frame, &state, &addresses).is_err());
    assert!(space::in_use(k, lens.frame, &state).is_ok());
    state.asids.remove(&asid);
    assert!(
        space::in_use(k, lens.frame, &state).is_err(),
        "in use, and ended"
    );
}
