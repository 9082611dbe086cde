//! IO ports.

use crate::cap::{SlotPath, capability};
use crate::error::Result;
use crate::invoke::{perform, query};
use abi::{Invocation, Word};

capability! {
    /// The authority to hand out ranges of IO ports.
    IoPortControl
}

capability! {
    /// A range of IO ports.
    IoPort
}

impl IoPortControl {
    /// Makes a capability to ports `first` to `last` in an empty slot.
    ///
    /// # Errors
    /// `InvalidArgument {1}` if `last < first`; `RevokeFirst` if a port is handed out already;
    /// `DeleteFirst` if the slot is in use.
    #[doc(alias = "seL4_X86_IOPortControl_Issue")]
    pub fn issue(self, first: u16, last: u16, slot: SlotPath) -> Result {
        let words = [first.into(), last.into(), slot.index, slot.depth];
        perform(
            self,
            Invocation::X86IoPortControlIssue,
            &words,
            &[slot.root.into()],
        )
    }
}

/// All answer `IllegalOperation` for ports outside the range.
impl IoPort {
    /// Reads a byte.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_In8")]
    pub fn in8(self, port: u16) -> Result<u8> {
        query(self, Invocation::X86IoPortIn8, &[port.into()], &[]).map(|word| word as u8)
    }

    /// Reads two bytes.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_In16")]
    pub fn in16(self, port: u16) -> Result<u16> {
        query(self, Invocation::X86IoPortIn16, &[port.into()], &[]).map(|word| word as u16)
    }

    /// Reads four bytes.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_In32")]
    pub fn in32(self, port: u16) -> Result<u32> {
        query(self, Invocation::X86IoPortIn32, &[port.into()], &[]).map(|word| word as u32)
    }

    /// Writes a byte.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_Out8")]
    pub fn out8(self, port: u16, value: u8) -> Result {
        self.out(Invocation::X86IoPortOut8, port, value.into())
    }

    /// Writes two bytes.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_Out16")]
    pub fn out16(self, port: u16, value: u16) -> Result {
        self.out(Invocation::X86IoPortOut16, port, value.into())
    }

    /// Writes four bytes.
    ///
    /// # Errors
    /// `IllegalOperation`.
    #[doc(alias = "seL4_X86_IOPort_Out32")]
    pub fn out32(self, port: u16, value: u32) -> Result {
        self.out(Invocation::X86IoPortOut32, port, value.into())
    }

    fn out(self, invocation: Invocation, port: u16, value: Word) -> Result {
        perform(self, invocation, &[port.into(), value], &[])
    }
}
