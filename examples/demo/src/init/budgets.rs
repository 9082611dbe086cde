//! Two threads that spin: one with little time in each period, one with no such limit.

use super::arena::{Arena, Size};
use super::console::outln;
use super::drivers::Driver;
use super::home::Home;
use super::isa::{TICK, TICKS};
use super::task::Task;
use super::trouble::{self, promise};
use abi::{CapRights, Word};
use core::ptr::with_exposed_provenance;
use core::sync::atomic::{AtomicU64, Ordering};
use demo_common::Role;
use user_alloc::Result;
use user_api::{Attributes, Budget, Endpoint, Frame, FrameSize, SchedContext};

/// Microseconds: what the timer can count.
const PERIOD: Word = TICK;
const THRIFTY: Budget = Budget::new(PERIOD / 10, PERIOD);
const GREEDY: Budget = Budget::round_robin(5_000);
/// How many periods an experiment lasts.
const PERIODS: Word = TICKS;
/// Where the spinners see their counter.
const COUNTER: Word = 0x2001_0000;

/// A spinner, with the page where it counts as init sees it.
pub(crate) struct Spinner {
    /// Its memory.
    pub(crate) arena: Arena,
    /// Its process.
    pub(crate) task: Task,
    time: SchedContext,
    counter: Word,
}

impl Spinner {
    fn load(
        home: &mut Home,
        role: Role,
        priority: Word,
        budget: Budget,
        pager: Endpoint,
    ) -> Result<Self> {
        let mut arena = Arena::new(home, role.name(), Size::ONE)?;
        let mut task = Task::load(home, &mut arena, role, priority, COUNTER)?;
        let frame: Frame = arena.allocator.make(FrameSize::Small.object(), 0)?;
        // A mapping belongs to a capability: a second view needs a second one.
        let shared = arena.allocator.copy(frame, CapRights::READ_WRITE)?;
        task.process.space.map_at(
            &mut arena.allocator,
            shared,
            COUNTER,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
        let counter = home.look_at(frame)?;
        let time = task.prepare(home, &mut arena, budget, Some(pager))?;
        Ok(Self {
            arena,
            task,
            time,
            counter,
        })
    }

    fn count(&self) -> u64 {
        // SAFETY: the frame is mapped there for as long as the spinner exists; both sides use its
        // first word only as this atomic.
        let counter = unsafe { &*with_exposed_provenance::<AtomicU64>(self.counter as usize) };
        counter.load(Ordering::Relaxed)
    }
}

/// Both.
pub(crate) struct Budgets {
    /// Little time, but first in line.
    pub(crate) thrifty: Spinner,
    /// All the time that is left.
    pub(crate) greedy: Spinner,
}

/// What a spinner did in an experiment.
struct Share {
    consumed: u64,
    counted: u64,
}

impl Budgets {
    /// Loads both; they run only during an experiment.
    ///
    /// # Errors
    /// If there is too little of something.
    pub(crate) fn load(home: &mut Home, pager: Endpoint) -> Result<Self> {
        Ok(Self {
            thrifty: Spinner::load(home, Role::Thrifty, 60, THRIFTY, pager)?,
            greedy: Spinner::load(home, Role::Greedy, 50, GREEDY, pager)?,
        })
    }

    /// Lets both run for some periods, and tells how far they came.
    ///
    /// # Errors
    /// What the kernel answers; `Broken` if one did not run at all. How much they ran is only told:
    /// where an emulator's host takes time away, it is charged to whoever runs.
    pub(crate) fn experiment(&self, timer: &Driver) -> trouble::Result {
        let both = [&self.thrifty, &self.greedy];
        let before = both.map(Spinner::count);
        for spinner in both {
            spinner.time.consumed()?; // forget what was before
            spinner.task.process.tcb.resume()?;
        }
        let mut each_period = [0; PERIODS as usize];
        timer.every(PERIOD, PERIODS, |period| {
            if let Some(place) = each_period.get_mut(period as usize) {
                *place = self.thrifty.time.consumed().unwrap_or(0);
            }
        })?;
        for spinner in both {
            spinner.task.process.tcb.suspend()?;
        }
        let rest = self.thrifty.time.consumed()?;
        let shares = [
            Share {
                consumed: each_period.iter().sum::<u64>() + rest,
                counted: self.thrifty.count() - before[0],
            },
            Share {
                consumed: self.greedy.time.consumed()?,
                counted: self.greedy.count() - before[1],
            },
        ];
        report(&shares, &each_period);
        promise(
            shares.iter().all(|share| share.counted > 0),
            "both spinners run",
        )
    }
}

fn report(shares: &[Share; 2], each_period: &[u64]) {
    let total = PERIODS * PERIOD;
    outln!("   in {total} us, by the scheduling contexts' own accounts:");
    let budgets = [("thrifty", THRIFTY), ("greedy", GREEDY)];
    for ((name, budget), share) in budgets.into_iter().zip(shares) {
        outln!(
            "   {name:8} may run {:6} us of {:7}: ran {:6} us, counted to {}",
            budget.budget,
            budget.period,
            share.consumed,
            share.counted
        );
    }
    outln!("   thrifty, period by period: {each_period:?} us");
}
