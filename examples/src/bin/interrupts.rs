//! Interrupts: a device driver is an ordinary program that holds a capability to its interrupt
//! and to its device's registers. Here: the PC's interval timer.
#![no_std]
#![no_main]

use user_alloc::Allocator;
use user_api::{IoPort, IrqHandler, Notification, ObjectType, PinRoute};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::prelude::*;

user_runtime::entry!(main);

/// The timer's registers: counter 0 and the mode register.
const COUNTER: u16 = 0x40;
const MODE: u16 = 0x43;
/// Counter 0, low byte then high byte, mode 2: an interrupt each time it has counted down.
const PERIODIC: u8 = 0b0011_0100;
/// Its clock, in Hz.
const CLOCK: u32 = 1_193_182;
/// How often we want to hear from it.
const HZ: u32 = 100;
/// Firmware routes the timer's line (ISA interrupt 0) to this pin of the first IO APIC.
const PIN: Word = 2;

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;

    // The authority to use just these ports.
    let ports: IoPort =
        allocator.derive(|slot| root::IO_PORT_CONTROL.issue(COUNTER, MODE, slot))?;
    println!("We hold IO ports {COUNTER:#x} to {MODE:#x}, and no other.");
    let refused = ports.in8(0x60);
    assert_eq!(refused, Err(Error::IllegalOperation));
    println!(
        "The keyboard's port by that capability: {}.",
        Error::IllegalOperation
    );

    // The authority over one interrupt line, and a notification that it signals.
    let route = PinRoute {
        io_apic: 0,
        pin: PIN,
        level: false,
        low: false,
        vector: 0,
    };
    let handler: IrqHandler = allocator.derive(|slot| root::IRQ_CONTROL.issue_pin(route, slot))?;
    let notification: Notification = allocator.make(ObjectType::Notification, 0)?;
    let badged = allocator.mint(notification, CapRights::ALL, 1 << 4)?;
    handler.set_notification(badged)?;
    handler.ack()?;

    let divisor = CLOCK / HZ;
    ports.out8(MODE, PERIODIC)?;
    ports.out8(COUNTER, divisor as u8)?;
    ports.out8(COUNTER, (divisor >> 8) as u8)?;
    println!("The timer counts down from {divisor}, {HZ} times a second.");

    // While we wait, the processor belongs to others. Each interrupt must be acknowledged before
    // the next can come.
    let start = ticks();
    for number in 1..=10 {
        let badge = notification.wait();
        assert_eq!(badge, 1 << 4);
        handler.ack()?;
        println!("tick {number}");
    }
    let mhz = boot::tsc_mhz(boot).map_or(1, u64::from);
    println!(
        "Ten ticks took about {} ms.",
        (ticks() - start) / mhz / 1_000
    );

    // Without a notification nobody is told.
    handler.clear()?;
    notification.poll();
    let until = ticks() + mhz * 30_000;
    while ticks() < until {}
    assert_eq!(notification.poll(), 0);
    println!("Cleared: 30 ms later no further signal has come.");

    // There is one handler for each line.
    let second = allocator.derive::<IrqHandler>(|slot| root::IRQ_CONTROL.issue_pin(route, slot));
    assert_eq!(second, Err(Error::RevokeFirst.into()));
    allocator.forget(handler)?;
    let second: IrqHandler = allocator.derive(|slot| root::IRQ_CONTROL.issue_pin(route, slot))?;
    println!("A second handler is possible only after the first is gone.");
    second.clear()?;
    Ok(())
}

/// The time-stamp counter.
fn ticks() -> u64 {
    // SAFETY: the instruction only reads, and user code may execute it.
    unsafe { core::arch::x86_64::_rdtsc() }
}
