//! The two drivers: a device's registers and its interrupt belong to one process alone.

use super::arena::{Arena, Size};
use super::home::Home;
use super::isa::devices::{Device, SERIAL, TIMER};
use super::task::{CALL, Task};
use abi::{CapRights, ObjectType, Word};
use demo_common::isa::timer::PERIODS;
use demo_common::protocol::{INTERRUPT_BADGE, REFUSED, timer};
use demo_common::{Role, slot};
use user_alloc::{AllocError, Result};
use user_api::{Budget, Endpoint, Error, Message, Notification};

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

    /// The driver of the timer.
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
        wake_by_interrupt(home, &mut arena, &task)?;
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

/// Signals of the interrupt now end the driver's waiting for messages.
fn wake_by_interrupt(home: &Home, arena: &mut Arena, task: &Task) -> Result {
    let wake: Notification = arena.allocator.make(ObjectType::Notification, 0)?;
    task.grant_badged(home, wake, slot::WAKE, CapRights::WRITE, INTERRUPT_BADGE)?;
    Ok(task.process.tcb.bind_notification(wake)?)
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
            let (min, max) = PERIODS;
            return Err(AllocError::Kernel(Error::RangeError { min, max }));
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
