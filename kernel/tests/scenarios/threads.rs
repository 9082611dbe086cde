//! Threads: configured, started, stopped; their registers.

use crate::world::objects::{CNODE, TCB, VSPACE};
use crate::world::{AFTER_SYSCALL, CPtr, SYSCALL_AT, World, error};
use abi::error::ErrorCode;
use abi::x86_64::register::{self, LENGTH};
use abi::{Invocation, Word};
use kernel::object::tcb::ThreadState;

#[test]
fn a_new_thread_does_nothing() {
    let mut w = World::new();
    let thread = w.passive_thread(100);
    assert_eq!(w.state(thread), ThreadState::Inactive);
    let registers = w.registers(thread);
    assert_eq!((registers.rflags, registers.next_ip), (0x202, 0));
}

#[test]
fn a_thread_starts_where_its_registers_say() {
    let mut w = World::new();
    let thread = w.thread();
    w.suspend(thread);
    let mut words = [0; 2 + LENGTH];
    words[0] = 1; // and resume
    words[1] = LENGTH as Word;
    words[2 + register::RIP] = 0x1234_5000;
    words[2 + register::RSP] = 0x7000;
    words[2 + register::RDI] = 42;
    w.root_invokes(thread.tcb, Invocation::TcbWriteRegisters, &words, &[])
        .expect("WriteRegisters");
    w.run(thread);
    let registers = w.registers(thread);
    assert_eq!(
        (registers.next_ip, registers.rsp, registers.rdi),
        (0x1234_5000, 0x7000, 42)
    );
}

#[test]
fn written_registers_are_made_harmless() {
    let mut w = World::new();
    let thread = w.passive_thread(1);
    let mut words = [0; 2 + LENGTH];
    words[1] = LENGTH as Word;
    words[2 + register::RIP] = 0x8000_0000_0000_0000;
    words[2 + register::RFLAGS] = u64::MAX;
    words[2 + register::FS_BASE] = 0xffff_0000_0000_0000;
    w.root_invokes(thread.tcb, Invocation::TcbWriteRegisters, &words, &[])
        .expect("WriteRegisters");
    let read = w
        .root_invokes(
            thread.tcb,
            Invocation::TcbReadRegisters,
            &[0, LENGTH as Word],
            &[],
        )
        .expect("read");
    assert_eq!(read[register::RIP], 0, "not canonical");
    assert_eq!(read[register::FS_BASE], 0, "not canonical");
    assert_eq!(
        read[register::RFLAGS],
        abi::x86_64::sanitised_rflags(u64::MAX)
    );
}

#[test]
fn registers_are_read_as_they_were_written_and_no_more_than_asked_for() {
    let mut w = World::new();
    let thread = w.passive_thread(1);
    let mut words: Vec<Word> = vec![0, LENGTH as Word];
    words.extend((0..LENGTH as Word).map(|n| 0x1000 + n));
    w.root_invokes(thread.tcb, Invocation::TcbWriteRegisters, &words, &[])
        .expect("WriteRegisters");
    let read = w
        .root_invokes(
            thread.tcb,
            Invocation::TcbReadRegisters,
            &[0, LENGTH as Word],
            &[],
        )
        .expect("read");
    for n in (0..LENGTH).filter(|n| *n != register::RFLAGS) {
        assert_eq!(read[n], 0x1000 + n as Word, "register {n}");
    }
    let some = w
        .root_invokes(thread.tcb, Invocation::TcbReadRegisters, &[0, 3], &[])
        .expect("read");
    assert_eq!(some, read[..3]);
    // Writing fewer changes fewer.
    w.root_invokes(
        thread.tcb,
        Invocation::TcbWriteRegisters,
        &[0, 1, 0x99],
        &[],
    )
    .expect("write");
    let read = w
        .root_invokes(thread.tcb, Invocation::TcbReadRegisters, &[0, 2], &[])
        .expect("read");
    assert_eq!(read, [0x99, 0x1001]);
}

