//! Reply objects, and time that travels with calls.

use crate::world::{CPtr, Message, PRIORITY, World};
use kernel::cap::Cap;
use kernel::object::tcb::ThreadState;

#[test]
fn a_passive_server_runs_on_the_time_of_its_client() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let time = w.sched_context_of(client);
    assert!(time.is_some());
    w.call(client, ep, [1]);
    assert!(w.is_current(server));
    assert_eq!(
        (w.sched_context_of(server), w.sched_context_of(client)),
        (time, None)
    );
    w.reply_recv(server, reply, [2], ep);
    assert!(w.is_current(client));
    assert_eq!(
        (w.sched_context_of(server), w.sched_context_of(client)),
        (None, time)
    );
    assert_eq!(w.received(client), Message::from([2]));
}

#[test]
fn a_passive_server_that_waits_behind_another_is_next() {
    let mut w = World::new();
    let [first, second] = [w.thread(), w.thread()];
    let (ep, replies) = (w.endpoint(), [w.reply_object(), w.reply_object()]);
    let servers = replies.map(|reply| w.passive_server(ep, reply));
    // Twice: then each has run in its address space before, and short plans cover the call.
    for _ in 0..2 {
        w.call(first, ep, [1]);
        assert!(w.is_current(servers[0]));
        // The server's time ends: it is the turn of the other client.
        w.pass(crate::world::BUDGET_US);
        w.call(second, ep, [2]);
        assert!(w.is_current(servers[1]));
        assert_eq!(
            servers.map(|server| w.received(server)),
            [Message::from([1]), Message::from([2])]
        );
        for (server, reply) in servers.into_iter().zip(replies) {
            w.reply_recv(server, reply, [3], ep);
        }
    }
}

#[test]
fn an_active_server_keeps_its_own_time() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.recv(server, ep, reply);
    let (its, clients) = (w.sched_context_of(server), w.sched_context_of(client));
    w.call(client, ep, []);
    assert_eq!(
        (w.sched_context_of(server), w.sched_context_of(client)),
        (its, clients)
    );
}

#[test]
fn a_caller_that_waited_lends_its_time_when_it_is_received() {
    let mut w = World::new();
    let [first, second] = [w.thread(), w.thread()];
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    w.call(first, ep, [1]);
    // The server runs on the first one's time; the second one waits.
    w.call(second, ep, [2]);
    let time = w.sched_context_of(second);
    w.reply_recv(server, reply, [], ep);
    assert_eq!(w.received(server), Message::from([2]));
    assert_eq!(w.sched_context_of(server), time);
}

#[test]
fn a_thread_whose_fault_waited_lends_its_time_when_that_is_received() {
    let mut w = World::new();
    let [client, faulty] = [w.thread(), w.thread()];
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    w.set_fault_handler(faulty, ep);
    w.call(client, ep, [1]);
    // The server runs on the client's time; the fault waits.
    w.run(faulty);
    w.set_syscall(faulty, 12345);
    w.settle();
    assert!(matches!(w.state(faulty), ThreadState::BlockedOnSend { .. }));
    let time = w.sched_context_of(faulty);
    w.reply_recv(server, reply, [], ep);
    assert_eq!(w.sched_context_of(server), time);
}

#[test]
fn time_passes_through_a_chain_of_calls_and_back() {
    let mut w = World::new();
    let client = w.thread();
    let [(outer, outer_reply), (inner, inner_reply)] = [
        (w.endpoint(), w.reply_object()),
        (w.endpoint(), w.reply_object()),
    ];
    let middle = w.passive_server(outer, outer_reply);
    let last = w.passive_server(inner, inner_reply);
    let time = w.sched_context_of(client);
    w.call(client, outer, [1]);
    w.call(middle, inner, [2]);
    assert_eq!(w.sched_context_of(last), time);
    w.reply_recv(last, inner_reply, [3], inner);
    assert_eq!(w.sched_context_of(middle), time);
    w.reply_recv(middle, outer_reply, [4], outer);
    assert_eq!(w.sched_context_of(client), time);
    assert_eq!(w.received(client), Message::from([4]));
}

#[test]
fn a_reply_in_the_middle_of_the_chain_leaves_the_time_where_it_is() {
    let mut w = World::new();
    let client = w.thread();
    let [(outer, outer_reply), (inner, inner_reply)] = [
        (w.endpoint(), w.reply_object()),
        (w.endpoint(), w.reply_object()),
    ];
    let middle = w.passive_server(outer, outer_reply);
    let last = w.passive_server(inner, inner_reply);
    let time = w.sched_context_of(client);
    w.call(client, outer, [1]);
    w.call(middle, inner, [2]);
    // The last one answers the client directly: it goes on, but without time.
    w.reply(last, outer_reply, [9]);
    assert_eq!(w.received(client), Message::from([9]));
    assert_eq!(
        (w.sched_context_of(client), w.sched_context_of(last)),
        (None, time)
    );
    // The inner reply gives the time back to the one in the middle, who keeps it.
    w.reply_recv(last, inner_reply, [3], inner);
    assert_eq!(w.sched_context_of(middle), time);
}

#[test]
fn replying_to_nobody_does_nothing() {
    let mut w = World::new();
    let thread = w.thread();
    let reply = w.reply_object();
    w.call(thread, reply, [1]);
    assert_eq!(w.state(thread), ThreadState::Running);
    assert_eq!(w.answer(thread), Ok(vec![]));
}

