//! Interrupt lines and the timer, as data.

pub use crate::layout::TIMER_IRQ;
use crate::{Irq, Ticks};
use core::cell::Cell;
use std::collections::BTreeSet;

/// The controller: which lines wait, which may interrupt, and what the kernel did about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    pub(super) pending: BTreeSet<Irq>,
    pub(super) unmasked: BTreeSet<Irq>,
    pub(super) in_service: BTreeSet<Irq>,
    pub(super) ended: Vec<Irq>,
    pub(super) now: Ticks,
    pub(super) deadline: Option<Ticks>,
    pub(super) deadlines_set: u64,
    pub(super) timer_acknowledged: u64,
    asks: Cell<u64>,
    /// At which ask which interrupt arrives.
    script: Option<(u64, Irq)>,
}

impl Controller {
    /// Whether both are the same, but for what is only counted.
    pub(super) fn same(&self, other: &Self) -> bool {
        let lines = |c: &Self| (c.pending.clone(), c.unmasked.clone(), c.in_service.clone());
        let time = |c: &Self| (c.now, c.deadline, c.script);
        time(self) == time(other) && lines(self) == lines(other)
    }

    /// The kernel asks at a preemption point. Counts the question.
    pub(super) fn ask(&self) -> bool {
        self.asks.set(self.asks.get() + 1);
        self.next().is_some()
    }

    /// How often the kernel has asked.
    pub(super) fn asks(&self) -> u64 {
        self.asks.get()
    }

    /// Lets `irq` arrive with the `n`-th ask from now (1 is the next one).
    pub(super) fn raise_at_ask(&mut self, n: u64, irq: Irq) {
        self.script = Some((self.asks.get() + n, irq));
    }

    /// Whether the scripted interrupt has still not arrived.
    pub(super) fn script_waits(&self) -> bool {
        self.script.is_some_and(|(n, _)| self.asks.get() < n)
    }

    pub(super) fn drop_script(&mut self) {
        self.script = None;
    }

    /// The interrupt that user mode would take now.
    pub(super) fn next(&self) -> Option<Irq> {
        let timer = self
            .deadline
            .is_some_and(|deadline| deadline <= self.now)
            .then_some(TIMER_IRQ);
        let scripted = self
            .script
            .filter(|(n, _)| self.asks.get() >= *n)
            .map(|(_, irq)| irq);
        let waiting = self.pending.iter().copied().rev();
        timer
            .into_iter()
            .chain(scripted)
            .chain(waiting)
            .find(|irq| self.may_interrupt(*irq))
    }

    fn may_interrupt(&self, irq: Irq) -> bool {
        irq == TIMER_IRQ || self.unmasked.contains(&irq)
    }

    /// Delivers the next interrupt to the processor. The timer fires once for each deadline.
    pub(super) fn take(&mut self) -> Option<Irq> {
        let irq = self.next()?;
        self.pending.remove(&irq);
        if self
            .script
            .is_some_and(|(n, scripted)| scripted == irq && self.asks.get() >= n)
        {
            self.script = None;
        }
        if irq == TIMER_IRQ && self.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.deadline = None;
        }
        self.in_service.insert(irq);
        Some(irq)
    }

    pub(super) fn end(&mut self, irq: Irq) {
        self.in_service.remove(&irq);
        self.ended.push(irq);
    }
}
