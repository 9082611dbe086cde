//! Messages: who gets them, in which order, and how much of them.

use crate::report::{Outcome, check, check_eq};
use crate::world::{Start, World};
use abi::{CapRights, Word};
use user_api::{CPtr, Endpoint, Error, Fault, Frame, Message, Reply, ipc_buffer, syscalls};
use user_runtime::boot::root;

crate::list!["ipc":
    a_call_is_answered, every_length, longer_than_there_is_room, send_waits_for_a_receiver,
    receive_waits_for_a_sender, nb_send_needs_a_receiver, nb_recv_takes_what_is_there,
    senders_are_served_by_priority, receivers_are_served_by_priority, equals_are_served_in_order,
    a_changed_priority_changes_the_place, a_call_without_a_write_right, a_call_without_a_grant_right,
    grant_reply_is_enough, a_call_to_a_waiter_without_reply_object, nb_send_recv_does_both, nb_send_wait_does_both,
    an_error_does_not_stop_the_second_half, without_a_buffer_four_words, an_endpoint_that_goes_away,
    cancel_badged_sends_picks_by_badge, words_past_the_length_are_left_alone, suspended_senders_leave_the_queue,
    labels_have_52_bits,
];

/// A server that adds one to label and first word, and keeps the rest, forever.
fn echo(board: &'static crate::threads::Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    let mut message = endpoint.recv(reply);
    loop {
        board.set(8, message.badge);
        board.set(9, message.info.0);
        let [first, second, third, fourth] = message.words;
        let answer = Message {
            label: message.label() + 1,
            words: [first.wrapping_add(1), second, third, fourth],
            length: message.length(),
            caps: 0,
        };
        message = endpoint.reply_recv(answer, reply);
    }
}

/// An endpoint with the echo server behind it.
fn echo_server(world: &mut World) -> Outcome<(Endpoint, crate::world::Thread)> {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let thread = world.thread(
        Start::above(),
        echo,
        &[endpoint.cptr().bits(), reply.cptr().bits()],
    )?;
    Ok((endpoint, thread))
}

/// A thread that sends one message with its own number and is done.
fn sender(board: &'static crate::threads::Board) {
    let endpoint: Endpoint = board.cap(0);
    endpoint.send(Message::new(board.get(1)).with_words(&[board.get(1)]));
}

/// A thread that calls once.
fn caller(board: &'static crate::threads::Board) {
    let endpoint: Endpoint = board.cap(0);
    let answer = endpoint.call(Message::new(board.get(1)));
    board.set(8, answer.info.0);
    board.set(9, answer.words[0]);
}

/// A thread that waits for one message.
fn waiter(board: &'static crate::threads::Board) {
    let endpoint: Endpoint = board.cap(0);
    let message = endpoint.wait();
    board.set(8, message.badge);
    board.set(9, message.info.0);
    board.set(10, message.words[0]);
}

fn a_call_is_answered(world: &mut World) -> Outcome {
    let (endpoint, server) = echo_server(world)?;
    let badged = world.mint(endpoint, CapRights::ALL, 0xb0)?;
    let answer = badged.call(Message::new(7).with_words(&[1, 2]));
    check_eq!((answer.label(), answer.length(), answer.badge), (8, 2, 0));
    check_eq!((answer.words[0], answer.words[1]), (2, 2));
    check_eq!(server.board.get(8), 0xb0, "the badge that the server saw");
    Ok(())
}

fn every_length(world: &mut World) -> Outcome {
    let (endpoint, server) = echo_server(world)?;
    let content = |index: usize, length: usize| (index * 1_000 + length) as Word;
    for length in 0..=ipc_buffer::MAX_WORDS {
        let words: [Word; ipc_buffer::MAX_WORDS] =
            core::array::from_fn(|index| content(index, length));
        let message = Message::new(1).with_words(&words[..length]);
        let answer = endpoint.call(message);
        check_eq!(answer.length(), length);
        check_eq!(
            abi::MessageInfo(server.board.get(9)).length(),
            length,
            "what the server was told"
        );
        for index in 0..length {
            let wanted = content(index, length) + Word::from(index == 0);
            check_eq!(answer.word(index), wanted, "word {index} of {length}");
        }
    }
    Ok(())
}

