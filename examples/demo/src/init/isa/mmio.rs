//! Devices whose registers are memory: a page of it is mapped into the driver's address space, and
//! nowhere else.

use crate::init::arena::Arena;
use crate::init::home::Home;
use crate::init::task::Task;
use abi::{CapRights, Word};
use demo_common::isa::mmio::REGISTERS;
use demo_common::{Role, slot};
use user_alloc::Result;
use user_api::{Attributes, Frame, FrameSize};
use user_runtime::boot::root;

/// What a device needs of the machine.
pub(crate) struct Device {
    /// Whose it is.
    pub(crate) role: Role,
    /// When that may run.
    pub(crate) priority: Word,
    /// The physical address of its registers.
    pub(crate) registers: Word,
    /// Its interrupt.
    pub(crate) interrupt: Word,
}

impl Device {
    /// The frame of its registers.
    pub(crate) fn frame(&self, home: &mut Home) -> Result<Frame> {
        let frame = home
            .allocator
            .frame_at(self.registers, FrameSize::Small.object())?;
        Ok(frame.cap)
    }

    /// Maps `frame` into the driver's address space, and gives it the interrupt: that goes
    /// straight into its capability space, init has no capability to it.
    pub(crate) fn give_page(&self, frame: Frame, arena: &mut Arena, task: &Task) -> Result {
        task.process.space.map_at(
            &mut arena.allocator,
            frame,
            REGISTERS as Word,
            CapRights::READ_WRITE,
            Attributes::UNCACHED,
        )?;
        let place = task.process.slot(slot::INTERRUPT.cptr().bits());
        Ok(root::IRQ_CONTROL.issue(self.interrupt, place)?)
    }

    /// As above for the serial line. A kernel that does not print leaves it to init's own console;
    /// then it is passed on. Init's last words, should it panic, still go there.
    pub(crate) fn give_serial(&self, home: &mut Home, arena: &mut Arena, task: &Task) -> Result {
        let frame = match user_runtime::console::port() {
            Some(taken) => home.allocator.copy(taken, CapRights::READ_WRITE)?,
            None => self.frame(home)?,
        };
        self.give_page(frame, arena, task)
    }
}
