//! Behaviour that is easy to get wrong, one test each: what the other files do not show already.

use super::retype::map;
use crate::DRIVER_PRIORITY;
use crate::isa;
use crate::report::{Outcome, check, check_eq};
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, World};
use abi::syscall::Syscall;
use abi::{CapRights, Invocation, LABELS, MessageInfo, ObjectType, Word};
use user_api::sys::Entry;
use user_api::{
    Attributes, CPtr, Endpoint, Error, FrameSize, Message, MissingTable, TcbFlags, VSpaceRoot,
    invoke, syscalls,
};
use user_runtime::boot::root;

crate::list!["pitfall":
    a_send_to_an_object_leaves_registers_alone, a_send_does_the_work_all_the_same, yield_to_answers_one_word,
    an_answer_without_words_is_empty, own_flags_can_be_set, vector_registers_after_the_owner_is_gone,
    an_asid_is_used_again, a_frame_of_a_deleted_space_maps_again, an_odd_number_of_registers, a_call_to_itself_waits,
    a_large_revoke_ends, a_watermark_survives_a_failed_retype, suspending_the_dead_and_the_waiting,
    a_null_capability_cannot_be_invoked, words_beyond_four_need_the_length,
];

fn label(invocation: Invocation) -> Word {
    LABELS.label(invocation).unwrap_or_default()
}

fn send(cap: CPtr, label: Word, words: [Word; 4], length: usize) -> user_api::sys::Exit {
    let info = MessageInfo::new(label, 0, 0, length).0;
    syscalls::raw(
        Syscall::Send.number(),
        Entry {
            cap: cap.bits(),
            info,
            words,
            ..Entry::default()
        },
    )
}

fn a_send_to_an_object_leaves_registers_alone(world: &mut World) -> Outcome {
    // An answer is written for calls only.
    let frame = world.frame(FrameSize::Small)?;
    let (tcb, context) = (world.tcb()?, world.context(8)?);
    for (cap, invocation) in [
        (frame.cptr(), isa::GET_ADDRESS),
        (tcb.cptr(), Invocation::TcbSetFlags),
        (tcb.cptr(), Invocation::TcbReadRegisters),
        (context.cptr(), Invocation::SchedContextConsumed),
        // And neither are errors.
        (tcb.cptr(), Invocation::UntypedRetype),
    ] {
        let words = [0, 1, 0x33, 0x44];
        let exit = send(cap, label(invocation), words, 2);
        let info = MessageInfo::new(label(invocation), 0, 0, 2).0;
        check_eq!(
            (exit.badge, exit.info, exit.words),
            (cap.bits(), info, words),
            "{}",
            invocation.name()
        );
    }
    Ok(())
}

fn a_send_does_the_work_all_the_same(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    send(
        tcb.cptr(),
        label(Invocation::TcbSetTlsBase),
        [0x7000, 0, 0, 0],
        1,
    );
    check_eq!(isa::thread_register(&tcb.read_registers(false)?), 0x7000);
    Ok(())
}

fn yield_to_answers_one_word(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), |_| {}, &[])?;
    let reply = invoke::invoke_label(
        thread.context,
        label(Invocation::SchedContextYieldTo),
        &[],
        &[],
    );
    check_eq!(
        (reply.label(), reply.length(), reply.badge),
        (0, 1, 0),
        "at once"
    );
    let equal = world.thread(Start::at(DRIVER_PRIORITY), |_| {}, &[])?;
    let reply = invoke::invoke_label(
        equal.context,
        label(Invocation::SchedContextYieldTo),
        &[],
        &[],
    );
    check_eq!(
        (reply.label(), reply.length(), reply.badge),
        (0, 1, 0),
        "after the other has run"
    );
    check!(equal.is_done());
    Ok(())
}

fn an_answer_without_words_is_empty(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let reply = invoke::invoke_label(tcb, label(Invocation::TcbSuspend), &[9, 9, 9], &[]);
    check_eq!((reply.info.0, reply.badge), (0, 0));
    Ok(())
}

fn own_flags_can_be_set(_: &mut World) -> Outcome {
    check_eq!(
        root::TCB.set_flags(TcbFlags(0), TcbFlags::FPU_DISABLED),
        Ok(TcbFlags::FPU_DISABLED)
    );
    check_eq!(
        root::TCB.set_flags(TcbFlags::FPU_DISABLED, TcbFlags(0)),
        Ok(TcbFlags(0))
    );
    Ok(())
}

/// Puts word 0 into vector registers; words 8 to 10 get what was there before.
fn swaps_vectors(board: &'static Board) {
    for (index, before) in isa::vectors().into_iter().enumerate() {
        board.set(8 + index, before);
    }
    isa::set_vectors([board.get(0); 3]);
}

fn vector_registers_after_the_owner_is_gone(world: &mut World) -> Outcome {
    for number in 0..5 {
        let thread = world.thread(Start::below(), swaps_vectors, &[0x5ec2e7 + number])?;
        world.settle()?;
        check!(thread.is_done());
        check_eq!(thread.board.get(8), 0, "a new thread's registers are clear");
        world.path(thread.tcb).delete()?;
        world.forget_last_thread();
    }
    Ok(())
}

fn map_in(world: &mut World, space: VSpaceRoot, frame: user_api::Frame) -> Outcome {
    while let Err(error) = frame.map(space, FREE_ADDRESS, CapRights::READ, Attributes::DEFAULT) {
        let missing = MissingTable::from_error(error).ok_or(error)?;
        let table: CPtr = world.make(missing.object(), 0)?;
        missing.install(table, space, FREE_ADDRESS)?;
    }
    Ok(())
}

