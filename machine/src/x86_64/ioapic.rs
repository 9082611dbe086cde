//! IO APICs.

use crate::irq::{Polarity, Trigger};

const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;

const VERSION: u32 = 1;
const FIRST_ENTRY: u32 = 0x10;

const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// The first of the two registers of `pin`; the second follows it.
fn entry(pin: u32) -> u32 {
    // Registers have numbers of eight bits.
    FIRST_ENTRY.wrapping_add(pin << 1)
}

/// One IO APIC.
#[derive(Clone, Copy, Debug)]
pub struct IoApic {
    mapped: u64,
    pins: u32,
}

impl IoApic {
    /// Not there: no pins.
    pub const ABSENT: Self = Self { mapped: 0, pins: 0 };

    /// The IO APIC whose registers are mapped at `mapped`, all pins masked.
    ///
    /// # Safety
    /// They are mapped there, uncached, and stay so.
    pub unsafe fn new(mapped: u64) -> Self {
        let mut apic = Self { mapped, pins: 0 };
        apic.pins = (apic.read(VERSION) >> 16 & 0xff) + 1;
        for pin in 0..apic.pins {
            apic.write(entry(pin), MASKED);
        }
        apic
    }

    /// How many pins it has.
    pub fn pins(&self) -> usize {
        self.pins as usize
    }

    /// Routes `pin` to `vector` on the core with APIC identifier `core`, masked.
    pub fn route(&self, pin: u32, vector: u8, core: u32, trigger: Trigger, polarity: Polarity) {
        if pin >= self.pins {
            return;
        }
        let trigger = if trigger == Trigger::Level { LEVEL } else { 0 };
        let polarity = if polarity == Polarity::Low {
            ACTIVE_LOW
        } else {
            0
        };
        self.write(entry(pin), MASKED);
        self.write(entry(pin) | 1, core << 24);
        self.write(entry(pin), MASKED | trigger | polarity | u32::from(vector));
    }

    /// Masks or unmasks `pin`.
    pub fn set_masked(&self, pin: u32, masked: bool) {
        if pin >= self.pins {
            return;
        }
        let now = self.read(entry(pin)) & !MASKED;
        self.write(entry(pin), if masked { now | MASKED } else { now });
    }

    fn read(&self, register: u32) -> u32 {
        // SAFETY: `new` was promised that the registers are mapped there.
        unsafe { self.register(SELECT).write_volatile(register) };
        // SAFETY: likewise.
        unsafe { self.register(WINDOW).read_volatile() }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: `new` was promised that the registers are mapped there.
        unsafe { self.register(SELECT).write_volatile(register) };
        // SAFETY: likewise; the values are ones that the manual gives.
        unsafe { self.register(WINDOW).write_volatile(value) };
    }

    fn register(&self, offset: u64) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(self.mapped.wrapping_add(offset) as usize)
    }
}