#[test]
fn a_reply_object_that_is_used_again_forgets_its_caller() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.call(client, ep, [1]);
    w.recv(server, ep, reply);
    w.recv(server, ep, reply);
    assert_eq!(w.state(client), ThreadState::Inactive);
}

#[test]
fn a_reply_object_that_a_receiver_holds_can_be_taken_by_another() {
    let mut w = World::new();
    let (first, second) = w.pair();
    let (ep, other, reply) = (w.endpoint(), w.endpoint(), w.reply_object());
    w.recv(first, ep, reply);
    w.recv(second, other, reply);
    assert_eq!(w.state(first), ThreadState::Inactive);
    assert!(w.is_blocked(second));
}

#[test]
fn deleting_a_reply_object_stops_the_caller_and_returns_its_time() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let time = w.sched_context_of(client);
    w.call(client, ep, [1]);
    w.delete(reply);
    assert_eq!(w.state(client), ThreadState::Inactive);
    assert_eq!(
        (w.sched_context_of(client), w.sched_context_of(server)),
        (time, None)
    );
}

#[test]
fn deleting_a_reply_object_ends_the_receive_it_is_used_in() {
    let mut w = World::new();
    let server = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.recv(server, ep, reply);
    w.delete(reply);
    assert_eq!(w.state(server), ThreadState::Inactive);
}

#[test]
fn suspending_a_caller_frees_the_reply_object_and_leaves_its_time_where_it_is() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let time = w.sched_context_of(client);
    w.call(client, ep, [1]);
    w.suspend(client);
    assert_eq!(w.sched_context_of(client), None);
    assert_eq!(w.sched_context_of(server), time);
    assert_eq!(w.state(client), ThreadState::Inactive);
}

/// Found by exploration: the time came back to the caller as that ended, and its scheduling
/// context kept a link to a thread that was gone.
#[test]
fn the_time_of_a_caller_that_ends_stays_with_the_server() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let time = w.sched_context_of(client);
    w.call(client, ep, [1]);
    w.delete(client.tcb);
    assert_eq!(w.sched_context_of(server), time);
    assert!(w.is_current(server));
}

#[test]
fn send_lends_no_time_and_neither_does_a_send_that_does_not_block() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    w.send(client, ep, [1]);
    assert_eq!(w.received(server), Message::from([1]));
    assert_eq!(w.state(server), ThreadState::Running);
    assert_eq!(w.sched_context_of(server), None);
    assert!(
        w.is_current(client),
        "the server has its message and no time to read it"
    );
}

#[test]
fn nb_send_wait_passes_time_on() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply, n) = (w.endpoint(), w.reply_object(), w.notification());
    let server = w.passive_server(ep, reply);
    let time = w.sched_context_of(client);
    w.nb_send_wait(client, ep, [5], n);
    assert_eq!(w.received(server), Message::from([5]));
    assert_eq!(w.sched_context_of(server), time);
    assert!(w.is_current(server));
}

#[test]
fn nb_send_recv_replies_to_one_and_receives_from_another() {
    let mut w = World::new();
    let (client, server) = w.pair();
    let (ep, reply, second) = (w.endpoint(), w.reply_object(), w.reply_object());
    w.recv(server, ep, reply);
    w.call(client, ep, [1]);
    w.nb_send_recv(server, reply, [2], ep, second);
    assert_eq!(w.received(client), Message::from([2]));
    assert!(w.is_blocked(server));
}

#[test]
fn the_priority_of_a_passive_server_is_its_own() {
    let mut w = World::new();
    let client = w.thread_at(PRIORITY);
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let urgent = w.thread_at(PRIORITY + 1);
    let n = w.notification();
    w.wait(urgent, n);
    w.call(client, ep, []);
    assert!(w.is_current(server));
    w.signal(server, n);
    assert!(w.is_current(urgent));
}

#[test]
fn a_thread_woken_by_a_signal_borrows_the_time_of_the_notification() {
    let mut w = World::new();
    let signaller = w.thread();
    let (n, ep, reply) = (w.notification(), w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    let lent = w.sched_context(1000, 1000);
    let Cap::SchedContext(lent_object) = w.cap(lent) else {
        panic!("a scheduling context")
    };
    w.bind(lent, n);
    w.bind_notification(server, n);
    w.signal(signaller, n);
    assert_eq!(w.sched_context_of(server), Some(lent_object.sched_context));
    w.run(server);
    // With the next blocking receive the time goes back.
    w.recv(server, ep, reply);
    assert_eq!(w.sched_context_of(server), None);
    assert!(w.is_blocked(server));
}

#[test]
fn a_reply_object_without_a_caller_keeps_nobody() {
    let mut w = World::new();
    let (sender, server) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.send(sender, ep, [1]);
    w.recv(server, ep, reply);
    assert_eq!(w.received(server), Message::from([1]));
    let Cap::Reply(cap) = w.cap(reply) else {
        panic!("a reply object")
    };
    assert_eq!(w.k[cap.reply].tcb, None);
    w.recv(server, ep, CPtr::NULL);
    assert_eq!(
        w.state(server),
        ThreadState::Inactive,
        "a null reply capability is a fault"
    );
}
