//! The devices: a page of registers and an interrupt each.

pub(crate) use crate::init::isa::mmio::Device;

use crate::init::arena::Arena;
use crate::init::home::Home;
use crate::init::task::Task;
use abi::CapRights;
use demo_common::Role;
use user_alloc::Result;

/// The serial line.
pub(crate) const SERIAL: Device = Device {
    role: Role::Serial,
    priority: 240,
    registers: 0x900_0000,
    interrupt: 33,
};

/// The real-time clock.
pub(crate) const TIMER: Device = Device {
    role: Role::Timer,
    priority: 250,
    registers: 0x901_0000,
    interrupt: 34,
};

impl Device {
    /// Gives the process registers and interrupt.
    pub(crate) fn give(&self, home: &mut Home, arena: &mut Arena, task: &Task) -> Result {
        if self.role == Role::Serial {
            return self.give_serial(home, arena, task);
        }
        // Init reads this page too, by a mapping of its own.
        let frame = home
            .allocator
            .copy(home.clock.frame, CapRights::READ_WRITE)?;
        self.give_page(frame, arena, task)
    }
}
