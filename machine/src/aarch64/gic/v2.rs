//! GICv2: the processor interface is memory-mapped too.

use super::{Block, FIRST_SHARED, LET_ALL_THROUGH, distributor};
use crate::Irq;
use crate::irq::Trigger;

const TARGETS: usize = 0x800;
const SGI: usize = 0xf00;

const CPU_CONTROL: usize = 0x00;
const CPU_PRIORITY_MASK: usize = 0x04;
const CPU_BINARY_POINT: usize = 0x08;
const CPU_ACKNOWLEDGE: usize = 0x0c;
const CPU_END: usize = 0x10;

const ENABLE: u32 = 1;
const NUMBER: u32 = 0x3ff;
/// Numbers from here on say that nothing is pending.
const SPURIOUS: u32 = 1020;
const SOFTWARE: usize = 16;

/// The controller.
#[derive(Clone, Copy, Debug)]
pub struct V2 {
    distributor: Block,
    cpu: Block,
    lines: u16,
    /// From which core each software generated interrupt came last: ending it repeats that.
    senders: [u32; SOFTWARE],
}

impl V2 {
    /// Takes it over: everything is masked.
    ///
    /// # Safety
    /// The registers are mapped at these addresses, and nobody else uses them.
    pub unsafe fn start(distributor: u64, cpu: u64) -> Self {
        let (distributor, cpu) = (Block(distributor as usize), Block(cpu as usize));
        let lines = distributor.lines();
        distributor.write(distributor::CONTROL, 0);
        distributor.quiet(0, lines);
        // The targets of a core's own interrupts are that core.
        let this_core = distributor.read(TARGETS);
        for word in (FIRST_SHARED / 4)..(lines / 4) {
            distributor.write(TARGETS.wrapping_add(usize::from(word) << 2), this_core);
        }
        distributor.write(distributor::CONTROL, ENABLE);
        cpu.write(CPU_PRIORITY_MASK, LET_ALL_THROUGH as u32);
        cpu.write(CPU_BINARY_POINT, 0);
        cpu.write(CPU_CONTROL, ENABLE);
        Self {
            distributor,
            cpu,
            lines,
            senders: [0; SOFTWARE],
        }
    }

    pub(super) fn lines(&self) -> u16 {
        self.lines
    }

    #[inline(always)]
    pub(super) fn accept(&mut self) -> Option<Irq> {
        let acknowledged = self.cpu.read(CPU_ACKNOWLEDGE);
        let number = acknowledged & NUMBER;
        if number >= SPURIOUS {
            return None;
        }
        if let Some(sender) = self.senders.get_mut(number as usize) {
            *sender = acknowledged & !NUMBER;
        }
        Some(Irq(number as u16))
    }

    pub(super) fn mask(&mut self, irq: Irq) {
        self.distributor.set_bit(distributor::CLEAR_ENABLE, irq);
    }

    pub(super) fn unmask(&mut self, irq: Irq) {
        self.distributor.set_bit(distributor::SET_ENABLE, irq);
    }

    pub(super) fn end(&mut self, irq: Irq) {
        let sender = self.senders.get(usize::from(irq.0)).copied().unwrap_or(0);
        self.cpu.write(CPU_END, sender | u32::from(irq.0));
    }

    pub(super) fn set_trigger(&mut self, irq: Irq, trigger: Trigger) {
        self.distributor.set_trigger(irq, trigger);
    }

    pub(super) fn send_sgi(&mut self, interrupt: u8, target: u32) {
        let targets = 1u32 << (target & 7) << 16;
        self.distributor
            .write(SGI, targets | u32::from(interrupt & 15));
    }
}
