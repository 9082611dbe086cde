//! A whole kernel put aside and taken up again.

use kernel::Kernel;
use kernel::kernel::Node;
use kernel::object::asid::AsidTable;
use kernel::object::domain::Schedule;
use kernel::object::irq::IrqTable;
use kernel::object::store::Ref;
use kernel::object::tcb::Tcb;
use kernel::queue::Queue;
use kernel::ready::PRIORITIES;
use kernel::release::ReleaseQueue;
use kernel::sched::Action;
use machine::model;
use machine::{KernelAddress, Kind, PhysicalAddress, Ticks};
use std::sync::Arc;

/// A kernel put aside. IO ports and breakpoints are not part of it.
#[derive(Clone)]
pub struct Saved {
    machine: model::Saved,
    core: Core,
    tables: Arc<(IrqTable, AsidTable, Schedule)>,
    work: u32,
    all_threads: Option<Ref<Tcb>>,
}

/// What one core knows, without its empty queues.
#[derive(Clone, PartialEq)]
struct Core {
    current: Option<Ref<Tcb>>,
    current_sc: Option<Ref<kernel::object::sched_context::SchedContext>>,
    action: Action,
    reprogram: bool,
    now: Ticks,
    consumed: Ticks,
    quick: bool,
    alarm: Ticks,
    ready: Vec<(usize, usize, Queue)>,
    release: ReleaseQueue,
    fpu: (Option<Ref<Tcb>>, Option<Ref<Tcb>>),
}

impl Core {
    fn of(node: &Node) -> Self {
        let mut ready = vec![];
        for (domain, queues) in node.ready.iter().enumerate() {
            for (priority, queue) in occupied(queues) {
                ready.push((domain, priority, queue));
            }
        }
        Self {
            current: node.current,
            current_sc: node.current_sc,
            action: node.action,
            reprogram: node.reprogram,
            now: node.now,
            consumed: node.consumed,
            quick: node.quick,
            alarm: node.alarm,
            ready,
            release: node.release,
            fpu: (node.fpu_owner, node.fpu_user),
        }
    }

    fn put(&self, node: &mut Node) {
        node.current = self.current;
        node.current_sc = self.current_sc;
        node.action = self.action;
        node.reprogram = self.reprogram;
        node.now = self.now;
        node.consumed = self.consumed;
        node.quick = self.quick;
        node.alarm = self.alarm;
        node.release = self.release;
        (node.fpu_owner, node.fpu_user) = self.fpu;
        for queues in &mut node.ready {
            let used: Vec<usize> = occupied(queues).map(|(priority, _)| priority).collect();
            for priority in used {
                queues.queues[priority] = Queue::EMPTY;
            }
            queues.bitmap = [0; PRIORITIES / 64];
            queues.height = 0;
        }
        for &(domain, priority, queue) in &self.ready {
            let queues = &mut node.ready[domain];
            queues.queues[priority] = queue;
            queues.bitmap[priority / 64] |= 1 << (priority % 64);
            queues.height = queues.measure();
        }
    }
}

/// The queues that the bitmap says have threads.
pub fn occupied(queues: &kernel::ready::ReadyQueues) -> impl Iterator<Item = (usize, Queue)> + '_ {
    let words = queues.bitmap.iter().enumerate();
    words
        .filter(|(_, word)| **word != 0)
        .flat_map(|(n, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 != 0)
                .map(move |bit| n * 64 + bit)
        })
        .map(|priority| (priority, queues.queues[priority]))
}

impl Saved {
    /// Puts `k` aside.
    pub fn of(k: &mut Kernel) -> Self {
        Self {
            machine: k.machine.save(),
            core: Core::of(&k.nodes[0]),
            tables: Arc::new((k.irqs.clone(), k.asids.clone(), k.schedule.clone())),
            work: k.work,
            all_threads: k.all_threads,
        }
    }

    /// Whether `k`, taken up from this, is still the same but for registers and buffers.
    pub fn still(&self, k: &Kernel) -> bool {
        let silent = |change: &model::Change| {
            let words = change.before.iter().zip(&change.now).enumerate();
            let mut changed = words.filter(|(_, (before, now))| before != now);
            changed.all(|(n, _)| {
                let at = PhysicalAddress(change.at.0 + n as u64 * 8);
                let kind = k.machine.kind_at(KernelAddress::of(at));
                matches!(kind, Kind::Context | Kind::Frame)
            })
        };
        self.core == Core::of(&k.nodes[0])
            && self.tables.2 == k.schedule
            && k.machine.changes().iter().all(silent)
    }

    /// Whether both are the same kernel on the same machine, bit for bit.
    pub fn same(&self, other: &Self) -> bool {
        let (a, b) = (&*self.tables, &*other.tables);
        self.machine.same(&other.machine)
            && self.core == other.core
            && (&a.0, &a.1, &a.2) == (&b.0, &b.1, &b.2)
            && (self.work, self.all_threads) == (other.work, other.all_threads)
    }

    /// Takes it up.
    pub fn put(&self, k: &mut Kernel) {
        k.machine.restore(&self.machine);
        self.core.put(&mut k.nodes[0]);
        let (irqs, asids, schedule) = &*self.tables;
        k.irqs.clone_from(irqs);
        k.asids.clone_from(asids);
        k.schedule.clone_from(schedule);
        k.work = self.work;
        k.all_threads = self.all_threads;
    }
}
