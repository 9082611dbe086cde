//! GICv3: a redistributor for each core, and system registers in the place of the processor
//! interface. Priority drop and deactivation are two steps: between them the interrupt is not
//! masked, but does not come again.

use super::{Block, FIRST_SHARED, LET_ALL_THROUGH, distributor};
use crate::Irq;
use crate::aarch64::registers::{affinity, instruction_barrier, read, system_barrier, write};
use crate::irq::Trigger;

/// Both groups, and routing by affinity. Which bits count depends on the security state; this
/// is right in each that has interrupts of group 1.
const CONTROL_ENABLE: u32 = 1 << 4 | 1 << 1 | 1;
const CONTROL_BUSY: u32 = 1 << 31;
const ROUTE: usize = 0x6000;

const REDISTRIBUTOR_CONTROL: usize = 0x0000;
const REDISTRIBUTOR_TYPE: usize = 0x0008;
const REDISTRIBUTOR_WAKER: usize = 0x0014;
const WRITE_PENDING: u32 = 1 << 3;
const SLEEPS: u32 = 1 << 1;
const CHILDREN_SLEEP: u32 = 1 << 2;
/// The frame of the core's own interrupts.
const OWN: usize = 0x1_0000;
const FRAMES: u64 = 0x2_0000;
const FRAMES_WITH_VIRTUAL: u64 = 0x4_0000;
const TYPE_VIRTUAL: u64 = 1 << 1;
const TYPE_LAST: u64 = 1 << 4;

const NUMBER: u64 = 0xff_ffff;
const SPURIOUS: core::ops::RangeInclusive<u64> = 1020..=1023;
/// Dropping the priority does not deactivate.
const TWO_STEPS: u64 = 1 << 1;
const USE_REGISTERS: u64 = 1;
const PATIENCE: u32 = 1 << 20;

/// A range of redistributors.
#[derive(Clone, Copy, Debug)]
pub struct Redistributors {
    /// Where their registers are mapped.
    pub at: u64,
    /// How long they are.
    pub size: u64,
}

/// The controller.
#[derive(Clone, Copy, Debug)]
pub struct V3 {
    distributor: Block,
    /// This core's own interrupts.
    own: Block,
    lines: u16,
}

impl V3 {
    /// Takes it over: everything is masked. `None` if this core's redistributor is not in any of
    /// the `ranges`.
    ///
    /// # Safety
    /// The registers are mapped at these addresses, and nobody else uses them.
    pub unsafe fn start(distributor: u64, ranges: &[Redistributors]) -> Option<Self> {
        let distributor = Block(distributor as usize);
        let redistributor = ranges.iter().find_map(find_own)?;
        let lines = distributor.lines();
        distributor.write(distributor::CONTROL, 0);
        settle(distributor, distributor::CONTROL, CONTROL_BUSY);
        distributor.quiet(FIRST_SHARED, lines);
        for word in 1..(lines / 32) {
            distributor.write(
                distributor::GROUP.wrapping_add(usize::from(word) << 2),
                u32::MAX,
            );
        }
        distributor.write(distributor::CONTROL, CONTROL_ENABLE);
        settle(distributor, distributor::CONTROL, CONTROL_BUSY);
        for irq in FIRST_SHARED..lines {
            distributor.write_wide(ROUTE.wrapping_add(usize::from(irq) << 3), affinity());
        }
        let own = start_own(redistributor);
        start_processor();
        Some(Self {
            distributor,
            own,
            lines,
        })
    }

    pub(super) fn lines(&self) -> u16 {
        self.lines
    }

    #[inline(always)]
    pub(super) fn accept() -> Option<Irq> {
        let number = read!("icc_iar1_el1") & NUMBER;
        // What the controller did is done before the device is looked at.
        system_barrier();
        if SPURIOUS.contains(&number) {
            return None;
        }
        u16::try_from(number).ok().map(Irq)
    }

    fn block(&self, irq: Irq) -> Block {
        if irq.0 < FIRST_SHARED {
            self.own
        } else {
            self.distributor
        }
    }

    pub(super) fn mask(&mut self, irq: Irq) {
        let block = self.block(irq);
        block.set_bit(distributor::CLEAR_ENABLE, irq);
        self.wait(irq);
    }

