//! The performance monitor's cycle counter.

use super::registers::{instruction_barrier, read, write};

const ENABLE: u64 = 1;
const RESET_CYCLES: u64 = 1 << 2;
/// The counter overflows at 64 bits.
const LONG: u64 = 1 << 6;
const CYCLES: u64 = 1 << 31;

/// The counter, if the processor has one.
#[derive(Clone, Copy, Debug)]
pub struct CycleCounter {
    exists: bool,
}

impl CycleCounter {
    /// None.
    pub const NONE: Self = Self { exists: false };

    /// Lets it run, in user mode and in the kernel. User code may read it if the profile says so.
    pub fn start() -> Self {
        const PRIVATE: u64 = 15;
        let version = read!("id_aa64dfr0_el1") >> 8 & 15;
        if version == 0 || version == PRIVATE {
            return Self::NONE;
        }
        let control = read!("pmcr_el0");
        // SAFETY: counting has no other effect, and no counter interrupts.
        unsafe { write!("pmcr_el0", control | LONG | RESET_CYCLES | ENABLE) };
        // SAFETY: as before.
        unsafe { write!("pmintenclr_el1", u64::from(u32::MAX)) };
        // SAFETY: as before.
        unsafe { write!("pmccfiltr_el0", 0) };
        // SAFETY: as before.
        unsafe { write!("pmcntenset_el0", CYCLES) };
        // SAFETY: user mode gets what the profile says, and no more.
        unsafe { write!("pmuserenr_el0", u64::from(abi::PROFILE.export_pmu_user)) };
        instruction_barrier();
        Self { exists: true }
    }

    /// Cycles so far.
    #[inline(always)]
    pub fn read(self) -> Option<u64> {
        self.exists.then(|| read!("pmccntr_el0"))
    }
}
