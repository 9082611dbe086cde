//! Calls to the secure monitor.

use crate::cap::capability;
use crate::error::Result;
use crate::invoke::invoke;
use abi::{Invocation, Word};

capability! {
    /// Secure monitor calls: all, or with a badge those of the function with that number.
    Smc
}

impl Smc {
    /// Calls the secure monitor with X0 to X7; its answer in the same registers.
    ///
    /// # Errors
    /// `IllegalOperation` if the capability has a badge and X0 is another function.
    #[doc(alias = "seL4_ARM_SMC_Call")]
    pub fn call(self, registers: [Word; 8]) -> Result<[Word; 8]> {
        Ok(invoke(self, Invocation::ArmSmcCall, &registers, &[])?.words())
    }
}
