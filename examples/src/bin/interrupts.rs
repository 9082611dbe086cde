//! Interrupts: a device driver is an ordinary program that holds a capability to its interrupt
//! and to its device's registers. Here: a device that ticks, whichever the machine has; how it is
//! driven is in `isa`.
#![no_std]
#![no_main]

use linchpin_examples::isa::{Clock, Timer};
use user_alloc::Allocator;
use user_api::{IrqHandler, Notification, ObjectType};
use user_runtime::boot::RESERVED_SLOTS;
use user_runtime::prelude::*;

user_runtime::entry!(main);

/// How often we want to hear from it.
const TICKS: u64 = if Timer::PERIOD < 1_000_000 { 10 } else { 3 };

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;

    // The authority over the device's registers, and nothing else.
    let mut timer = Timer::take(&mut allocator)?;

    // The authority over one interrupt line, and a notification that it signals.
    let handler: IrqHandler = allocator.derive(Timer::issue)?;
    let notification: Notification = allocator.make(ObjectType::Notification, 0)?;
    let badged = allocator.mint(notification, CapRights::ALL, 1 << 4)?;
    handler.set_notification(badged)?;
    handler.ack()?;

    let clock = Clock::start(boot, &mut allocator)?;
    timer.start()?;

    // While we wait, the processor belongs to others. Each interrupt must be acknowledged before
    // the next can come; a device that holds its line must let go of it before that.
    for number in 1..=TICKS {
        let badge = notification.wait();
        assert_eq!(badge, 1 << 4);
        timer.quiet();
        handler.ack()?;
        println!("tick {number}");
    }
    println!("{TICKS} ticks took about {} ms.", clock.micros() / 1_000);

    // Without a notification nobody is told.
    handler.clear()?;
    notification.poll();
    let until = clock.micros() + 3 * Timer::PERIOD;
    while clock.micros() < until {}
    assert_eq!(notification.poll(), 0);
    println!("Cleared: three periods later no further signal has come.");

    // There is one handler for each line.
    let second = allocator.derive::<IrqHandler>(Timer::issue);
    assert_eq!(second, Err(Error::RevokeFirst.into()));
    allocator.forget(handler)?;
    let second: IrqHandler = allocator.derive(Timer::issue)?;
    println!("A second handler is possible only after the first is gone.");
    second.clear()?;
    Ok(())
}
