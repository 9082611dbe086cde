//! Faults: what the handler is told, and what its answers do.

use super::ipc::fault_handler;
use super::retype::map;
use super::{peek, poke};
use crate::isa;
use crate::report::{Outcome, check, check_eq, fail};
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, Thread, World};
use abi::{CapRights, Word};
use user_api::sys::Entry;
use user_api::{CPtr, Endpoint, Error, Fault, FrameSize, LookupFailure, Message, Reply, syscalls};
use user_runtime::boot::root;

crate::list!["fault":
    reading_what_is_not_there, writing_what_is_read_only, executing_what_is_not_there, the_same_fault_again,
    any_answer_restarts_an_access, an_address_outside_the_cspace, a_sent_capability_that_is_not_found,
    receiving_from_nothing, unknown_numbers, an_answer_sets_registers, a_short_answer_sets_some,
    another_label_leaves_it_stopped, undefined_instructions, exceptions_by_number, exception_answers_set_flags,
    without_a_handler_it_stops, a_handler_needs_rights, faults_wait_for_the_handler, a_handler_that_goes_away,
    a_suspended_thread_is_not_answered,
];

/// What all tests here start with: a thread that faults, and its handler's ears.
struct Scene {
    thread: Thread,
    endpoint: Endpoint,
    reply: Reply,
}

const BADGE: Word = 0xfa;

fn scene(world: &mut World, body: crate::threads::Body, words: &[Word]) -> Outcome<Scene> {
    let (endpoint, handler, reply) = fault_handler(world)?;
    let thread = world.thread(
        Start {
            fault_handler: handler.cptr(),
            ..Start::below()
        },
        body,
        words,
    )?;
    world.settle()?;
    Ok(Scene {
        thread,
        endpoint,
        reply,
    })
}

impl Scene {
    /// The fault that waits.
    fn fault(&self) -> Outcome<Fault> {
        let message = self.endpoint.nb_recv(self.reply);
        check_eq!(message.badge, BADGE, "badge of the fault");
        Fault::decode(&message)
            .ok_or_else(|| fail(format_args!("label {} is no fault", message.label())))
    }

    fn answer(&self, world: &World, message: Message) -> Outcome {
        self.reply.send(message);
        world.settle()
    }
}

/// Reads word 0's address into word 8.
fn reader(board: &'static Board) {
    board.set(8, peek(board.get(0) as usize));
}

/// Writes word 1 to word 0's address.
fn writer(board: &'static Board) {
    poke(board.get(0) as usize, board.get(1));
}

fn reading_what_is_not_there(world: &mut World) -> Outcome {
    let address = FREE_ADDRESS + 0x1238;
    let scene = scene(world, reader, &[address])?;
    let Fault::Vm {
        ip,
        address: found,
        prefetch,
        status,
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!((found, prefetch), (address, false));
    check!(
        isa::read_of_nothing(status),
        "neither present nor writing, in {status:#x}"
    );
    check!(
        user_runtime::image::range().contains(&(ip as usize)),
        "at {ip:#x}"
    );
    // Repaired: the access happens as if nothing had been.
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS + 0x1000, CapRights::READ_WRITE)?;
    poke(address as usize, 0xcafe);
    scene.answer(world, Message::restart())?;
    check_eq!(
        (scene.thread.is_done(), scene.thread.board.get(8)),
        (true, 0xcafe)
    );
    Ok(())
}

