//! Messages through endpoints.

use crate::world::{CPtr, Message, World, error, msg, objects::CNODE, objects::DEPTH};
use abi::error::ErrorCode;
use abi::ipc_buffer::{CAPS_OR_BADGES, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
use abi::rights::CapRights;
use abi::{MessageInfo, Syscall};
use kernel::cap::Cap;
use kernel::object::tcb::ThreadState;

#[test]
fn send_waits_until_somebody_receives() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.send(sender, ep, msg(7).words(&[1, 2]));
    assert!(matches!(w.state(sender), ThreadState::BlockedOnSend { .. }));
    w.recv(receiver, ep, reply);
    assert_eq!(w.received(receiver), msg(7).words(&[1, 2]));
    assert_eq!(w.state(sender), ThreadState::Running);
}

#[test]
fn receive_waits_until_somebody_sends() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.recv(receiver, ep, reply);
    assert!(matches!(
        w.state(receiver),
        ThreadState::BlockedOnReceive { .. }
    ));
    w.send(sender, ep, [5]);
    assert_eq!(w.state(receiver), ThreadState::Running);
    assert_eq!(w.received(receiver), Message::from([5]));
}

#[test]
fn call_waits_for_the_reply() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.call(client, ep, [1, 2]);
    w.recv(server, ep, reply);
    assert!(matches!(
        w.state(client),
        ThreadState::BlockedOnReply { .. }
    ));
    w.reply(server, reply, msg(3).words(&[4, 5, 6]));
    assert_eq!(w.received(client), msg(3).words(&[4, 5, 6]));
    assert_eq!(w.state(client), ThreadState::Running);
}

#[test]
fn a_server_answers_and_receives_in_one_call() {
    let mut w = World::new();
    let (first, second) = w.pair();
    let server = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.recv(server, ep, reply);
    w.call(first, ep, [1]);
    w.call(second, ep, [2]);
    w.reply_recv(server, reply, [10], ep);
    assert_eq!(w.received(first), Message::from([10]));
    assert_eq!(w.received(server), Message::from([2]));
    w.reply_recv(server, reply, [20], ep);
    assert_eq!(w.received(second), Message::from([20]));
    assert!(matches!(
        w.state(server),
        ThreadState::BlockedOnReceive { .. }
    ));
}

#[test]
fn a_send_that_does_not_block_is_forgotten_when_nobody_waits() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.nb_send(sender, ep, [1]);
    assert_eq!(w.state(sender), ThreadState::Running);
    w.recv(receiver, ep, reply);
    assert!(w.is_blocked(receiver));
    w.nb_send(sender, ep, [2]);
    assert_eq!(w.received(receiver), Message::from([2]));
}

#[test]
fn a_receive_that_does_not_block_finds_badge_zero_and_changes_nothing_else() {
    let mut w = World::new();
    let receiver = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.run(receiver);
    w.set_info(receiver, MessageInfo(0x1234));
    w.set_message_register(receiver, 0, 9);
    w.nb_recv(receiver, ep, reply);
    let after = (
        w.badge(receiver),
        w.info(receiver).0,
        w.message_register(receiver, 0),
    );
    assert_eq!(after, (0, 0x1234, 9));
    assert_eq!(w.state(receiver), ThreadState::Running);
}

#[test]
fn a_receive_that_does_not_block_takes_what_waits() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let badged = w.badged(ep, 77);
    w.send(sender, badged, [1]);
    w.nb_recv(receiver, ep, reply);
    assert_eq!(w.received(receiver), Message::from([1]).badge(77));
}

#[test]
fn wait_receives_messages_without_a_reply_object() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let ep = w.endpoint();
    w.wait(receiver, ep);
    w.send(sender, ep, [4]);
    assert_eq!(w.received(receiver), Message::from([4]));
}

#[test]
fn the_receiver_learns_the_badge_of_the_sender_and_the_caller_learns_none() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let badged = w.badged(ep, 0xbad9e);
    w.call(client, badged, []);
    w.recv(server, ep, reply);
    assert_eq!(w.received(server).badge, 0xbad9e);
    w.reply(server, reply, []);
    assert_eq!(w.received(client).badge, 0);
}

