//! The devices: a page of registers and an interrupt each.

pub(crate) use crate::init::isa::mmio::Device;

use crate::init::arena::Arena;
use crate::init::home::Home;
use crate::init::task::Task;
use demo_common::Role;
use user_alloc::Result;

/// The serial line.
pub(crate) const SERIAL: Device = Device {
    role: Role::Serial,
    priority: 240,
    registers: 0x1000_0000,
    interrupt: 10,
};

/// The Goldfish clock.
pub(crate) const TIMER: Device = Device {
    role: Role::Timer,
    priority: 250,
    registers: 0x10_1000,
    interrupt: 11,
};

impl Device {
    /// Gives the process registers and interrupt.
    pub(crate) fn give(&self, home: &mut Home, arena: &mut Arena, task: &Task) -> Result {
        if self.role == Role::Serial {
            return self.give_serial(home, arena, task);
        }
        let frame = self.frame(home)?;
        self.give_page(frame, arena, task)
    }
}
