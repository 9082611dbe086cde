//! Faults: told to a handler, who answers.

use crate::world::{CPtr, Message, SYSCALL_AT, Thread, World, msg};
use abi::error::LookupFailureKind;
use abi::rights::CapRights;
use abi::{FaultType, Word};
use kernel::cap::Cap;
use kernel::entry::Event;
use kernel::object::tcb::ThreadState;

/// A thread, and a handler that waits for its faults on `ep` with `reply`.
pub(crate) struct Pair {
    pub(crate) thread: Thread,
    pub(crate) handler: Thread,
    pub(crate) ep: CPtr,
    pub(crate) reply: CPtr,
}

pub(crate) fn pair(w: &mut World) -> Pair {
    let (thread, handler) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let badged = w.badged(ep, 0xfa);
    w.set_fault_handler(thread, badged);
    w.recv(handler, ep, reply);
    w.run(thread);
    Pair {
        thread,
        handler,
        ep,
        reply,
    }
}

/// `thread` touches memory that is not there.
fn vm_fault(w: &mut World, thread: Thread, address: Word) {
    w.run(thread);
    w.set_ip(thread, 0x1000);
    w.enter(Event::VmFault {
        address,
        status: 6,
        instruction: false,
    });
}

#[test]
fn a_vm_fault_is_told_with_address_and_status() {
    let mut w = World::new();
    let p = pair(&mut w);
    vm_fault(&mut w, p.thread, 0xdead_b000);
    assert!(matches!(
        w.state(p.thread),
        ThreadState::BlockedOnReply { .. }
    ));
    let expected = msg(FaultType::VMFault.number())
        .words(&[0x1000, 0xdead_b000, 0, 6])
        .badge(0xfa);
    assert_eq!(w.received(p.handler), expected);
}

#[test]
fn any_reply_to_a_vm_fault_restarts_the_instruction() {
    let mut w = World::new();
    let p = pair(&mut w);
    vm_fault(&mut w, p.thread, 0xdead_b000);
    w.reply_recv(p.handler, p.reply, msg(99).words(&[0x5555]), p.ep);
    w.run(p.thread);
    assert_eq!(w.ip(p.thread), 0x1000, "not where the reply says");
}

#[test]
fn a_thread_without_handler_stops_at_a_fault() {
    let mut w = World::new();
    let thread = w.thread();
    vm_fault(&mut w, thread, 0x10);
    assert_eq!(w.state(thread), ThreadState::Inactive);
    if abi::FLAVOUR.debug() {
        assert!(!w.k.machine.console().is_empty(), "a debug kernel says so");
    }
}

#[test]
fn a_fault_waits_until_the_handler_receives() {
    let mut w = World::new();
    let (thread, handler) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.set_fault_handler(thread, ep);
    vm_fault(&mut w, thread, 0x10);
    assert!(matches!(w.state(thread), ThreadState::BlockedOnSend { .. }));
    w.recv(handler, ep, reply);
    assert_eq!(w.received(handler).words, [0x1000, 0x10, 0, 6]);
    w.reply(handler, reply, []);
    w.run(thread);
}

#[test]
fn a_call_of_a_missing_capability_is_a_cap_fault() {
    let mut w = World::new();
    let p = pair(&mut w);
    w.call(p.thread, CPtr(1 << 40), [1]);
    let fault = w.received(p.handler);
    assert_eq!(fault.label, FaultType::CapFault.number());
    // Where, which address, while sending.
    assert_eq!(fault.words[..3], [SYSCALL_AT, 1 << 40, 0]);
    assert_eq!(fault.words[3], LookupFailureKind::GuardMismatch.number());
}

#[test]
fn a_receive_from_a_missing_capability_is_a_cap_fault_of_the_second_phase() {
    let mut w = World::new();
    let p = pair(&mut w);
    let empty = w.free_slot();
    w.nb_recv(p.thread, empty, p.reply);
    let fault = w.received(p.handler);
    let missing = LookupFailureKind::MissingCapability.number();
    assert_eq!(fault.words, [SYSCALL_AT, empty.0, 1, missing, 0]);
}

