//! Threads: registers, priorities, stopping and starting, spaces and buffers.

use crate::DRIVER_PRIORITY;
use crate::isa;
use crate::report::{Outcome, check, check_eq};
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, World};
use abi::{CapRights, Invocation, Word};
use user_api::{
    CopyRegisters, Endpoint, Error, Fault, FrameSize, Guard, Message, REGISTER_COUNT, Space, Tcb,
    TcbFlags, UserContext, VSPACE_OBJECT, context_from_words, context_to_words, invoke, syscalls,
};
use user_runtime::boot::root;

crate::list!["tcb":
    registers_of_a_new_thread, registers_are_kept, registers_are_sanitised, some_registers_can_be_written,
    some_registers_can_be_read, reading_can_suspend, writing_can_resume, copies_of_registers,
    copies_can_suspend_and_resume, the_caller_may_not_read_itself, higher_priorities_run_at_once,
    lower_priorities_wait, raising_a_ready_thread, lowering_the_running_thread, authority_limits_priorities,
    authority_limits_authority, suspend_stops, resume_goes_on, resuming_what_runs_changes_nothing,
    a_thread_can_suspend_itself, a_thread_can_be_deleted, a_thread_can_delete_itself, another_cspace,
    another_ipc_buffer, buffers_are_checked, the_thread_register_of_another, the_own_thread_register,
    the_own_thread_register_by_system_call, unknown_flags_are_left_out, the_fpu_can_be_forbidden,
    spaces_are_checked,
];

fn nothing(_: &'static Board) {}

/// Counts in word 8 until word 0 is set.
pub(super) fn counter(board: &'static Board) {
    while board.get(0) == 0 {
        board.add(8);
    }
}

fn registers_of_a_new_thread(world: &mut World) -> Outcome {
    check_eq!(world.tcb()?.read_registers(false)?, isa::initial());
    Ok(())
}

fn pattern() -> UserContext {
    isa::allowed(context_from_words(core::array::from_fn(|index| {
        0x1000 + index as Word
    })))
}

fn registers_are_kept(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    tcb.write_registers(&pattern(), false)?;
    check_eq!(tcb.read_registers(false)?, pattern());
    Ok(())
}

fn registers_are_sanitised(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    for (written, becomes) in isa::sanitised(pattern()) {
        tcb.write_registers(&written, false)?;
        check_eq!(tcb.read_registers(false)?, becomes);
    }
    Ok(())
}

fn some_registers_can_be_written(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    tcb.write_registers(&pattern(), false)?;
    let Some(label) = invoke::label(Invocation::TcbWriteRegisters) else {
        return Ok(());
    };
    let reply = invoke::invoke_label(tcb, label, &[0, 2, 0x77, 0x88, 0x99], &[]);
    check_eq!(reply.label(), 0);
    let mut wanted = context_to_words(&pattern());
    wanted[..2].copy_from_slice(&[0x77, 0x88]);
    check_eq!(tcb.read_registers(false)?, context_from_words(wanted));
    Ok(())
}

fn some_registers_can_be_read(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    tcb.write_registers(&pattern(), false)?;
    let words = context_to_words(&pattern());
    let Some(label) = invoke::label(Invocation::TcbReadRegisters) else {
        return Ok(());
    };
    for count in [1, 3, 4, 5, REGISTER_COUNT - 1, REGISTER_COUNT] {
        let reply = invoke::invoke_label(tcb, label, &[0, count as Word], &[]);
        check_eq!((reply.label(), reply.length()), (0, count));
        for (index, wanted) in words.iter().take(count).enumerate() {
            check_eq!(reply.word(index), *wanted, "register {index} of {count}");
        }
    }
    Ok(())
}

fn reading_can_suspend(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    let registers = thread.tcb.read_registers(true)?;
    check!(
        user_runtime::image::range().contains(&(isa::ip(&registers) as usize)),
        "{:#x}",
        isa::ip(&registers)
    );
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    Ok(())
}

fn writing_can_resume(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        nothing,
        &[],
    )?;
    let registers = thread.tcb.read_registers(false)?;
    world.settle()?;
    check!(!thread.is_done());
    thread.tcb.write_registers(&registers, true)?;
    world.settle()?;
    check!(thread.is_done());
    Ok(())
}

