//! What only Arm machines do, as data.

use super::Model;
use crate::cache::Operation;
use crate::debug::Registers;
use crate::irq::Trigger;
use crate::{ArmMachine, Irq, VirtualAddress};
use std::collections::BTreeMap;

/// Cores that a GICv2 can name.
const LAST_SGI_TARGET: u32 = 7;
/// The last interrupt of the board that the C kernel knows as qemu-arm-virt.
const LAST_IRQ: Irq = Irq(159);
/// What the secure monitor answers to functions that it does not have.
const NOT_SUPPORTED: u64 = u64::MAX;

/// Cache maintenance that the kernel has asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Maintained {
    /// What was done.
    pub operation: Operation,
    /// In which address space.
    pub asid: u16,
    /// From where.
    pub start: VirtualAddress,
    /// How far.
    pub len: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Arm {
    maintained: Vec<Maintained>,
    triggers: BTreeMap<Irq, Trigger>,
    sgis: Vec<(u8, u32)>,
    secure_calls: Vec<[u64; 8]>,
    published: u64,
    debug: (Registers, bool),
}

/// What a test asks.
impl Model {
    /// All cache maintenance so far.
    pub fn maintained(&self) -> &[Maintained] {
        &self.arm.maintained
    }

    /// Triggers that the kernel has set.
    pub fn triggers(&self) -> &BTreeMap<Irq, Trigger> {
        &self.arm.triggers
    }

    /// Software generated interrupts so far: which, and for whom.
    pub fn sgis(&self) -> &[(u8, u32)] {
        &self.arm.sgis
    }

    /// Secure monitor calls so far.
    pub fn secure_calls(&self) -> &[[u64; 8]] {
        &self.arm.secure_calls
    }

    /// The debug registers, and whether user mode steps.
    pub fn debug_registers(&self) -> (&Registers, bool) {
        (&self.arm.debug.0, self.arm.debug.1)
    }

    /// How often page tables were published.
    pub fn published(&self) -> u64 {
        self.arm.published
    }
}

impl ArmMachine for Model {
    fn publish_tables(&mut self) {
        self.arm.published += 1;
    }

    fn maintain(&mut self, operation: Operation, start: VirtualAddress, len: u64) {
        let last = VirtualAddress(start.0 + len - 1);
        let (first, end) = (self.translate(start), self.translate(last));
        assert!(
            matches!((first, end), (Some(a), Some(b)) if b.physical.0 - a.physical.0 == len - 1),
            "kernel defect: {operation:?} of {len} bytes at {start:?}, which are not mapped: it would fault"
        );
        let (_, asid) = self.root();
        self.arm.maintained.push(Maintained {
            operation,
            asid,
            start,
            len,
        });
    }

    fn last_irq(&self) -> Irq {
        LAST_IRQ
    }

    fn set_trigger(&mut self, irq: Irq, trigger: Trigger) {
        assert!(irq <= LAST_IRQ, "kernel defect: {irq:?} does not exist");
        self.arm.triggers.insert(irq, trigger);
    }

    fn last_sgi_target(&self) -> u32 {
        LAST_SGI_TARGET
    }

    fn send_sgi(&mut self, interrupt: u8, target: u32) {
        assert!(
            interrupt < 16 && target <= LAST_SGI_TARGET,
            "kernel defect: SGI {interrupt} for {target}"
        );
        self.arm.sgis.push((interrupt, target));
    }

    fn load_debug_registers(&mut self, registers: &Registers, stepping: bool) {
        self.arm.debug = (*registers, stepping);
    }

    fn secure_call(&mut self, registers: [u64; 8]) -> [u64; 8] {
        self.arm.secure_calls.push(registers);
        let mut answer = registers;
        answer[0] = NOT_SUPPORTED;
        answer
    }
}
