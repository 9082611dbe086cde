//! The two drivers: a device's ports and its interrupt belong to one process alone.

use super::arena::{Arena, Size};
use super::home::Home;
use super::task::{CALL, Task};
use abi::{CapRights, ObjectType, Word};
use demo_common::protocol::{INTERRUPT_BADGE, REFUSED, timer};
use demo_common::{Role, slot};
use user_alloc::{AllocError, Result};
use user_api::{Budget, Endpoint, Error, Message, Notification, PinRoute};
use user_runtime::boot::root;

/// What a device needs of the machine.
struct Device {
    role: Role,
    priority: Word,
    ports: (u16, u16),
    /// Its pin of the first IO APIC. The vector that the kernel is to use has the same number.
    pin: Word,
}

const SERIAL: Device = Device {
    role: Role::Serial,
    priority: 240,
    ports: (0x3f8, 0x3ff),
    pin: 4,
};

/// PCs connect the interval timer, interrupt 0 of old, to pin 2.
const TIMER: Device = Device {
    role: Role::Timer,
    priority: 250,
    ports: (0x40, 0x43),
    pin: 2,
};

const DRIVER_BUDGET: Budget = Budget::round_robin(10_000);

/// A driver and how to talk to it.
pub(crate) struct Driver {
    /// Its memory.
    pub(crate) arena: Arena,
    /// Its process.
    pub(crate) task: Task,
    /// To call it.
    pub(crate) endpoint: Endpoint,
    /// What it signals.
    pub(crate) signal: Notification,
}

impl Driver {
    /// The driver of the serial line.
    ///
    /// # Errors
    /// If there is too little of something, or the device is taken.
    pub(crate) fn serial(home: &mut Home) -> Result<Self> {
        let mut driver = Self::load(home, &SERIAL)?;
        driver.task.own(
            home,
            &mut driver.arena,
            ObjectType::Reply,
            slot::WAITING_REPLY,
        )?;
        driver.start(home, None)
    }

    /// The driver of the interval timer.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn timer(home: &mut Home, console: Endpoint, pager: Endpoint) -> Result<Self> {
        let driver = Self::load(home, &TIMER)?;
        driver
            .task
            .grant_badged(home, console, slot::CONSOLE, CALL, Role::Timer.badge())?;
        driver
            .task
            .grant(home, driver.signal, slot::SIGNAL, CapRights::WRITE)?;
        driver.start(home, Some(pager))
    }

    fn load(home: &mut Home, device: &Device) -> Result<Self> {
        let mut arena = Arena::new(home, device.role.name(), Size::ONE)?;
        let task = Task::load(home, &mut arena, device.role, device.priority, 0)?;
        let endpoint = arena.allocator.make(ObjectType::Endpoint, 0)?;
        let signal = arena.allocator.make(ObjectType::Notification, 0)?;
        task.grant(home, endpoint, slot::SERVICE, CapRights::READ)?;
        task.own(home, &mut arena, ObjectType::Reply, slot::REPLY)?;
        device.give(home, &mut arena, &task)?;
        Ok(Self {
            arena,
            task,
            endpoint,
            signal,
        })
    }

    fn start(mut self, home: &mut Home, pager: Option<Endpoint>) -> Result<Self> {
        self.task
            .start(home, &mut self.arena, DRIVER_BUDGET, pager)?;
        Ok(self)
    }
}

impl Device {
    /// Gives the process ports and interrupt. They go straight into its capability space: init
    /// has no capability to them.
    fn give(&self, home: &Home, arena: &mut Arena, task: &Task) -> Result {
        let place = |cap: user_api::CPtr| task.process.slot(cap.bits());
        let (first, last) = self.ports;
        match root::IO_PORT_CONTROL.issue(first, last, place(slot::PORTS.into())) {
            // A kernel that does not print leaves the serial line to init's own console. It is
            // passed on; init's last words, should it panic, still go there.
            Err(Error::RevokeFirst) => {
                let port =
                    user_runtime::console::port().ok_or(AllocError::Kernel(Error::RevokeFirst))?;
                task.grant(home, port, slot::PORTS, CapRights::ALL)?;
            }
            other => other?,
        }
        let route = PinRoute {
            pin: self.pin,
            vector: self.pin,
            ..PinRoute::default()
        };
        root::IRQ_CONTROL.issue_pin(route, place(slot::INTERRUPT.into()))?;
        let wake: Notification = arena.allocator.make(ObjectType::Notification, 0)?;
        task.grant_badged(home, wake, slot::WAKE, CapRights::WRITE, INTERRUPT_BADGE)?;
        // Signals of the interrupt now end the driver's waiting for messages.
        Ok(task.process.tcb.bind_notification(wake)?)
    }
}

/// The timer driver's messages.
impl Driver {
    /// How many ticks there were.
    pub(crate) fn ticks(&self) -> Word {
        self.endpoint.call(Message::new(timer::TICKS)).words[0]
    }

    /// Runs `each` after every tick, `times` times; a tick comes every so many microseconds.
    ///
    /// # Errors
    /// `RangeError` if the device cannot count such a period.
    pub(crate) fn every(
        &self,
        microseconds: Word,
        times: Word,
        mut each: impl FnMut(Word),
    ) -> Result {
        let before = self.ticks();
        let start = Message::new(timer::START).with_words(&[microseconds, times]);
        if self.endpoint.call(start).label() == REFUSED {
            let range = Error::RangeError {
                min: 2,
                max: 54_900,
            };
            return Err(AllocError::Kernel(range));
        }
        let mut seen = 0;
        while seen < times {
            self.signal.wait();
            // Two signals may have come as one.
            let now = self.ticks() - before;
            (seen..now).for_each(&mut each);
            seen = now;
        }
        Ok(())
    }
}
