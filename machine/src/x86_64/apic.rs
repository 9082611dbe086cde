//! The local APIC, by memory or by model-specific registers.

use super::registers::{self, msr};

/// A register, by its offset in the memory interface.
#[derive(Clone, Copy)]
enum Register {
    Id = 0x20,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    Request = 0x200,
    ErrorStatus = 0x280,
    Command = 0x300,
    TimerEntry = 0x320,
    ThermalEntry = 0x330,
    CounterEntry = 0x340,
    Pin0Entry = 0x350,
    Pin1Entry = 0x360,
    ErrorEntry = 0x370,
    TimerInitial = 0x380,
    TimerCurrent = 0x390,
    TimerDivide = 0x3e0,
}

const ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const TIMER_BY_TIMESTAMP: u32 = 2 << 17;
const DIVIDE_BY_1: u32 = 0b1011;
const SELF: u32 = 1 << 18;

const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;

/// How this core's local APIC is reached.
#[derive(Clone, Copy, Debug)]
pub enum LocalApic {
    /// There is none yet.
    Absent,
    /// Its registers are mapped here.
    Memory(u64),
    /// Its registers are model-specific ones.
    Msr,
}

impl LocalApic {
    /// Enables the local APIC, with everything masked and nothing held back by priority.
    ///
    /// # Safety
    /// `mapped` is where its registers are mapped, uncached; they stay so.
    pub unsafe fn enable(x2apic: bool, mapped: u64, spurious: u8) -> Self {
        // SAFETY: every processor with an APIC has the register.
        let base = unsafe { registers::read_msr(msr::APIC_BASE) };
        // The second interface can be entered, but not left for the first one.
        let apic = if x2apic || base & BASE_X2APIC != 0 {
            Self::Msr
        } else {
            Self::Memory(mapped)
        };
        let mode = if matches!(apic, Self::Msr) {
            BASE_ENABLE | BASE_X2APIC
        } else {
            BASE_ENABLE
        };
        // SAFETY: enables what CPUID shows; nothing of ours uses the interface yet.
        unsafe { registers::write_msr(msr::APIC_BASE, base | mode) };
        for entry in [
            Register::TimerEntry,
            Register::ThermalEntry,
            Register::CounterEntry,
            Register::Pin0Entry,
            Register::Pin1Entry,
            Register::ErrorEntry,
        ] {
            apic.write(entry, MASKED);
        }
        apic.write(Register::TaskPriority, 0);
        apic.write(Register::ErrorStatus, 0);
        apic.write(Register::Spurious, ENABLE | u32::from(spurious));
        apic
    }

    /// The identifier by which interrupts are addressed to this core.
    pub fn id(self) -> u32 {
        match self {
            Self::Msr => self.read(Register::Id),
            _ => self.read(Register::Id) >> 24,
        }
    }

    /// Ends the interrupt in service.
    #[inline(always)]
    pub fn end_of_interrupt(self) {
        self.write(Register::EndOfInterrupt, 0);
    }

    /// Whether one of the 32 interrupts `32 * group` and following waits to be served.
    #[inline(always)]
    pub fn requested(self, group: u32) -> bool {
        self.read_at(Register::Request as u32 | group << 4) != 0
    }

    /// Raises the edge-triggered interrupt `vector` on this core.
    pub fn raise(self, vector: u8) {
        let command = SELF | u32::from(vector);
        match self {
            // SAFETY: an interrupt to ourselves; the gate is there for every vector.
            Self::Msr => unsafe { registers::write_msr(command_msr(), command.into()) },
            _ => self.write(Register::Command, command),
        }
    }

    /// Lets the timer raise `vector`: when a time stamp is reached, or when a count ends.
    pub fn arm_timer(self, vector: u8, by_timestamp: bool) {
        self.write(Register::TimerDivide, DIVIDE_BY_1);
        let mode = if by_timestamp { TIMER_BY_TIMESTAMP } else { 0 };
        self.write(Register::TimerEntry, mode | u32::from(vector));
        // The deadline register is no memory; keep it behind the mode.
        // SAFETY: a fence has no other effect.
        unsafe { core::arch::x86_64::_mm_mfence() };
    }

    /// Counts down from `count` once; 0 stops.
    #[inline(always)]
    pub fn count_down(self, count: u32) {
        self.write(Register::TimerInitial, count);
    }

    /// What is left of the count.
    pub fn remaining(self) -> u32 {
        self.read(Register::TimerCurrent)
    }

    /// Sets up the timer for counting without interrupting.
    pub fn silence_timer(self) {
        self.write(Register::TimerDivide, DIVIDE_BY_1);
        self.write(Register::TimerEntry, MASKED);
    }

    #[inline(always)]
    fn read(self, register: Register) -> u32 {
        self.read_at(register as u32)
    }

    #[inline(always)]
    fn read_at(self, offset: u32) -> u32 {
        match self {
            Self::Absent => 0,
            // SAFETY: `enable` was promised that the registers are mapped there.
            Self::Memory(base) => unsafe { pointer(base, offset).read_volatile() },
            // SAFETY: in x2APIC mode the registers exist. They have 32 bits, the command aside.
            Self::Msr => unsafe { registers::read_msr(msr::X2APIC + (offset >> 4)) as u32 },
        }
    }

    #[inline(always)]
    fn write(self, register: Register, value: u32) {
        match self {
            Self::Absent => {}
            // SAFETY: as in `read_at`; the values are ones that the manual gives.
            Self::Memory(base) => unsafe { pointer(base, register as u32).write_volatile(value) },
            // SAFETY: likewise.
            Self::Msr => unsafe {
                registers::write_msr(msr::X2APIC + (register as u32 >> 4), value.into())
            },
        }
    }
}

fn command_msr() -> u32 {
    msr::X2APIC + (Register::Command as u32 >> 4)
}

#[inline(always)]
fn pointer(base: u64, offset: u32) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(base.wrapping_add(offset.into()) as usize)
}