fn writing_what_is_read_only(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    let scene = scene(world, writer, &[FREE_ADDRESS + 8, 0x99])?;
    let Fault::Vm {
        address,
        prefetch: false,
        status,
        ..
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!(address, FREE_ADDRESS + 8);
    check!(
        isa::write_refused(status),
        "present and writing, in {status:#x}"
    );
    map(world, frame, FREE_ADDRESS, CapRights::READ_WRITE)?;
    scene.answer(world, Message::restart())?;
    check!(scene.thread.is_done());
    check_eq!(peek(FREE_ADDRESS as usize + 8), 0x99);
    Ok(())
}

fn executing_what_is_not_there(world: &mut World) -> Outcome {
    let jump = |board: &'static Board| board.set(8, isa::call(board.get(0)));
    let scene = scene(world, jump, &[FREE_ADDRESS + 0x40])?;
    let Fault::Vm {
        ip,
        address,
        prefetch,
        ..
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!(
        (ip, address, prefetch),
        (FREE_ADDRESS + 0x40, FREE_ADDRESS + 0x40, true)
    );
    Ok(())
}

fn the_same_fault_again(world: &mut World) -> Outcome {
    let scene = scene(world, reader, &[FREE_ADDRESS])?;
    let first = scene.fault()?;
    for _ in 0..3 {
        scene.answer(world, Message::restart())?;
        check_eq!(scene.fault()?, first, "nothing was repaired");
    }
    Ok(())
}

fn any_answer_restarts_an_access(world: &mut World) -> Outcome {
    let scene = scene(world, reader, &[FREE_ADDRESS])?;
    scene.fault()?;
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    scene.answer(world, Message::new(99).with_words(&[1, 2, 3]))?;
    check!(scene.thread.is_done());
    Ok(())
}

fn an_address_outside_the_cspace(world: &mut World) -> Outcome {
    let outside = 1 << 60;
    let guard_bits = Word::from(Word::BITS) - world.boot.init_thread_cnode_size_bits;
    let body = |board: &'static Board| Endpoint::new(board.get(0)).send(Message::new(1));
    let scene = scene(world, body, &[outside])?;
    let Fault::Cap {
        address,
        in_receive,
        failure,
        ..
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!((address, in_receive), (outside, false));
    let wanted = LookupFailure::GuardMismatch {
        bits_left: 64,
        guard_found: 0,
        bits_found: guard_bits,
    };
    check_eq!(failure, wanted);
    scene.answer(world, Message::restart())?;
    check!(
        matches!(scene.fault()?, Fault::Cap { .. }),
        "restarted, it fails again"
    );
    Ok(())
}

fn a_sent_capability_that_is_not_found(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let body = |board: &'static Board| {
        let endpoint: Endpoint = board.cap(0);
        endpoint.call(Message::new(1).with_caps(&[CPtr::new(1 << 61)]));
    };
    let scene = scene(world, body, &[endpoint.cptr().bits()])?;
    let Fault::Cap {
        address,
        in_receive: false,
        failure,
        ..
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!(address, 1 << 61);
    check!(
        matches!(failure, LookupFailure::GuardMismatch { .. }),
        "{failure:?}"
    );
    Ok(())
}

fn receiving_from_nothing(world: &mut World) -> Outcome {
    let nothing = world.slot();
    let sender = world.endpoint()?;
    let sender = world.copy(sender, CapRights::WRITE)?;
    for cap in [nothing, sender.cptr().bits(), root::TCB.cptr().bits()] {
        let body = |board: &'static Board| {
            Endpoint::new(board.get(0)).nb_wait();
        };
        let scene = scene(world, body, &[cap])?;
        let Fault::Cap {
            address,
            in_receive: true,
            failure,
            ..
        } = scene.fault()?
        else {
            return Err(fail(format_args!("another fault")));
        };
        check_eq!(
            (address, failure),
            (cap, LookupFailure::MissingCapability { bits_left: 0 })
        );
    }
    Ok(())
}

/// Enters the kernel with number word 0, and shows what comes back.
fn unknown(board: &'static Board) {
    let entry = Entry {
        cap: 1,
        info: 2,
        words: [3, 4, 5, 6],
        reply: 7,
        destination: 8,
    };
    let exit = syscalls::raw(board.get(0) as i64, entry);
    board.set(8, exit.badge);
    board.set(9, exit.info);
    for (index, word) in exit.words.into_iter().enumerate() {
        board.set(10 + index, word);
    }
}

fn unknown_numbers(world: &mut World) -> Outcome {
    for number in [0, 1, 1_000, Word::MAX - 1_000, 1 << 63] {
        let scene = scene(world, unknown, &[number])?;
        let Fault::UnknownSyscall { registers } = scene.fault()? else {
            return Err(fail(format_args!("another fault for {number}")));
        };
        check_eq!(registers.number(), number);
        for (&index, wanted) in isa::CONVENTION.iter().zip(1..) {
            check_eq!(registers.word(index), wanted, "word {index}");
        }
        check_eq!(registers.word(isa::NUMBER_REGISTER), number);
        let stack = registers.word(isa::STACK) as usize;
        check!(
            scene.thread.stack().contains(&stack),
            "stack pointer {stack:#x}"
        );
        world.clean()?;
    }
    Ok(())
}

fn an_answer_sets_registers(world: &mut World) -> Outcome {
    let scene = scene(world, unknown, &[500])?;
    let Fault::UnknownSyscall { mut registers } = scene.fault()? else {
        return Err(fail(format_args!("another fault")));
    };
    // On behind the instruction, with results: a system call made by the handler.
    let next = registers.fault_ip() + isa::SYSCALL_BYTES;
    for (index, value) in [
        (isa::FAULT_IP, next),
        (isa::SET_STACK, registers.word(isa::STACK)),
        (isa::CONVENTION[0], 101),
        (isa::CONVENTION[1], 102),
        (isa::CONVENTION[2], 103),
        (isa::CONVENTION[5], 106),
    ] {
        registers.set(index, value);
    }
    scene.answer(world, Message::restart_syscall(&registers))?;
    check!(scene.thread.is_done());
    let board = scene.thread.board;
    check_eq!(
        [8, 9, 10, 11, 12, 13].map(|index| board.get(index)),
        [101, 102, 103, 4, 5, 106]
    );
    Ok(())
}

fn a_short_answer_sets_some(world: &mut World) -> Outcome {
    let scene = scene(world, unknown, &[500])?;
    let Fault::UnknownSyscall { registers } = scene.fault()? else {
        return Err(fail(format_args!("another fault")));
    };
    // The words up to the number's register. The number changes, the place does not: the
    // instruction runs again, with the new number.
    let words: [Word; isa::NUMBER_REGISTER + 1] = core::array::from_fn(|index| match index {
        isa::NUMBER_REGISTER => 501,
        index => registers.word(index),
    });
    scene.answer(world, Message::restart().with_words(&words))?;
    let Fault::UnknownSyscall { registers } = scene.fault()? else {
        return Err(fail(format_args!("another fault")));
    };
    let number = if isa::ANSWER_SETS_NUMBER { 501 } else { 500 };
    check_eq!(
        (registers.number(), registers.word(isa::CONVENTION[0])),
        (number, 1)
    );
    Ok(())
}

fn another_label_leaves_it_stopped(world: &mut World) -> Outcome {
    let first = scene(world, unknown, &[500])?;
    first.fault()?;
    first.answer(world, Message::stay_stopped())?;
    check!(!first.thread.is_done());
    check_eq!(
        first.endpoint.nb_recv(first.reply).badge,
        0,
        "it does not fault again"
    );
    first.thread.tcb.resume()?;
    world.settle()?;
    check!(
        matches!(first.fault()?, Fault::UnknownSyscall { .. }),
        "resumed, it starts where it was"
    );
    Ok(())
}

/// An undefined instruction, then done.
fn undefined(board: &'static Board) {
    board.set(8, isa::undefined());
}

fn undefined_instructions(world: &mut World) -> Outcome {
    let scene = scene(world, undefined, &[])?;
    let Fault::UserException {
        mut registers,
        number,
        code,
    } = scene.fault()?
    else {
        return Err(fail(format_args!("another fault")));
    };
    check_eq!((number, code), (isa::UNDEFINED, 0));
    check!(scene.thread.stack().contains(&(registers.sp as usize)));
    registers.ip += isa::UNDEFINED_BYTES;
    scene.answer(world, Message::restart_exception(registers))?;
    check!(scene.thread.is_done());
    Ok(())
}

fn exceptions_by_number(world: &mut World) -> Outcome {
    for (body, wanted) in isa::exceptions() {
        let scene = scene(world, body, &[])?;
        let Fault::UserException { number, code, .. } = scene.fault()? else {
            return Err(fail(format_args!("another fault than {wanted}")));
        };
        check_eq!((number, code), (wanted, 0));
    }
    Ok(())
}

fn exception_answers_set_flags(world: &mut World) -> Outcome {
    let scene = scene(world, undefined, &[])?;
    let Fault::UserException { mut registers, .. } = scene.fault()? else {
        return Err(fail(format_args!("another fault")));
    };
    registers.ip += isa::UNDEFINED_BYTES;
    // Carry may be set; what gives privileges may not.
    isa::raise_flags(&mut registers);
    scene.answer(world, Message::restart_exception(registers))?;
    check!(scene.thread.is_done(), "neither a trap nor another fault");
    check_eq!(scene.thread.board.get(8), 1);
    let flags = isa::flags(&scene.thread.tcb.read_registers(false)?);
    check_eq!(flags & isa::PRIVILEGES, 0, "flags {flags:#x}");
    Ok(())
}

fn without_a_handler_it_stops(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), reader, &[FREE_ADDRESS])?;
    world.settle()?;
    check!(!thread.is_done());
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    world.settle()?;
    check!(!thread.is_done());
    thread.tcb.resume()?;
    world.settle()?;
    check!(thread.is_done(), "resumed, it tries again");
    Ok(())
}

