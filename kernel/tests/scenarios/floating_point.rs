//! The floating-point registers: each thread finds its own, and nobody another's.

use crate::world::{AFTER_SYSCALL, Thread, World, msg};
use abi::Invocation;
use kernel::entry::Event;
use kernel::object::tcb::ThreadState;
use machine::model::{FPU_INITIAL, FPU_WORDS};

/// `thread` writes its floating-point registers; what it found there before.
fn write(w: &mut World, thread: Thread, value: u64) -> [u64; FPU_WORDS] {
    w.run(thread);
    if !w.k.machine.fpu_enabled() {
        w.set_ip(thread, AFTER_SYSCALL);
        w.enter(Event::FpuUnavailable);
        assert!(w.is_current(thread) && w.k.machine.fpu_enabled());
    }
    core::mem::replace(&mut w.k.machine.fpu, [value; FPU_WORDS])
}

#[test]
fn each_thread_finds_what_it_wrote() {
    let mut w = World::new();
    let [one, two] = [w.thread(), w.thread()];
    let new = [FPU_INITIAL; FPU_WORDS];
    assert_eq!(write(&mut w, one, 1), new);
    assert_eq!(write(&mut w, two, 2), new, "not the other's");
    assert_eq!(write(&mut w, one, 3), [1; FPU_WORDS]);
    assert_eq!(write(&mut w, one, 5), [3; FPU_WORDS]);
    assert_eq!(write(&mut w, two, 4), [2; FPU_WORDS]);
    assert_eq!(write(&mut w, one, 0), [5; FPU_WORDS]);
}

#[test]
fn what_a_thread_wrote_survives_threads_that_use_none() {
    let mut w = World::new();
    let [one, two] = [w.thread(), w.thread()];
    write(&mut w, one, 1);
    w.run(two);
    w.run(one);
    assert!(w.k.machine.fpu_enabled(), "they are there still: no trap");
    assert_eq!(write(&mut w, one, 2), [1; FPU_WORDS]);
}

#[test]
fn the_registers_of_a_thread_that_ends_are_nobodys() {
    let mut w = World::new();
    let [one, two] = [w.thread(), w.thread()];
    write(&mut w, one, 1);
    w.delete(one.tcb);
    assert_eq!(write(&mut w, two, 2), [FPU_INITIAL; FPU_WORDS]);
}

#[test]
fn a_thread_without_floating_point_faults_though_the_registers_are_its_own() {
    let mut w = World::new();
    let (handler, thread) = w.pair();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.set_fault_handler(thread, ep);
    write(&mut w, thread, 1);
    let disabled = abi::sched::TCB_FLAG_FPU_DISABLED;
    let flags = w.root_invokes(thread.tcb, Invocation::TcbSetFlags, &[0, disabled], &[]);
    assert_eq!(flags, Ok(vec![disabled]));
    w.recv(handler, ep, reply);
    w.run(thread);
    assert!(!w.k.machine.fpu_enabled());
    w.set_ip(thread, AFTER_SYSCALL);
    w.enter(Event::FpuUnavailable);
    assert!(matches!(
        w.state(thread),
        ThreadState::BlockedOnReply { .. }
    ));
    assert_ne!(w.received(handler).label, 0, "it is told as a fault");

    w.root_invokes(thread.tcb, Invocation::TcbSetFlags, &[disabled, 0], &[])
        .expect("flags");
    w.reply(handler, reply, msg(0));
    assert_eq!(write(&mut w, thread, 2), [1; FPU_WORDS]);
}
