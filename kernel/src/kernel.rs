//! The state of the kernel, all of it. Whoever holds `&mut Kernel` may change anything;
//! whoever holds `&Kernel` may only look.

use crate::console::Level;
use crate::isa;
use crate::object::asid::AsidTable;
use crate::object::cnode::Slot;
use crate::object::domain::Schedule;
use crate::object::irq::IrqTable;
use crate::object::sched_context::SchedContext;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::ready::ReadyQueues;
use crate::refill::Limits;
use crate::release::ReleaseQueue;
use crate::sched::Action;
use crate::usage::CoreUsage;
use abi::{PROFILE, Word};
use core::num::NonZeroU64;
use machine::{KernelAddress, Machine, Ticks};

/// How many cores the image has room for.
pub const NODES: usize = PROFILE.num_nodes;
/// How many domains there are.
pub const DOMAINS: usize = PROFILE.num_domains;

/// The shortest budget, in microseconds: twice what the kernel itself may need.
pub const MIN_BUDGET_US: u64 = abi::sched::MIN_BUDGET_US;

/// What a core knows of itself. What every entry looks at is in front, and together.
#[derive(Clone, PartialEq, Debug)]
#[repr(C)]
pub struct Node {
    /// Until the timer interrupts, the current thread has time for whatever it asks, and nobody's
    /// wait for time ends: an entry has no need to read the clock.
    pub quick: bool,
    /// The timer's deadline may have changed.
    pub reprogram: bool,
    /// The thread that entered the kernel, or that leaves it; `None` when idle.
    pub current: Option<Ref<Tcb>>,
    /// Who may touch the floating-point registers now: their owner, or nobody.
    pub fpu_user: Option<Ref<Tcb>>,
    /// The scheduling context that time is charged to.
    pub current_sc: Option<Ref<SchedContext>>,
    /// The time when the clock was last read.
    pub now: Ticks,
    /// Time between the last charge to `current_sc` and `now`.
    pub consumed: Ticks,
    /// When the timer interrupts. When it has, [`Ticks::MAX`] until it is set again.
    pub alarm: Ticks,
    /// Threads that wait for their next refill, earliest first.
    pub release: ReleaseQueue,
    /// What the scheduler is to do before the kernel is left.
    pub action: Action,
    pub ready: [ReadyQueues; DOMAINS],
    /// Who used the processor; unused unless the profile tracks it.
    pub usage: CoreUsage,
    /// Whose floating-point state the registers hold.
    pub fpu_owner: Option<Ref<Tcb>>,
}

/// The kernel.
#[repr(C)]
pub struct Kernel {
    /// The core that runs this.
    pub core: usize,
    /// How long before its end a budget is near it: the shortest budget, and what the timer may
    /// be late.
    pub near: Ticks,
    /// The smallest budget and so on, in ticks.
    pub limits: Limits,
    pub nodes: [Node; NODES],
    pub machine: machine::Current,
    pub asids: AsidTable,
    pub schedule: Schedule,
    pub irqs: IrqTable,
    /// What only this ISA keeps.
    pub isa: isa::Globals,
    /// The unit of time that user space counts in.
    pub ticks_per_us: NonZeroU64,
    /// How much it says on its own account.
    pub log: Level,
    /// Work done since the last preemption point that looked.
    pub work: u32,
    /// The slot whose descendants are being deleted, until its CNode ends. Means nothing between
    /// entries.
    pub revoking: Option<Ref<Slot>>,
    /// All threads, newest first (debug flavour).
    pub all_threads: Option<Ref<Tcb>>,
}

impl Node {
    /// `now` and `consumed` as they are when the clock shows `time`.
    pub fn at(&self, time: Ticks) -> (Ticks, Ticks) {
        let passed = time.saturating_sub(self.now);
        (time, self.consumed.saturating_add(passed))
    }

    const fn new() -> Self {
        Self {
            current: None,
            current_sc: None,
            action: Action::ResumeCurrent,
            reprogram: false,
            now: 0,
            consumed: 0,
            quick: false,
            alarm: Ticks::MAX,
            ready: [ReadyQueues::EMPTY; DOMAINS],
            release: ReleaseQueue::EMPTY,
            usage: CoreUsage::new(),
            fpu_owner: None,
            fpu_user: None,
        }
    }
}