fn a_handler_needs_rights(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let tcb = world.tcb()?;
    let (r, w) = (CapRights::READ, CapRights::WRITE);
    let cases = [
        (CapRights::NONE, false),
        (r, false),
        (w, false),
        (r | CapRights::GRANT, false),
        (w | CapRights::GRANT, true),
        (w | CapRights::GRANT_REPLY, true),
    ];
    for (rights, good) in cases {
        let handler = world.copy(endpoint, rights)?;
        let wanted = if good {
            Ok(())
        } else {
            Err(Error::InvalidCapability { which: 1 })
        };
        check_eq!(
            tcb.set_space(handler.cptr(), root::SPACE),
            wanted,
            "{rights:?}"
        );
        check_eq!(
            tcb.set_timeout_endpoint(handler.cptr()),
            wanted,
            "{rights:?}"
        );
    }
    check_eq!(
        tcb.set_space(CPtr::NULL, root::SPACE),
        Ok(()),
        "none at all is fine"
    );
    Ok(())
}

fn faults_wait_for_the_handler(world: &mut World) -> Outcome {
    let (endpoint, handler, reply) = fault_handler(world)?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    for number in 0..3 {
        world.thread(start, reader, &[FREE_ADDRESS + number * 0x1000])?;
        world.settle()?;
    }
    for number in 0..3 {
        let message = endpoint.nb_recv(reply);
        match Fault::decode(&message) {
            Some(Fault::Vm { address, .. }) => check_eq!(address, FREE_ADDRESS + number * 0x1000),
            other => return Err(fail(format_args!("{other:?}"))),
        }
    }
    Ok(())
}

fn a_handler_that_goes_away(world: &mut World) -> Outcome {
    let (endpoint, handler, _reply) = fault_handler(world)?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    let thread = world.thread(start, reader, &[FREE_ADDRESS])?;
    world.settle()?;
    // The fault waits in the queue; without the endpoint nobody will ever answer.
    world.path(endpoint).revoke()?;
    world.path(endpoint).delete()?;
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    world.settle()?;
    check!(
        !thread.is_done(),
        "a thread that waits with a fault is not restarted"
    );
    Ok(())
}

fn a_suspended_thread_is_not_answered(world: &mut World) -> Outcome {
    let scene = scene(world, unknown, &[500])?;
    scene.fault()?;
    scene.thread.tcb.suspend()?;
    scene.answer(world, Message::restart())?;
    check_eq!(scene.endpoint.nb_recv(scene.reply).badge, 0);
    Ok(())
}
