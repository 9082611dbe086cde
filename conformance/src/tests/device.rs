//! Interrupts and IO ports.

use crate::report::{Outcome, check, check_eq};
use crate::world::{Clock, World};
use abi::CapRights;
use user_api::{CPtr, Error, IoPort, IrqHandler, MsiRoute, Notification, PinRoute};
use user_runtime::boot::root;

crate::list!["device":
    ports_are_read_and_written, ports_outside_are_refused, wide_access_must_fit, ports_are_handed_out_once,
    copies_share_the_ports, ports_come_back, an_interrupt_signals, an_interrupt_waits_for_its_acknowledgement,
    a_cleared_handler_signals_nobody, a_new_notification_replaces_the_old, handlers_are_unique,
    a_deleted_handler_stops_the_interrupt, revoking_the_control_deletes_handlers, a_deleted_notification_hears_nothing,
    message_interrupts_can_be_issued,
];

/// The real-time clock's index and data registers.
const RTC: u16 = 0x70;
/// A byte of its memory that nobody uses.
const SCRATCH: u8 = 0x52;

fn ports(world: &mut World, first: u16, last: u16) -> Result<IoPort, Error> {
    world.fill(|slot| root::IO_PORT_CONTROL.issue(first, last, slot))
}

fn ports_are_read_and_written(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    for value in [0x5a, 0xa5] {
        rtc.out8(RTC, SCRATCH)?;
        rtc.out8(RTC + 1, value)?;
        rtc.out8(RTC, SCRATCH)?;
        check_eq!(rtc.in8(RTC + 1), Ok(value));
    }
    Ok(())
}

fn ports_outside_are_refused(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let refused = Error::IllegalOperation;
    for port in [0, RTC - 1, RTC + 2, u16::MAX] {
        check_eq!(rtc.in8(port), Err(refused), "port {port:#x}");
        check_eq!(rtc.out8(port, 0), Err(refused), "port {port:#x}");
    }
    Ok(())
}

fn wide_access_must_fit(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let refused = Error::IllegalOperation;
    check_eq!(rtc.in16(RTC + 1), Err(refused));
    check_eq!(rtc.in32(RTC), Err(refused));
    check_eq!(rtc.out16(RTC + 1, 0), Err(refused));
    check_eq!(rtc.out32(RTC, 0), Err(refused));
    check!(rtc.in16(RTC).is_ok());
    Ok(())
}

fn ports_are_handed_out_once(world: &mut World) -> Outcome {
    ports(world, 0x40, 0x43)?;
    for (first, last) in [
        (0x40, 0x40),
        (0x43, 0x50),
        (0x30, 0x40),
        (0x41, 0x42),
        (0x30, 0x50),
    ] {
        check_eq!(
            ports(world, first, last),
            Err(Error::RevokeFirst),
            "{first:#x} to {last:#x}"
        );
    }
    check!(ports(world, 0x44, 0x47).is_ok(), "the ports beside");
    check_eq!(
        ports(world, 0x51, 0x50),
        Err(Error::InvalidArgument { which: 1 })
    );
    Ok(())
}

fn copies_share_the_ports(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let copy = world.copy(rtc, CapRights::ALL)?;
    world.path(rtc).delete()?;
    check!(copy.in8(RTC + 1).is_ok());
    check_eq!(ports(world, RTC, RTC), Err(Error::RevokeFirst));
    Ok(())
}

fn ports_come_back(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    world.path(rtc).delete()?;
    check!(ports(world, RTC + 1, RTC + 4).is_ok());
    Ok(())
}

/// The interval timer: one interrupt after `COUNT` of its ticks, each time it is started.
struct Timer {
    ports: IoPort,
    handler: IrqHandler,
    notification: Notification,
}

const TIMER: u16 = 0x40;
const TIMER_MODE: u16 = 0x43;
const ONE_SHOT: u8 = 0b0011_0000;
/// About 2 ms.
const COUNT: u16 = 2_386;
const PIN: PinRoute = PinRoute {
    io_apic: 0,
    pin: 2,
    level: false,
    low: false,
    vector: 3,
};
const BADGE: u64 = 0x40;

impl Timer {
    fn new(world: &mut World) -> Outcome<Self> {
        let ports = ports(world, TIMER, TIMER_MODE)?;
        let handler: IrqHandler = world.fill(|slot| root::IRQ_CONTROL.issue_pin(PIN, slot))?;
        let notification = world.notification()?;
        let badged = world.mint(notification, CapRights::WRITE, BADGE)?;
        handler.set_notification(badged)?;
        let timer = Self {
            ports,
            handler,
            notification,
        };
        // Whatever came before is over.
        timer.settle_hardware(world)?;
        Ok(timer)
    }