#[test]
fn messages_of_120_words_travel_through_the_buffers() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let words: Vec<u64> = (1000..1120).collect();
    w.call(client, ep, msg(1).words(&words));
    w.recv(server, ep, reply);
    assert_eq!(w.received(server), msg(1).words(&words));
    w.reply(server, reply, msg(2).words(&words[..60]));
    assert_eq!(w.received(client), msg(2).words(&words[..60]));
}

#[test]
fn a_longer_message_is_cut_to_120_words() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let ep = w.endpoint();
    w.wait(receiver, ep);
    w.prepare(sender, ep, &Message::from([1]));
    w.set_info(sender, MessageInfo::new(0, 0, 0, 127));
    w.syscall(sender, Syscall::Send);
    assert_eq!(w.received(receiver).words.len(), 120);
}

#[test]
fn without_a_buffer_four_words_arrive() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let ep = w.endpoint();
    w.remove_buffer(receiver);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).words(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(w.info(receiver).length(), 4);
    w.remove_buffer(sender);
    w.wait(receiver, ep);
    w.run(sender);
    w.set_cap(sender, ep);
    w.set_info(sender, MessageInfo::new(9, 0, 2, 60));
    w.set_message_register(sender, 3, 44);
    w.syscall(sender, Syscall::Send);
    let info = w.info(receiver);
    assert_eq!((info.label(), info.length(), info.extra_caps()), (9, 4, 0));
    assert_eq!(w.message_register(receiver, 3), 44);
}

#[test]
fn a_buffer_ends_with_its_frame() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, frame) = (w.endpoint(), w.frame());
    let six = msg(0).words(&[1, 2, 3, 4, 5, 6]);
    w.configure(receiver.tcb, CNODE, 0, frame);
    w.wait(receiver, ep);
    w.send(sender, ep, six.clone());
    assert_eq!(w.info(receiver).length(), 6);
    w.revoke(frame);
    w.wait(receiver, ep);
    w.send(sender, ep, six);
    assert_eq!(w.info(receiver).length(), 4);
}

#[test]
fn those_who_wait_are_served_by_priority_then_in_order() {
    let mut w = World::new();
    let ep = w.endpoint();
    let low = [w.thread_at(90), w.thread_at(90)];
    let high = [w.thread_at(110), w.thread_at(110)];
    // Those of higher priority run first; they block, then the others do.
    for (i, thread) in [high[0], high[1], low[0], low[1]].into_iter().enumerate() {
        w.send(thread, ep, [i as u64]);
    }
    let middle = w.thread_at(100);
    w.send(middle, ep, [9]);
    let receiver = w.thread_at(200);
    let order: Vec<u64> = (0..5)
        .map(|_| {
            w.wait(receiver, ep);
            w.received(receiver).words[0]
        })
        .collect();
    assert_eq!(order, [0, 1, 9, 2, 3]);
}

#[test]
fn receivers_too_are_served_by_priority() {
    let mut w = World::new();
    let ep = w.endpoint();
    let high = w.thread_at(120);
    let low = w.thread_at(110);
    // A third one sits between them in the queue, and is taken out of its middle.
    w.wait(high, ep);
    w.wait(low, ep);
    let middle = w.thread_at(115);
    w.wait(middle, ep);
    w.suspend(middle);
    let sender = w.thread();
    w.nb_send(sender, ep, [1]);
    assert_eq!(w.received(high), Message::from([1]));
    assert!(w.is_blocked(low));
    w.suspend(high);
    w.nb_send(sender, ep, [2]);
    assert_eq!(w.received(low), Message::from([2]));
}

#[test]
fn a_change_of_priority_moves_a_thread_in_the_queue() {
    let mut w = World::new();
    let ep = w.endpoint();
    let [a, b] = [w.thread_at(120), w.thread_at(120)];
    w.send(a, ep, [1]);
    w.send(b, ep, [2]);
    w.set_priority(b.tcb, 121);
    let receiver = w.thread();
    w.wait(receiver, ep);
    assert_eq!(w.received(receiver), Message::from([2]));
}