fn longer_than_there_is_room(world: &mut World) -> Outcome {
    let (endpoint, server) = echo_server(world)?;
    for length in 121..128 {
        let answer = endpoint.call(Message {
            length,
            ..Message::new(1)
        });
        check_eq!(
            abi::MessageInfo(server.board.get(9)).length(),
            120,
            "sent {length}"
        );
        check_eq!(answer.length(), 120);
    }
    Ok(())
}

fn send_waits_for_a_receiver(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let thread = world.thread(Start::below(), sender, &[endpoint.cptr().bits(), 33])?;
    world.settle()?;
    check!(!thread.is_done(), "nobody has received");
    let message = endpoint.recv(reply);
    check_eq!(
        (message.label(), message.words[0], message.badge),
        (33, 33, 0)
    );
    world.settle()?;
    check!(thread.is_done());
    Ok(())
}

fn receive_waits_for_a_sender(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let badged = world.mint(endpoint, CapRights::WRITE, 5)?;
    let thread = world.thread(Start::below(), waiter, &[endpoint.cptr().bits()])?;
    world.settle()?;
    check!(!thread.is_done());
    badged.send(Message::new(3).with_words(&[4]));
    world.settle()?;
    check_eq!((thread.board.get(8), thread.board.get(10)), (5, 4));
    Ok(())
}

fn nb_send_needs_a_receiver(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let badged = world.mint(endpoint, CapRights::WRITE, 5)?;
    badged.nb_send(Message::new(3));
    check_eq!(endpoint.nb_wait().badge, 0, "nobody waited, so it is lost");
    let thread = world.thread(Start::below(), waiter, &[endpoint.cptr().bits()])?;
    world.settle()?;
    badged.nb_send(Message::new(3).with_words(&[1]));
    world.settle()?;
    check_eq!((thread.board.get(8), thread.board.get(10)), (5, 1));
    Ok(())
}

fn nb_recv_takes_what_is_there(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let badged = world.mint(endpoint, CapRights::ALL, 6)?;
    check_eq!(endpoint.nb_recv(reply).badge, 0);
    let thread = world.thread(Start::below(), sender, &[badged.cptr().bits(), 12])?;
    world.settle()?;
    let message = endpoint.nb_recv(reply);
    check_eq!((message.badge, message.label()), (6, 12));
    check_eq!(endpoint.nb_recv(reply).badge, 0);
    world.settle()?;
    check!(thread.is_done());
    Ok(())
}

fn senders_are_served_by_priority(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    for priority in [30, 50, 40, 20] {
        world.thread(
            Start::at(priority),
            sender,
            &[endpoint.cptr().bits(), priority],
        )?;
        world.settle()?;
    }
    for priority in [50, 40, 30, 20] {
        check_eq!(endpoint.recv(reply).label(), priority);
    }
    Ok(())
}

fn receivers_are_served_by_priority(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let mut threads = [None; 3];
    for (place, priority) in threads.iter_mut().zip([30, 50, 40]) {
        *place = Some(world.thread(Start::at(priority), waiter, &[endpoint.cptr().bits()])?);
        world.settle()?;
    }
    for number in 1..=3 {
        endpoint.send(Message::new(0).with_words(&[number]));
    }
    world.settle()?;
    let got: [Word; 3] = threads.map(|thread| thread.map_or(0, |thread| thread.board.get(10)));
    check_eq!(got, [3, 1, 2]);
    Ok(())
}

fn equals_are_served_in_order(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    for number in 1..=5 {
        world.thread(Start::below(), sender, &[endpoint.cptr().bits(), number])?;
        world.settle()?;
    }
    for number in 1..=5 {
        check_eq!(endpoint.recv(reply).label(), number);
    }
    Ok(())
}

fn a_changed_priority_changes_the_place(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = world.thread(Start::at(40), sender, &[endpoint.cptr().bits(), 1])?;
    world.settle()?;
    world.thread(Start::at(50), sender, &[endpoint.cptr().bits(), 2])?;
    world.settle()?;
    first.tcb.set_priority(root::TCB, 60)?;
    check_eq!(endpoint.recv(reply).label(), 1, "raised while it waits");
    check_eq!(endpoint.recv(reply).label(), 2);
    Ok(())
}