    fn settle_hardware(&self, world: &World) -> Outcome {
        self.start()?;
        let clock = Clock::start(world.boot);
        while clock.micros() < 6_000 {}
        self.handler.ack()?;
        // The interrupt may come this late, and is not acknowledged then.
        if self.notification.poll() != 0 {
            self.handler.ack()?;
        }
        Ok(())
    }

    fn start(&self) -> Outcome {
        self.ports.out8(TIMER_MODE, ONE_SHOT)?;
        self.ports.out8(TIMER, COUNT as u8)?;
        self.ports.out8(TIMER, (COUNT >> 8) as u8)?;
        Ok(())
    }

    /// What is signalled within 50 ms.
    fn heard(&self, world: &World) -> u64 {
        let clock = Clock::start(world.boot);
        while clock.micros() < 50_000 {
            match self.notification.poll() {
                0 => {}
                badge => return badge,
            }
        }
        0
    }
}

fn an_interrupt_signals(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    for _ in 0..5 {
        timer.start()?;
        check_eq!(timer.heard(world), BADGE);
        timer.handler.ack()?;
    }
    Ok(())
}

fn an_interrupt_waits_for_its_acknowledgement(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    timer.start()?;
    check_eq!(timer.heard(world), BADGE);
    timer.start()?;
    check_eq!(timer.heard(world), 0, "not acknowledged");
    timer.handler.ack()?;
    // An edge that came in between may be forgotten, or be told now.
    if timer.notification.poll() != 0 {
        timer.handler.ack()?;
    }
    timer.start()?;
    check_eq!(timer.heard(world), BADGE);
    timer.handler.ack()?;
    Ok(())
}

fn a_cleared_handler_signals_nobody(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    timer.handler.clear()?;
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    timer.handler.set_notification(timer.notification)?;
    timer.handler.ack()?;
    Ok(())
}

fn a_new_notification_replaces_the_old(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let other = world.mint(timer.notification, CapRights::WRITE, 0x80)?;
    timer.handler.set_notification(other)?;
    timer.start()?;
    check_eq!(timer.heard(world), 0x80);
    timer.handler.ack()?;
    Ok(())
}

fn handlers_are_unique(world: &mut World) -> Outcome {
    let _timer = Timer::new(world)?;
    let again = world.fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_pin(PIN, slot));
    check_eq!(again, Err(Error::RevokeFirst));
    let other = PinRoute {
        vector: PIN.vector + 1,
        pin: 4,
        ..PIN
    };
    check!(
        world
            .fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_pin(other, slot))
            .is_ok()
    );
    Ok(())
}

fn a_deleted_handler_stops_the_interrupt(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let copy = world.copy(timer.handler, CapRights::ALL)?;
    world.path(timer.handler).delete()?;
    timer.start()?;
    check_eq!(timer.heard(world), BADGE, "a copy keeps it");
    copy.ack()?;
    world.path(copy).delete()?;
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    check!(
        world
            .fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_pin(PIN, slot))
            .is_ok(),
        "it is free again"
    );
    Ok(())
}

fn revoking_the_control_deletes_handlers(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    world.path(root::IRQ_CONTROL).revoke()?;
    check!(!world.occupied(world.path(timer.handler))?);
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    Ok(())
}

fn a_deleted_notification_hears_nothing(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let gone = world.notification()?;
    let badged = world.mint(gone, CapRights::WRITE, 1)?;
    timer.handler.set_notification(badged)?;
    world.path(gone).revoke()?;
    world.path(gone).delete()?;
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    Ok(())
}

fn message_interrupts_can_be_issued(world: &mut World) -> Outcome {
    let route = MsiRoute {
        bus: 0,
        device: 31,
        function: 7,
        handle: 0,
        vector: 9,
    };
    let handler: IrqHandler = world.fill(|slot| root::IRQ_CONTROL.issue_msi(route, slot))?;
    check_eq!(
        world.fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_msi(route, slot)),
        Err(Error::RevokeFirst)
    );
    let notification = world.notification()?;
    check_eq!(handler.set_notification(notification), Ok(()));
    check_eq!((handler.ack(), handler.clear()), (Ok(()), Ok(())));
    let reader = world.copy(notification, CapRights::READ)?;
    check_eq!(
        handler.set_notification(reader),
        Err(Error::InvalidCapability { which: 0 })
    );
    Ok(())
}