fn copies_of_registers(world: &mut World) -> Outcome {
    let (from, to) = (world.tcb()?, world.tcb()?);
    from.write_registers(&pattern(), false)?;
    to.copy_registers(
        from,
        CopyRegisters {
            frame: true,
            ..CopyRegisters::default()
        },
    )?;
    let (all, fresh) = (
        context_to_words(&pattern()),
        context_to_words(&isa::initial()),
    );
    // The frame is the first registers, the integer registers are the others.
    let pick = |frame: &[Word], integer: &[Word]| {
        context_from_words(core::array::from_fn(|index| {
            if index < isa::FRAME_REGISTERS {
                frame[index]
            } else {
                integer[index]
            }
        }))
    };
    check_eq!(to.read_registers(false)?, pick(&all, &fresh));
    let other = world.tcb()?;
    other.copy_registers(
        from,
        CopyRegisters {
            integer: true,
            ..CopyRegisters::default()
        },
    )?;
    check_eq!(other.read_registers(false)?, pick(&fresh, &all));
    Ok(())
}

fn copies_can_suspend_and_resume(world: &mut World) -> Outcome {
    let source = world.thread(Start::below(), counter, &[])?;
    let destination = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        nothing,
        &[],
    )?;
    world.wait_for(1_000, || source.board.get(8) > 100)?;
    let what = CopyRegisters {
        suspend_source: true,
        resume_destination: true,
        ..CopyRegisters::default()
    };
    destination.tcb.copy_registers(source.tcb, what)?;
    let count = source.board.get(8);
    world.settle()?;
    check!(destination.is_done());
    check_eq!(source.board.get(8), count);
    Ok(())
}

fn the_caller_may_not_read_itself(_: &mut World) -> Outcome {
    check_eq!(
        root::TCB.read_registers(false),
        Err(Error::IllegalOperation)
    );
    check_eq!(
        root::TCB.write_registers(&pattern(), false),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn higher_priorities_run_at_once(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::above()
        },
        nothing,
        &[],
    )?;
    check!(!thread.is_done());
    thread.tcb.resume()?;
    check!(thread.is_done());
    Ok(())
}

fn lower_priorities_wait(world: &mut World) -> Outcome {
    let thread = world.thread(Start::at(DRIVER_PRIORITY - 1), nothing, &[])?;
    for _ in 0..1_000 {
        syscalls::yield_now();
    }
    check!(!thread.is_done());
    world.settle()?;
    check!(thread.is_done());
    Ok(())
}

fn raising_a_ready_thread(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), nothing, &[])?;
    thread.tcb.set_priority(root::TCB, DRIVER_PRIORITY + 1)?;
    check!(thread.is_done());
    Ok(())
}

fn lowering_the_running_thread(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), nothing, &[])?;
    root::TCB.set_priority(root::TCB, DRIVER_PRIORITY / 2 - 1)?;
    check!(thread.is_done());
    root::TCB.set_priority(root::TCB, DRIVER_PRIORITY)?;
    Ok(())
}

fn authority_limits_priorities(world: &mut World) -> Outcome {
    let (authority, tcb) = (world.tcb()?, world.tcb()?);
    authority.set_mc_priority(root::TCB, 70)?;
    check_eq!(
        tcb.set_priority(authority, 71),
        Err(Error::RangeError { min: 0, max: 70 })
    );
    check_eq!(tcb.set_priority(authority, 70), Ok(()));
    check_eq!(tcb.set_priority(authority, 0), Ok(()));
    Ok(())
}

fn authority_limits_authority(world: &mut World) -> Outcome {
    let (authority, tcb) = (world.tcb()?, world.tcb()?);
    check_eq!(
        tcb.set_mc_priority(authority, 1),
        Err(Error::RangeError { min: 0, max: 0 }),
        "of a new thread"
    );
    authority.set_mc_priority(root::TCB, 9)?;
    check_eq!(
        tcb.set_mc_priority(authority, 10),
        Err(Error::RangeError { min: 0, max: 9 })
    );
    check_eq!(tcb.set_mc_priority(authority, 9), Ok(()));
    Ok(())
}

fn suspend_stops(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    thread.tcb.suspend()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    Ok(())
}

fn resume_goes_on(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    for _ in 0..20 {
        thread.tcb.suspend()?;
        let count = thread.board.get(8);
        thread.tcb.resume()?;
        world.wait_for(1_000, || thread.board.get(8) > count)?;
    }
    thread.board.set(0, 1);
    world.settle()?;
    check!(thread.is_done());
    Ok(())
}

fn resuming_what_runs_changes_nothing(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    thread.tcb.resume()?;
    thread.tcb.resume()?;
    thread.board.set(0, 1);
    world.settle()?;
    check!(thread.is_done());
    check_eq!(root::TCB.resume(), Ok(()), "the driver itself");
    Ok(())
}

