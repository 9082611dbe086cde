//! A device that interrupts when it is asked to: the interval timer, once after `COUNT` of its
//! ticks, each time it is started.

use super::tests::ports;
use crate::report::Outcome;
use crate::world::World;
use user_api::{Error, IoPort, PinRoute, SlotPath};
use user_runtime::boot::root;

const FIRST: u16 = 0x40;
const MODE: u16 = 0x43;
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
const OTHER: PinRoute = PinRoute {
    pin: 4,
    vector: PIN.vector + 1,
    ..PIN
};

/// The device.
pub(crate) struct Timer(IoPort);

impl Timer {
    /// Takes it.
    pub(crate) fn new(world: &mut World) -> Outcome<Self> {
        Ok(Self(ports(world, FIRST, MODE)?))
    }

    /// Makes a handler for its interrupt.
    pub(crate) fn issue(slot: SlotPath) -> Result<(), Error> {
        root::IRQ_CONTROL.issue_pin(PIN, slot)
    }

    /// Makes a handler for an interrupt that has none.
    pub(crate) fn issue_other(slot: SlotPath) -> Result<(), Error> {
        root::IRQ_CONTROL.issue_pin(OTHER, slot)
    }

    /// It interrupts, soon and once.
    pub(crate) fn start(&self) -> Outcome {
        self.0.out8(MODE, ONE_SHOT)?;
        self.0.out8(FIRST, COUNT as u8)?;
        self.0.out8(FIRST, (COUNT >> 8) as u8)?;
        Ok(())
    }

    /// The interrupt has been heard: an edge is over.
    pub(crate) fn quiet(&self) {}
}