impl Kernel {
    /// A kernel that knows nothing yet; [`boot`](crate::boot) fills it. `irq_slots` is memory
    /// for [`IrqTable::SLOT_BYTES`] bytes of slots, inside the kernel's window, already zero.
    pub const fn new(machine: machine::Current, irq_slots: KernelAddress) -> Self {
        Self {
            machine,
            nodes: [const { Node::new() }; NODES],
            core: 0,
            near: 0,
            irqs: IrqTable::new(irq_slots),
            asids: AsidTable::new(),
            schedule: Schedule::new(),
            isa: isa::Globals::new(),
            ticks_per_us: NonZeroU64::MIN,
            limits: Limits {
                min_budget: 0,
                max_release_time: 0,
            },
            log: Level::Errors,
            work: 0,
            revoking: None,
            all_threads: None,
        }
    }

    /// A kernel in the same state on another machine: a copy of this one's.
    pub fn on(&self, machine: machine::Current) -> Self {
        Self {
            machine,
            nodes: self.nodes.clone(),
            core: self.core,
            near: self.near,
            irqs: self.irqs.clone(),
            asids: self.asids.clone(),
            schedule: self.schedule.clone(),
            isa: self.isa.clone(),
            ticks_per_us: self.ticks_per_us,
            limits: self.limits,
            log: self.log,
            work: self.work,
            revoking: self.revoking,
            all_threads: self.all_threads,
        }
    }

    /// Takes the units of time from the machine. Called once, when the clock is known.
    pub fn start_clock(&mut self) {
        self.ticks_per_us = NonZeroU64::new(self.machine.ticks_per_us()).unwrap_or(NonZeroU64::MIN);
        let far = self.ticks_of(self.max_period_us()).saturating_mul(5);
        self.limits = Limits {
            min_budget: self.ticks_of(MIN_BUDGET_US),
            max_release_time: u64::MAX.saturating_sub(far),
        };
        let precision = self.machine.timer_precision();
        self.near = self.limits.min_budget.saturating_add(precision);
        let now = self.machine.now();
        self.node_mut().now = now;
    }

    /// This core's state.
    #[inline(always)]
    pub fn node(&self) -> &Node {
        // `core < NODES` always; the bound keeps the compiler from having to believe it.
        let core = self.core.min(NODES.saturating_sub(1));
        #[expect(
            clippy::indexing_slicing,
            reason = "bounded by the length in the line above"
        )]
        &self.nodes[core]
    }

    /// This core's state.
    #[inline(always)]
    pub fn node_mut(&mut self) -> &mut Node {
        let core = self.core.min(NODES.saturating_sub(1));
        #[expect(
            clippy::indexing_slicing,
            reason = "bounded by the length in the line above"
        )]
        &mut self.nodes[core]
    }

    /// The thread that entered the kernel.
    #[inline(always)]
    pub fn current(&self) -> Option<Ref<Tcb>> {
        self.node().current
    }

    /// Runnable, with configured time, and not waiting for it.
    #[doc(alias = "isSchedulable")]
    #[inline(always)]
    pub fn schedulable(&self, thread: Ref<Tcb>) -> bool {
        let tcb = &self[thread];
        tcb.runnable()
            && !tcb.release_queued
            && tcb.sched_context.is_some_and(|sc| self[sc].ring.active())
    }

    /// The longest period and budget, in microseconds.
    pub fn max_period_us(&self) -> u64 {
        match PROFILE.static_max_period_us {
            0 => (u64::MAX / self.ticks_per_us) >> 3,
            us => us,
        }
    }

    /// Ticks as whole microseconds.
    pub fn us_of(&self, ticks: Ticks) -> Word {
        ticks / self.ticks_per_us
    }

    /// Microseconds as ticks.
    pub fn ticks_of(&self, us: u64) -> Ticks {
        us.saturating_mul(self.ticks_per_us.get())
    }
}