#[test]
fn a_receiver_of_higher_priority_runs_at_once() {
    let mut w = World::new();
    let ep = w.endpoint();
    let high = w.thread_at(150);
    w.wait(high, ep);
    let low = w.thread();
    w.send(low, ep, [1]);
    assert!(w.is_current(high));
    // And one of lower priority does not.
    w.wait(high, ep);
    w.run(low);
    w.wait(low, ep);
    w.as_root(|w| w.nb_send(w.root(), ep, [2]));
    assert!(w.is_current(high));
}

#[test]
fn a_sender_without_the_right_to_write_is_told_so_if_it_asked_by_call() {
    let mut w = World::new();
    let (client, receiver) = w.pair();
    let ep = w.endpoint();
    let read_only = w.copy(ep, CapRights::READ);
    w.wait(receiver, ep);
    w.call(client, read_only, [1]);
    assert_eq!(
        w.answer(client),
        Err(error(ErrorCode::InvalidCapability, &[0]))
    );
    w.send(client, read_only, [1]);
    assert_eq!(w.state(client), ThreadState::Running);
    assert!(w.is_blocked(receiver));
}

#[test]
fn a_call_through_a_capability_that_grants_nothing_stops_the_caller() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let write_only = w.copy(ep, CapRights::WRITE);
    w.recv(server, ep, reply);
    w.call(client, write_only, [1]);
    assert_eq!(w.received(server), Message::from([1]));
    assert_eq!(w.state(client), ThreadState::Inactive);
    // The same when the caller waits first.
    w.resume(client);
    assert!(matches!(w.state(client), ThreadState::BlockedOnSend { .. }));
    w.recv(server, ep, reply);
    assert_eq!(w.state(client), ThreadState::Inactive);
}

#[test]
fn a_call_may_be_replied_to_with_grant_or_grant_reply_alone() {
    for right in [CapRights::GRANT, CapRights::GRANT_REPLY] {
        for slow in [false, true] {
            let mut w = World::new();
            w.slow = slow;
            let (client, server) = w.pair();
            let (ep, reply) = (w.endpoint(), w.reply_object());
            let limited = w.copy(ep, CapRights::WRITE | right);
            w.recv(server, ep, reply);
            w.call(client, limited, [1]);
            w.reply(server, reply, [2]);
            assert_eq!(w.received(client), Message::from([2]));
        }
    }
}

// --- Capabilities in messages ----------------------------------------------------------------

/// `thread` wants received capabilities in `slot` of the shared CSpace.
fn receive_into(w: &mut World, thread: crate::world::Thread, slot: CPtr) {
    w.set_buffer_word(thread, RECEIVE_CNODE, CNODE.0);
    w.set_buffer_word(thread, RECEIVE_INDEX, slot.0);
    w.set_buffer_word(thread, RECEIVE_DEPTH, DEPTH);
}

#[test]
fn a_capability_travels_with_a_message() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, gift, slot) = (w.endpoint(), w.notification(), w.free_slot());
    receive_into(&mut w, receiver, slot);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).words(&[1]).caps(&[gift]));
    assert_eq!(w.received(receiver), Message::from([1]).arrived(1, 0));
    assert_eq!(w.cap(slot), w.cap(gift));
}

#[test]
fn without_grant_capabilities_stay_behind_silently() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, gift, slot) = (w.endpoint(), w.notification(), w.free_slot());
    let limited = w.copy(ep, CapRights::WRITE | CapRights::GRANT_REPLY);
    receive_into(&mut w, receiver, slot);
    w.wait(receiver, ep);
    w.send(sender, limited, msg(0).words(&[1]).caps(&[gift]));
    assert_eq!(w.received(receiver), Message::from([1]));
    assert_eq!(w.cap(slot), Cap::Null);
}

#[test]
fn capabilities_to_the_endpoint_itself_arrive_as_their_badges() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, gift, slot) = (w.endpoint(), w.notification(), w.free_slot());
    let badges = [w.badged(ep, 5), w.badged(ep, 6)];
    receive_into(&mut w, receiver, slot);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).caps(&[badges[0], gift, badges[1]]));
    assert_eq!(w.received(receiver), msg(0).arrived(3, 0b101));
    assert_eq!(w.buffer_word(receiver, CAPS_OR_BADGES), 5);
    assert_eq!(w.buffer_word(receiver, CAPS_OR_BADGES + 2), 6);
    assert_eq!(w.cap(slot), w.cap(gift));
}

