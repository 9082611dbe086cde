//! Interrupts with a trigger.

use crate::cap::SlotPath;
use crate::error::Result;
use crate::invoke::perform;
use crate::object::IrqControl;
use abi::{Invocation, Word};

impl IrqControl {
    /// Makes a handler for line `irq` in an empty slot, and says whether edges make it interrupt
    /// or its level. Interrupt controllers that find that out by themselves ignore it.
    ///
    /// # Errors
    /// `RangeError`; `RevokeFirst` if there is a handler; `DeleteFirst` if the slot is in use.
    #[doc(alias = "seL4_IRQControl_GetTrigger")]
    pub fn issue_with_trigger(self, irq: Word, edge: bool, slot: SlotPath) -> Result {
        let words = [irq, edge.into(), slot.index, slot.depth];
        let invocation = Invocation::RiscvIrqIssueIrqHandlerTrigger;
        perform(self, invocation, &words, &[slot.root.into()])
    }
}
