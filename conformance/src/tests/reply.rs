//! Reply objects: whoever holds one may answer one caller, once.

use crate::report::{Outcome, check, check_eq, fail};
use crate::threads::Board;
use crate::world::{Start, Thread, World};
use abi::{CapRights, Word};
use user_api::{Endpoint, Fault, LookupFailure, Message, Reply, invoke};

crate::list!["reply":
    it_answers_once, unused_it_does_nothing, any_order_of_answers, a_deleted_object_leaves_the_caller_stopped,
    reuse_cancels_the_first_caller, a_suspended_caller_is_not_answered, a_copy_answers_too,
    reply_recv_answers_then_waits, a_reply_object_of_another_receiver, a_receive_without_a_reply_object,
    the_answer_has_no_badge,
];

/// Calls once and keeps the answer.
fn caller(board: &'static Board) {
    let endpoint: Endpoint = board.cap(0);
    let answer = endpoint.call(Message::new(board.get(1)));
    board.set(8, answer.label());
    board.set(9, answer.badge);
}

/// A caller that waits for the answer, which `reply` would be.
fn called(world: &mut World, endpoint: Endpoint, reply: Reply, number: Word) -> Outcome<Thread> {
    let thread = world.thread(Start::below(), caller, &[endpoint.cptr().bits(), number])?;
    world.settle()?;
    check_eq!(endpoint.recv(reply).label(), number);
    Ok(thread)
}

fn it_answers_once(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = called(world, endpoint, reply, 1)?;
    reply.send(Message::new(10));
    reply.send(Message::new(11));
    world.settle()?;
    check!(first.is_done());
    check_eq!(first.board.get(8), 10);
    Ok(())
}

fn unused_it_does_nothing(world: &mut World) -> Outcome {
    let reply = world.reply()?;
    reply.send(Message::new(1));
    let answer = invoke::invoke_label(reply, 77, &[1, 2], &[]);
    check_eq!(
        (answer.label(), answer.length(), answer.badge),
        (0, 0, 0),
        "as a call"
    );
    Ok(())
}

fn any_order_of_answers(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let replies = [world.reply()?, world.reply()?, world.reply()?];
    let mut threads = [None; 3];
    for (number, place) in threads.iter_mut().enumerate() {
        *place = Some(called(world, endpoint, replies[number], number as Word)?);
    }
    for number in [1, 2, 0] {
        replies[number].send(Message::new(100 + number as Word));
    }
    world.settle()?;
    for (number, thread) in threads.iter().flatten().enumerate() {
        check_eq!(thread.board.get(8), 100 + number as Word);
    }
    Ok(())
}

fn a_deleted_object_leaves_the_caller_stopped(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let thread = called(world, endpoint, reply, 1)?;
    world.path(reply).delete()?;
    world.settle()?;
    check!(!thread.is_done());
    // Resumed, it calls again.
    thread.tcb.resume()?;
    world.settle()?;
    let second = world.reply()?;
    check_eq!(endpoint.nb_recv(second).label(), 1);
    Ok(())
}

fn reuse_cancels_the_first_caller(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = called(world, endpoint, reply, 1)?;
    let second = called(world, endpoint, reply, 2)?;
    reply.send(Message::new(20));
    world.settle()?;
    check!(second.is_done());
    check!(
        !first.is_done(),
        "the object stands for the second caller now"
    );
    Ok(())
}

fn a_suspended_caller_is_not_answered(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let thread = called(world, endpoint, reply, 1)?;
    thread.tcb.suspend()?;
    reply.send(Message::new(5));
    world.settle()?;
    check!(!thread.is_done());
    thread.tcb.resume()?;
    world.settle()?;
    check_eq!(endpoint.nb_recv(reply).label(), 1, "it calls again");
    reply.send(Message::new(6));
    world.settle()?;
    check_eq!(thread.board.get(8), 6);
    Ok(())
}

fn a_copy_answers_too(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let copy = world.copy(reply, CapRights::ALL)?;
    let thread = called(world, endpoint, reply, 1)?;
    world.path(reply).delete()?;
    copy.send(Message::new(9));
    world.settle()?;
    check_eq!(thread.board.get(8), 9);
    Ok(())
}

fn reply_recv_answers_then_waits(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = called(world, endpoint, reply, 1)?;
    let second = world.thread(Start::below(), caller, &[endpoint.cptr().bits(), 2])?;
    world.settle()?;
    check_eq!(endpoint.reply_recv(Message::new(10), reply).label(), 2);
    reply.send(Message::new(20));
    world.settle()?;
    check_eq!((first.board.get(8), second.board.get(8)), (10, 20));
    Ok(())
}

/// Receives with the reply object of word 1.
fn receiver(board: &'static Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    board.set(8, endpoint.recv(reply).label());
}

fn a_reply_object_of_another_receiver(world: &mut World) -> Outcome {
    // A second receive with the object takes it away from the first, who gives up.
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let first = world.thread(
        Start::below(),
        receiver,
        &[endpoint.cptr().bits(), reply.cptr().bits()],
    )?;
    world.settle()?;
    let second = world.thread(
        Start::below(),
        receiver,
        &[endpoint.cptr().bits(), reply.cptr().bits()],
    )?;
    world.settle()?;
    endpoint.nb_send(Message::new(4));
    endpoint.nb_send(Message::new(5));
    world.settle()?;
    check_eq!((second.board.get(8), second.is_done()), (4, true));
    check!(!first.is_done());
    Ok(())
}

fn a_receive_without_a_reply_object(world: &mut World) -> Outcome {
    let (faults, handler, own) = super::ipc::fault_handler(world)?;
    let endpoint = world.endpoint()?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    let nothing = world.slot();
    for (cap, failure) in [
        (
            endpoint.cptr().bits(),
            LookupFailure::MissingCapability { bits_left: 0 },
        ),
        (nothing, LookupFailure::MissingCapability { bits_left: 0 }),
    ] {
        let thread = world.thread(start, receiver, &[endpoint.cptr().bits(), cap])?;
        world.settle()?;
        match super::ipc::next_fault(faults, own) {
            Some(Fault::Cap {
                address,
                in_receive: true,
                failure: found,
                ..
            }) => {
                check_eq!((address, found), (cap, failure));
            }
            other => return Err(fail(format_args!("{other:?}"))),
        }
        check!(!thread.is_done());
    }
    Ok(())
}

fn the_answer_has_no_badge(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let badged = world.mint(endpoint, CapRights::ALL, 66)?;
    let thread = world.thread(Start::below(), caller, &[badged.cptr().bits(), 3])?;
    world.settle()?;
    check_eq!(endpoint.recv(reply).badge, 66);
    reply.send(Message::new(4));
    world.settle()?;
    check_eq!((thread.board.get(8), thread.board.get(9)), (4, 0));
    Ok(())
}