fn a_call_without_a_write_right(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let reader = world.copy(endpoint, CapRights::READ)?;
    let answer = reader.call(Message::new(1));
    check_eq!(
        Error::decode(&answer),
        Some(Error::InvalidCapability { which: 0 })
    );
    reader.send(Message::new(1));
    reader.nb_send(Message::new(1));
    check_eq!(endpoint.nb_wait().badge, 0);
    Ok(())
}

fn a_call_without_a_grant_right(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let writer = world.mint(endpoint, CapRights::WRITE, 4)?;
    let thread = world.thread(Start::below(), caller, &[writer.cptr().bits(), 1])?;
    world.settle()?;
    check_eq!(endpoint.recv(reply).badge, 4, "the message arrives");
    reply.send(Message::new(2));
    world.settle()?;
    check!(!thread.is_done(), "but there is nobody to answer");
    Ok(())
}

fn grant_reply_is_enough(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let caller_side = world.mint(endpoint, CapRights::WRITE | CapRights::GRANT_REPLY, 4)?;
    let thread = world.thread(Start::below(), caller, &[caller_side.cptr().bits(), 1])?;
    world.settle()?;
    check_eq!(endpoint.recv(reply).badge, 4);
    reply.send(Message::new(2).with_words(&[77]));
    world.settle()?;
    check!(thread.is_done());
    check_eq!(thread.board.get(9), 77);
    Ok(())
}

fn a_call_to_a_waiter_without_reply_object(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let thread = world.thread(Start::below(), caller, &[endpoint.cptr().bits(), 9])?;
    world.settle()?;
    check_eq!(endpoint.wait().label(), 9);
    world.settle()?;
    check!(!thread.is_done(), "there is nothing to answer it by");
    Ok(())
}

/// Receives on its first endpoint, sends label + 1 to its second.
fn relay(board: &'static crate::threads::Board) {
    let (from, to): (Endpoint, Endpoint) = (board.cap(0), board.cap(1));
    loop {
        let message = from.wait();
        to.send(Message::new(message.label() + 1));
    }
}

fn nb_send_recv_does_both(world: &mut World) -> Outcome {
    let (there, back, reply) = (world.endpoint()?, world.endpoint()?, world.reply()?);
    world.thread(
        Start::above(),
        relay,
        &[there.cptr().bits(), back.cptr().bits()],
    )?;
    let message = syscalls::nb_send_recv(there, Message::new(20), back, reply);
    check_eq!(message.label(), 21);
    Ok(())
}

fn nb_send_wait_does_both(world: &mut World) -> Outcome {
    let (there, back) = (world.endpoint()?, world.endpoint()?);
    world.thread(
        Start::above(),
        relay,
        &[there.cptr().bits(), back.cptr().bits()],
    )?;
    let message = syscalls::nb_send_wait(there, Message::new(30), back);
    check_eq!(message.label(), 31);
    Ok(())
}

fn an_error_does_not_stop_the_second_half(world: &mut World) -> Outcome {
    let (endpoint, reply, notification) =
        (world.endpoint()?, world.reply()?, world.notification()?);
    world.mint(notification, CapRights::ALL, 3)?.signal();
    // The first half fails: no capability there, or one that may not be used so.
    let nothing = CPtr::new(world.slot());
    check_eq!(
        syscalls::nb_send_wait(nothing, Message::new(1), notification).badge,
        3
    );
    world.thread(Start::above(), sender, &[endpoint.cptr().bits(), 8])?;
    let message = syscalls::nb_send_recv(root::TCB, Message::new(1), endpoint, reply);
    check_eq!(message.label(), 8);
    Ok(())
}

fn without_a_buffer_four_words(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let body = |board: &'static crate::threads::Board| {
        let endpoint: Endpoint = board.cap(0);
        endpoint.send(Message {
            label: 2,
            words: [1, 2, 3, 4],
            length: 10,
            caps: 2,
        });
    };
    let start = Start {
        resume: false,
        ..Start::below()
    };
    let thread = world.thread(start, body, &[endpoint.cptr().bits()])?;
    thread.tcb.set_ipc_buffer(0, Frame::default())?;
    thread.tcb.resume()?;
    world.settle()?;
    let message = endpoint.recv(reply);
    check_eq!(
        (message.length(), message.info.extra_caps(), message.words),
        (4, 0, [1, 2, 3, 4])
    );
    Ok(())
}

