//! Saving and restoring a machine: what exhaustive exploration does all the time.

use super::interrupts::Controller;
use super::tlb::Tlb;
use super::{FPU_WORDS, Model, memory};
use crate::PhysicalAddress;
use std::rc::Rc;

/// A machine put aside. Logs, counters, the console and IO ports are not part of it.
#[derive(Clone)]
pub struct Saved {
    memory: memory::Saved,
    rest: Rc<Rest>,
}

struct Rest {
    tlb: Tlb,
    controller: Controller,
    fpu: [u64; FPU_WORDS],
    fpu_enabled: bool,
}

impl Saved {
    /// Whether both are the same machine, but for what is only counted or logged.
    pub fn same(&self, other: &Self) -> bool {
        let (a, b) = (&*self.rest, &*other.rest);
        self.memory == other.memory
            && a.tlb.same(&b.tlb)
            && a.controller.same(&b.controller)
            && (a.fpu, a.fpu_enabled) == (b.fpu, b.fpu_enabled)
    }
}

/// A block of memory that has changed since the machine was last saved or restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where it begins.
    pub at: PhysicalAddress,
    /// Its words before, and now.
    pub before: Vec<u64>,
    /// See `before`.
    pub now: Vec<u64>,
}

impl Model {
    /// Makes [`Self::save`] and [`Self::restore`] possible, on this machine and not on clones.
    /// A machine can take up only what was put aside after its last `track`.
    pub fn track(&mut self) {
        self.memory.track();
    }

    /// Puts the machine aside.
    pub fn save(&mut self) -> Saved {
        self.forget_logs();
        Saved {
            memory: self.memory.save(),
            rest: Rc::new(Rest {
                tlb: self.tlb.clone(),
                controller: self.controller.clone(),
                fpu: self.fpu,
                fpu_enabled: self.fpu_enabled,
            }),
        }
    }

    /// Takes up a machine that was put aside.
    pub fn restore(&mut self, saved: &Saved) {
        self.memory.restore(&saved.memory);
        let Rest {
            tlb,
            controller,
            fpu,
            fpu_enabled,
        } = &*saved.rest;
        self.forget_logs();
        self.tlb.clone_from(tlb);
        self.controller.clone_from(controller);
        self.fpu = *fpu;
        self.fpu_enabled = *fpu_enabled;
    }

    /// What has changed in memory since the last save or restore.
    pub fn changes(&self) -> Vec<Change> {
        let changes = self.memory.changes().into_iter();
        changes
            .map(|(at, before, now)| Change {
                at: PhysicalAddress(at),
                before,
                now,
            })
            .collect()
    }

    fn forget_logs(&mut self) {
        self.tlb.log.clear();
        self.controller.ended.clear();
        self.console.clear();
    }
}