    /// A new handler starts with a line that is not active, whatever the last one left.
    pub(super) fn unmask(&mut self, irq: Irq) {
        let block = self.block(irq);
        block.set_bit(distributor::CLEAR_ACTIVE, irq);
        block.set_bit(distributor::SET_ENABLE, irq);
        self.wait(irq);
    }

    fn wait(&self, irq: Irq) {
        if irq.0 < FIRST_SHARED {
            let redistributor = Block(self.own.0.wrapping_sub(OWN));
            settle(redistributor, REDISTRIBUTOR_CONTROL, WRITE_PENDING);
        } else {
            settle(self.distributor, distributor::CONTROL, CONTROL_BUSY);
        }
    }

    pub(super) fn drop_priority(irq: Irq) {
        // SAFETY: this interrupt was accepted.
        unsafe { write!("icc_eoir1_el1", irq.0.into()) };
        instruction_barrier();
    }

    pub(super) fn deactivate(irq: Irq) {
        // SAFETY: whatever the state of the interrupt, it is the kernel's to change.
        unsafe { write!("icc_dir_el1", irq.0.into()) };
        instruction_barrier();
    }

    pub(super) fn set_trigger(&mut self, irq: Irq, trigger: Trigger) {
        self.block(irq).set_trigger(irq, trigger);
    }

    /// `target` has four affinity fields, as MPIDR has them but closer together.
    pub(super) fn send_sgi(interrupt: u8, target: u32) {
        let target = u64::from(target);
        let core = target & 0xff;
        let value = 1u64 << (core & 15)
            | (target >> 8 & 0xff) << 16
            | u64::from(interrupt & 15) << 24
            | (target >> 16 & 0xff) << 32
            | (core >> 4) << 44
            | (target >> 24 & 0xff) << 48;
        system_barrier();
        // SAFETY: whoever may send it was given that right.
        unsafe { write!("icc_sgi1r_el1", value) };
        instruction_barrier();
    }
}

/// This core's redistributor.
fn find_own(range: &Redistributors) -> Option<Block> {
    let affinity = affinity();
    let wanted = affinity & 0xff_ffff | (affinity >> 32 & 0xff) << 24;
    let mut at = range.at;
    let end = range.at.saturating_add(range.size);
    while at < end {
        let block = Block(at as usize);
        let kind = block.read_wide(REDISTRIBUTOR_TYPE);
        if kind >> 32 == wanted {
            return Some(block);
        }
        if kind & TYPE_LAST != 0 {
            break;
        }
        at = at.saturating_add(if kind & TYPE_VIRTUAL != 0 {
            FRAMES_WITH_VIRTUAL
        } else {
            FRAMES
        });
    }
    None
}

/// Wakes the redistributor and masks the core's own interrupts, whose registers are the answer.
fn start_own(redistributor: Block) -> Block {
    let waker = redistributor.read(REDISTRIBUTOR_WAKER);
    redistributor.write(REDISTRIBUTOR_WAKER, waker & !SLEEPS);
    settle(redistributor, REDISTRIBUTOR_WAKER, CHILDREN_SLEEP);
    let own = Block(redistributor.0.wrapping_add(OWN));
    own.quiet(0, FIRST_SHARED);
    own.write(distributor::GROUP, u32::MAX);
    settle(redistributor, REDISTRIBUTOR_CONTROL, WRITE_PENDING);
    own
}

fn start_processor() {
    let sre = read!("icc_sre_el1");
    // SAFETY: from here on the controller is driven by registers only.
    unsafe { write!("icc_sre_el1", sre | USE_REGISTERS) };
    instruction_barrier();
    // SAFETY: interrupts are off; they are taken in user mode and when idle.
    unsafe { write!("icc_pmr_el1", LET_ALL_THROUGH) };
    // SAFETY: as before.
    unsafe { write!("icc_bpr1_el1", 0) };
    let control = read!("icc_ctlr_el1");
    // SAFETY: as before.
    unsafe { write!("icc_ctlr_el1", control | TWO_STEPS) };
    // SAFETY: as before.
    unsafe { write!("icc_igrpen1_el1", 1) };
    instruction_barrier();
}

/// Waits for `bits` of a register to become 0. Hardware takes a few cycles; one that does not
/// come to an end is not waited for.
fn settle(block: Block, register: usize, bits: u32) {
    for _ in 0..PATIENCE {
        if block.read(register) & bits == 0 {
            break;
        }
    }
}
