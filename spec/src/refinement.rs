//! What a state of the kernel means: the abstraction function, from objects in memory, packed
//! capabilities and lists to the maps of the specification.

use crate::model::interrupt::LINES;
use crate::model::state::{
    Access, Fault, Notification, Rights, SchedContext, Sending, ThreadState, Time, Trap, Turns,
};
use crate::model::{Cap, Failure, Held, Object, Place, Request, Slot, State, Thread};
use crate::saved;
use crate::space;
use crate::world::{self, SYSCALL_AT};
use kernel::Kernel;
use kernel::cap::{self, VmRights};
use kernel::cdt;
use kernel::error::LookupFailure;
use kernel::fault::{self, Phase};
use kernel::object::cnode;
use kernel::object::domain::Schedule;
use kernel::object::irq::{IrqState, IrqTable};
use kernel::object::notification::{self, Signal};
use kernel::object::sched_context;
use kernel::object::store::Ref;
use kernel::object::tcb::{self, Tcb, TcbSlot};
use kernel::queue::Queue;
use machine::{Irq, KernelAddress, Machine, PhysicalAddress};
use std::collections::BTreeMap;

/// The world's memory.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub base: PhysicalAddress,
    pub bytes: u64,
}

impl Frame {
    /// Where an address is in the world.
    pub fn place(self, at: KernelAddress) -> Place {
        Place(at.physical().0.wrapping_sub(self.base.0) as i64)
    }

    /// Whether an address is in the world.
    pub fn holds(self, at: KernelAddress) -> bool {
        (0..self.bytes as i64).contains(&self.place(at).0)
    }
}

/// What a capability means. A zombie means an object that is ending.
pub fn capability(lens: &Lens, cap: &cap::Cap) -> Cap {
    let frame = lens.frame;
    let place = |at: KernelAddress| frame.place(at);
    let rights = |r: cap::Rights| {
        let bit = |held: bool, right| if held { right } else { 0 };
        Rights(
            bit(r.read(), Rights::READ)
                | bit(r.write(), Rights::WRITE)
                | bit(r.grant(), Rights::GRANT)
                | bit(r.grant_reply(), Rights::GRANT_REPLY),
        )
    };
    match *cap {
        cap::Cap::Untyped(c) => Cap::Untyped {
            at: place(KernelAddress::of(c.base)),
            bits: c.bits.into(),
            device: c.device,
            watermark: c.watermark,
        },
        cap::Cap::Endpoint(c) => Cap::Endpoint {
            at: place(c.endpoint.address()),
            badge: c.badge,
            rights: rights(c.rights),
        },
        cap::Cap::Notification(c) => Cap::Notification {
            at: place(c.notification.address()),
            badge: c.badge,
            rights: rights(c.rights),
        },
        cap::Cap::Reply(c) => Cap::Reply {
            at: place(c.reply.address()),
            grant: c.can_grant,
        },
        cap::Cap::CNode(c) => Cap::CNode {
            at: place(c.slots.address()),
            radix: c.radix.into(),
            guard: c.guard,
            guard_bits: c.guard_bits.into(),
        },
        cap::Cap::Tcb(thread) => Cap::Thread {
            at: place(thread.address()),
        },
        cap::Cap::SchedContext(c) => Cap::SchedContext {
            at: place(c.sched_context.address()),
            bits: c.bits.into(),
        },
        cap::Cap::Frame(c) => Cap::Frame {
            at: place(KernelAddress::of(c.base)),
            bits: c.size.bits().into(),
            device: c.device,
            access: match c.rights {
                VmRights::KernelOnly => Access::None,
                VmRights::ReadOnly => Access::Read,
                VmRights::ReadWrite => Access::ReadWrite,
            },
            mapped: c.mapping.map(|m| (m.asid, m.address.0)),
        },
        cap::Cap::VSpace(c) => Cap::VSpace {
            at: place(c.root),
            asid: c.asid,
        },
        cap::Cap::PageTable(c) => Cap::Table {
            at: place(c.table),
            span: c.level.known_span_bits().map(u32::from),
            mapped: c.mapping.map(|m| (m.asid, m.address.0)),
        },
        cap::Cap::AsidControl => Cap::AsidControl,
        cap::Cap::IrqControl => Cap::IrqControl,
        cap::Cap::IrqHandler(irq) => Cap::IrqHandler { line: irq.0 },
        cap::Cap::AsidPool(c) => Cap::AsidPool {
            at: place(c.pool.address()),
            index: c.index,
        },
        cap::Cap::SchedControl { .. } => Cap::SchedControl,
        cap::Cap::Domain => Cap::DomainSet,
        cap::Cap::Zombie(z) => Cap::Zombie {
            at: place(lens.holder(&z)),
        },
        _ => Cap::Other(u64::MAX),
    }
}

