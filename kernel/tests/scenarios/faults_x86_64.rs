//! The registers that a fault shows on x86_64, and those that its reply changes.

use crate::faults::pair;
use crate::world::{SYSCALL_AT, World, msg};
use abi::FaultType;
use abi::x86_64::{unknown_syscall, user_exception};
use kernel::entry::Event;
use kernel::object::tcb::ThreadState;

#[test]
fn an_unknown_call_shows_all_registers_and_the_reply_changes_them() {
    let mut w = World::new();
    let p = pair(&mut w);
    let context = w.registers_mut(p.thread);
    context.rdx = 0x1234;
    context.rax = 0xaa;
    context.r14 = 0x14;
    context.next_ip = SYSCALL_AT;
    w.settle();
    let fault = w.received(p.handler);
    assert_eq!(
        (fault.label, fault.words.len()),
        (FaultType::UnknownSyscall.number(), unknown_syscall::LENGTH)
    );
    assert_eq!(fault.words[unknown_syscall::RAX], 0xaa);
    assert_eq!(fault.words[unknown_syscall::R14], 0x14);
    assert_eq!(fault.words[unknown_syscall::FAULT_IP], SYSCALL_AT);
    assert_eq!(fault.words[unknown_syscall::SYSCALL], 0x1234);
    // An emulated call: a result, and on behind the instruction.
    let mut answer = fault.words.clone();
    answer[unknown_syscall::RAX] = 0xbb;
    answer[unknown_syscall::FAULT_IP] = SYSCALL_AT + 2;
    w.reply_recv(
        p.handler,
        p.reply,
        msg(0).words(&answer[..unknown_syscall::SYSCALL]),
        p.ep,
    );
    w.run(p.thread);
    let registers = w.registers(p.thread);
    assert_eq!(
        (registers.rax, registers.r14, registers.next_ip),
        (0xbb, 0x14, SYSCALL_AT + 2)
    );
}

#[test]
fn an_exception_shows_its_number_and_a_reply_with_a_label_stops_the_thread() {
    let mut w = World::new();
    let p = pair(&mut w);
    let context = w.registers_mut(p.thread);
    (context.next_ip, context.fault_ip, context.rsp) = (0x2000, 0x2000, 0x9000);
    w.enter(Event::UserException { number: 6, code: 0 });
    let fault = w.received(p.handler);
    assert_eq!(fault.label, FaultType::UserException.number());
    assert_eq!(fault.words.len(), user_exception::LENGTH);
    assert_eq!(fault.words[user_exception::FAULT_IP], 0x2000);
    assert_eq!(fault.words[user_exception::SP], 0x9000);
    assert_eq!(fault.words[user_exception::NUMBER], 6);
    w.reply_recv(p.handler, p.reply, msg(1).words(&[0x3000]), p.ep);
    assert_eq!(w.state(p.thread), ThreadState::Inactive);
    w.resume(p.thread);
    w.run(p.thread);
    assert_eq!(
        w.ip(p.thread),
        0x3000,
        "the words were written all the same"
    );
}

#[test]
fn a_short_reply_changes_the_first_registers_only() {
    let mut w = World::new();
    let p = pair(&mut w);
    let context = w.registers_mut(p.thread);
    (context.next_ip, context.fault_ip, context.rsp) = (0x2000, 0x2000, 0x9000);
    w.enter(Event::UserException { number: 6, code: 0 });
    w.reply_recv(p.handler, p.reply, [0x2002], p.ep);
    w.run(p.thread);
    let registers = w.registers(p.thread);
    assert_eq!((registers.next_ip, registers.rsp), (0x2002, 0x9000));
}