fn an_asid_is_used_again(world: &mut World) -> Outcome {
    // The second space most likely gets the identifier of the first, deleted one.
    let frame = world.frame(FrameSize::Small)?;
    for _ in 0..3 {
        let space: VSpaceRoot = world.make(user_api::VSPACE_OBJECT, 0)?;
        root::ASID_POOL.assign(space)?;
        let copy = world.copy(frame, CapRights::ALL)?;
        map_in(world, space, copy)?;
        world.path(space).delete()?;
    }
    Ok(())
}

fn a_frame_of_a_deleted_space_maps_again(world: &mut World) -> Outcome {
    let space: VSpaceRoot = world.make(user_api::VSPACE_OBJECT, 0)?;
    root::ASID_POOL.assign(space)?;
    let frame = world.frame(FrameSize::Small)?;
    map_in(world, space, frame)?;
    world.path(space).delete()?;
    check_eq!(frame.unmap(), Ok(()), "its mapping is gone with the space");
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    check_eq!(super::peek(FREE_ADDRESS as usize), 0);
    Ok(())
}

fn an_odd_number_of_registers(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    for count in [1, 3, 5, 7, 19] {
        let mut words = [0x4000; 2 + 19];
        words[0] = 0;
        words[1] = count;
        let used = 2 + count as usize;
        let reply = invoke::invoke_label(
            tcb,
            label(Invocation::TcbWriteRegisters),
            &words[..used],
            &[],
        );
        check_eq!(reply.label(), 0, "{count}");
        let short = invoke::invoke_label(
            tcb,
            label(Invocation::TcbWriteRegisters),
            &words[..used - 1],
            &[],
        );
        check_eq!(
            Error::decode(&short),
            Some(Error::TruncatedMessage),
            "{count}"
        );
    }
    Ok(())
}

fn a_call_to_itself_waits(world: &mut World) -> Outcome {
    // Nobody else can receive it; the driver breaks it off.
    let endpoint = world.endpoint()?;
    let body = |board: &'static Board| {
        board.cap::<Endpoint>(0).call(Message::new(1));
    };
    let thread = world.thread(Start::below(), body, &[endpoint.cptr().bits()])?;
    world.settle()?;
    thread.tcb.suspend()?;
    check_eq!(endpoint.nb_wait().badge, 0, "the message is withdrawn");
    check!(!thread.is_done());
    Ok(())
}

fn a_large_revoke_ends(world: &mut World) -> Outcome {
    // Long enough to be preempted many times.
    let notification = world.notification()?;
    let node = world.cnode(12)?;
    for index in 0..1 << 12 {
        node.slot(index, 12)
            .mint_from(world.path(notification), CapRights::ALL, index + 1)?;
    }
    let busy = world.thread(Start::below(), super::tcb::counter, &[])?;
    world.path(notification).revoke()?;
    for index in [0, 1, 77, (1 << 12) - 1] {
        check!(!world.occupied(node.slot(index, 12))?, "copy {index}");
    }
    world.path(node).delete()?;
    busy.tcb.suspend()?;
    Ok(())
}

fn a_watermark_survives_a_failed_retype(world: &mut World) -> Outcome {
    let memory = world.untyped(12)?;
    let slots = world.slots(3);
    let window = |offset, count| user_api::SlotWindow::many(root::CNODE, offset, count);
    memory.retype(ObjectType::Untyped, 11, window(slots, 1))?;
    let too_much = memory.retype(ObjectType::Untyped, 11, window(slots + 1, 2));
    check_eq!(too_much, Err(Error::NotEnoughMemory { available: 1 << 11 }));
    check_eq!(
        memory.retype(ObjectType::Untyped, 11, window(slots + 1, 1)),
        Ok(())
    );
    Ok(())
}

fn suspending_the_dead_and_the_waiting(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    check_eq!(
        (tcb.suspend(), tcb.suspend()),
        (Ok(()), Ok(())),
        "never started"
    );
    let notification = world.notification()?;
    let body = |board: &'static Board| {
        board.cap::<user_api::Notification>(0).wait();
    };
    let thread = world.thread(Start::below(), body, &[notification.cptr().bits()])?;
    world.settle()?;
    thread.tcb.suspend()?;
    world.mint(notification, CapRights::WRITE, 1)?.signal();
    check_eq!(notification.poll(), 1, "it no longer waits");
    Ok(())
}

fn a_null_capability_cannot_be_invoked(world: &mut World) -> Outcome {
    for cap in [0, world.slot()] {
        for label in [0, 1, 17, 1_000] {
            let reply = invoke::invoke_label(CPtr::new(cap), label, &[], &[]);
            check_eq!(
                Error::decode(&reply),
                Some(Error::InvalidCapability { which: 0 })
            );
        }
    }
    Ok(())
}

fn words_beyond_four_need_the_length(world: &mut World) -> Outcome {
    // Retype reads six words; with a length of five the sixth does not count, whatever it is.
    let slot = world.slot();
    let words = [0, 12, 0, 0, slot, 1];
    let root_cap = [root::CNODE.into()];
    let short = invoke::invoke_label(
        world.memory,
        label(Invocation::UntypedRetype),
        &words[..5],
        &root_cap,
    );
    check_eq!(Error::decode(&short), Some(Error::TruncatedMessage));
    let full = invoke::invoke_label(
        world.memory,
        label(Invocation::UntypedRetype),
        &words,
        &root_cap,
    );
    check_eq!(full.label(), 0);
    Ok(())
}
