//! The interrupt controller, of either kind.
//!
//! Interrupts have the controller's numbers: 0 to 15 are software generated, 16 to 31 a core's
//! own, the others shared. All have the same priority, so none interrupts another.

mod v2;
mod v3;

pub use v2::V2;
pub use v3::{Redistributors, V3};

use crate::Irq;
use crate::irq::Trigger;

/// Lines that the common registers can have.
const MAX_LINES: u16 = 1020;
/// The first interrupt that is not a core's own.
const FIRST_SHARED: u16 = 32;
/// Whatever it is: below the mask of the processor, which lets all through.
const PRIORITY: u32 = 0xa0a0_a0a0;
const LET_ALL_THROUGH: u64 = 0xf0;

/// Registers of the distributor that both kinds share. Offsets in bytes.
mod distributor {
    pub(super) const CONTROL: usize = 0x000;
    pub(super) const TYPE: usize = 0x004;
    pub(super) const GROUP: usize = 0x080;
    pub(super) const SET_ENABLE: usize = 0x100;
    pub(super) const CLEAR_ENABLE: usize = 0x180;
    pub(super) const CLEAR_PENDING: usize = 0x280;
    pub(super) const CLEAR_ACTIVE: usize = 0x380;
    pub(super) const PRIORITY: usize = 0x400;
    pub(super) const CONFIGURATION: usize = 0xc00;
}

/// A block of registers.
#[derive(Clone, Copy, Debug)]
struct Block(usize);

impl Block {
    #[inline(always)]
    fn read(self, offset: usize) -> u32 {
        let register: *const u32 = core::ptr::with_exposed_provenance(self.0.wrapping_add(offset));
        // SAFETY: whoever made this block has promised that its registers are mapped.
        unsafe { register.read_volatile() }
    }

    #[inline(always)]
    fn write(self, offset: usize, value: u32) {
        let register: *mut u32 =
            core::ptr::with_exposed_provenance_mut(self.0.wrapping_add(offset));
        // SAFETY: as in `read`; the controller is the kernel's.
        unsafe { register.write_volatile(value) };
    }

    fn read_wide(self, offset: usize) -> u64 {
        let register: *const u64 = core::ptr::with_exposed_provenance(self.0.wrapping_add(offset));
        // SAFETY: as in `read`.
        unsafe { register.read_volatile() }
    }

    fn write_wide(self, offset: usize, value: u64) {
        let register: *mut u64 =
            core::ptr::with_exposed_provenance_mut(self.0.wrapping_add(offset));
        // SAFETY: as in `write`.
        unsafe { register.write_volatile(value) };
    }

    /// Writes to the array at `array`, of one bit for each interrupt.
    #[inline(always)]
    fn set_bit(self, array: usize, irq: Irq) {
        let offset = array.wrapping_add(usize::from(irq.0 / 32) << 2);
        self.write(offset, 1 << (irq.0 % 32));
    }

    /// Sets what makes `irq` interrupt: two bits each, of which the higher is for edges.
    fn set_trigger(self, irq: Irq, trigger: Trigger) {
        let offset = distributor::CONFIGURATION.wrapping_add(usize::from(irq.0 / 16) << 2);
        let bit = 2u32.wrapping_shl(u32::from(irq.0 % 16) << 1);
        let old = self.read(offset);
        self.write(
            offset,
            match trigger {
                Trigger::Edge => old | bit,
                Trigger::Level => old & !bit,
            },
        );
    }

    /// Masks and forgets the interrupts from `first` to `end`, and gives them their priority.
    fn quiet(self, first: u16, end: u16) {
        for word in (first / 32)..end.div_ceil(32) {
            let offset = usize::from(word) << 2;
            self.write(distributor::CLEAR_ENABLE.wrapping_add(offset), u32::MAX);
            self.write(distributor::CLEAR_PENDING.wrapping_add(offset), u32::MAX);
            self.write(distributor::CLEAR_ACTIVE.wrapping_add(offset), u32::MAX);
        }
        for word in (first / 4)..end.div_ceil(4) {
            let offset = usize::from(word) << 2;
            self.write(distributor::PRIORITY.wrapping_add(offset), PRIORITY);
        }
    }

