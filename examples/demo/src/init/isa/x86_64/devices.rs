//! The devices of a PC: IO ports, and pins of the first IO APIC.

use crate::init::arena::Arena;
use crate::init::home::Home;
use crate::init::task::Task;
use abi::{CapRights, Word};
use demo_common::isa::PORTS;
use demo_common::{Role, slot};
use user_alloc::{AllocError, Result};
use user_api::{Error, PinRoute};
use user_runtime::boot::root;

/// What a device needs of the machine.
pub(crate) struct Device {
    /// Whose it is.
    pub(crate) role: Role,
    /// When that may run.
    pub(crate) priority: Word,
    ports: (u16, u16),
    /// Its pin of the first IO APIC. The vector that the kernel is to use has the same number.
    pin: Word,
}

/// The serial line.
pub(crate) const SERIAL: Device = Device {
    role: Role::Serial,
    priority: 240,
    ports: (0x3f8, 0x3ff),
    pin: 4,
};

/// PCs connect the interval timer, interrupt 0 of old, to pin 2.
pub(crate) const TIMER: Device = Device {
    role: Role::Timer,
    priority: 250,
    ports: (0x40, 0x43),
    pin: 2,
};

impl Device {
    /// Gives the process ports and interrupt. They go straight into its capability space: init
    /// has no capability to them.
    pub(crate) fn give(&self, home: &mut Home, _: &mut Arena, task: &Task) -> Result {
        let place = |cap: user_api::CPtr| task.process.slot(cap.bits());
        let (first, last) = self.ports;
        match root::IO_PORT_CONTROL.issue(first, last, place(PORTS.into())) {
            // A kernel that does not print leaves the serial line to init's own console. It is
            // passed on; init's last words, should it panic, still go there.
            Err(Error::RevokeFirst) => {
                let port =
                    user_runtime::console::port().ok_or(AllocError::Kernel(Error::RevokeFirst))?;
                task.grant(home, port, PORTS, CapRights::ALL)?;
            }
            other => other?,
        }
        let route = PinRoute {
            pin: self.pin,
            vector: self.pin,
            ..PinRoute::default()
        };
        Ok(root::IRQ_CONTROL.issue_pin(route, place(slot::INTERRUPT.into()))?)
    }
}
