//! Capabilities that only AArch64 has: software generated interrupts, and calls to the secure
//! monitor.

use crate::Kernel;
use crate::cap::{DataUpdate, badge_once};
use crate::error::SyscallError;
use crate::invocation::Done;
use crate::message::Message;
use abi::Word;
use abi::cap_type;
use abi::invocation::Invocation;
use machine::ArmMachine;

/// Capabilities that only AArch64 has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IsaCap {
    /// Raises interrupt `interrupt` at the core that `target` names.
    SgiSignal { interrupt: u8, target: u32 },
    /// Secure monitor calls: all of them, or with a badge those of that function.
    Smc { badge: Word },
}

impl IsaCap {
    const SGI_SIGNAL: u16 = 0;
    const SMC: u16 = 1;

    /// Ten bits, and a word.
    pub(crate) const fn pack(self) -> (u16, Word) {
        match self {
            Self::SgiSignal { interrupt, target } => {
                (Self::SGI_SIGNAL, interrupt as Word | (target as Word) << 8)
            }
            Self::Smc { badge } => (Self::SMC, badge),
        }
    }

    pub(crate) const fn unpack(small: u16, word: Word) -> Option<Self> {
        match small {
            Self::SGI_SIGNAL => Some(Self::SgiSignal {
                interrupt: word as u8,
                target: (word >> 8) as u32,
            }),
            Self::SMC => Some(Self::Smc { badge: word }),
            _ => None,
        }
    }

    /// An unbadged SMC capability covers the badged ones made from it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Smc { badge: 0 }, Self::Smc { .. })) || self == other
    }

    pub(crate) fn revocable_from(&self, source: &Self) -> bool {
        match (self, source) {
            (Self::Smc { badge: new }, Self::Smc { badge: old }) => new != old,
            _ => false,
        }
    }

    pub(crate) fn with_data(self, data: Word, update: DataUpdate) -> Option<Self> {
        match self {
            Self::SgiSignal { .. } => Some(self),
            Self::Smc { badge } => badge_once(badge, update).then_some(Self::Smc { badge: data }),
        }
    }

    /// Whether IRQ control makes such capabilities.
    pub(crate) fn comes_from_irq_control(&self) -> bool {
        matches!(self, Self::SgiSignal { .. })
    }

    pub(crate) fn derive(self) -> Option<Self> {
        Some(self)
    }

    pub(crate) fn cap_number(&self) -> Word {
        match self {
            Self::SgiSignal { .. } => cap_type::aarch64::SGI_SIGNAL,
            Self::Smc { .. } => cap_type::aarch64::SMC,
        }
    }

    /// The slot of the last capability is empty: neither kind has an object behind it.
    pub(crate) fn release(self, _: &mut Kernel) {}
}

/// A call to the secure monitor: function and arguments.
#[derive(Clone, Copy, Debug)]
pub struct SecureCall([Word; 8]);

impl SecureCall {
    /// Looks at what `m` asks of an SMC capability with `badge`.
    pub fn decode(
        k: &Kernel,
        badge: Word,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        if invocation != Invocation::ArmSmcCall {
            return Err(SyscallError::IllegalOperation);
        }
        if m.length < 8 {
            return Err(SyscallError::TruncatedMessage);
        }
        let registers: [Word; 8] = core::array::from_fn(|n| m.word(k, n));
        if badge != 0 && registers[0] != badge {
            return Err(SyscallError::IllegalOperation);
        }
        Ok(Self(registers))
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, m: &Message) -> Done {
        let answer = k.machine.secure_call(self.0);
        Done::reply(k, m, &answer)
    }
}