fn a_thread_can_suspend_itself(world: &mut World) -> Outcome {
    let start = Start {
        resume: false,
        ..Start::below()
    };
    let body = |board: &'static Board| {
        let tcb: Tcb = board.cap(0);
        board.set(8, 1);
        board.set(9, Word::from(tcb.suspend().is_ok()));
    };
    let thread = world.thread(start, body, &[])?;
    thread.board.set(0, thread.tcb.cptr().bits());
    thread.tcb.resume()?;
    world.settle()?;
    check_eq!((thread.board.get(8), thread.board.get(9)), (1, 0));
    thread.tcb.resume()?;
    world.settle()?;
    // The call had not returned when it stopped, so it is made again.
    check_eq!((thread.is_done(), thread.board.get(9)), (false, 0));
    Ok(())
}

fn a_thread_can_be_deleted(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    world.path(thread.tcb).delete()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    check_eq!(
        thread.context.unbind_object(root::TCB.cptr()),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn a_thread_can_delete_itself(world: &mut World) -> Outcome {
    let body = |board: &'static Board| {
        board.set(8, 1);
        let _ = root::CNODE.absolute(board.get(0)).delete();
        board.set(9, 1);
    };
    let start = Start {
        resume: false,
        ..Start::above()
    };
    let thread = world.thread(start, body, &[])?;
    thread.board.set(0, thread.tcb.cptr().bits());
    thread.tcb.resume()?;
    check_eq!((thread.board.get(8), thread.board.get(9)), (1, 0));
    check!(!world.occupied(world.path(thread.tcb))?);
    Ok(())
}

fn another_cspace(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let node = world.cnode(3)?;
    let badged = world.mint(endpoint, CapRights::ALL, 0x31)?;
    node.slot(5, 3)
        .copy_from(world.path(badged), CapRights::ALL)?;
    let body = |_: &'static Board| Endpoint::new(0b11_0101).send(Message::new(7));
    let start = Start {
        resume: false,
        ..Start::below()
    };
    let thread = world.thread(start, body, &[])?;
    // 61 bits of guard, which end in 110: addresses 0x30 to 0x37.
    let guard = Guard {
        value: 0b110,
        bits: 61,
    };
    let space = Space {
        cspace: node,
        guard: Some(guard),
        vspace: root::VSPACE,
    };
    thread.tcb.set_space(user_api::CPtr::NULL, space)?;
    thread.tcb.resume()?;
    world.settle()?;
    let message = endpoint.nb_recv(reply);
    check_eq!((message.badge, message.label()), (0x31, 7));
    Ok(())
}

fn another_ipc_buffer(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let body = |board: &'static Board| {
        board.cap::<Endpoint>(0).send(Message {
            label: 0,
            words: [0; 4],
            length: 6,
            caps: 0,
        });
    };
    let start = Start {
        resume: false,
        ..Start::below()
    };
    let thread = world.thread(start, body, &[endpoint.cptr().bits()])?;
    let frame = world.frame(FrameSize::Small)?;
    let writable = world.copy(frame, CapRights::ALL)?;
    super::retype::map(world, writable, FREE_ADDRESS, CapRights::READ_WRITE)?;
    // The second quarter of the frame; the kernel finds it by the frame, not by the mapping.
    thread.tcb.set_ipc_buffer(0x5400, frame)?;
    super::poke(FREE_ADDRESS as usize + 0x408 + 4 * 8, 0x44);
    super::poke(FREE_ADDRESS as usize + 0x408 + 5 * 8, 0x55);
    thread.tcb.resume()?;
    world.settle()?;
    let message = endpoint.nb_recv(reply);
    check_eq!(
        (message.length(), message.word(4), message.word(5)),
        (6, 0x44, 0x55)
    );
    Ok(())
}

