//! Interrupts: of a device that interrupts when it is asked to.

use crate::isa;
use crate::report::{Outcome, check, check_eq};
use crate::world::{Clock, World};
use abi::CapRights;
use user_api::{CPtr, Error, IrqHandler, Notification};
use user_runtime::boot::root;

crate::list!["device":
    an_interrupt_signals, an_interrupt_waits_for_its_acknowledgement, a_cleared_handler_signals_nobody,
    a_new_notification_replaces_the_old, handlers_are_unique, a_deleted_handler_stops_the_interrupt,
    revoking_the_control_deletes_handlers, a_deleted_notification_hears_nothing, handlers_want_to_signal,
];

/// The device, its handler and what that signals.
struct Timer {
    device: isa::Timer,
    handler: IrqHandler,
    notification: Notification,
}

const BADGE: u64 = 0x40;

impl Timer {
    fn new(world: &mut World) -> Outcome<Self> {
        let device = isa::Timer::new(world)?;
        let handler: IrqHandler = world.fill(isa::Timer::issue)?;
        let notification = world.notification()?;
        let badged = world.mint(notification, CapRights::WRITE, BADGE)?;
        handler.set_notification(badged)?;
        let timer = Self {
            device,
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
        self.ack()?;
        // The interrupt may come this late, and is not acknowledged then.
        if self.notification.poll() != 0 {
            self.ack()?;
        }
        Ok(())
    }

    fn start(&self) -> Outcome {
        self.device.start()
    }

    fn ack(&self) -> Outcome {
        self.device.quiet();
        Ok(self.handler.ack()?)
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
        timer.ack()?;
    }
    Ok(())
}

fn an_interrupt_waits_for_its_acknowledgement(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    timer.start()?;
    check_eq!(timer.heard(world), BADGE);
    if isa::WAITS_FOR_ACKNOWLEDGEMENT {
        timer.start()?;
        check_eq!(timer.heard(world), 0, "not acknowledged");
    }
    timer.ack()?;
    // An edge that came in between may be forgotten, or be told now.
    if timer.notification.poll() != 0 {
        timer.ack()?;
    }
    timer.start()?;
    check_eq!(timer.heard(world), BADGE);
    timer.ack()?;
    Ok(())
}

fn a_cleared_handler_signals_nobody(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    timer.handler.clear()?;
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    timer.handler.set_notification(timer.notification)?;
    timer.ack()?;
    Ok(())
}

fn a_new_notification_replaces_the_old(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let other = world.mint(timer.notification, CapRights::WRITE, 0x80)?;
    timer.handler.set_notification(other)?;
    timer.start()?;
    check_eq!(timer.heard(world), 0x80);
    timer.ack()?;
    Ok(())
}

fn handlers_are_unique(world: &mut World) -> Outcome {
    let _timer = Timer::new(world)?;
    let again = world.fill::<CPtr>(isa::Timer::issue);
    check_eq!(again, Err(Error::RevokeFirst));
    check!(world.fill::<CPtr>(isa::Timer::issue_other).is_ok());
    Ok(())
}

fn a_deleted_handler_stops_the_interrupt(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let copy = world.copy(timer.handler, CapRights::ALL)?;
    world.path(timer.handler).delete()?;
    timer.start()?;
    check_eq!(timer.heard(world), BADGE, "a copy keeps it");
    timer.device.quiet();
    copy.ack()?;
    world.path(copy).delete()?;
    timer.start()?;
    check_eq!(timer.heard(world), 0);
    check!(
        world.fill::<CPtr>(isa::Timer::issue).is_ok(),
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

fn handlers_want_to_signal(world: &mut World) -> Outcome {
    let timer = Timer::new(world)?;
    let reader = world.copy(timer.notification, CapRights::READ)?;
    check_eq!(
        timer.handler.set_notification(reader),
        Err(Error::InvalidCapability { which: 0 })
    );
    Ok(())
}
