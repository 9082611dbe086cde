//! Floating-point registers: each thread's are its own, and loading them costs who uses them.

use crate::world::objects::TCB;
use crate::world::{CPtr, Thread, World};
use abi::Invocation;
use abi::sched::TCB_FLAG_FPU_DISABLED;
use kernel::entry::Event;
use kernel::fpu::TURNS;
use machine::model::{FPU_INITIAL, FPU_WORDS};

/// `thread`, which runs, changes its registers to `value`. What was in them, and whether it trapped.
fn uses(w: &mut World, thread: Thread, value: u64) -> (u64, bool) {
    let trapped = looks(w, thread).1;
    let [before, ..] = core::mem::replace(&mut w.k.machine.fpu, [value; FPU_WORDS]);
    (before, trapped)
}

/// The same, without a change.
fn looks(w: &mut World, thread: Thread) -> (u64, bool) {
    w.run(thread);
    let trapped = !w.k.machine.fpu_enabled();
    if trapped {
        w.enter(Event::FpuUnavailable);
    }
    assert!(w.is_current(thread) && w.k.machine.fpu_enabled());
    (w.k.machine.fpu[0], trapped)
}

fn forbid(w: &mut World, tcb: CPtr, forbidden: bool) {
    let (clear, set) = if forbidden {
        (0, TCB_FLAG_FPU_DISABLED)
    } else {
        (TCB_FLAG_FPU_DISABLED, 0)
    };
    w.root_invokes(tcb, Invocation::TcbSetFlags, &[clear, set], &[])
        .expect("SetFlags");
}

#[test]
fn each_thread_finds_its_own_state_and_traps_once() {
    let mut w = World::new();
    let (a, b) = (w.thread(), w.thread());
    assert_eq!(uses(&mut w, a, 1), (FPU_INITIAL, true));
    assert_eq!(uses(&mut w, b, 2), (FPU_INITIAL, true));
    for _ in 0..3 {
        assert_eq!(uses(&mut w, a, 1), (1, false));
        assert_eq!(uses(&mut w, b, 2), (2, false));
    }
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn who_does_not_use_them_never_sees_them_and_moves_nothing() {
    let mut w = World::new();
    let (user, other) = (w.thread(), w.thread());
    uses(&mut w, user, 7);
    for _ in 0..2 * u32::from(TURNS) {
        w.run(other);
        assert!(!w.k.machine.fpu_enabled());
        assert_eq!(w.k.node().fpu_owner, Some(user.object), "left where it is");
        w.run(user);
        assert!(w.k.machine.fpu_enabled(), "opened without a trap");
    }
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn use_has_to_be_seen_again_from_time_to_time() {
    let mut w = World::new();
    let (a, b) = (w.thread(), w.thread());
    uses(&mut w, a, 1);
    uses(&mut w, b, 2);
    let mut traps = 0;
    for _ in 0..10 * u32::from(TURNS) {
        let (found, trapped) = uses(&mut w, a, 1);
        assert_eq!(found, 1);
        traps += u32::from(trapped);
        assert_eq!(uses(&mut w, b, 2).0, 2);
    }
    assert!((9..=10).contains(&traps), "{traps}");
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn who_has_stopped_using_them_is_left_alone_after_some_turns() {
    let mut w = World::new();
    let (once, always) = (w.thread(), w.thread());
    uses(&mut w, once, 1);
    for _ in 0..=TURNS {
        uses(&mut w, always, 2);
        w.run(once);
    }
    assert!(!w.k.machine.fpu_enabled());
    assert_eq!(looks(&mut w, once), (1, true), "and nothing is lost");
}

#[test]
fn who_may_not_use_them_keeps_its_state() {
    let mut w = World::new();
    let (a, b) = (w.thread(), w.thread());
    uses(&mut w, a, 1);
    forbid(&mut w, a.tcb, true);
    w.run(a);
    assert!(!w.k.machine.fpu_enabled());
    uses(&mut w, b, 2);
    forbid(&mut w, a.tcb, false);
    assert_eq!(looks(&mut w, a), (1, true));
}

#[test]
fn a_thread_may_forbid_them_to_itself() {
    let mut w = World::new();
    let root = w.root();
    uses(&mut w, root, 5);
    forbid(&mut w, TCB, true);
    assert!(w.is_current(root) && !w.k.machine.fpu_enabled());
    forbid(&mut w, TCB, false);
    assert_eq!(looks(&mut w, root), (5, true));
}

#[test]
fn a_thread_that_ends_leaves_nothing_in_the_registers() {
    let mut w = World::new();
    let (a, b) = (w.thread(), w.thread());
    uses(&mut w, a, 1);
    w.delete(a.tcb);
    assert_eq!(w.k.node().fpu_owner, None);
    assert!(!w.k.machine.fpu_enabled());
    assert_eq!(uses(&mut w, b, 2), (FPU_INITIAL, true));
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn calls_between_users_carry_no_state_and_mostly_do_not_trap() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let mut traps = 0;
    for n in 0..u32::from(TURNS) {
        let (at_client, at_server) = if n == 0 {
            (FPU_INITIAL, FPU_INITIAL)
        } else {
            (1, 2)
        };
        let (found, trapped) = uses(&mut w, client, 1);
        assert_eq!(found, at_client);
        traps += u32::from(trapped);
        w.call(client, ep, [1]);
        let (found, trapped) = uses(&mut w, server, 2);
        assert_eq!(found, at_server);
        traps += u32::from(trapped);
        w.reply_recv(server, reply, [2], ep);
    }
    assert_eq!(traps, 2);
}
