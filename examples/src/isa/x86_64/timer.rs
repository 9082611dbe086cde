//! The PC's interval timer.

use user_alloc::{Allocator, Result};
use user_api::{Error, IoPort, PinRoute, SlotPath, Word};
use user_runtime::boot::root;
use user_runtime::println;

/// The timer's registers: counter 0 and the mode register.
const COUNTER: u16 = 0x40;
const MODE: u16 = 0x43;
/// Counter 0, low byte then high byte, mode 2: an interrupt each time it has counted down.
const PERIODIC: u8 = 0b0011_0100;
/// Its clock, in Hz.
const CLOCK: u64 = 1_193_182;
/// Firmware routes the timer's line (ISA interrupt 0) to this pin of the first IO APIC.
const PIN: Word = 2;

/// The device.
pub struct Timer(IoPort);

impl Timer {
    /// Microseconds between two interrupts.
    pub const PERIOD: u64 = 10_000;

    /// The authority to use just its ports.
    ///
    /// # Errors
    /// If somebody else holds them.
    pub fn take(allocator: &mut Allocator) -> Result<Self> {
        let ports: IoPort =
            allocator.derive(|slot| root::IO_PORT_CONTROL.issue(COUNTER, MODE, slot))?;
        println!("We hold IO ports {COUNTER:#x} to {MODE:#x}, and no other.");
        let refused = ports.in8(0x60);
        assert_eq!(refused, Err(Error::IllegalOperation));
        println!(
            "The keyboard's port by that capability: {}.",
            Error::IllegalOperation
        );
        Ok(Self(ports))
    }

    /// The authority over its interrupt.
    ///
    /// # Errors
    /// `RevokeFirst` if somebody has it.
    pub fn issue(slot: SlotPath) -> user_api::Result {
        let route = PinRoute {
            io_apic: 0,
            pin: PIN,
            level: false,
            low: false,
            vector: 0,
        };
        root::IRQ_CONTROL.issue_pin(route, slot)
    }

    /// Lets it interrupt, after every period.
    ///
    /// # Errors
    /// None.
    pub fn start(&mut self) -> Result {
        let divisor = CLOCK * Self::PERIOD / 1_000_000;
        self.0.out8(MODE, PERIODIC)?;
        self.0.out8(COUNTER, divisor as u8)?;
        self.0.out8(COUNTER, (divisor >> 8) as u8)?;
        println!("The timer counts down from {divisor}, again and again.");
        Ok(())
    }

    /// An interrupt has been heard. This device does not wait for that.
    pub fn quiet(&mut self) {}
}