fn buffers_are_checked(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let frame = world.frame(FrameSize::Small)?;
    for offset in [8, 512, 1_023] {
        check_eq!(
            tcb.set_ipc_buffer(0x1000 + offset, frame),
            Err(Error::AlignmentError)
        );
    }
    check_eq!(tcb.set_ipc_buffer(0x1400, frame), Ok(()));
    check_eq!(
        tcb.set_ipc_buffer(0x1400, root::CNODE.cptr().cast()),
        Err(Error::IllegalOperation)
    );
    check_eq!(
        tcb.set_ipc_buffer(0, root::CNODE.cptr().cast()),
        Ok(()),
        "without an address the frame is ignored"
    );
    check_eq!(
        tcb.set_ipc_buffer(0x1400, user_api::Frame::default()),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn the_thread_register_of_another(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    tcb.set_tls_base(0x1234_5678)?;
    check_eq!(
        isa::thread_register(&tcb.read_registers(false)?),
        0x1234_5678
    );
    Ok(())
}

/// Points the thread register to a block of our own by `set`, looks, and points it back.
fn with_own_register(board: &'static Board, set: impl Fn(Word)) {
    const MIDDLE: usize = 4;
    let old = isa::thread_pointer();
    // In the middle: its own address, and two words on a mark.
    let mut block = [0; 2 * MIDDLE];
    let pointer = (&raw const block[MIDDLE]).addr() as Word;
    block[MIDDLE] = pointer;
    block[MIDDLE + 2] = 0xb10c;
    block[MIDDLE.wrapping_add_signed(isa::IPC_BUFFER_WORD)] =
        user_runtime::block::ipc_buffer().addr() as Word;
    let block = core::hint::black_box(&block);
    set((&raw const block[MIDDLE]).addr() as Word);
    board.set(8, isa::word_by_thread_pointer());
    board.set(9, Word::from(isa::thread_pointer() == pointer));
    set(old);
    board.set(10, Word::from(isa::thread_pointer() == old));
}

fn the_own_thread_register(world: &mut World) -> Outcome {
    let body = |board: &'static Board| {
        let tcb: Tcb = board.cap(0);
        with_own_register(board, |base| {
            board.set(11, Word::from(tcb.set_tls_base(base).is_ok()))
        });
    };
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        body,
        &[],
    )?;
    thread.board.set(0, thread.tcb.cptr().bits());
    thread.tcb.resume()?;
    world.settle()?;
    check!(thread.is_done());
    check_eq!(
        [8, 9, 10, 11].map(|index| thread.board.get(index)),
        [0xb10c, 1, 1, 1]
    );
    Ok(())
}

fn the_own_thread_register_by_system_call(world: &mut World) -> Outcome {
    if !user_api::debug::available(abi::Syscall::SetTlsBase) {
        crate::report::skip!("the profile has no SetTLSBase");
    }
    let body = |board: &'static Board| with_own_register(board, syscalls::set_tls_base);
    let thread = world.thread(Start::below(), body, &[])?;
    world.settle()?;
    check!(thread.is_done());
    check_eq!(
        [8, 9, 10].map(|index| thread.board.get(index)),
        [0xb10c, 1, 1]
    );
    Ok(())
}

fn unknown_flags_are_left_out(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let known = TcbFlags(abi::sched::TCB_FLAG_MASK);
    check_eq!(tcb.set_flags(TcbFlags(0), TcbFlags(Word::MAX)), Ok(known));
    check_eq!(
        tcb.set_flags(TcbFlags(0), TcbFlags(0)),
        Ok(known),
        "flags stay"
    );
    check_eq!(
        tcb.set_flags(TcbFlags(Word::MAX), TcbFlags(0)),
        Ok(TcbFlags(0))
    );
    check_eq!(tcb.set_flags(known, known), Ok(known), "clear, then set");
    Ok(())
}

fn the_fpu_can_be_forbidden(world: &mut World) -> Outcome {
    let body = |board: &'static Board| board.set(8, isa::by_floating_point(0x77));
    let (endpoint, handler, reply) = super::ipc::fault_handler(world)?;
    let start = Start {
        fault_handler: handler.cptr(),
        resume: false,
        ..Start::below()
    };
    let thread = world.thread(start, body, &[])?;
    thread.tcb.set_flags(TcbFlags(0), TcbFlags::FPU_DISABLED)?;
    thread.tcb.resume()?;
    world.settle()?;
    let fault = Fault::decode(&endpoint.nb_recv(reply));
    check!(
        matches!(
            fault,
            Some(Fault::UserException {
                number: isa::NO_FLOATING_POINT,
                ..
            })
        ),
        "{fault:?}"
    );
    thread.tcb.set_flags(TcbFlags::FPU_DISABLED, TcbFlags(0))?;
    reply.send(Message::restart());
    world.settle()?;
    check_eq!((thread.is_done(), thread.board.get(8)), (true, 0x77));
    Ok(())
}

fn spaces_are_checked(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let frame = world.frame(FrameSize::Small)?;
    let unassigned = world.make(VSPACE_OBJECT, 0)?;
    let configure = |space| tcb.configure(space, 0x1000, frame);
    let wrong = Space {
        vspace: unassigned,
        ..root::SPACE
    };
    check_eq!(
        configure(wrong),
        Err(Error::IllegalOperation),
        "an address space without ASID"
    );
    let wrong = Space {
        cspace: root::TCB.cptr().cast(),
        ..root::SPACE
    };
    check_eq!(
        configure(wrong),
        Err(Error::IllegalOperation),
        "a CSpace that is no CNode"
    );
    let wrong = Space {
        vspace: root::CNODE.cptr().cast(),
        ..root::SPACE
    };
    check_eq!(
        configure(wrong),
        Err(Error::IllegalOperation),
        "a VSpace that is none"
    );
    check_eq!(configure(root::SPACE), Ok(()));
    Ok(())
}