    /// How many interrupts this distributor has.
    fn lines(self) -> u16 {
        let words = (self.read(distributor::TYPE) & 31) as u16;
        words.wrapping_add(1).wrapping_mul(32).min(MAX_LINES)
    }
}

/// An interrupt controller.
#[derive(Clone, Copy, Debug)]
pub enum Gic {
    /// Nobody has looked.
    None,
    /// GICv2, or GICv1.
    V2(V2),
    /// GICv3 and later.
    V3(V3),
}

impl Gic {
    /// The interrupt that has arrived, if there is one.
    #[inline(always)]
    pub fn accept(&mut self) -> Option<Irq> {
        match self {
            Self::None => None,
            Self::V2(gic) => gic.accept(),
            Self::V3(_) => V3::accept(),
        }
    }

    /// Stops the line from interrupting.
    #[inline]
    pub fn mask(&mut self, irq: Irq) {
        match self {
            Self::None => {}
            Self::V2(gic) => gic.mask(irq),
            Self::V3(gic) => gic.mask(irq),
        }
    }

    /// Lets the line interrupt.
    #[inline]
    pub fn unmask(&mut self, irq: Irq) {
        match self {
            Self::None => {}
            Self::V2(gic) => gic.unmask(irq),
            Self::V3(gic) => gic.unmask(irq),
        }
    }

    /// Ends the delivery: other interrupts can come, and this one again.
    #[inline]
    pub fn end_of_interrupt(&mut self, irq: Irq) {
        match self {
            Self::None => {}
            Self::V2(gic) => gic.end(irq),
            Self::V3(_) => {
                V3::drop_priority(irq);
                V3::deactivate(irq);
            }
        }
    }

    /// The handler has been told: other interrupts can come, this one only when it is
    /// acknowledged.
    #[inline]
    pub fn delivered(&mut self, irq: Irq) {
        match self {
            Self::None => {}
            Self::V2(gic) => {
                gic.mask(irq);
                gic.end(irq);
            }
            Self::V3(_) => V3::drop_priority(irq),
        }
    }

    /// The handler has dealt with it.
    #[inline]
    pub fn acknowledged(&mut self, irq: Irq) {
        match self {
            Self::None => {}
            Self::V2(gic) => gic.unmask(irq),
            Self::V3(_) => V3::deactivate(irq),
        }
    }

    /// The highest interrupt number.
    pub fn last_irq(&self) -> Irq {
        match self {
            Self::None => Irq(0),
            Self::V2(gic) => Irq(gic.lines().saturating_sub(1)),
            Self::V3(gic) => Irq(gic.lines().saturating_sub(1)),
        }
    }

    /// Sets what makes `irq` interrupt.
    pub fn set_trigger(&mut self, irq: Irq, trigger: Trigger) {
        match self {
            // Software generated interrupts are always edges.
            _ if irq.0 < 16 => {}
            Self::None => {}
            Self::V2(gic) => gic.set_trigger(irq, trigger),
            Self::V3(gic) => gic.set_trigger(irq, trigger),
        }
    }

    /// The highest number that can name the target of a software generated interrupt.
    pub fn last_sgi_target(&self) -> u32 {
        match self {
            Self::None => 0,
            // Eight cores by number.
            Self::V2(_) => 7,
            // Four affinity fields of eight bits.
            Self::V3(_) => u32::MAX,
        }
    }

    /// Raises a software generated interrupt.
    pub fn send_sgi(&mut self, interrupt: u8, target: u32) {
        match self {
            Self::None => {}
            Self::V2(gic) => gic.send_sgi(interrupt, target),
            Self::V3(_) => V3::send_sgi(interrupt, target),
        }
    }
}
