//! Notifications: signals that add up, waiters, and threads bound to them.

use crate::report::{Outcome, check, check_eq, fail};
use crate::threads::Board;
use crate::world::{Start, World};
use abi::CapRights;
use user_api::{Endpoint, Error, Fault, LookupFailure, Message, Notification, Reply};

crate::list!["notification":
    signals_add_up, polling_clears, a_signal_wakes_a_waiter, each_signal_wakes_one, the_highest_priority_is_woken,
    a_signal_wakes_who_listens_to_messages, a_pending_signal_comes_before_messages, unbound_it_does_not,
    one_thread_one_notification, notifications_with_waiters_cannot_be_bound, reading_is_needed_to_bind,
    others_may_not_wait_on_a_bound_one, a_deleted_notification_frees_its_waiters, deleting_the_thread_unbinds,
    nb_receive_sees_a_bound_signal, a_notification_cannot_be_called_for_an_answer,
];

/// Waits once.
fn waiter(board: &'static Board) {
    let notification: Notification = board.cap(0);
    board.set(8, notification.wait());
}

/// Receives once from an endpoint.
fn receiver(board: &'static Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    let message = endpoint.recv(reply);
    board.set(8, message.badge);
    board.set(9, message.label());
}

fn signals_add_up(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    for badge in [1, 4, 4, 0x100] {
        world.mint(notification, CapRights::WRITE, badge)?.signal();
    }
    check_eq!(notification.wait(), 0x105);
    Ok(())
}

fn polling_clears(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    world.mint(notification, CapRights::WRITE, 2)?.signal();
    check_eq!((notification.poll(), notification.poll()), (2, 0));
    Ok(())
}

fn a_signal_wakes_a_waiter(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let thread = world.thread(Start::below(), waiter, &[notification.cptr().bits()])?;
    world.settle()?;
    check!(!thread.is_done());
    world.mint(notification, CapRights::WRITE, 6)?.signal();
    check_eq!(notification.poll(), 0, "the waiter has it");
    world.settle()?;
    check_eq!(thread.board.get(8), 6);
    Ok(())
}

fn each_signal_wakes_one(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let cap = notification.cptr().bits();
    let first = world.thread(Start::below(), waiter, &[cap])?;
    world.settle()?;
    let second = world.thread(Start::below(), waiter, &[cap])?;
    world.settle()?;
    world.mint(notification, CapRights::WRITE, 1)?.signal();
    world.settle()?;
    check_eq!((first.board.get(8), second.is_done()), (1, false));
    world.mint(notification, CapRights::WRITE, 2)?.signal();
    world.settle()?;
    check_eq!(second.board.get(8), 2);
    Ok(())
}

fn the_highest_priority_is_woken(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let cap = notification.cptr().bits();
    let low = world.thread(Start::at(30), waiter, &[cap])?;
    world.settle()?;
    let high = world.thread(Start::at(60), waiter, &[cap])?;
    world.settle()?;
    world.mint(notification, CapRights::WRITE, 1)?.signal();
    world.settle()?;
    check_eq!((low.is_done(), high.is_done()), (false, true));
    Ok(())
}

fn a_signal_wakes_who_listens_to_messages(world: &mut World) -> Outcome {
    let (endpoint, reply, notification) =
        (world.endpoint()?, world.reply()?, world.notification()?);
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        receiver,
        &words,
    )?;
    thread.tcb.bind_notification(notification)?;
    thread.tcb.resume()?;
    world.settle()?;
    check!(!thread.is_done());
    world.mint(notification, CapRights::WRITE, 0x20)?.signal();
    world.settle()?;
    check_eq!((thread.is_done(), thread.board.get(8)), (true, 0x20));
    check_eq!(endpoint.nb_wait().badge, 0);
    Ok(())
}

fn a_pending_signal_comes_before_messages(world: &mut World) -> Outcome {
    let (endpoint, reply, notification) =
        (world.endpoint()?, world.reply()?, world.notification()?);
    let badged = world.mint(endpoint, CapRights::ALL, 5)?;
    let sender = world.thread(
        Start::below(),
        |board| board.cap::<Endpoint>(0).send(Message::new(1)),
        &[badged.cptr().bits()],
    )?;
    world.settle()?;
    world.mint(notification, CapRights::WRITE, 0x40)?.signal();
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        receiver,
        &words,
    )?;
    thread.tcb.bind_notification(notification)?;
    thread.tcb.resume()?;
    world.settle()?;
    check_eq!(thread.board.get(8), 0x40);
    check!(!sender.is_done(), "the message still waits");
    Ok(())
}