/// A state of the kernel in the specification's terms, and what those do not say: the order of the
/// derivation list and its marks. Kernels that agree in both answer alike from then on.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Abstract {
    pub state: State,
    pub order: Vec<(Slot, bool)>,
    /// What has passed since the kernel last looked at the clock.
    pub elapsed: u64,
}

/// Where to look: the memory of the world, the slot that it is in, and who else may hold
/// capabilities to its objects.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    pub frame: Frame,
    /// The slot of the untyped memory that the world is made of.
    pub world: Ref<cnode::Slot>,
    /// The root task's CNode.
    pub root: cap::CNodeCap,
    /// How far behind the beginning of a thread its slots are.
    pub thread_slots: u64,
    /// Whether stopped threads can be started again.
    pub resumable: bool,
    /// The lines that can interrupt: the first, and how many.
    pub lines: (u16, u16),
}

impl Lens {
    /// What a zombie was.
    fn holder(&self, zombie: &cap::ZombieCap) -> KernelAddress {
        match zombie.kind {
            cap::ZombieKind::CNode { .. } => zombie.slots.address(),
            cap::ZombieKind::Tcb => zombie
                .slots
                .address()
                .plus(self.thread_slots.wrapping_neg()),
        }
    }
}

/// Reads the state of `k`.
pub fn abstraction(k: &Kernel, lens: &Lens) -> Abstract {
    let mut reading = Reading {
        k,
        lens,
        names: vec![],
        found: Abstract::default(),
    };
    let derived = reading.derived();
    for slot in &derived {
        reading.object(&k[*slot].cap());
    }
    reading.capabilities(&derived);
    reading.schedule();
    reading.found.state.base = lens.frame.base.0;
    (reading.found.state.pools, reading.found.state.asids) = space::names(k, lens.frame);
    reading.found.state.lines = lines(k, lens);
    reading.found.state.resumable = lens.resumable;
    reading.found
}

/// Which lines have handlers, and whether they are quiet. Those without handlers have to be.
pub fn lines(k: &Kernel, lens: &Lens) -> BTreeMap<u16, bool> {
    let (first, count) = lens.lines;
    let lines = (first..first + count).map(|line| (line, k.machine.masked(Irq(line))));
    lines
        .filter(|(line, quiet)| k.irqs.state(Irq(*line)) == IrqState::Handled || !quiet)
        .collect()
}

struct Reading<'a> {
    k: &'a Kernel,
    lens: &'a Lens,
    /// What the specification calls each slot of the world.
    names: Vec<(Ref<cnode::Slot>, Slot)>,
    found: Abstract,
}

/// Slot `index` of the array that begins at `first`.
fn slot_of(first: Ref<cnode::Slot>, index: u64) -> Ref<cnode::Slot> {
    let array = cap::CNodeCap {
        slots: first,
        radix: 0,
        guard: 0,
        guard_bits: 0,
    };
    array.slot(index)
}

