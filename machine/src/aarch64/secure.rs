//! Calls to the secure monitor, or to the hypervisor that answers in its place.

use core::arch::asm;

/// How firmware is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduit {
    /// There is none: nobody answers.
    Nobody,
    /// By `SMC`.
    Monitor,
    /// By `HVC`.
    Hypervisor,
}

/// What a function that does not exist answers.
const NOT_SUPPORTED: u64 = u64::MAX;

impl Conduit {
    /// Calls with X0 to X7; the answer in the same registers.
    ///
    /// # Safety
    /// Firmware does what it is told, which may be to stop the machine or to change memory: the
    /// caller trusts whoever chose the registers.
    pub unsafe fn call(self, registers: [u64; 8]) -> [u64; 8] {
        let [x0, x1, x2, x3, x4, x5, x6, x7] = registers;
        let mut answer = registers;
        macro_rules! call {
            ($instruction:literal) => {
                asm!(
                    $instruction,
                    inlateout("x0") x0 => answer[0],
                    inlateout("x1") x1 => answer[1],
                    inlateout("x2") x2 => answer[2],
                    inlateout("x3") x3 => answer[3],
                    inlateout("x4") x4 => answer[4],
                    inlateout("x5") x5 => answer[5],
                    inlateout("x6") x6 => answer[6],
                    inlateout("x7") x7 => answer[7],
                    // Older calling conventions let these go too.
                    lateout("x8") _, lateout("x9") _, lateout("x10") _, lateout("x11") _,
                    lateout("x12") _, lateout("x13") _, lateout("x14") _, lateout("x15") _,
                    lateout("x16") _, lateout("x17") _,
                    options(nostack)
                )
            };
        }
        match self {
            Self::Nobody => answer[0] = NOT_SUPPORTED,
            // SAFETY: the caller's promise.
            Self::Monitor => unsafe { call!("smc #0") },
            // SAFETY: the caller's promise.
            Self::Hypervisor => unsafe { call!("hvc #0") },
        }
        answer
    }
}
