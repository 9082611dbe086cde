//! Interrupts: who hears which line. (`abi/semantics-irq-misc.md` section 1.)

use crate::Kernel;
use crate::cap::Cap;
use crate::cdt;
use crate::delete;
use crate::error::SyscallError;
use crate::isa;
use crate::message::Message;
use crate::object::cnode::{Slot, slot_at};
use crate::object::notification;
use crate::object::store::Ref;
use crate::time;
use crate::timer;
use abi::invocation::Invocation;
use machine::{Irq, KernelAddress, Machine};

/// What happens to an interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum IrqState {
    /// Nobody asked for it: masked.
    #[default]
    Inactive,
    /// A handler capability exists.
    Handled,
    /// The kernel's own.
    Reserved,
}

/// All interrupts. Their notification capabilities are in slots outside the kernel's own state,
/// because they are part of the derivation tree.
#[derive(Clone, PartialEq, Debug)]
pub struct IrqTable {
    states: [IrqState; isa::IRQS],
    slots: KernelAddress,
}

impl IrqTable {
    /// Bytes of slots that a kernel needs.
    pub const SLOT_BYTES: u64 = isa::IRQS as u64 * size_of::<Slot>() as u64;

    /// No interrupt is anybody's.
    pub const fn new(slots: KernelAddress) -> Self {
        Self {
            states: [IrqState::Inactive; isa::IRQS],
            slots,
        }
    }

    /// The state of `irq`; numbers that do not exist are reserved.
    pub fn state(&self, irq: Irq) -> IrqState {
        self.states
            .get(usize::from(irq.0))
            .copied()
            .unwrap_or(IrqState::Reserved)
    }

    pub(crate) fn set_state(&mut self, irq: Irq, state: IrqState) {
        if let Some(place) = self.states.get_mut(usize::from(irq.0)) {
            *place = state;
        }
    }

    /// The memory of all slots.
    pub fn memory(&self) -> KernelAddress {
        self.slots
    }

    /// The slot for the notification that hears `irq`, which exists.
    pub fn slot(&self, irq: Irq) -> Ref<Slot> {
        slot_at(Ref::new(self.slots), irq.0.into())
    }
}

/// An interrupt has arrived.
#[doc(alias = "handleInterrupt")]
pub fn handle(k: &mut Kernel, irq: Irq) {
    time::update(k);
    if irq == k.machine.timer_irq() {
        return handle_timer(k, irq);
    }
    time::check_budget(k);
    match k.irqs.state(irq) {
        IrqState::Handled => {
            k.machine.interrupt_delivered(irq);
            if let Cap::Notification(c) = k[k.irqs.slot(irq)].cap()
                && c.rights.write()
            {
                notification::signal(k, c.notification, c.badge);
            }
        }
        IrqState::Inactive | IrqState::Reserved => {
            k.machine.mask(irq);
            k.machine.end_of_interrupt(irq);
        }
    }
}

/// The timer's interrupt is the kernel's own. If it only says that time runs short, nothing else
/// happens than that the kernel looks at the clock from now on.
fn handle_timer(k: &mut Kernel, irq: Irq) {
    k.machine.acknowledge_timer();
    k.machine.end_of_interrupt(irq);
    if timer::rang(k) {
        time::check_budget(k);
        k.node_mut().reprogram = true;
    }
}

/// A handler for `irq`, which nobody has, comes into being under IRQ control.
pub(crate) fn issue(k: &mut Kernel, irq: Irq, control: Ref<Slot>, destination: Ref<Slot>) {
    k.irqs.set_state(irq, IrqState::Handled);
    cdt::insert_child(k, Cap::IrqHandler(irq).into(), control, destination);
    k.machine.unmask(irq);
}

/// The last handler of `irq` goes: nobody hears it any more.
pub(crate) fn forget_notification(k: &mut Kernel, irq: Irq) {
    let slot = k.irqs.slot(irq);
    delete::delete_simple(k, slot);
}

/// The slot of the last handler of `irq` is empty.
pub(crate) fn release(k: &mut Kernel, irq: Irq) {
    k.irqs.set_state(irq, IrqState::Inactive);
    k.machine.mask(irq);
}

/// What is to be done with an interrupt.
#[derive(Clone, Copy, Debug)]
pub enum IrqHandlerInvocation {
    Acknowledge(Irq),
    SetNotification { irq: Irq, source: Ref<Slot> },
    Clear(Irq),
}

impl IrqHandlerInvocation {
    /// Looks at what `m` asks of the handler of `irq`.
    pub fn decode(
        k: &Kernel,
        irq: Irq,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        match invocation {
            Invocation::IrqAckIrq => Ok(Self::Acknowledge(irq)),
            Invocation::IrqSetIrqHandler => {
                let source = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
                match k[source].cap() {
                    Cap::Notification(c) if c.rights.write() => {
                        Ok(Self::SetNotification { irq, source })
                    }
                    _ => Err(SyscallError::InvalidCapability(0)),
                }
            }
            Invocation::IrqClearIrqHandler => Ok(Self::Clear(irq)),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        match self {
            Self::Acknowledge(irq) => k.machine.interrupt_acknowledged(irq),
            Self::SetNotification { irq, source } => {
                let cap = k[source].packed();
                let slot = k.irqs.slot(irq);
                delete::delete_simple(k, slot);
                // Deleting the old one may have deleted the new one with it, if it was derived.
                if k[source].packed() == cap {
                    cdt::insert(k, cap, source, slot);
                }
            }
            Self::Clear(irq) => forget_notification(k, irq),
        }
    }
}
