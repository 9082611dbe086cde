//! Capabilities that travel with messages.

use crate::report::{Outcome, check, check_eq};
use crate::threads::Board;
use crate::world::{Start, Thread, World};
use abi::{CapRights, Word};
use user_api::{CPtr, Endpoint, Message, Notification, Reply, ipc_buffer};
use user_runtime::boot::root;

crate::list!["transfer":
    a_capability_arrives, without_grant_it_is_dropped, the_endpoint_itself_arrives_as_its_badge,
    badges_and_one_capability, only_one_takes_the_slot, an_occupied_slot_takes_nothing,
    without_a_slot_nothing_arrives, it_is_a_child_of_the_original, a_reply_brings_capabilities,
    a_reply_object_without_grant_does_not, empty_slots_end_the_transfer, what_cannot_be_copied_ends_the_transfer,
    rights_travel_along,
];

/// Sends the capabilities named by words 2 and on (word 1 says how many) by call.
fn giver(board: &'static Board) {
    let endpoint: Endpoint = board.cap(0);
    let caps: [CPtr; 3] = core::array::from_fn(|index| board.cap(2 + index));
    endpoint.call(Message::new(1).with_caps(&caps[..board.get(1) as usize]));
}

/// Starts a giver, lets it block, and receives from it.
fn receive(
    world: &mut World,
    side: Endpoint,
    endpoint: Endpoint,
    caps: &[CPtr],
) -> Outcome<(Word, usize, Thread)> {
    let mut words = [side.cptr().bits(), caps.len() as Word, 0, 0, 0];
    for (word, cap) in words[2..].iter_mut().zip(caps) {
        *word = cap.bits();
    }
    let reply = world.reply()?;
    let thread = world.thread(Start::below(), giver, &words)?;
    world.settle()?;
    let message = endpoint.recv(reply);
    Ok((
        message.info.caps_unwrapped(),
        message.info.extra_caps(),
        thread,
    ))
}

/// A fresh slot that takes what the driver receives.
fn open_slot(world: &mut World) -> CPtr {
    let slot = world.slot();
    ipc_buffer::set_receive_path(root::CNODE.absolute(slot));
    CPtr::new(slot)
}

fn a_capability_arrives(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    let badged = world.mint(notification, CapRights::ALL, 8)?;
    let (unwrapped, count, _) = receive(world, endpoint, endpoint, &[badged.cptr()])?;
    check_eq!((unwrapped, count), (0, 1));
    slot.cast::<Notification>().signal();
    check_eq!(notification.poll(), 8);
    Ok(())
}

fn without_grant_it_is_dropped(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    let side = world.copy(endpoint, CapRights::WRITE | CapRights::GRANT_REPLY)?;
    let (unwrapped, count, _) = receive(world, side, endpoint, &[notification.cptr()])?;
    check_eq!((unwrapped, count), (0, 0));
    check!(!world.occupied(world.path(slot))?);
    Ok(())
}

fn the_endpoint_itself_arrives_as_its_badge(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let slot = open_slot(world);
    let badged = world.mint(endpoint, CapRights::READ, 0x77)?;
    let (unwrapped, count, _) = receive(world, endpoint, endpoint, &[badged.cptr()])?;
    check_eq!((unwrapped, count, ipc_buffer::badge(0)), (1, 1, 0x77));
    check!(!world.occupied(world.path(slot))?);
    Ok(())
}

fn badges_and_one_capability(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    let (one, two) = (
        world.mint(endpoint, CapRights::ALL, 1)?,
        world.mint(endpoint, CapRights::ALL, 2)?,
    );
    let caps = [one.cptr(), notification.cptr(), two.cptr()];
    let (unwrapped, count, _) = receive(world, endpoint, endpoint, &caps)?;
    check_eq!((unwrapped, count), (0b101, 3));
    check_eq!((ipc_buffer::badge(0), ipc_buffer::badge(2)), (1, 2));
    check!(world.occupied(world.path(slot))?);
    Ok(())
}

fn only_one_takes_the_slot(world: &mut World) -> Outcome {
    let (endpoint, first, second) = (
        world.endpoint()?,
        world.notification()?,
        world.notification()?,
    );
    let slot = open_slot(world);
    let badged = world.mint(first, CapRights::ALL, 4)?;
    let (unwrapped, count, _) =
        receive(world, endpoint, endpoint, &[badged.cptr(), second.cptr()])?;
    check_eq!((unwrapped, count), (0, 1));
    slot.cast::<Notification>().signal();
    check_eq!(first.poll(), 4);
    Ok(())
}

