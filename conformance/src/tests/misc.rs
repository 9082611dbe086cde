//! Domains, floating-point registers, and the calls of debug kernels.

use super::tcb::counter;
use crate::isa;
use crate::report::{Outcome, check, check_eq, skip};
use crate::threads::Board;
use crate::world::{Start, World};
use abi::syscall::Syscall;
use abi::{ObjectType, PROFILE, Word, cap_type};
use user_api::{Budget, CPtr, Error, FrameSize, debug, syscalls};
use user_runtime::boot::root;

crate::list!["misc":
    vector_registers_belong_to_the_thread, vector_registers_survive_system_calls, domains_are_checked,
    another_domain_waits_for_its_turn, capabilities_are_identified, threads_can_be_named, the_scheduler_can_be_dumped,
    an_unused_address_is_no_capability,
];

/// Keeps numbers of its own in vector registers while others run; word 8 counts rounds, word 9
/// differences.
fn keeps_vectors(board: &'static Board) {
    let mark = board.get(1);
    let marks = [mark, mark + 1, mark + 2];
    isa::set_vectors(marks);
    while board.get(0) == 0 {
        if isa::vectors() != marks {
            board.add(9);
        }
        board.add(8);
        if board.get(2) == 1 {
            syscalls::yield_now();
        }
    }
}

fn vectors(world: &mut World, yielding: Word) -> Outcome {
    let start = Start {
        budget: Some(Budget::round_robin(1_000)),
        ..Start::below()
    };
    let threads = [
        world.thread(start, keeps_vectors, &[0, 0x1111_0000, yielding])?,
        world.thread(start, keeps_vectors, &[0, 0x2222_0000, yielding])?,
        world.thread(start, counter, &[])?,
    ];
    for _ in 0..5 {
        let before = threads.map(|thread| thread.board.get(8));
        world.wait_for(2_000, || {
            threads
                .iter()
                .zip(before)
                .all(|(thread, before)| thread.board.get(8) > before + 10)
        })?;
    }
    for thread in &threads[..2] {
        check_eq!(thread.board.get(9), 0, "rounds with other values");
    }
    Ok(())
}

fn vector_registers_belong_to_the_thread(world: &mut World) -> Outcome {
    vectors(world, 0)
}

fn vector_registers_survive_system_calls(world: &mut World) -> Outcome {
    vectors(world, 1)
}

fn domains_are_checked(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let count = PROFILE.num_domains as Word;
    check_eq!(
        root::DOMAIN_SET.set(tcb, count),
        Err(Error::InvalidArgument { which: 0 })
    );
    check_eq!(
        root::DOMAIN_SET.set(root::CNODE.cptr().cast(), 0),
        Err(Error::InvalidArgument { which: 1 })
    );
    for domain in 0..count {
        check_eq!(root::DOMAIN_SET.set(tcb, domain), Ok(()));
    }
    Ok(())
}

fn another_domain_waits_for_its_turn(world: &mut World) -> Outcome {
    if PROFILE.num_domains < 2 || PROFILE.num_domain_schedules < 3 {
        skip!("the profile has one domain");
    }
    let start = Start {
        resume: false,
        ..Start::above()
    };
    let thread = world.thread(start, counter, &[])?;
    root::DOMAIN_SET.set(thread.tcb, 1)?;
    thread.tcb.resume()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(
        thread.board.get(8),
        count,
        "the schedule names domain 0 only"
    );
    let ticks = isa::ticks_per_micro(world.boot) * 2_000;
    root::DOMAIN_SET.configure_schedule(1, 1, ticks)?;
    root::DOMAIN_SET.configure_schedule(0, 0, ticks)?;
    root::DOMAIN_SET.set_schedule_start(0)?;
    let result = world.wait_for(1_000, || thread.board.get(8) > count + 1_000);
    // Domain 0 alone again.
    root::DOMAIN_SET.configure_schedule(0, 0, (1 << abi::sched::DOMAIN_DURATION_BITS) - 1)?;
    root::DOMAIN_SET.configure_schedule(1, 0, 0)?;
    root::DOMAIN_SET.set_schedule_start(0)?;
    result?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    Ok(())
}

fn capabilities_are_identified(world: &mut World) -> Outcome {
    if !debug::available(Syscall::DebugCapIdentify) {
        skip!("needs DebugCapIdentify");
    }
    let common = [
        (ObjectType::Untyped, 12, cap_type::UNTYPED),
        (ObjectType::Tcb, 0, cap_type::THREAD),
        (ObjectType::Endpoint, 0, cap_type::ENDPOINT),
        (ObjectType::Notification, 0, cap_type::NOTIFICATION),
        (ObjectType::CNode, 4, cap_type::CNODE),
        (ObjectType::SchedContext, 8, cap_type::SCHED_CONTEXT),
        (ObjectType::Reply, 0, cap_type::REPLY),
        (FrameSize::Small.object(), 0, cap_type::FRAME),
        (FrameSize::Large.object(), 0, cap_type::FRAME),
        (isa::LAST_TABLE.object(), 0, cap_type::PAGE_TABLE),
    ];
    let own = isa::KINDS.iter().map(|(object, kind)| (*object, 0, *kind));
    for (object, size_bits, kind) in common.into_iter().chain(own) {
        let cap: CPtr = world.make(object, size_bits)?;
        check_eq!(debug::cap_identify(cap), kind, "{}", object.name());
    }
    Ok(())
}

fn an_unused_address_is_no_capability(world: &mut World) -> Outcome {
    if !debug::available(Syscall::DebugCapIdentify) {
        skip!("needs DebugCapIdentify");
    }
    let slot = world.slot();
    check_eq!(debug::cap_identify(CPtr::new(slot)), cap_type::NULL);
    check_eq!(
        debug::cap_identify(CPtr::new(1 << 60)),
        cap_type::NULL,
        "outside the CSpace"
    );
    Ok(())
}

fn threads_can_be_named(world: &mut World) -> Outcome {
    if !debug::available(Syscall::DebugNameThread) {
        skip!("needs DebugNameThread");
    }
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        counter,
        &[],
    )?;
    debug::name_thread(thread.tcb, "a name");
    debug::name_thread(thread.tcb, "");
    check!(!thread.is_done());
    Ok(())
}

fn the_scheduler_can_be_dumped(world: &mut World) -> Outcome {
    if !debug::available(Syscall::DebugDumpScheduler) {
        skip!("needs DebugDumpScheduler");
    }
    world.thread(Start::below(), counter, &[])?;
    debug::dump_scheduler();
    Ok(())
}