fn unbound_it_does_not(world: &mut World) -> Outcome {
    let (endpoint, reply, notification) =
        (world.endpoint()?, world.reply()?, world.notification()?);
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        receiver,
        &words,
    )?;
    thread.tcb.bind_notification(notification)?;
    thread.tcb.resume()?;
    world.settle()?;
    thread.tcb.unbind_notification()?;
    world.mint(notification, CapRights::WRITE, 2)?.signal();
    world.settle()?;
    check!(!thread.is_done());
    check_eq!(notification.poll(), 2, "the signal stays");
    check_eq!(
        thread.tcb.unbind_notification(),
        Err(Error::IllegalOperation),
        "nothing is bound any more"
    );
    Ok(())
}

fn one_thread_one_notification(world: &mut World) -> Outcome {
    let (first, second) = (world.notification()?, world.notification()?);
    let (one, two) = (world.tcb()?, world.tcb()?);
    one.bind_notification(first)?;
    check_eq!(one.bind_notification(second), Err(Error::IllegalOperation));
    check_eq!(one.bind_notification(first), Err(Error::IllegalOperation));
    check_eq!(two.bind_notification(first), Err(Error::IllegalOperation));
    check_eq!(two.bind_notification(second), Ok(()));
    let endpoint = world.endpoint()?;
    let three = world.tcb()?;
    check_eq!(
        three.bind_notification(endpoint.cptr().cast()),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn notifications_with_waiters_cannot_be_bound(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    world.thread(Start::below(), waiter, &[notification.cptr().bits()])?;
    world.settle()?;
    let tcb = world.tcb()?;
    check_eq!(
        tcb.bind_notification(notification),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn reading_is_needed_to_bind(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let writer = world.copy(notification, CapRights::WRITE)?;
    let reader = world.copy(notification, CapRights::READ)?;
    let tcb = world.tcb()?;
    check_eq!(tcb.bind_notification(writer), Err(Error::IllegalOperation));
    check_eq!(tcb.bind_notification(reader), Ok(()));
    Ok(())
}

fn others_may_not_wait_on_a_bound_one(world: &mut World) -> Outcome {
    let (faults, handler, reply) = super::ipc::fault_handler(world)?;
    let notification = world.notification()?;
    world.tcb()?.bind_notification(notification)?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    world.thread(start, waiter, &[notification.cptr().bits()])?;
    world.settle()?;
    match super::ipc::next_fault(faults, reply) {
        Some(Fault::Cap {
            address,
            in_receive: true,
            failure,
            ..
        }) => {
            check_eq!(address, notification.cptr().bits());
            check_eq!(failure, LookupFailure::MissingCapability { bits_left: 0 });
        }
        other => return Err(fail(format_args!("{other:?}"))),
    }
    Ok(())
}

fn a_deleted_notification_frees_its_waiters(world: &mut World) -> Outcome {
    let (faults, handler, reply) = super::ipc::fault_handler(world)?;
    let notification = world.notification()?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    world.thread(start, waiter, &[notification.cptr().bits()])?;
    world.settle()?;
    world.path(notification).delete()?;
    world.settle()?;
    let fault = super::ipc::next_fault(faults, reply);
    check!(
        matches!(
            fault,
            Some(Fault::Cap {
                in_receive: true,
                ..
            })
        ),
        "{fault:?}"
    );
    Ok(())
}

fn deleting_the_thread_unbinds(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let (one, two) = (world.tcb()?, world.tcb()?);
    one.bind_notification(notification)?;
    world.path(one).delete()?;
    check_eq!(two.bind_notification(notification), Ok(()));
    Ok(())
}

fn nb_receive_sees_a_bound_signal(world: &mut World) -> Outcome {
    let (endpoint, reply, notification) =
        (world.endpoint()?, world.reply()?, world.notification()?);
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let body = |board: &'static Board| {
        let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
        board.set(8, endpoint.nb_recv(reply).badge);
        board.set(9, endpoint.nb_recv(reply).badge);
    };
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        body,
        &words,
    )?;
    thread.tcb.bind_notification(notification)?;
    world.mint(notification, CapRights::WRITE, 2)?.signal();
    thread.tcb.resume()?;
    world.settle()?;
    check_eq!((thread.board.get(8), thread.board.get(9)), (2, 0));
    Ok(())
}

fn a_notification_cannot_be_called_for_an_answer(world: &mut World) -> Outcome {
    // A call signals, and comes back empty-handed at once.
    let notification = world.notification()?;
    let badged = world.mint(notification, CapRights::ALL, 3)?;
    let answer = user_api::syscalls::call(badged, Message::new(9).with_words(&[1]));
    check_eq!((answer.label(), answer.length()), (0, 0));
    check_eq!(notification.poll(), 3);
    Ok(())
}
