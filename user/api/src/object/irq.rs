//! Interrupts. How a handler is made for a certain line depends on the ISA.

use crate::cap::{SlotPath, capability};
use crate::error::Result;
use crate::invoke::perform;
use crate::object::Notification;
use abi::Word;
use abi::invocation::Invocation;

capability! {
    /// The authority to hand out interrupts.
    IrqControl
}

capability! {
    /// One interrupt.
    IrqHandler
}

impl IrqControl {
    /// Makes a handler for interrupt `irq` in an empty slot.
    ///
    /// # Errors
    /// On x86 with IO APICs always `IllegalOperation`; elsewhere `RangeError`; `RevokeFirst` if
    /// there is a handler; `DeleteFirst` if the slot is in use.
    #[doc(alias = "seL4_IRQControl_Get")]
    pub fn issue(self, irq: Word, slot: SlotPath) -> Result {
        let words = [irq, slot.index, slot.depth];
        perform(
            self,
            Invocation::IrqIssueIrqHandler,
            &words,
            &[slot.root.into()],
        )
    }
}

impl IrqHandler {
    /// Lets the interrupt come again.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_IRQHandler_Ack")]
    pub fn ack(self) -> Result {
        perform(self, Invocation::IrqAckIrq, &[], &[])
    }

    /// Signals `notification` (with the badge of that capability) when the interrupt comes.
    ///
    /// # Errors
    /// `InvalidCapability {0}` unless it is a notification with the write right.
    #[doc(alias = "seL4_IRQHandler_SetNotification")]
    pub fn set_notification(self, notification: Notification) -> Result {
        perform(
            self,
            Invocation::IrqSetIrqHandler,
            &[],
            &[notification.into()],
        )
    }

    /// Signals nobody any more.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_IRQHandler_Clear")]
    pub fn clear(self) -> Result {
        perform(self, Invocation::IrqClearIrqHandler, &[], &[])
    }
}
