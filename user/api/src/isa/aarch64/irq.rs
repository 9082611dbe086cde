//! Interrupts with a trigger, and software generated ones.

use crate::cap::{SlotPath, capability};
use crate::error::Result;
use crate::invoke::perform;
use crate::message::Message;
use crate::object::IrqControl;
use crate::syscalls;
use abi::{Invocation, Word};

capability! {
    /// Raises one software generated interrupt at one core.
    SgiSignal
}

impl IrqControl {
    /// Makes a handler for interrupt `irq` in an empty slot, and sets whether edges make it
    /// interrupt or its level.
    ///
    /// # Errors
    /// `RangeError`; `RevokeFirst` if there is a handler; `DeleteFirst` if the slot is in use.
    #[doc(alias = "seL4_IRQControl_GetTrigger")]
    pub fn issue_with_trigger(self, irq: Word, edge: bool, slot: SlotPath) -> Result {
        let words = [irq, edge.into(), slot.index, slot.depth];
        let invocation = Invocation::ArmIrqIssueIrqHandlerTrigger;
        perform(self, invocation, &words, &[slot.root.into()])
    }

    /// Makes a capability that raises interrupt `interrupt` (0 to 15) at `target`, in an empty
    /// slot.
    ///
    /// # Errors
    /// `RangeError`; `InvalidArgument {1}` for the target; `DeleteFirst` if the slot is in use;
    /// `NotInProfile` in multiprocessor profiles.
    #[doc(alias = "seL4_IRQControl_IssueSGISignal")]
    pub fn issue_sgi_signal(self, interrupt: Word, target: Word, slot: SlotPath) -> Result {
        let words = [interrupt, target, slot.index, slot.depth];
        let invocation = Invocation::ArmIrqIssueSgiSignal;
        perform(self, invocation, &words, &[slot.root.into()])
    }
}

impl SgiSignal {
    /// Raises the interrupt.
    pub fn signal(self) {
        syscalls::send(self, Message::default());
    }
}