fn an_occupied_slot_takes_nothing(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    world
        .path(slot)
        .copy_from(world.path(root::TCB), CapRights::ALL)?;
    let (unwrapped, count, _) = receive(world, endpoint, endpoint, &[notification.cptr()])?;
    check_eq!((unwrapped, count), (0, 0));
    Ok(())
}

fn without_a_slot_nothing_arrives(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    for path in [
        root::CNODE.slot(0, 0),
        root::CNODE.absolute(1 << 40),
        root::CNODE.slot(5, 65),
    ] {
        ipc_buffer::set_receive_path(path);
        let (unwrapped, count, _) = receive(world, endpoint, endpoint, &[notification.cptr()])?;
        check_eq!((unwrapped, count), (0, 0), "path {path:?}");
    }
    Ok(())
}

fn it_is_a_child_of_the_original(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    receive(world, endpoint, endpoint, &[notification.cptr()])?;
    check!(world.occupied(world.path(slot))?);
    world.path(notification).revoke()?;
    check!(!world.occupied(world.path(slot))?);
    Ok(())
}

/// Receives a call and answers with the capability named by word 2.
fn answering_giver(board: &'static Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    endpoint.recv(reply);
    reply.send(Message::new(5).with_caps(&[board.cap(2)]));
}

fn call_a_giver(
    world: &mut World,
    receiving: CapRights,
    replying: CapRights,
) -> Outcome<(usize, bool)> {
    let (endpoint, notification, reply) =
        (world.endpoint()?, world.notification()?, world.reply()?);
    let server = world.copy(endpoint, receiving)?;
    let answer_to = world.copy(reply, replying)?;
    let slot = open_slot(world);
    let words = [
        server.cptr().bits(),
        answer_to.cptr().bits(),
        notification.cptr().bits(),
    ];
    world.thread(Start::above(), answering_giver, &words)?;
    let answer = endpoint.call(Message::new(1));
    check_eq!((answer.label(), answer.info.caps_unwrapped()), (5, 0));
    Ok((answer.info.extra_caps(), world.occupied(world.path(slot))?))
}

fn a_reply_brings_capabilities(world: &mut World) -> Outcome {
    check_eq!(
        call_a_giver(world, CapRights::READ | CapRights::GRANT, CapRights::ALL)?,
        (1, true)
    );
    // It is the reply object's right that counts, not that of the receiver's endpoint.
    check_eq!(
        call_a_giver(world, CapRights::READ, CapRights::ALL)?,
        (1, true)
    );
    Ok(())
}

fn a_reply_object_without_grant_does_not(world: &mut World) -> Outcome {
    let rights = CapRights::READ_WRITE | CapRights::GRANT_REPLY;
    check_eq!(call_a_giver(world, CapRights::ALL, rights)?, (0, false));
    Ok(())
}

fn empty_slots_end_the_transfer(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    let nothing = CPtr::new(world.slot());
    let (unwrapped, count, _) =
        receive(world, endpoint, endpoint, &[nothing, notification.cptr()])?;
    check_eq!((unwrapped, count), (0, 0));
    check!(!world.occupied(world.path(slot))?);
    Ok(())
}

fn what_cannot_be_copied_ends_the_transfer(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let slot = open_slot(world);
    let badged = world.mint(endpoint, CapRights::ALL, 3)?;
    let caps = [badged.cptr(), root::IRQ_CONTROL.cptr(), badged.cptr()];
    let (unwrapped, count, _) = receive(world, endpoint, endpoint, &caps)?;
    check_eq!((unwrapped, count), (1, 1));
    check!(!world.occupied(world.path(slot))?);
    Ok(())
}

fn rights_travel_along(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let slot = open_slot(world);
    let reader = world.copy(notification, CapRights::READ)?;
    receive(world, endpoint, endpoint, &[reader.cptr()])?;
    let received: Notification = slot.cast();
    received.signal();
    check_eq!(notification.poll(), 0, "it may not write");
    let writer = world.mint(notification, CapRights::WRITE, 1)?;
    writer.signal();
    check_eq!(received.poll(), 1, "it may read");
    Ok(())
}