#[test]
fn registers_can_be_copied_from_thread_to_thread() {
    let mut w = World::new();
    let (from, to) = (w.passive_thread(1), w.passive_thread(1));
    let mut words: Vec<Word> = vec![0, LENGTH as Word];
    words.extend((0..LENGTH as Word).map(|n| 0x2000 + n));
    w.root_invokes(from.tcb, Invocation::TcbWriteRegisters, &words, &[])
        .expect("WriteRegisters");
    let frame = 1 << 2;
    w.root_invokes(to.tcb, Invocation::TcbCopyRegisters, &[frame], &[from.tcb])
        .expect("copy");
    let read = w
        .root_invokes(
            to.tcb,
            Invocation::TcbReadRegisters,
            &[0, LENGTH as Word],
            &[],
        )
        .expect("read");
    assert_eq!(read[register::RIP], 0x2000);
    assert_eq!(read[register::FS_BASE], 0, "not in the frame group");
    let integer = 1 << 3;
    w.root_invokes(
        to.tcb,
        Invocation::TcbCopyRegisters,
        &[integer],
        &[from.tcb],
    )
    .expect("copy");
    let read = w
        .root_invokes(
            to.tcb,
            Invocation::TcbReadRegisters,
            &[0, LENGTH as Word],
            &[],
        )
        .expect("read");
    assert_eq!(read[register::FS_BASE], 0x2000 + register::FS_BASE as Word);
}

#[test]
fn suspend_stops_and_resume_continues_where_the_thread_was() {
    let mut w = World::new();
    let (thread, other) = w.pair();
    let n = w.notification();
    w.signal(thread, n);
    assert_eq!(w.ip(thread), AFTER_SYSCALL);
    w.suspend(thread);
    w.run(other);
    assert_eq!(w.state(thread), ThreadState::Inactive);
    w.resume(thread);
    w.run(thread);
    assert_eq!(
        w.registers(thread).next_ip,
        AFTER_SYSCALL,
        "the call is not made again"
    );
}

#[test]
fn a_thread_that_is_resumed_out_of_a_blocking_call_makes_it_again() {
    let mut w = World::new();
    let (sender, other) = w.pair();
    let ep = w.endpoint();
    w.send(sender, ep, [3]);
    w.suspend(sender);
    w.nb_wait(other, ep);
    assert_eq!(w.badge(other), 0, "nobody sends now");
    assert_eq!(w.registers(sender).fault_ip, SYSCALL_AT);
    w.resume(sender);
    w.wait(other, ep);
    assert_eq!(w.received(other).words, [3]);
}

#[test]
fn resume_of_a_running_thread_does_nothing() {
    let mut w = World::new();
    let thread = w.thread();
    w.run(thread);
    let before = w.registers(thread);
    w.resume(thread);
    assert_eq!(w.registers(thread), before);
    assert!(w.is_current(thread));
}

#[test]
fn a_thread_may_not_read_or_write_its_own_registers() {
    let mut w = World::new();
    let thread = w.thread();
    let refused = Err(error(ErrorCode::IllegalOperation, &[]));
    assert_eq!(
        w.invoke(
            thread,
            thread.tcb,
            Invocation::TcbReadRegisters,
            &[0, 1],
            &[]
        ),
        refused
    );
    assert_eq!(
        w.invoke(
            thread,
            thread.tcb,
            Invocation::TcbWriteRegisters,
            &[0, 1, 0],
            &[]
        ),
        refused
    );
}

#[test]
fn a_thread_can_stop_itself() {
    let mut w = World::new();
    let (thread, other) = w.pair();
    w.call_for_effect(thread, thread.tcb, Invocation::TcbSuspend);
    assert_eq!(w.state(thread), ThreadState::Inactive);
    assert!(w.is_current(other));
}

#[test]
fn priorities_are_limited_by_the_authority_of_another_thread() {
    let mut w = World::new();
    let (thread, limited) = (w.thread(), w.thread());
    w.set_mcp(limited.tcb, 50);
    let set =
        |w: &mut World, what, value| w.root_invokes(thread.tcb, what, &[value], &[limited.tcb]);
    let range = Err(error(ErrorCode::RangeError, &[0, 50]));
    assert_eq!(set(&mut w, Invocation::TcbSetPriority, 51), range);
    assert_eq!(set(&mut w, Invocation::TcbSetMcPriority, 51), range);
    assert_eq!(set(&mut w, Invocation::TcbSetPriority, 50), Ok(vec![]));
    assert_eq!(w.k[thread.object].priority, 50);
}

