//! Interrupts by IO APIC pin and by message.

use crate::cap::SlotPath;
use crate::error::Result;
use crate::invoke::perform;
use crate::object::IrqControl;
use abi::{Invocation, Word};

/// A pin of an IO APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PinRoute {
    /// Which IO APIC, from 0.
    pub io_apic: Word,
    /// Which pin, from 0.
    pub pin: Word,
    /// Whether the line is level-triggered.
    pub level: bool,
    /// Whether low is active.
    pub low: bool,
    /// The vector to use, 0 to 107; each can be used once.
    pub vector: Word,
}

/// A message-signalled interrupt of a PCI device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MsiRoute {
    /// Bus, 0 to 255.
    pub bus: Word,
    /// Device, 0 to 31.
    pub device: Word,
    /// Function, 0 to 7.
    pub function: Word,
    /// Which of the device's messages.
    pub handle: Word,
    /// The vector to use, 0 to 107; each can be used once. The device writes this plus 48.
    pub vector: Word,
}

impl IrqControl {
    /// Makes a handler for a pin in an empty slot, and enables the pin.
    ///
    /// # Errors
    /// `RangeError` for vector, IO APIC or pin; `RevokeFirst` if the vector is used; `DeleteFirst`
    /// if the slot is in use.
    #[doc(alias = "seL4_IRQControl_GetIOAPIC")]
    pub fn issue_pin(self, route: PinRoute, slot: SlotPath) -> Result {
        let PinRoute {
            io_apic,
            pin,
            level,
            low,
            vector,
        } = route;
        let words = [
            slot.index,
            slot.depth,
            io_apic,
            pin,
            level.into(),
            low.into(),
            vector,
        ];
        perform(
            self,
            Invocation::X86IrqIssueIrqHandlerIoapic,
            &words,
            &[slot.root.into()],
        )
    }

    /// Makes a handler for a message-signalled interrupt in an empty slot.
    ///
    /// # Errors
    /// `RangeError` for vector, bus, device or function; `RevokeFirst` if the vector is used;
    /// `DeleteFirst` if the slot is in use.
    #[doc(alias = "seL4_IRQControl_GetMSI")]
    pub fn issue_msi(self, route: MsiRoute, slot: SlotPath) -> Result {
        let MsiRoute {
            bus,
            device,
            function,
            handle,
            vector,
        } = route;
        let words = [
            slot.index, slot.depth, bus, device, function, handle, vector,
        ];
        perform(
            self,
            Invocation::X86IrqIssueIrqHandlerMsi,
            &words,
            &[slot.root.into()],
        )
    }
}