#[test]
fn the_reply_capability_of_a_receive_is_looked_up_too() {
    let mut w = World::new();
    let p = pair(&mut w);
    let (ep, n) = (w.endpoint(), w.notification());
    w.recv(p.thread, ep, n);
    let fault = w.received(p.handler);
    assert_eq!(fault.words[..3], [SYSCALL_AT, n.0, 1]);
    w.reply_recv(p.handler, p.reply, [], p.ep);
    // But not when the receive is on a notification.
    w.suspend(p.thread);
    w.move_past_syscall(p.thread);
    w.resume(p.thread);
    w.nb_recv(p.thread, n, CPtr(1 << 40));
    assert_eq!(w.state(p.thread), ThreadState::Running);
}

#[test]
fn a_send_that_does_not_block_does_not_fault() {
    let mut w = World::new();
    let p = pair(&mut w);
    w.nb_send(p.thread, CPtr(1 << 40), [1]);
    assert_eq!(w.state(p.thread), ThreadState::Running);
    assert!(w.is_blocked(p.handler));
}

#[test]
fn a_missing_extra_capability_is_a_cap_fault() {
    let mut w = World::new();
    let p = pair(&mut w);
    let ep = w.endpoint();
    w.send(p.thread, ep, msg(0).caps(&[ep, CPtr(1 << 40)]));
    assert_eq!(w.received(p.handler).words[..3], [SYSCALL_AT, 1 << 40, 0]);
}

#[test]
fn a_fault_lends_the_time_of_the_thread_to_a_passive_handler() {
    let mut w = World::new();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let handler = w.passive_server(ep, reply);
    let thread = w.thread();
    w.set_fault_handler(thread, ep);
    let time = w.sched_context_of(thread);
    vm_fault(&mut w, thread, 0);
    assert!(w.is_current(handler));
    assert_eq!(w.sched_context_of(handler), time);
    w.reply_recv(handler, reply, [], ep);
    assert!(w.is_current(thread));
}

#[test]
fn a_fault_handler_without_reply_object_stops_the_thread() {
    let mut w = World::new();
    let (thread, handler) = w.pair();
    let ep = w.endpoint();
    w.set_fault_handler(thread, ep);
    w.wait(handler, ep);
    vm_fault(&mut w, thread, 0x77);
    assert_eq!(w.received(handler).words[1], 0x77);
    assert_eq!(w.state(thread), ThreadState::Inactive);
}

#[test]
fn a_thread_that_faulted_is_stopped_when_its_handler_goes_away() {
    let mut w = World::new();
    let thread = w.thread();
    let ep = w.endpoint();
    w.set_fault_handler(thread, ep);
    vm_fault(&mut w, thread, 0x77);
    w.revoke(ep);
    assert!(w.is_blocked(thread), "the endpoint is still there");
    w.delete(ep);
    assert_eq!(w.state(thread), ThreadState::Inactive);
}

#[test]
fn resume_forgets_the_fault_and_tries_again() {
    let mut w = World::new();
    let p = pair(&mut w);
    vm_fault(&mut w, p.thread, 0x77);
    w.resume(p.thread);
    w.run(p.thread);
    assert_eq!(w.ip(p.thread), 0x1000);
    // The reply finds nobody.
    w.reply_recv(p.handler, p.reply, [1], p.ep);
    assert!(w.is_blocked(p.handler));
}

#[test]
fn a_fault_handler_needs_rights() {
    use crate::world::error;
    use crate::world::objects::{CNODE, VSPACE};
    let mut w = World::new();
    let (thread, ep) = (w.thread(), w.endpoint());
    let weak = w.copy(ep, CapRights::WRITE);
    let refused = w.root_invokes(
        thread.tcb,
        abi::Invocation::TcbSetSpace,
        &[0, 0],
        &[weak, CNODE, VSPACE],
    );
    assert_eq!(refused, Err(error(abi::ErrorCode::InvalidCapability, &[1])));
}

#[test]
fn a_message_after_a_fault_is_an_ordinary_message() {
    let mut w = World::new();
    let p = pair(&mut w);
    vm_fault(&mut w, p.thread, 0x77);
    w.reply_recv(p.handler, p.reply, [], p.ep);
    w.call(p.thread, p.ep, [5]);
    assert_eq!(w.received(p.handler), Message::from([5]));
    let Cap::Reply(c) = w.cap(p.reply) else {
        panic!("a reply object")
    };
    assert_eq!(w.k[c.reply].tcb, Some(p.thread.object));
}
