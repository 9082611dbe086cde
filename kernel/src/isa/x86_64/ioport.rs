//! IO ports. (`abi/semantics-irq-misc.md` section 2.)

use crate::Kernel;
use crate::cap::{Cap, DataUpdate};
use crate::cdt;
use crate::error::SyscallError;
use crate::invocation::Done;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::store::Ref;
use abi::Word;
use abi::cap_type;
use abi::invocation::Invocation;
use machine::X86Machine;

/// Capabilities that only x86 has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IsaCap {
    /// Authority over all ports that are nobody's.
    IoPortControl,
    /// The ports `first` to `last`.
    IoPort { first: u16, last: u16 },
}

impl IsaCap {
    /// Ten bits, and a word.
    pub(crate) const fn pack(self) -> (u16, Word) {
        match self {
            Self::IoPortControl => (0, 0),
            Self::IoPort { first, last } => (1, first as Word | (last as Word) << 16),
        }
    }

    pub(crate) const fn unpack(small: u16, word: Word) -> Option<Self> {
        match small {
            0 => Some(Self::IoPortControl),
            1 => Some(Self::IoPort {
                first: word as u16,
                last: (word >> 16) as u16,
            }),
            _ => None,
        }
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        matches!(self, Self::IoPortControl) || self == other
    }

    pub(crate) fn revocable_from(&self, source: &Self) -> bool {
        matches!((self, source), (Self::IoPort { .. }, Self::IoPortControl))
    }

    /// None of these has data.
    pub(crate) fn with_data(self, _: Word, _: DataUpdate) -> Option<Self> {
        Some(self)
    }

    /// Whether IRQ control makes such capabilities.
    pub(crate) fn comes_from_irq_control(&self) -> bool {
        false
    }

    pub(crate) fn derive(self) -> Option<Self> {
        match self {
            Self::IoPortControl => None,
            port => Some(port),
        }
    }

    pub(crate) fn cap_number(&self) -> Word {
        match self {
            Self::IoPortControl => cap_type::x86_64::IO_PORT_CONTROL,
            Self::IoPort { .. } => cap_type::x86_64::IO_PORT,
        }
    }

    /// The slot of the last capability is empty: its ports are nobody's again.
    pub(crate) fn release(self, k: &mut Kernel) {
        if let Self::IoPort { first, last } = self {
            k.isa.ports.set(first, last, false);
        }
    }
}

/// Which ports have been issued.
#[derive(Clone, Debug)]
pub struct PortMap {
    bits: [u64; 1024],
}

impl PortMap {
    /// None.
    pub const fn new() -> Self {
        Self { bits: [0; 1024] }
    }

    fn any(&self, first: u16, last: u16) -> bool {
        (first..=last).any(|port| {
            self.bits
                .get(usize::from(port / 64))
                .is_some_and(|word| word >> (port % 64) & 1 != 0)
        })
    }

    fn set(&mut self, first: u16, last: u16, issued: bool) {
        for port in first..=last {
            if let Some(word) = self.bits.get_mut(usize::from(port / 64)) {
                let bit = 1 << (port % 64);
                *word = if issued { *word | bit } else { *word & !bit };
            }
        }
    }
}

impl Default for PortMap {
    fn default() -> Self {
        Self::new()
    }
}

/// A range of ports that becomes somebody's.
#[derive(Clone, Copy, Debug)]
pub struct Issue {
    first: u16,
    last: u16,
    control: Ref<Slot>,
    destination: Ref<Slot>,
}

impl Issue {
    /// Looks at what `m` asks of IO port control.
    pub fn decode(
        k: &Kernel,
        control: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        if invocation != Invocation::X86IoPortControlIssue {
            return Err(SyscallError::IllegalOperation);
        }
        let (4.., Some(root)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let (first, last) = (m.word(k, 0) as u16, m.word(k, 1) as u16);
        if last < first {
            return Err(SyscallError::InvalidArgument(1));
        }
        if k.isa.ports.any(first, last) {
            return Err(SyscallError::RevokeFirst);
        }
        let destination = cnode::empty_slot(k, root, m.word(k, 2), m.word(k, 3))?;
        Ok(Self {
            first,
            last,
            control,
            destination,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        k.isa.ports.set(self.first, self.last, true);
        let cap = Cap::Isa(IsaCap::IoPort {
            first: self.first,
            last: self.last,
        });
        cdt::insert_child(k, cap.into(), self.control, self.destination);
    }
}

/// An access to ports.
#[derive(Clone, Copy, Debug)]
pub enum PortInvocation {
    In { port: u16, bytes: u8 },
    Out { port: u16, bytes: u8, value: u32 },
}

impl PortInvocation {
    /// Looks at what `m` asks of the ports `first` to `last`.
    pub fn decode(
        k: &Kernel,
        (first, last): (u16, u16),
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        let (bytes, output) = match invocation {
            I::X86IoPortIn8 => (1, false),
            I::X86IoPortIn16 => (2, false),
            I::X86IoPortIn32 => (4, false),
            I::X86IoPortOut8 => (1, true),
            I::X86IoPortOut16 => (2, true),
            I::X86IoPortOut32 => (4, true),
            _ => return Err(SyscallError::IllegalOperation),
        };
        if m.length < if output { 2 } else { 1 } {
            return Err(SyscallError::TruncatedMessage);
        }
        let port = m.word(k, 0) as u16;
        let end = port.checked_add(u16::from(bytes).saturating_sub(1));
        if port < first || end.is_none_or(|end| end > last) {
            return Err(SyscallError::IllegalOperation);
        }
        Ok(if output {
            Self::Out {
                port,
                bytes,
                value: m.word(k, 1) as u32,
            }
        } else {
            Self::In { port, bytes }
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, m: &Message) -> Done {
        match self {
            Self::In { port, bytes } => {
                let value = k.machine.port_in(port, bytes);
                Done::reply(k, m, &[value.into()])
            }
            Self::Out { port, bytes, value } => {
                k.machine.port_out(port, bytes, value);
                Done::Empty
            }
        }
    }
}
