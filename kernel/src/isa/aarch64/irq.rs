//! How interrupts get handlers, and who may send software generated ones.

use super::caps::IsaCap;
use crate::Kernel;
use crate::cap::Cap;
use crate::cdt;
use crate::error::SyscallError;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::irq::{self, IrqState};
use crate::object::store::Ref;
use abi::invocation::Invocation;
use abi::{PROFILE, Word};
use machine::irq::Trigger;
use machine::{ArmMachine, Irq};

/// Interrupts 0 to 15 are software generated.
const SOFTWARE_INTERRUPTS: Word = 16;
/// The first interrupt that is not a core's own.
const FIRST_SHARED: u16 = 32;

/// What is to be made.
#[derive(Clone, Copy, Debug)]
enum Issued {
    /// A handler; the line's trigger is set first, if one is asked for.
    Handler {
        irq: Irq,
        trigger: Option<Trigger>,
    },
    SgiSignal(IsaCap),
}

/// A capability to be made by IRQ control.
#[derive(Clone, Copy, Debug)]
pub struct IssueIrq {
    issued: Issued,
    control: Ref<Slot>,
    destination: Ref<Slot>,
}

impl IssueIrq {
    /// Looks at what `m` asks of IRQ control.
    pub fn decode(
        k: &Kernel,
        control: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        // Behind the words of its own, each message names a slot.
        let own: usize = match invocation {
            I::IrqIssueIrqHandler => 1,
            I::ArmIrqIssueIrqHandlerTrigger | I::ArmIrqIssueSgiSignal => 2,
            _ => return Err(SyscallError::IllegalOperation),
        };
        let (index, depth) = (own, own.saturating_add(1));
        let Some(root) = m.cap(0).filter(|_| m.length > depth) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let (first, second) = (m.word(k, 0), m.word(k, 1));
        let issued = match invocation {
            I::IrqIssueIrqHandler => handler(k, first, None)?,
            I::ArmIrqIssueIrqHandlerTrigger => handler(k, first, Some(trigger(second)))?,
            _ => sgi_signal(k, first, second)?,
        };
        let destination = cnode::empty_slot(k, root, m.word(k, index), m.word(k, depth))?;
        Ok(Self {
            issued,
            control,
            destination,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        match self.issued {
            Issued::Handler { irq, trigger } => {
                if let Some(trigger) = trigger {
                    k.machine.set_trigger(irq, trigger);
                }
                irq::issue(k, irq, self.control, self.destination);
            }
            Issued::SgiSignal(cap) => {
                cdt::insert_child(k, Cap::Isa(cap).into(), self.control, self.destination);
            }
        }
    }
}

fn trigger(word: Word) -> Trigger {
    if word == 0 {
        Trigger::Level
    } else {
        Trigger::Edge
    }
}

fn handler(k: &Kernel, number: Word, trigger: Option<Trigger>) -> Result<Issued, SyscallError> {
    let max = k.machine.last_irq();
    if number > max.0.into() {
        return Err(SyscallError::RangeError {
            min: 0,
            max: max.0.into(),
        });
    }
    let irq = Irq(number as u16);
    if trigger.is_some() && PROFILE.smp() && irq.0 < FIRST_SHARED {
        return Err(SyscallError::IllegalOperation);
    }
    if k.irqs.state(irq) != IrqState::Inactive {
        return Err(SyscallError::RevokeFirst);
    }
    Ok(Issued::Handler { irq, trigger })
}

fn sgi_signal(k: &Kernel, number: Word, target: Word) -> Result<Issued, SyscallError> {
    if number >= SOFTWARE_INTERRUPTS {
        return Err(SyscallError::RangeError {
            min: 0,
            max: SOFTWARE_INTERRUPTS.saturating_sub(1),
        });
    }
    if target > k.machine.last_sgi_target().into() {
        return Err(SyscallError::InvalidArgument(1));
    }
    Ok(Issued::SgiSignal(IsaCap::SgiSignal {
        interrupt: number as u8,
        target: target as u32,
    }))
}