/// Waits for a fault of somebody, without answering it.
pub(super) fn next_fault(handler: Endpoint, reply: Reply) -> Option<Fault> {
    let message = handler.nb_recv(reply);
    if message.badge == 0 {
        None
    } else {
        Fault::decode(&message)
    }
}

/// An endpoint for fault messages, by a badged capability, and a reply object for it.
pub(crate) fn fault_handler(world: &mut World) -> Outcome<(Endpoint, Endpoint, Reply)> {
    let endpoint = world.endpoint()?;
    Ok((
        endpoint,
        world.mint(endpoint, CapRights::ALL, 0xfa)?,
        world.reply()?,
    ))
}

fn an_endpoint_that_goes_away(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let sending = world.thread(Start::below(), sender, &[endpoint.cptr().bits(), 1])?;
    let calling = world.thread(Start::below(), caller, &[endpoint.cptr().bits(), 1])?;
    world.settle()?;
    world.path(endpoint).delete()?;
    check!(!sending.is_done() && !calling.is_done());
    world.settle()?;
    // Both start again, and find an empty slot: a call hears of that, a send does not.
    check!(sending.is_done());
    let error = abi::MessageInfo(calling.board.get(8)).label();
    check_eq!(error, abi::ErrorCode::InvalidCapability.number());
    Ok(())
}

fn cancel_badged_sends_picks_by_badge(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let one = world.mint(endpoint, CapRights::ALL, 1)?;
    let two = world.mint(endpoint, CapRights::ALL, 2)?;
    let mut threads = [None; 3];
    for (place, badged) in threads.iter_mut().zip([one, two, one]) {
        let copy = world.copy(badged, CapRights::ALL)?;
        *place = Some(world.thread(Start::below(), sender, &[copy.cptr().bits(), 1])?);
        world.settle()?;
        world.path(copy).delete()?;
    }
    let done = || threads.map(|thread| thread.is_some_and(|thread| thread.is_done()));
    world.settle()?;
    check_eq!(
        done(),
        [false; 3],
        "messages that wait need no capability any more"
    );
    world.path(one).cancel_badged_sends()?;
    world.settle()?;
    check_eq!(
        done(),
        [true, false, true],
        "those with badge 1 start again, and find an empty slot"
    );
    check_eq!(endpoint.nb_wait().badge, 2, "the other waits as before");
    check_eq!(endpoint.nb_wait().badge, 0);
    check_eq!(
        world.path(endpoint).cancel_badged_sends(),
        Ok(()),
        "without a badge nothing happens"
    );
    let writer = world.copy(one, CapRights::WRITE)?;
    check_eq!(
        world.path(writer).cancel_badged_sends(),
        Err(Error::IllegalOperation),
        "all rights are needed"
    );
    Ok(())
}

fn words_past_the_length_are_left_alone(world: &mut World) -> Outcome {
    let (endpoint, _server) = echo_server(world)?;
    for index in 4..20 {
        ipc_buffer::set_word(index, 0x1111);
    }
    let answer = endpoint.call(Message::new(0).with_words(&[1, 2, 3, 4, 5, 6]));
    check_eq!((answer.word(4), answer.word(5)), (5, 6));
    for index in 6..20 {
        check_eq!(ipc_buffer::word(index), 0x1111, "word {index}");
    }
    Ok(())
}

fn suspended_senders_leave_the_queue(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = world.thread(Start::below(), sender, &[endpoint.cptr().bits(), 1])?;
    world.settle()?;
    world.thread(Start::below(), sender, &[endpoint.cptr().bits(), 2])?;
    world.settle()?;
    first.tcb.suspend()?;
    check_eq!(endpoint.recv(reply).label(), 2);
    first.tcb.resume()?;
    world.settle()?;
    check_eq!(endpoint.recv(reply).label(), 1, "resumed, it sends again");
    Ok(())
}

fn labels_have_52_bits(world: &mut World) -> Outcome {
    let (endpoint, _server) = echo_server(world)?;
    let most = (1 << 52) - 2;
    check_eq!(endpoint.call(Message::new(most)).label(), most + 1);
    Ok(())
}
