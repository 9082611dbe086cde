//! Interrupts: handlers, notifications, acknowledgement.

use crate::world::objects::{CNODE, DEPTH};
use crate::world::{CPtr, World, arch, error};
use abi::bootinfo::slot;
use abi::error::ErrorCode;
use abi::{Invocation, Word};
use kernel::cap::Cap;
use machine::Irq;

const IRQ_CONTROL: CPtr = CPtr(slot::IRQ_CONTROL as Word);
const LINE: Irq = arch::line(5);

#[test]
fn an_interrupt_signals_its_notification() {
    let mut w = World::new();
    let driver = w.thread();
    let (handler, n) = (w.irq_handler(5), w.notification());
    let badged = w.badged(n, 0x100);
    w.set_irq_notification(handler, badged);
    w.wait(driver, n);
    w.interrupt(LINE);
    assert_eq!(w.badge(driver), 0x100);
    assert!(w.is_current(driver));
}

#[test]
fn a_line_stays_masked_until_it_is_acknowledged() {
    let mut w = World::new();
    let driver = w.thread();
    let (handler, n) = (w.irq_handler(5), w.notification());
    let badged = w.badged(n, 1);
    w.set_irq_notification(handler, badged);
    assert!(!w.k.machine.masked(LINE));
    w.interrupt(LINE);
    assert!(w.k.machine.masked(LINE));
    assert_eq!(
        w.k.machine.in_service().count(),
        0,
        "ended at the controller"
    );
    w.nb_wait(driver, n);
    w.interrupt(LINE);
    w.nb_wait(driver, n);
    assert_eq!(w.badge(driver), 0, "not before the acknowledgement");
    w.ack_irq(handler);
    w.nb_wait(driver, n);
    assert_eq!(w.badge(driver), 1, "then it arrives");
}

#[test]
fn without_a_notification_an_interrupt_is_dropped() {
    let mut w = World::new();
    let driver = w.thread();
    let (handler, n) = (w.irq_handler(5), w.notification());
    w.set_irq_notification(handler, n);
    w.root_invokes(handler, Invocation::IrqClearIrqHandler, &[], &[])
        .expect("Clear");
    w.run(driver);
    w.interrupt(LINE);
    assert!(w.k.machine.masked(LINE));
    w.nb_wait(driver, n);
    assert_eq!(w.badge(driver), 0);
}

#[test]
fn an_interrupt_that_nobody_asked_for_is_masked() {
    use machine::Machine;
    let mut w = World::new();
    w.k.machine.unmask(Irq(40));
    w.interrupt(Irq(40));
    assert!(w.k.machine.masked(Irq(40)));
    assert_eq!(w.k.machine.in_service().count(), 0);
}

#[test]
fn deleting_the_handler_frees_the_line() {
    let mut w = World::new();
    let (handler, n) = (w.irq_handler(5), w.notification());
    w.set_irq_notification(handler, n);
    let copy = w.copy(handler, abi::CapRights::ALL);
    w.delete(handler);
    assert!(!w.k.machine.masked(LINE), "a copy is left");
    w.delete(copy);
    assert!(w.k.machine.masked(LINE));
    let again = w.irq_handler(5);
    assert_eq!(w.cap(again), Cap::IrqHandler(LINE));
}

#[test]
fn revoking_irq_control_deletes_all_handlers() {
    let mut w = World::new();
    let handlers = [w.irq_handler(5), w.irq_handler(6)];
    // The root task's own alarm is one of them: it must not sleep any more.
    w.root_invokes(CNODE, Invocation::CNodeRevoke, &[IRQ_CONTROL.0, DEPTH], &[])
        .expect("revoke");
    assert_eq!(handlers.map(|h| w.cap(h)), [Cap::Null, Cap::Null]);
}

#[test]
fn deleting_the_notification_ends_the_signals() {
    let mut w = World::new();
    let driver = w.thread();
    let (handler, n) = (w.irq_handler(5), w.notification());
    w.set_irq_notification(handler, n);
    w.revoke(n);
    w.run(driver);
    w.interrupt(LINE);
    w.nb_wait(driver, n);
    assert_eq!(w.badge(driver), 0);
}

#[test]
fn a_notification_needs_the_right_to_write() {
    let mut w = World::new();
    let (handler, n, ep) = (w.irq_handler(5), w.notification(), w.endpoint());
    let read_only = w.copy(n, abi::CapRights::READ);
    let refused = Err(error(ErrorCode::InvalidCapability, &[0]));
    let set = |w: &mut World, cap: CPtr| {
        w.root_invokes(handler, Invocation::IrqSetIrqHandler, &[], &[cap])
    };
    assert_eq!(set(&mut w, read_only), refused);
    assert_eq!(set(&mut w, ep), refused);
    let none = w.root_invokes(handler, Invocation::IrqSetIrqHandler, &[], &[]);
    assert_eq!(none, Err(error(ErrorCode::TruncatedMessage, &[])));
}

#[test]
fn interrupts_arrive_while_nobody_runs() {
    let mut w = World::new();
    let driver = w.thread();
    let (handler, n) = (w.irq_handler(5), w.notification());
    w.set_irq_notification(handler, n);
    w.wait(driver, n);
    assert_eq!(w.current(), None);
    w.interrupt(LINE);
    assert!(w.is_current(driver));
}