#[test]
fn one_capability_arrives_and_the_transfer_stops_at_the_second() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, slot) = (w.endpoint(), w.free_slot());
    let gifts = [w.notification(), w.notification()];
    let badged = w.badged(ep, 8);
    receive_into(&mut w, receiver, slot);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).caps(&[gifts[0], gifts[1], badged]));
    assert_eq!(w.received(receiver), msg(0).arrived(1, 0));
}

#[test]
fn a_slot_that_is_taken_receives_nothing() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, gift) = (w.endpoint(), w.notification());
    let taken = w.endpoint();
    receive_into(&mut w, receiver, taken);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).words(&[3]).caps(&[gift]));
    assert_eq!(w.received(receiver), Message::from([3]));
}

#[test]
fn an_empty_slot_in_the_message_ends_the_transfer() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let (ep, gift, slot, empty) = (w.endpoint(), w.notification(), w.free_slot(), w.free_slot());
    receive_into(&mut w, receiver, slot);
    w.wait(receiver, ep);
    w.send(sender, ep, msg(0).caps(&[empty, gift]));
    assert_eq!(w.received(receiver), msg(0));
    assert_eq!(w.cap(slot), Cap::Null);
}

#[test]
fn a_reply_may_carry_a_capability_if_the_reply_capability_grants() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply, gift, slot) = (
        w.endpoint(),
        w.reply_object(),
        w.notification(),
        w.free_slot(),
    );
    let no_grant = w.copy(reply, CapRights::READ_WRITE);
    receive_into(&mut w, client, slot);
    w.recv(server, ep, reply);
    w.call(client, ep, []);
    w.reply(server, no_grant, msg(0).caps(&[gift]));
    assert_eq!(w.received(client), msg(0));
    w.recv(server, ep, reply);
    w.call(client, ep, []);
    w.reply(server, reply, msg(0).caps(&[gift]));
    assert_eq!(w.received(client), msg(0).arrived(1, 0));
    assert_eq!(w.cap(slot), w.cap(gift));
}

// --- The end of an endpoint --------------------------------------------------------------------

#[test]
fn deleting_an_endpoint_restarts_those_who_wait() {
    let mut w = World::new();
    let (sender, other) = w.pair();
    let ep = w.endpoint();
    w.send(sender, ep, [1]);
    w.send(other, ep, [2]);
    w.delete(ep);
    // They sent again, to an empty slot, which a Send does not report.
    w.run(sender);
    assert_eq!(w.state(sender), ThreadState::Running);
    w.run(other);
    assert_eq!(w.state(other), ThreadState::Running);
}

#[test]
fn an_endpoint_stays_while_one_capability_is_left() {
    let mut w = World::new();
    let (sender, receiver) = w.pair();
    let ep = w.endpoint();
    let copy = w.copy(ep, CapRights::ALL);
    w.wait(receiver, copy);
    w.delete(ep);
    assert!(w.is_blocked(receiver));
    w.send(sender, copy, [1]);
    assert_eq!(w.received(receiver), Message::from([1]));
}

#[test]
fn sends_through_one_badge_can_be_cancelled() {
    let mut w = World::new();
    let ep = w.endpoint();
    let badged = [w.badged(ep, 1), w.badged(ep, 2), w.badged(ep, 1)];
    let senders = [w.thread(), w.thread(), w.thread()];
    for (sender, badge) in senders.into_iter().zip(badged) {
        w.send(sender, badge, [badge.0]);
    }
    // Such a revocation comes first, so that the sends that start again fail.
    w.as_root(|w| {
        w.delete(badged[2]);
        w.cancel_badged_sends(badged[0]).expect("all rights");
    });
    // The first sends again; the third finds its capability gone; the second never stopped.
    w.run(senders[2]);
    assert_eq!(w.state(senders[2]), ThreadState::Running);
    let receiver = w.thread();
    w.wait(receiver, ep);
    assert_eq!(w.received(receiver).badge, 2);
}
