//! Interrupt lines: from a pin or a message to the kernel's interrupt number and back.
//!
//! Interrupt `n` arrives at vector `32 + n`. A level-triggered pin is masked at its IO APIC
//! when asked. An edge-triggered pin is masked *lazily*: a masked pin would forget an edge, so
//! the mask is only noted; an edge that arrives in spite of it is remembered, the pin then
//! really masked, and the interrupt raised again when the mask is taken away. So at most one
//! interrupt too many reaches the processor for each time that a pin is masked. Messages
//! cannot be masked here at all.

use super::apic::LocalApic;
use super::ioapic::IoApic;
use crate::Irq;
use crate::firmware::acpi::MAX_IOAPICS;
use crate::irq::{Polarity, Trigger};

/// Interrupt 0 arrives at this vector.
pub const FIRST_VECTOR: u8 = 32;
/// How many interrupt numbers there are (`abi/tables/platform.json`).
pub const IRQS: usize = 128;
/// The kernel's timer.
pub const TIMER: Irq = Irq(125);
/// The local APIC's spurious interrupt.
pub const SPURIOUS_VECTOR: u8 = 255;

/// What feeds an interrupt number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Messages, or nothing.
    Message,
    /// A pin that interrupts by its state.
    Level(Pin),
    /// A pin that interrupts by a change.
    Edge {
        pin: Pin,
        masked: bool,
        waiting: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pin {
    ioapic: u8,
    number: u8,
}

/// All lines, and the controllers behind them.
#[derive(Clone, Copy, Debug)]
pub struct Interrupts {
    /// This core's local APIC.
    pub local: LocalApic,
    ioapics: [IoApic; MAX_IOAPICS],
    count: usize,
    lines: [Source; IRQS],
}

impl Interrupts {
    /// No controllers yet.
    pub const fn new() -> Self {
        Self {
            local: LocalApic::Absent,
            ioapics: [IoApic::ABSENT; MAX_IOAPICS],
            count: 0,
            lines: [Source::Message; IRQS],
        }
    }

    /// Adds an IO APIC; `false` if there are too many.
    pub fn add_ioapic(&mut self, ioapic: IoApic) -> bool {
        match self.ioapics.get_mut(self.count) {
            Some(place) => {
                *place = ioapic;
                // `count` was an index of `ioapics`.
                self.count = self.count.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// How many IO APICs there are.
    pub fn ioapic_count(&self) -> usize {
        self.count
    }

    /// How many pins IO APIC `ioapic` has.
    pub fn pins(&self, ioapic: usize) -> usize {
        self.ioapics.get(ioapic).map_or(0, IoApic::pins)
    }

    /// Routes a pin to `irq`, masked.
    pub fn route(
        &mut self,
        irq: Irq,
        ioapic: usize,
        pin: usize,
        trigger: Trigger,
        polarity: Polarity,
    ) {
        let (Ok(index), Ok(number), Some(vector)) =
            (u8::try_from(ioapic), u8::try_from(pin), vector(irq))
        else {
            return;
        };
        let (Some(controller), Some(line)) = (
            self.ioapics.get(ioapic),
            self.lines.get_mut(usize::from(irq.0)),
        ) else {
            return;
        };
        controller.route(number.into(), vector, self.local.id(), trigger, polarity);
        let pin = Pin {
            ioapic: index,
            number,
        };
        *line = match trigger {
            Trigger::Level => Source::Level(pin),
            Trigger::Edge => Source::Edge {
                pin,
                masked: true,
                waiting: false,
            },
        };
        if trigger == Trigger::Edge {
            self.set_pin_masked(pin, false);
        }
    }

    /// The interrupt that has arrived at `vector`, if it is to be handled now. If not, it has
    /// been dealt with.
    pub fn accept(&mut self, vector: u8) -> Option<Irq> {
        let number = u16::from(vector.checked_sub(FIRST_VECTOR)?);
        let line = self.lines.get_mut(usize::from(number))?;
        if let Source::Edge {
            pin,
            masked: true,
            waiting,
        } = line
        {
            *waiting = true;
            let pin = *pin;
            self.set_pin_masked(pin, true);
            self.local.end_of_interrupt();
            return None;
        }
        Some(Irq(number))
    }

    /// Keeps `irq` from arriving.
    pub fn mask(&mut self, irq: Irq) {
        match self.lines.get_mut(usize::from(irq.0)) {
            Some(Source::Level(pin)) => {
                let pin = *pin;
                self.set_pin_masked(pin, true);
            }
            Some(Source::Edge { masked, .. }) => *masked = true,
            _ => {}
        }
    }

    /// Lets `irq` arrive, and what was held back of it.
    pub fn unmask(&mut self, irq: Irq) {
        match self.lines.get_mut(usize::from(irq.0)) {
            Some(Source::Level(pin)) => {
                let pin = *pin;
                self.set_pin_masked(pin, false);
            }
            Some(Source::Edge {
                pin,
                masked,
                waiting,
            }) => {
                *masked = false;
                if core::mem::take(waiting) {
                    let pin = *pin;
                    self.set_pin_masked(pin, false);
                    self.raise(irq);
                }
            }
            _ => {}
        }
    }

    fn raise(&self, irq: Irq) {
        if let Some(vector) = vector(irq) {
            self.local.raise(vector);
        }
    }

    fn set_pin_masked(&self, pin: Pin, masked: bool) {
        if let Some(controller) = self.ioapics.get(usize::from(pin.ioapic)) {
            controller.set_masked(pin.number.into(), masked);
        }
    }

    /// Whether an interrupt waits for this core.
    #[inline(always)]
    pub fn pending(&self) -> bool {
        // Vectors 32 to 159: all interrupt numbers.
        (1..5).any(|group| self.local.requested(group))
    }
}

impl Default for Interrupts {
    fn default() -> Self {
        Self::new()
    }
}

/// The vector at which `irq` arrives.
pub fn vector(irq: Irq) -> Option<u8> {
    u8::try_from(irq.0)
        .ok()
        .filter(|number| usize::from(*number) < IRQS)
        .and_then(|number| FIRST_VECTOR.checked_add(number))
}
