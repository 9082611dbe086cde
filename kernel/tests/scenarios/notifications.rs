//! Notifications: flags to wait for.

use crate::world::{CPtr, Message, World, error};
use abi::error::ErrorCode;
use abi::rights::CapRights;
use abi::{Invocation, MessageInfo};
use kernel::object::tcb::ThreadState;

#[test]
fn a_signal_is_remembered() {
    let mut w = World::new();
    let (signaller, waiter) = w.pair();
    let n = w.notification();
    let badged = w.badged(n, 0b01);
    w.signal(signaller, badged);
    w.wait(waiter, n);
    assert_eq!(w.badge(waiter), 0b01);
    assert_eq!(w.state(waiter), ThreadState::Running);
}

#[test]
fn signals_add_up_until_they_are_heard() {
    let mut w = World::new();
    let (signaller, waiter) = w.pair();
    let n = w.notification();
    let [one, two] = [w.badged(n, 0b001), w.badged(n, 0b110)];
    w.signal(signaller, one);
    w.signal(signaller, two);
    w.signal(signaller, one);
    w.nb_wait(waiter, n);
    assert_eq!(w.badge(waiter), 0b111);
    w.nb_wait(waiter, n);
    assert_eq!(w.badge(waiter), 0);
}

#[test]
fn a_signal_through_an_unbadged_capability_wakes_with_badge_zero() {
    let mut w = World::new();
    let (signaller, waiter) = w.pair();
    let n = w.notification();
    w.wait(waiter, n);
    assert!(matches!(
        w.state(waiter),
        ThreadState::BlockedOnNotification { .. }
    ));
    w.signal(signaller, n);
    assert_eq!(w.state(waiter), ThreadState::Running);
    assert_eq!(w.badge(waiter), 0);
}

#[test]
fn a_signal_writes_the_badge_and_nothing_else() {
    let mut w = World::new();
    let (signaller, waiter) = w.pair();
    let n = w.notification();
    let badged = w.badged(n, 3);
    w.run(waiter);
    w.set_info(waiter, MessageInfo(0x77));
    w.set_message_register(waiter, 0, 0x88);
    w.wait(waiter, n);
    w.signal(signaller, badged);
    let after = (
        w.badge(waiter),
        w.info(waiter).0,
        w.message_register(waiter, 0),
    );
    assert_eq!(after, (3, 0x77, 0x88));
}

#[test]
fn each_signal_wakes_one_waiter_the_most_important_first() {
    let mut w = World::new();
    let n = w.notification();
    let [low, also_low] = [w.thread_at(110), w.thread_at(110)];
    w.wait(low, n);
    w.wait(also_low, n);
    let high = w.thread_at(120);
    w.wait(high, n);
    let badged = w.badged(n, 1);
    let signaller = w.thread();
    for woken in [high, low, also_low] {
        assert!(w.is_blocked(woken));
        w.signal(signaller, badged);
        assert_eq!(w.state(woken), ThreadState::Running);
        w.suspend(woken);
    }
}

#[test]
fn signalling_needs_the_right_to_write_and_waiting_the_right_to_read() {
    let mut w = World::new();
    let (thread, handler) = w.pair();
    let n = w.notification();
    let read_only = w.copy(n, CapRights::READ);
    let write_only = w.copy(n, CapRights::WRITE);
    w.call(thread, read_only, []);
    assert_eq!(
        w.answer(thread),
        Err(error(ErrorCode::InvalidCapability, &[0]))
    );
    // A wait that is not allowed is a fault, even if it would not block.
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.set_fault_handler(thread, ep);
    w.recv(handler, ep, reply);
    w.nb_wait(thread, write_only);
    assert_eq!(w.received(handler).label, abi::FaultType::CapFault.number());
}

#[test]
fn deleting_a_notification_restarts_those_who_wait() {
    let mut w = World::new();
    let waiter = w.thread();
    let n = w.notification();
    w.wait(waiter, n);
    w.delete(n);
    // The wait was tried again, without a capability: a fault, and nobody handles it.
    assert_eq!(w.state(waiter), ThreadState::Inactive);
}

// --- Bound notifications -----------------------------------------------------------------------

#[test]
fn a_bound_notification_is_heard_while_waiting_for_a_message() {
    let mut w = World::new();
    let (server, signaller) = w.pair();
    let (ep, reply, n) = (w.endpoint(), w.reply_object(), w.notification());
    w.bind_notification(server, n);
    let badged = w.badged(n, 0x40);
    w.recv(server, ep, reply);
    w.signal(signaller, badged);
    assert_eq!(w.state(server), ThreadState::Running);
    assert_eq!(w.badge(server), 0x40);
    // The endpoint is empty again, and the reply object free.
    w.nb_send(signaller, ep, [1]);
    w.recv(server, ep, reply);
    assert!(w.is_blocked(server));
}

#[test]
fn a_bound_notification_that_is_active_comes_before_messages() {
    let mut w = World::new();
    let (server, client) = w.pair();
    let (ep, reply, n) = (w.endpoint(), w.reply_object(), w.notification());
    w.bind_notification(server, n);
    let badged = w.badged(n, 2);
    w.signal(client, badged);
    w.send(client, ep, [9]);
    w.recv(server, ep, reply);
    assert_eq!(w.badge(server), 2);
    w.recv(server, ep, reply);
    assert_eq!(w.received(server), Message::from([9]));
}

#[test]
fn a_bound_notification_does_not_disturb_a_thread_that_sends() {
    let mut w = World::new();
    let (thread, signaller) = w.pair();
    let (ep, n) = (w.endpoint(), w.notification());
    w.bind_notification(thread, n);
    w.send(thread, ep, [1]);
    let badged = w.badged(n, 2);
    w.signal(signaller, badged);
    assert!(matches!(w.state(thread), ThreadState::BlockedOnSend { .. }));
    w.nb_wait(signaller, badged);
    assert_ne!(
        w.state(signaller),
        ThreadState::Running,
        "only the bound thread may wait"
    );
}

#[test]
fn binding_has_conditions() {
    let mut w = World::new();
    let (thread, other) = w.pair();
    let (n, second, ep) = (w.notification(), w.notification(), w.endpoint());
    let write_only = w.copy(n, CapRights::WRITE);
    let refused = Err(error(ErrorCode::IllegalOperation, &[]));
    let bind = |w: &mut World, tcb: CPtr, n: CPtr| {
        w.root_invokes(tcb, Invocation::TcbBindNotification, &[], &[n])
    };
    assert_eq!(bind(&mut w, thread.tcb, ep), refused, "not a notification");
    assert_eq!(
        bind(&mut w, thread.tcb, write_only),
        refused,
        "no right to read"
    );
    w.wait(other, n);
    assert_eq!(bind(&mut w, thread.tcb, n), refused, "somebody waits");
    w.signal(thread, n);
    assert_eq!(bind(&mut w, thread.tcb, n), Ok(vec![]));
    assert_eq!(bind(&mut w, thread.tcb, second), refused, "already bound");
    assert_eq!(
        bind(&mut w, other.tcb, n),
        refused,
        "bound to somebody else"
    );
    w.unbind_notification(thread);
    let again = w.root_invokes(thread.tcb, Invocation::TcbUnbindNotification, &[], &[]);
    assert_eq!(again, refused, "nothing to unbind");
}

#[test]
fn deleting_either_end_unbinds() {
    let mut w = World::new();
    let (thread, other) = w.pair();
    let (n, second) = (w.notification(), w.notification());
    w.bind_notification(thread, n);
    w.delete(n);
    w.bind_notification(thread, second);
    w.delete(thread.tcb);
    w.bind_notification(other, second);
}