impl Reading<'_> {
    /// Every slot whose capability is derived from the world's memory: all that there are to its
    /// objects, in the order of the derivation list.
    fn derived(&self) -> Vec<Ref<cnode::Slot>> {
        self.descendants(self.lens.world)
    }

    fn descendants(&self, of: Ref<cnode::Slot>) -> Vec<Ref<cnode::Slot>> {
        let mut all = vec![];
        let mut next = self.k[of].links().next();
        while let Some(slot) = next.filter(|slot| cdt::is_parent(self.k, of, *slot)) {
            all.push(slot);
            next = self.k[slot].links().next();
        }
        all
    }

    /// Names `count` slots, the first of which is `first`, after the object at `holder`.
    fn name_slots(&mut self, holder: KernelAddress, first: Ref<cnode::Slot>, count: u64) {
        let holder = self.lens.frame.place(holder);
        if self.names.iter().any(|(_, name)| name.holder == holder) {
            return;
        }
        let names = (0..count).map(|index| (slot_of(first, index), Slot { holder, index }));
        self.names.extend(names);
    }

    /// The name of a slot; those of nothing in the world are the root task's.
    fn name(&self, slot: Ref<cnode::Slot>) -> Slot {
        let known = self.names.iter().find(|(known, _)| *known == slot);
        let lines = self.k.irqs.memory();
        let line = slot.address().bits().wrapping_sub(lines.bits());
        if line < IrqTable::SLOT_BYTES {
            return Slot {
                holder: LINES,
                index: line / size_of::<cnode::Slot>() as u64,
            };
        }
        known.map_or_else(
            || {
                let root = self.lens.root.slots.address();
                let offset = slot.address().bits().wrapping_sub(root.bits());
                Slot {
                    holder: self.lens.frame.place(root),
                    index: offset / size_of::<cnode::Slot>() as u64,
                }
            },
            |(_, name)| *name,
        )
    }

    /// The object that a capability names, with its slots.
    fn object(&mut self, cap: &cap::Cap) {
        let frame = self.lens.frame;
        let (at, object) = match cap {
            cap::Cap::Endpoint(c) => {
                let waiting = self.queue(self.k[c.endpoint].queue);
                (c.endpoint.address(), Object::Endpoint { waiting })
            }
            cap::Cap::Notification(c) => {
                let object = Object::Notification(self.notification(c.notification));
                (c.notification.address(), object)
            }
            cap::Cap::Reply(c) => (c.reply.address(), Object::Reply),
            cap::Cap::SchedContext(c) => {
                let object = Object::SchedContext(self.sched_context(c.sched_context));
                (c.sched_context.address(), object)
            }
            cap::Cap::CNode(c) => {
                self.name_slots(c.slots.address(), c.slots, 1 << c.radix);
                let radix = c.radix.into();
                (c.slots.address(), Object::CNode { radix })
            }
            cap::Cap::Tcb(thread) => {
                let first = thread.slot(TcbSlot::CSpace);
                self.name_slots(thread.address(), first, tcb::SLOTS);
                (thread.address(), Object::Thread(self.thread(*thread)))
            }
            cap::Cap::Frame(c) => (KernelAddress::of(c.base), Object::Frame),
            cap::Cap::PageTable(c) => {
                let span = c.level.known_span_bits();
                let entries = space::entries(self.k, frame, c.table, span);
                (c.table, Object::Table { entries })
            }
            cap::Cap::VSpace(c) => {
                let entries = space::entries_of_root(self.k, frame, c.root);
                (c.root, Object::Table { entries })
            }
            cap::Cap::AsidPool(c) => (c.pool.address(), Object::AsidPool),
            cap::Cap::Zombie(z) => {
                let holder = self.lens.holder(z);
                let count = match z.kind {
                    cap::ZombieKind::CNode { radix } => 1 << radix,
                    cap::ZombieKind::Tcb => tcb::SLOTS,
                };
                self.name_slots(holder, z.slots, count);
                let slots = z.remaining;
                (holder, Object::Remnant { slots })
            }
            _ => return,
        };
        self.found.state.objects.insert(frame.place(at), object);
    }

    fn place<T>(&self, r: Ref<T>) -> Place {
        self.lens.frame.place(r.address())
    }

    fn queue(&self, queue: Queue) -> Vec<Place> {
        let mut all = vec![];
        let mut next = queue.first();
        while let Some(thread) = next {
            all.push(self.place(thread));
            next = queue.after(self.k, thread);
        }
        all
    }

    fn notification(&self, at: Ref<notification::Notification>) -> Notification {
        let it = &self.k[at];
        Notification {
            active: match it.signal {
                Signal::Active(badge) => Some(badge),
                Signal::Idle | Signal::Waiting => None,
            },
            waiting: self.queue(it.queue),
            bound: it.bound_tcb.map(|thread| self.place(thread)),
            context: it.sched_context.map(|sc| self.place(sc)),
        }
    }

    fn sched_context(&self, at: Ref<sched_context::SchedContext>) -> SchedContext {
        let it = &self.k[at];
        let mut calls = vec![];
        let mut next = it.reply;
        while let Some(reply) = next {
            calls.push(self.place(reply));
            next = self.k[reply].previous;
        }
        calls.reverse();
        let refill = |n| {
            let index = (it.ring.head + n) % it.ring.max;
            let refill = self.k[sched_context::refill_at(at, index)];
            (refill.time, refill.amount)
        };
        SchedContext {
            calls,
            time: it.ring.active().then_some(Time {
                period: it.ring.period,
                most: it.ring.max,
                refills: (0..it.ring.count).map(refill).collect(),
                sporadic: it.sporadic,
                consumed: it.consumed,
            }),
            badge: it.badge,
        }
    }

    fn thread(&self, thread: Ref<Tcb>) -> Thread {
        let it = &self.k[thread];
        let state = match it.state {
            tcb::ThreadState::Inactive => ThreadState::Inactive,
            tcb::ThreadState::Running => ThreadState::Running,
            tcb::ThreadState::Restart => ThreadState::Restart,
            tcb::ThreadState::BlockedOnSend { endpoint, sending } => ThreadState::Sending {
                to: self.place(endpoint),
                how: Sending {
                    badge: sending.badge,
                    grant: sending.can_grant,
                    grant_reply: sending.can_grant_reply,
                    call: sending.call,
                },
            },
            tcb::ThreadState::BlockedOnReceive { endpoint, reply } => ThreadState::Receiving {
                from: self.place(endpoint),
                reply: reply.map(|reply| self.place(reply)),
            },
            tcb::ThreadState::BlockedOnReply { reply } => ThreadState::Calling {
                reply: self.place(reply),
            },
            tcb::ThreadState::BlockedOnNotification { notification } => ThreadState::Waiting {
                on: self.place(notification),
            },
        };
        let buffer = tcb::buffer(self.k, thread, tcb::Access::ReadWrite);
        let receives = buffer.map(|buffer| {
            use abi::ipc_buffer::{RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
            [RECEIVE_CNODE, RECEIVE_INDEX, RECEIVE_DEPTH].map(|n| buffer.get(self.k, n))
        });
        Thread {
            says: self.says(thread),
            state,
            priority: it.priority,
            most_priority: it.max_controlled_priority,
            domain: it.domain,
            context: it.sched_context.map(|sc| self.place(sc)),
            yields_to: it.yield_to.map(|sc| self.place(sc)),
            flags: it.flags,
            fault: it.fault.map(meaning),
            receives,
        }
    }

    /// The system call that the thread makes again, if it goes on with one.
    fn says(&self, thread: Ref<Tcb>) -> Option<Request> {
        let context = &self.k[thread.context()];
        let goes_on_at = match self.k[thread].state {
            tcb::ThreadState::Running => context.next_ip(),
            _ => context.fault_ip(),
        };
        let forgotten = matches!(
            self.k[thread].state,
            tcb::ThreadState::Inactive | tcb::ThreadState::BlockedOnReply { .. }
        ) && self.k[thread].fault.is_none()
            && !self.lens.resumable;
        (goes_on_at == SYSCALL_AT && !forgotten).then(|| world::said(self.k, thread))
    }

    fn schedule(&mut self) {
        let node = &self.k.nodes[0];
        let state = &mut self.found.state;
        state.current = node.current.map(|t| self.lens.frame.place(t.address()));
        (state.now, state.uncharged) = node.at(self.k.machine.now());
        state.charged = node
            .current_sc
            .map(|sc| self.lens.frame.place(sc.address()));
        let passed = state.now - node.now;
        state.turns = turns(&self.k.schedule);
        if passed > 0 {
            state.spend_turn(passed);
        }
        for (domain, queues) in (0..).zip(&node.ready) {
            for (priority, queue) in saved::occupied(queues) {
                let place = (domain, priority as u8);
                let queue = self.queue(queue);
                self.found.state.ready.insert(place, queue);
            }
        }
        let mut waiting: Vec<_> = node.release.members(self.k).collect();
        waiting.sort_by_key(|&thread| self.k[thread].release.order());
        self.found.state.release = waiting
            .into_iter()
            .map(|thread| self.lens.frame.place(thread.address()))
            .collect();
    }

    /// What is in the slots: of the list, then whatever else: of that, what is derived from the
    /// control of interrupts.
    fn capabilities(&mut self, derived: &[Ref<cnode::Slot>]) {
        self.family(derived);
        for n in 0..self.names.len() {
            let (slot, name) = self.names[n];
            if self.k[slot].is_empty() || self.found.state.slots.contains_key(&name) {
                continue;
            }
            if self.k[slot].cap() == cap::Cap::IrqControl {
                let mut family = vec![slot];
                family.extend(self.descendants(slot));
                self.family(&family);
            }
        }
        for n in 0..self.names.len() {
            let (slot, name) = self.names[n];
            if !self.k[slot].is_empty() && !self.found.state.slots.contains_key(&name) {
                self.hold(slot, name, None);
            }
        }
    }

    /// The slots of a part of the list, each with its parent in that part.
    fn family(&mut self, derived: &[Ref<cnode::Slot>]) {
        let mut ancestors: Vec<Ref<cnode::Slot>> = vec![];
        for slot in derived {
            while ancestors
                .last()
                .is_some_and(|top| !cdt::is_parent(self.k, *top, *slot))
            {
                ancestors.pop();
            }
            let parent = ancestors.last().map(|top| self.name(*top));
            ancestors.push(*slot);
            let name = self.name(*slot);
            self.found
                .order
                .push((name, self.k[*slot].links().first_badged()));
            self.hold(*slot, name, parent);
        }
    }

    fn hold(&mut self, slot: Ref<cnode::Slot>, name: Slot, parent: Option<Slot>) {
        let held = Held {
            cap: capability(self.lens, &self.k[slot].cap()),
            parent,
            original: self.k[slot].links().revocable(),
        };
        self.found.state.slots.insert(name, held);
    }
}