#[test]
fn set_sched_params_sets_everything_at_once() {
    let mut w = World::new();
    let thread = w.passive_thread(1);
    let (sc, ep) = (w.sched_context(1000, 1000), w.endpoint());
    let words = [77, 66];
    w.root_invokes(
        thread.tcb,
        Invocation::TcbSetSchedParams,
        &words,
        &[TCB, sc, ep],
    )
    .expect("SetSchedParams");
    let tcb = &w.k[thread.object];
    assert_eq!((tcb.max_controlled_priority, tcb.priority), (77, 66));
    assert!(tcb.sched_context.is_some());
    // The null capability takes the scheduling context away.
    w.root_invokes(
        thread.tcb,
        Invocation::TcbSetSchedParams,
        &words,
        &[TCB, CPtr::NULL, ep],
    )
    .expect("again");
    assert_eq!(w.sched_context_of(thread), None);
}

#[test]
fn the_tls_base_can_be_set_by_others_and_by_the_thread_itself() {
    let mut w = World::new();
    let thread = w.thread();
    w.root_invokes(thread.tcb, Invocation::TcbSetTlsBase, &[0x5000], &[])
        .expect("SetTLSBase");
    assert_eq!(w.registers(thread).fs_base, 0x5000);
    if abi::PROFILE.set_tls_base_self {
        w.run(thread);
        w.set_cap(thread, CPtr(0x6000));
        w.syscall(thread, abi::Syscall::SetTlsBase);
        assert_eq!(w.registers(thread).fs_base, 0x6000);
        w.set_cap(thread, CPtr(1 << 60));
        w.syscall(thread, abi::Syscall::SetTlsBase);
        assert_eq!(w.registers(thread).fs_base, 0, "not canonical");
    }
}

#[test]
fn flags_are_set_cleared_and_returned() {
    let mut w = World::new();
    let thread = w.thread();
    let flags = |w: &mut World, clear, set| {
        w.root_invokes(thread.tcb, Invocation::TcbSetFlags, &[clear, set], &[])
    };
    assert_eq!(
        flags(&mut w, 0, u64::MAX),
        Ok(vec![1]),
        "unknown flags are ignored"
    );
    assert_eq!(flags(&mut w, 0, 0), Ok(vec![1]));
    assert_eq!(flags(&mut w, 1, 0), Ok(vec![0]));
}

#[test]
fn the_order_of_checks_of_configure() {
    let mut w = World::new();
    let (tcb, ep) = (w.object(abi::ObjectType::Tcb, 0), w.endpoint());
    let frame = w.frame();
    let unassigned = w.object(abi::ObjectType::X86Pml4, 0);
    let illegal = error(ErrorCode::IllegalOperation, &[]);
    let configure = |w: &mut World, buffer: Word, caps: [CPtr; 3]| {
        w.root_invokes(tcb, Invocation::TcbConfigure, &[0, 0, buffer], &caps)
    };
    assert_eq!(
        configure(&mut w, 0x400, [ep, ep, ep]),
        Err(illegal.clone()),
        "no frame"
    );
    let unaligned = Err(error(ErrorCode::AlignmentError, &[]));
    assert_eq!(
        configure(&mut w, 0x408, [ep, ep, frame]),
        unaligned,
        "before the CSpace is looked at"
    );
    assert_eq!(
        configure(&mut w, 0x400, [ep, VSPACE, frame]),
        Err(illegal.clone()),
        "no CSpace"
    );
    assert_eq!(
        configure(&mut w, 0x400, [CNODE, ep, frame]),
        Err(illegal.clone()),
        "no VSpace"
    );
    assert_eq!(
        configure(&mut w, 0x400, [CNODE, unassigned, frame]),
        Err(illegal),
        "no ASID"
    );
    assert_eq!(
        configure(&mut w, 0, [CNODE, VSPACE, CPtr::NULL]),
        Ok(vec![]),
        "no buffer"
    );
    assert_eq!(configure(&mut w, 0x400, [CNODE, VSPACE, frame]), Ok(vec![]));
}

#[test]
fn debug_calls_of_a_debug_kernel() {
    if !abi::FLAVOUR.debug() {
        return;
    }
    let mut w = World::new();
    let thread = w.thread();
    w.run(thread);
    for byte in *b"hi\n" {
        w.set_cap(thread, CPtr(byte.into()));
        w.syscall(thread, abi::Syscall::DebugPutChar);
    }
    assert!(w.k.machine.console().ends_with("hi\n"));
    w.set_cap(thread, CNODE);
    w.syscall(thread, abi::Syscall::DebugCapIdentify);
    assert_eq!(w.badge(thread), abi::cap_type::CNODE);
    w.syscall(thread, abi::Syscall::DebugHalt);
    assert!(w.k.machine.halted());
}
