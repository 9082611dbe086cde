//! How interrupts get handlers: a line of the interrupt controller (PLIC) is its number.

use crate::Kernel;
use crate::error::SyscallError;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::irq::{self, IrqState};
use crate::object::store::Ref;
use abi::invocation::Invocation;
use machine::Irq;

/// The highest line that can have a handler (`abi/tables/platform.json`); line 0 does not exist.
pub const MAX_LINE: u64 = 95;

/// A handler to be made.
#[derive(Clone, Copy, Debug)]
pub struct IssueIrq {
    irq: Irq,
    control: Ref<Slot>,
    destination: Ref<Slot>,
}

impl IssueIrq {
    /// Looks at what `m` asks of IRQ control. The controller does not let software choose what
    /// triggers a line, so the trigger that `GetTrigger` names changes nothing.
    pub fn decode(
        k: &Kernel,
        control: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        // Where the destination's index and depth are.
        let place = match invocation {
            Invocation::IrqIssueIrqHandler => 1usize,
            Invocation::RiscvIrqIssueIrqHandlerTrigger => 2,
            _ => return Err(SyscallError::IllegalOperation),
        };
        let needed = place.saturating_add(2);
        let Some(root) = m.cap(0).filter(|_| m.length >= needed) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let line = m.word(k, 0);
        if !(1..=MAX_LINE).contains(&line) {
            return Err(SyscallError::RangeError {
                min: 1,
                max: MAX_LINE,
            });
        }
        let irq = Irq(line as u16);
        if k.irqs.state(irq) != IrqState::Inactive {
            return Err(SyscallError::RevokeFirst);
        }
        let (index, depth) = (m.word(k, place), m.word(k, place.saturating_add(1)));
        let destination = cnode::empty_slot(k, root, index, depth)?;
        Ok(Self {
            irq,
            control,
            destination,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        irq::issue(k, self.irq, self.control, self.destination);
    }
}