/// What the schedule of domains means.
fn turns(schedule: &Schedule) -> Turns {
    let entries = (0..).zip(schedule.entries());
    let entries = entries.filter(|(_, entry)| entry.duration != 0);
    Turns {
        schedule: entries
            .map(|(n, entry)| (n, (entry.domain, entry.duration)))
            .collect(),
        start: schedule.start() as u64,
        entry: schedule.index().map(|n| n as u64),
        domain: schedule.current_domain() as u8,
        left: schedule.remaining,
    }
}

/// What a fault means.
fn meaning(fault: fault::Fault) -> Fault {
    match fault {
        fault::Fault::Cap {
            address,
            phase,
            failure,
        } => {
            let failure = match failure {
                LookupFailure::InvalidRoot => Failure::InvalidRoot,
                LookupFailure::MissingCapability { bits_left } => {
                    Failure::MissingCapability { bits_left }
                }
                LookupFailure::DepthMismatch {
                    bits_left,
                    bits_found,
                } => Failure::DepthMismatch {
                    bits_left,
                    bits_found,
                },
                LookupFailure::GuardMismatch {
                    bits_left,
                    guard,
                    bits_found,
                } => Failure::GuardMismatch {
                    bits_left,
                    guard,
                    guard_bits: bits_found,
                },
            };
            Fault::Cap {
                address,
                receiving: phase == Phase::Receive,
                failure: failure.words(),
            }
        }
        fault::Fault::Timeout { badge } => Fault::Timeout { badge },
        fault::Fault::UnknownSyscall { number } => Fault::UnknownSyscall { number },
        fault::Fault::UserException { number, code } => {
            Fault::Trap(Trap::Exception { number, code })
        }
        fault::Fault::Vm {
            address,
            status,
            instruction,
        } => Fault::Trap(Trap::Memory {
            address,
            status,
            instruction,
        }),
        fault::Fault::Debug { .. } => Fault::Other,
    }
}
