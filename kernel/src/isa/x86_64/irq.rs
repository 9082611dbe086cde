//! How interrupts get handlers: through IO APIC pins and messages.

use crate::Kernel;
use crate::error::SyscallError;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::irq::{self, IrqState};
use crate::object::store::Ref;
use abi::Word;
use abi::invocation::Invocation;
use abi::x86_64::irq::{USER_MIN, VECTOR_ARGUMENT_MAX};
use machine::irq::{Polarity, Trigger};
use machine::{Irq, X86Machine};

/// Where an interrupt comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    IoApic {
        ioapic: usize,
        pin: usize,
        trigger: Trigger,
        polarity: Polarity,
    },
    /// User space programs the device.
    Msi,
}

/// A handler to be made.
#[derive(Clone, Copy, Debug)]
pub struct IssueIrq {
    irq: Irq,
    source: Source,
    control: Ref<Slot>,
    destination: Ref<Slot>,
}

fn within(value: Word, max: Word) -> Result<usize, SyscallError> {
    if value > max {
        Err(SyscallError::RangeError { min: 0, max })
    } else {
        Ok(value as usize)
    }
}

impl IssueIrq {
    /// Looks at what `m` asks of IRQ control.
    pub fn decode(
        k: &Kernel,
        control: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let needed = match invocation {
            Invocation::IrqIssueIrqHandler => 3,
            Invocation::X86IrqIssueIrqHandlerIoapic | Invocation::X86IrqIssueIrqHandlerMsi => 7,
            _ => return Err(SyscallError::IllegalOperation),
        };
        let Some(root) = m.cap(0).filter(|_| m.length >= needed) else {
            return Err(SyscallError::TruncatedMessage);
        };
        if invocation == Invocation::IrqIssueIrqHandler {
            // Lines have no numbers of their own here: GetIOAPIC and GetMSI name them.
            return Err(SyscallError::IllegalOperation);
        }
        let vector = within(m.word(k, 6), VECTOR_ARGUMENT_MAX)?;
        let irq = Irq((USER_MIN as u16).saturating_add(vector as u16));
        if k.irqs.state(irq) != IrqState::Inactive {
            return Err(SyscallError::RevokeFirst);
        }
        let destination = cnode::empty_slot(k, root, m.word(k, 0), m.word(k, 1))?;
        let source = if invocation == Invocation::X86IrqIssueIrqHandlerMsi {
            decode_msi(k, m)?
        } else {
            decode_ioapic(k, m)?
        };
        Ok(Self {
            irq,
            source,
            control,
            destination,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        if let Source::IoApic {
            ioapic,
            pin,
            trigger,
            polarity,
        } = self.source
        {
            k.machine
                .ioapic_route(self.irq, ioapic, pin, trigger, polarity);
        }
        irq::issue(k, self.irq, self.control, self.destination);
    }
}

fn decode_ioapic(k: &Kernel, m: &Message) -> Result<Source, SyscallError> {
    let count = k.machine.ioapic_count() as u64;
    let last = count.checked_sub(1).ok_or(SyscallError::IllegalOperation)?;
    let ioapic = within(m.word(k, 2), last)?;
    let last_pin = (k.machine.ioapic_pins(ioapic) as u64).saturating_sub(1);
    let pin = within(m.word(k, 3), last_pin)?;
    let trigger = if within(m.word(k, 4), 1)? == 1 {
        Trigger::Level
    } else {
        Trigger::Edge
    };
    let polarity = if within(m.word(k, 5), 1)? == 1 {
        Polarity::Low
    } else {
        Polarity::High
    };
    Ok(Source::IoApic {
        ioapic,
        pin,
        trigger,
        polarity,
    })
}

fn decode_msi(k: &Kernel, m: &Message) -> Result<Source, SyscallError> {
    within(m.word(k, 2), 255)?;
    within(m.word(k, 3), 31)?;
    within(m.word(k, 4), 7)?;
    Ok(Source::Msi)
}
