//! Interrupts: from the idle machine to the thread that waits for one, and its acknowledgement.
//!
//! The machine sleeps in between, so nothing but the kernel's and the driver's instructions is executed; how
//! long it sleeps is in the counter that the program reads, which therefore says nothing here.

use crate::bench::Bench;
use crate::measure;
use abi::ObjectType;
use linchpin_examples::isa::Timer;
use user_alloc::Result;
use user_api::{IrqHandler, Notification};

/// Some devices tick once a second.
const REPEAT: usize = 8;

pub(crate) fn run(bench: &mut Bench) -> Result {
    if !measure::wanted("interrupt") {
        return Ok(());
    }
    let mut timer = Timer::take(&mut bench.allocator)?;
    let handler: IrqHandler = bench.allocator.derive(Timer::issue)?;
    let notification: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    handler.set_notification(notification)?;
    handler.ack()?;
    timer.start()?;
    let mut outcome = Ok(());
    measure::steady_times("interrupt", "idle, signal, acknowledge", REPEAT, 1, || {
        notification.wait();
        timer.quiet();
        outcome = outcome.and(handler.ack());
    });
    // One more, which is not acknowledged: then there are no others.
    notification.wait();
    Ok(outcome?)
}
