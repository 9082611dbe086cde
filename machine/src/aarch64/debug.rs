//! The debug registers of the processor.

use super::registers::{instruction_barrier, read, write};
use crate::debug::{BREAKPOINTS, Registers, Unit, WATCHPOINTS};

/// In MDSCR_EL1.
const SINGLE_STEP: u64 = 1;
const MONITOR: u64 = 1 << 15;
const ENABLED: u32 = 1;

/// How many of each the processor has; the kernel's threads have no more than it has room for.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    breakpoints: usize,
    watchpoints: usize,
}

impl Counts {
    /// None.
    pub const NONE: Self = Self {
        breakpoints: 0,
        watchpoints: 0,
    };

    /// What this processor has. The lock of the operating system, which is set at reset, is
    /// opened.
    pub fn start() -> Self {
        // SAFETY: debug exceptions come from user mode only.
        unsafe { write!("oslar_el1", 0) };
        instruction_barrier();
        let features = read!("id_aa64dfr0_el1");
        Self {
            breakpoints: ((features >> 12 & 15) as usize)
                .wrapping_add(1)
                .min(BREAKPOINTS),
            watchpoints: ((features >> 20 & 15) as usize)
                .wrapping_add(1)
                .min(WATCHPOINTS),
        }
    }

    /// Loads the registers of a thread.
    pub fn load(self, registers: &Registers, stepping: bool) {
        for (index, unit) in registers
            .breakpoints
            .iter()
            .enumerate()
            .take(self.breakpoints)
        {
            load_breakpoint(index, *unit);
        }
        for (index, unit) in registers
            .watchpoints
            .iter()
            .enumerate()
            .take(self.watchpoints)
        {
            load_watchpoint(index, *unit);
        }
        let any = registers.units().any(|unit| unit.control & ENABLED != 0);
        let old = read!("mdscr_el1") & !(SINGLE_STEP | MONITOR);
        let step = if stepping { SINGLE_STEP } else { 0 };
        let monitor = if any { MONITOR } else { 0 };
        // SAFETY: the kernel runs with debug exceptions masked; those of user mode are handled.
        unsafe { write!("mdscr_el1", old | step | monitor) };
        instruction_barrier();
    }
}

/// Registers are named in instructions, not numbered.
macro_rules! load {
    ($unit:expr, $address:literal, $control:literal) => {{
        // SAFETY: matches in user mode only; the processor has this register.
        unsafe { write!($address, $unit.address) };
        // SAFETY: as before.
        unsafe { write!($control, $unit.control.into()) };
    }};
}

fn load_breakpoint(index: usize, unit: Unit) {
    match index {
        0 => load!(unit, "dbgbvr0_el1", "dbgbcr0_el1"),
        1 => load!(unit, "dbgbvr1_el1", "dbgbcr1_el1"),
        2 => load!(unit, "dbgbvr2_el1", "dbgbcr2_el1"),
        3 => load!(unit, "dbgbvr3_el1", "dbgbcr3_el1"),
        4 => load!(unit, "dbgbvr4_el1", "dbgbcr4_el1"),
        5 => load!(unit, "dbgbvr5_el1", "dbgbcr5_el1"),
        _ => {}
    }
}

fn load_watchpoint(index: usize, unit: Unit) {
    match index {
        0 => load!(unit, "dbgwvr0_el1", "dbgwcr0_el1"),
        1 => load!(unit, "dbgwvr1_el1", "dbgwcr1_el1"),
        2 => load!(unit, "dbgwvr2_el1", "dbgwcr2_el1"),
        3 => load!(unit, "dbgwvr3_el1", "dbgwcr3_el1"),
        _ => {}
    }
}
