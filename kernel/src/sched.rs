//! Who runs. (`abi/semantics-tcb-sched.md`.)
//!
//! Each core has ready queues per domain and priority, and a release queue of threads that wait
//! for a refill. While the kernel handles an entry it only notes in [`Action`] what has changed;
//! [`schedule`] decides once, before the kernel is left.

use crate::Kernel;
use crate::fault;
use crate::fpu;
use crate::kernel::{DOMAINS, ReadyQueues};
use crate::object::domain;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::queue::Queue;
use crate::refill::{self, Refill};
use crate::usage;
use machine::{Machine, Ticks};

/// What the scheduler is to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Nothing has changed that could stop the current thread.
    ResumeCurrent,
    /// This thread has become ready; compare it with the current one.
    SwitchTo(Ref<Tcb>),
    /// Look at the queues.
    ChooseNew,
}

// --- Ready queues ----------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

/// The ready queues that `thread` belongs in.
#[inline(always)]
fn ready_of(k: &mut Kernel, thread: Ref<Tcb>) -> Option<&mut ReadyQueues> {
    let domain = if DOMAINS > 1 { k[thread].domain } else { 0 };
    k.node_mut().ready.get_mut(usize::from(domain))
}

fn enqueue(k: &mut Kernel, thread: Ref<Tcb>, end: End) {
    let tcb = &k[thread];
    if !tcb.ready_queued && !tcb.release_queued {
        enqueue_free(k, thread, end);
    }
}

/// Puts `thread`, which is in no queue, among the ready ones of its priority.
#[inline(always)]
fn enqueue_free(k: &mut Kernel, thread: Ref<Tcb>, end: End) {
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    let others = *ready.queue(priority);
    ready.occupied(priority);
    let new = match end {
        End::First => others.with_first(k, thread),
        End::Last => others.with_last(k, thread),
    };
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = new;
    }
    k[thread].ready_queued = true;
}

/// Whether nobody of the priority of `thread` is ready.
#[inline(always)]
pub(crate) fn no_equal_ready(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let Some(ready) = ready_now(k) else {
        return true;
    };
    let queue = ready.queues.get(usize::from(k[thread].priority));
    queue.is_none_or(|queue| queue.is_empty())
}

/// Puts `thread`, the current one, among the ready ones, of whom nobody is as important.
#[inline(always)]
pub(crate) fn enqueue_highest(k: &mut Kernel, thread: Ref<Tcb>) {
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    ready.height = above(priority);
    ready.mark(priority);
    *ready.queue(priority) = Queue::of(thread);
    let _ = Queue::alone(k, thread);
    k[thread].ready_queued = true;
}

/// Puts `thread` at the front of its priority, unless it is queued.
#[doc(alias = "tcbSchedEnqueue")]
pub fn enqueue_first(k: &mut Kernel, thread: Ref<Tcb>) {
    enqueue(k, thread, End::First);
}

/// Puts `thread` behind all others of its priority, unless it is queued.
#[doc(alias = "tcbSchedAppend")]
pub fn enqueue_last(k: &mut Kernel, thread: Ref<Tcb>) {
    enqueue(k, thread, End::Last);
}

/// Takes `thread` out of the ready queues, if it is there.
#[inline(always)]
pub fn dequeue(k: &mut Kernel, thread: Ref<Tcb>) {
    if k[thread].ready_queued {
        dequeue_queued(k, thread);
    }
}

#[inline(never)]
fn dequeue_queued(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].ready_queued = false;
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    let new = ready.queue(priority).without(k, thread);
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = new;
        if new.is_empty() {
            ready.emptied(priority);
        }
    }
}

/// Takes `thread`, who is [`first_ready`], out of its queue.
#[inline(always)]
pub(crate) fn dequeue_first(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].ready_queued = false;
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    let new = ready.queue(priority).without(k, thread);
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = new;
        if new.is_empty() {
            ready.unmark(priority);
            ready.lower();
        }
    }
}

/// The height of ready queues of which that of `priority` is the highest with a thread.
#[inline(always)]
fn above(priority: u8) -> u16 {
    u16::from(priority).wrapping_add(1)
}

impl ReadyQueues {
    #[inline(always)]
    fn queue(&mut self, priority: u8) -> &mut Queue {
        #[expect(clippy::indexing_slicing, reason = "there is a queue for each of 256")]
        &mut self.queues[usize::from(priority)]
    }

    #[inline(always)]
    fn word(&mut self, priority: u8) -> &mut u64 {
        #[expect(clippy::indexing_slicing, reason = "64 bits for each of 4")]
        &mut self.bitmap[usize::from(priority >> 6)]
    }

    /// The queue of `priority` has a thread.
    #[inline(always)]
    fn occupied(&mut self, priority: u8) {
        self.mark(priority);
        self.height = self.height.max(above(priority));
    }

    /// The queue of `priority` no longer has a thread.
    #[inline(always)]
    fn emptied(&mut self, priority: u8) {
        self.unmark(priority);
        if self.height == above(priority) {
            self.lower();
        }
    }

    #[inline(always)]
    fn mark(&mut self, priority: u8) {
        *self.word(priority) |= 1u64.wrapping_shl(priority.into());
    }

    #[inline(always)]
    fn unmark(&mut self, priority: u8) {
        *self.word(priority) &= !1u64.wrapping_shl(priority.into());
    }

    /// The queue that `height` speaks of no longer has a thread.
    #[inline(always)]
    fn lower(&mut self) {
        let [a, b, c, d] = self.bitmap;
        self.height = match a | b | c | d {
            0 => 0,
            _ => self.measured(),
        };
    }

    /// What `height` has to be.
    pub fn measure(&self) -> u16 {
        self.measured()
    }

    #[inline(always)]
    fn measured(&self) -> u16 {
        let [a, b, c, d] = self.bitmap;
        let (base, word) = match (d, c, b) {
            (0, 0, 0) => (0, a),
            (0, 0, _) => (64, b),
            (0, _, _) => (128, c),
            _ => (192, d),
        };
        // At most 64.
        u16::saturating_add(base, 64u32.saturating_sub(word.leading_zeros()) as u16)
    }

    /// The first thread of the highest priority.
    #[inline(always)]
    fn first(&self) -> Option<Ref<Tcb>> {
        let highest = usize::from(self.height.checked_sub(1)?);
        self.queues.get(highest)?.first()
    }
}

/// The ready queues of the current domain.
#[inline(always)]
fn ready_now(k: &Kernel) -> Option<&ReadyQueues> {
    k.node().ready.get(k.schedule.current_domain())
}

/// Whether no ready thread of the current domain has a priority above `priority`.
#[inline(always)]
pub(crate) fn none_above(k: &Kernel, priority: u8) -> bool {
    ready_now(k).is_none_or(|ready| ready.height <= u16::from(priority).saturating_add(1))
}

/// Whether no ready thread of the current domain is as important as `thread`, or more.
#[inline(always)]
pub(crate) fn none_as_important(k: &Kernel, thread: Ref<Tcb>) -> bool {
    ready_now(k).is_none_or(|ready| ready.height <= u16::from(k[thread].priority))
}

#[inline(always)]
pub(crate) fn first_ready(k: &Kernel) -> Option<Ref<Tcb>> {
    ready_now(k)?.first()
}

// --- The release queue -------------------------------------------------------------------------

/// Makes the thread of `sc` wait for the next refill.
pub fn postpone(k: &mut Kernel, sc: Ref<SchedContext>) {
    let Some(thread) = k[sc].tcb else { return };
    dequeue(k, thread);
    if k[thread].release_queued {
        return;
    }
    let due = sched_context::head(k, sc).time;
    let queue = k.node().release.with(k, thread, due);
    let node = k.node_mut();
    node.release = queue;
    node.reprogram = true;
    k[thread].release_queued = true;
}

/// `thread` no longer waits for a refill, if it did.
#[inline(always)]
pub fn release_remove(k: &mut Kernel, thread: Ref<Tcb>) {
    if k[thread].release_queued {
        let queue = k.node().release.without(k, thread);
        let node = k.node_mut();
        node.release = queue;
        node.reprogram = true;
        k[thread].release_queued = false;
    }
}

/// Threads whose refill is ready become ready.
fn awaken(k: &mut Kernel) {
    while let Some(thread) = k.node().release.first()
        && k[thread].release.due() <= k.node().now
    {
        release_remove(k, thread);
        possible_switch_to(k, thread);
    }
}

// --- Notes for the scheduler -------------------------------------------------------------------

/// Look at the queues before the kernel is left.
#[doc(alias = "rescheduleRequired")]
pub fn reschedule(k: &mut Kernel) {
    if let Action::SwitchTo(candidate) = k.node().action
        && k.schedulable(candidate)
    {
        enqueue_first(k, candidate);
    }
    k.node_mut().action = Action::ChooseNew;
}

/// `thread` may now run, perhaps instead of the current one.
#[inline]
pub fn possible_switch_to(k: &mut Kernel, thread: Ref<Tcb>) {
    let tcb = &k[thread];
    if tcb.sched_context.is_none() || tcb.release_queued {
        return;
    }
    let (domain, core) = (tcb.domain as usize, tcb.core as usize);
    if domain != k.schedule.current_domain() || (crate::kernel::NODES > 1 && core != k.core) {
        enqueue_first(k, thread);
    } else if k.node().action != Action::ResumeCurrent {
        reschedule(k);
        enqueue_first(k, thread);
    } else {
        k.node_mut().action = Action::SwitchTo(thread);
    }
}

/// The state of `thread` has changed: if it can no longer run and is running, somebody else must.
#[doc(alias = "scheduleTCB")]
#[inline(always)]
pub fn state_changed(k: &mut Kernel, thread: Ref<Tcb>) {
    if k.current() == Some(thread)
        && k.node().action == Action::ResumeCurrent
        && !k.schedulable(thread)
    {
        k.node_mut().action = Action::ChooseNew;
    }
}

/// `thread`, which is suspended, is about to lose its memory: nothing here may name it.
pub(crate) fn thread_gone(k: &mut Kernel, thread: Ref<Tcb>) {
    fpu::thread_gone(k, thread);
    if usage::TRACKED {
        usage::thread_gone(k, thread);
    }
    let node = k.node_mut();
    if node.current == Some(thread) {
        node.current = None;
        node.action = Action::ChooseNew;
    }
    if node.action == Action::SwitchTo(thread) {
        node.action = Action::ChooseNew;
    }
}

// --- The decision --------------------------------------------------------------------------------

/// Decides who runs next; that thread is current afterwards, and time is charged to its
/// scheduling context from now on.
pub fn schedule(k: &mut Kernel) {
    awaken(k);
    if domain_expired(k) {
        reschedule(k);
    }
    if k.node().action == Action::ResumeCurrent && !k.node().reprogram {
        debug_assert!(
            k.node().current_sc == k.current().and_then(|current| k[current].sched_context),
            "time changed hands and nobody said so"
        );
        return;
    }
    decide(k);
    k.node_mut().action = Action::ResumeCurrent;
    switch_sched_context(k);
    if core::mem::take(&mut k.node_mut().reprogram) {
        program_timer(k);
    }
}

fn decide(k: &mut Kernel) {
    let action = k.node().action;
    if action == Action::ResumeCurrent {
        return;
    }
    let current = k.current();
    let continuing = current.filter(|&current| k.schedulable(current));
    if let Some(current) = continuing {
        enqueue_first(k, current);
    }
    let Action::SwitchTo(candidate) = action else {
        return choose_new(k);
    };
    if !k.schedulable(candidate) {
        return choose_new(k);
    }
    let priority = k[candidate].priority;
    let below = current.is_none_or(|current| priority < k[current].priority);
    if below && !none_above(k, priority) {
        enqueue_first(k, candidate);
        choose_new(k);
    } else if continuing.is_some_and(|current| k[current].priority == priority) {
        enqueue_last(k, candidate);
        choose_new(k);
    } else {
        switch_to(k, Some(candidate));
    }
}

fn choose_new(k: &mut Kernel) {
    if domain_expired(k) {
        domain::next(k);
    }
    let next = first_ready(k);
    switch_to(k, next);
}

fn switch_to(k: &mut Kernel, thread: Option<Ref<Tcb>>) {
    if let Some(thread) = thread {
        dequeue(k, thread);
    }
    k.node_mut().current = thread;
}

fn domain_expired(k: &Kernel) -> bool {
    DOMAINS > 1 && k.schedule.remaining == 0
}

/// Time is charged to the scheduling context of the current thread from now on, and what has
/// passed to who had it.
fn switch_sched_context(k: &mut Kernel) {
    let next = k.current().and_then(|current| k[current].sched_context);
    let changes = k.node().current_sc != next;
    if changes || k.node().reprogram {
        k.node_mut().reprogram = true;
        commit_time(k);
    }
    if changes {
        take_over(k, next);
    }
}

/// Time is charged to `next` from now on.
#[inline(always)]
fn take_over(k: &mut Kernel, next: Option<Ref<SchedContext>>) {
    if let Some(sc) = next
        && !k[sc].ring.round_robin()
    {
        bring_up_to_date(k, sc);
    }
    k.node_mut().current_sc = next;
}

#[cold]
#[inline(never)]
fn bring_up_to_date(k: &mut Kernel, sc: Ref<SchedContext>) {
    if !k[sc].sporadic {
        let now = k.node().now;
        sched_context::refills(k, sc).unblock(now);
    }
}

// --- Time ----------------------------------------------------------------------------------------

/// Reads the clock: what has passed is to be charged.
#[doc(alias = "updateTimestamp")]
pub fn update_time(k: &mut Kernel) {
    let used = used_now(k);
    k.node_mut().consumed = used;
}

/// Reads the clock: what is to be charged by now.
#[inline(always)]
fn used_now(k: &mut Kernel) -> Ticks {
    let now = k.machine.now();
    let node = k.node_mut();
    // Time does not go back, and all that ever passes is one count.
    let passed = now.wrapping_sub(node.now);
    node.now = now;
    let used = node.consumed.wrapping_add(passed);
    if DOMAINS > 1 {
        let least = k.limits.min_budget / 2;
        let remaining = k.schedule.remaining.saturating_sub(passed);
        k.schedule.remaining = if remaining < least { 0 } else { remaining };
    }
    used
}

/// Charges what has passed to the current scheduling context.
#[doc(alias = "commitTime")]
pub fn commit_time(k: &mut Kernel) {
    let used = core::mem::take(&mut k.node_mut().consumed);
    if let Some(sc) = k.node().current_sc {
        charge(k, sc, used);
    }
}

/// Charges `used` to `sc`.
#[inline(always)]
fn charge(k: &mut Kernel, sc: Ref<SchedContext>, used: Ticks) {
    if !k[sc].ring.round_robin() {
        charge_refills(k, sc, used);
    } else if !sched_context::refills(k, sc).use_slice(used) {
        // Not configured any longer.
        return;
    }
    k[sc].consumed = k[sc].consumed.wrapping_add(used);
}

#[cold]
#[inline(never)]
fn charge_refills(k: &mut Kernel, sc: Ref<SchedContext>, used: Ticks) {
    if used > 0 {
        let limits = k.limits;
        sched_context::refills(k, sc).charge(used, limits);
    }
}

/// Whether the current thread has time for what it asks for. If not, it is charged, and
/// somebody else's turn comes.
#[doc(alias = "checkBudget")]
pub fn check_budget(k: &mut Kernel) -> bool {
    let Some(sc) = k.node().current_sc else {
        return true;
    };
    if k[sc].ring.active() && sched_context::sufficient(k, sc, k.node().consumed) {
        if domain_expired(k) {
            reschedule(k);
            return false;
        }
        return true;
    }
    let used = k.node().consumed;
    charge_budget(k, used, Timeout::Report);
    false
}

/// As [`check_budget`]; the current thread will execute its instruction again.
#[doc(alias = "checkBudgetRestart")]
pub fn check_budget_restart(k: &mut Kernel) -> bool {
    let enough = check_budget(k);
    if !enough
        && let Some(current) = k.current()
        && k[current].runnable()
    {
        k[current].state = ThreadState::Restart;
    }
    enough
}

/// Whether the end of a time slice is worth a timeout fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timeout {
    Report,
    Silent,
}

/// Charges `used` to the current scheduling context, and ends its thread's time slice.
#[doc(alias = "chargeBudget")]
pub fn charge_budget(k: &mut Kernel, used: Ticks, timeout: Timeout) {
    k.node_mut().consumed = 0;
    if let Some(sc) = k.node().current_sc
        && k[sc].ring.active()
    {
        if k[sc].ring.round_robin() {
            sched_context::refills(k, sc).renew_slice();
        } else {
            let limits = k.limits;
            sched_context::refills(k, sc).charge(used, limits);
        }
        k[sc].consumed = k[sc].consumed.saturating_add(used);
    }
    k.node_mut().reprogram = true;
    if let Some(current) = k.current()
        && k.schedulable(current)
    {
        end_time_slice(k, current, timeout);
        reschedule(k);
    }
}

fn end_time_slice(k: &mut Kernel, thread: Ref<Tcb>, timeout: Timeout) {
    let Some(sc) = k[thread].sched_context else {
        return;
    };
    if timeout == Timeout::Report
        && !k[sc].ring.round_robin()
        && fault::has_timeout_handler(k, thread)
    {
        fault::deliver_timeout(k, thread, sc);
    } else if sched_context::released(k, sc) {
        enqueue_last(k, thread);
    } else {
        postpone(k, sc);
    }
}

/// `next`, which is Running, in no queue, and has its own time, runs instead of the current
/// thread, which waits or is queued.
#[inline(always)]
pub(crate) fn run_instead(k: &mut Kernel, next: Ref<Tcb>) {
    let used = used_now(k);
    k.node_mut().consumed = 0;
    run_charged(k, next, used);
}

/// Two scheduling contexts that are round robin: the current one, and that of who runs next.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    last: Ref<SchedContext>,
    time: Ref<SchedContext>,
}

impl Turn {
    /// From the current thread to `next`, whose scheduling contexts are configured.
    #[inline(always)]
    pub(crate) fn to(k: &Kernel, next: Ref<Tcb>) -> Option<Self> {
        let (last, time) = (k.node().current_sc?, k[next].sched_context?);
        let slices = k[last].ring.round_robin() && k[time].ring.round_robin();
        slices.then_some(Self { last, time })
    }
}

/// As [`run_instead`], by a turn, in an entry that is [`quick`]. Whether the timer comes in time; if not,
/// [`set_timer`] is to be called before the kernel is left.
#[inline(always)]
pub(crate) fn run_in_turn(k: &mut Kernel, next: Ref<Tcb>, turn: Turn) -> bool {
    let used = used_now(k);
    let now = k.node().now;
    use_slice(k, turn.last, used);
    take_turn(k, next, turn);
    timer_serves(k, now, turn.time)
}

/// The current thread gives up the rest of its slice, and `next`, which is its equal, and the only one
/// who is ready, runs instead. The rest is as with [`run_in_turn`].
#[inline(always)]
pub(crate) fn swap(k: &mut Kernel, thread: Ref<Tcb>, next: Ref<Tcb>, turn: Turn) -> bool {
    k[next].links = None;
    k[next].ready_queued = false;
    let priority = k[thread].priority;
    let queue = Queue::alone(k, thread);
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = queue;
    }
    k[thread].ready_queued = true;
    let now = renew_slice(k, turn.last);
    take_turn(k, next, turn);
    timer_serves(k, now, turn.time)
}

/// The current thread, whose time is `sc`, configured and round robin, gives up the rest of its slice
/// and goes on with the next. The rest is as with [`run_in_turn`].
#[inline(always)]
pub(crate) fn renew(k: &mut Kernel, sc: Ref<SchedContext>) -> bool {
    let now = renew_slice(k, sc);
    k.node_mut().consumed = 0;
    timer_serves(k, now, sc)
}

#[inline(always)]
fn take_turn(k: &mut Kernel, next: Ref<Tcb>, turn: Turn) {
    let node = k.node_mut();
    node.consumed = 0;
    node.current = Some(next);
    node.current_sc = Some(turn.time);
}

/// A new slice of `sc`, the current scheduling context, begins. The time now.
#[inline(always)]
fn renew_slice(k: &mut Kernel, sc: Ref<SchedContext>) -> Ticks {
    let used = used_now(k);
    let now = k.node().now;
    let [left, gone] = slice(sc);
    k[left].amount = k[left].amount.wrapping_add(k[gone].amount);
    k[gone].amount = 0;
    k[sc].consumed = k[sc].consumed.wrapping_add(used);
    now
}

/// Whether, where all time has been charged in an entry that is [`quick`], nothing is near and the
/// timer is not set too late. `sc`, the current scheduling context, is round robin.
#[inline(always)]
fn timer_serves(k: &Kernel, now: Ticks, sc: Ref<SchedContext>) -> bool {
    let [left, _] = slice(sc);
    let near = moment(k, now, k.near, Some(k[left].amount));
    now < near && k.node().alarm <= near
}

/// What is left of the slice of `sc`, which is round robin, and what is gone.
#[inline(always)]
fn slice(sc: Ref<SchedContext>) -> [Ref<Refill>; 2] {
    [0, 1].map(|n| sched_context::refill_at(sc, n))
}

/// Charges `used` to `sc`, which is configured and round robin.
#[inline(always)]
fn use_slice(k: &mut Kernel, sc: Ref<SchedContext>, used: Ticks) {
    let [left, gone] = slice(sc);
    (k[left].amount, k[gone].amount) = refill::spend(k[left].amount, k[gone].amount, used);
    k[sc].consumed = k[sc].consumed.wrapping_add(used);
}

/// Sets the timer, where all time has been charged.
#[inline(never)]
pub(crate) fn set_timer(k: &mut Kernel) {
    program_timer(k);
}

/// The current thread, whose time is `sc`, gives up the rest of its slice; `next`, which is
/// Running and in no queue, runs instead, or goes on.
#[inline(always)]
pub(crate) fn give_way(k: &mut Kernel, sc: Ref<SchedContext>, next: Ref<Tcb>) {
    let used = used_now(k);
    k.node_mut().consumed = 0;
    k[sc].consumed = k[sc].consumed.wrapping_add(used);
    sched_context::refills(k, sc).renew_slice();
    run_charged(k, next, 0);
}

/// `next` runs; `used` is still to be charged if its time is not the current scheduling context.
#[inline(always)]
fn run_charged(k: &mut Kernel, next: Ref<Tcb>, used: Ticks) {
    k.node_mut().current = Some(next);
    let (last, time) = (k.node().current_sc, k[next].sched_context);
    if Ref::word(last) != Ref::word(time) {
        if let Some(sc) = last {
            charge(k, sc, used);
        }
        take_over(k, time);
    }
    program_timer(k);
}

/// The first moment that lies `margin` before the end of what the current scheduling context has, which has
/// not been charged `since`, or of the domain's slice; or at which a wait ends.
#[inline(always)]
fn earliest(k: &Kernel, since: Ticks, margin: Ticks) -> Ticks {
    let current = k.node().current_sc;
    let amount = current.map(|sc| sched_context::head(k, sc).amount);
    moment(k, since, margin, amount)
}

/// As [`earliest`], where `amount` is what the current scheduling context has.
#[inline(always)]
fn moment(k: &Kernel, since: Ticks, margin: Ticks, amount: Option<Ticks>) -> Ticks {
    let node = k.node();
    // At most `release::NEVER`.
    let mut at = node.release.alarm();
    if let Some(amount) = amount {
        // A budget is less than an eighth of all time.
        at = at.min(since.wrapping_add(amount.saturating_sub(margin)));
    }
    if DOMAINS > 1 {
        let remaining = k.schedule.remaining.saturating_sub(margin);
        at = at.min(node.now.saturating_add(remaining));
    }
    at
}

/// When something is due that nobody asks for: somebody's turn ends, or comes.
fn due(k: &Kernel) -> Ticks {
    earliest(k, since(k), k.machine.timer_precision())
}

/// From when on the current scheduling context has not been charged.
fn since(k: &Kernel) -> Ticks {
    k.node().now.saturating_sub(k.node().consumed)
}

/// Sets the timer, after all time has been charged: it interrupts when something is near, and then
/// once more when it is due.
#[inline(always)]
fn program_timer(k: &mut Kernel) {
    let now = k.node().now;
    debug_assert!(k.node().consumed == 0, "time that is not charged");
    let near = earliest(k, now, k.near);
    if near <= now {
        return await_due(k);
    }
    k.node_mut().quick = true;
    set_alarm(k, near);
}

/// Something is near: entries read the clock until it has come.
#[cold]
#[inline(never)]
fn await_due(k: &mut Kernel) {
    k.node_mut().quick = false;
    let due = due(k);
    set_alarm(k, due);
}

/// The timer interrupts at `alarm`, or sooner. If it is set to come sooner it is left alone, since
/// setting it takes long: when it has come, the kernel finds that it is too soon.
#[inline(always)]
fn set_alarm(k: &mut Kernel, alarm: Ticks) {
    if k.node().alarm > alarm {
        ask_for(k, alarm);
    }
}

#[cold]
#[inline(never)]
fn ask_for(k: &mut Kernel, alarm: Ticks) {
    k.node_mut().alarm = alarm;
    k.machine.set_deadline(alarm);
}

/// The timer has interrupted, and the clock has been read: whether something is due. If not, the
/// timer is set again.
pub(crate) fn rang(k: &mut Kernel) -> bool {
    // Later than anything: whatever it is set to next, it is set.
    k.node_mut().alarm = Ticks::MAX;
    let now = k.node().now;
    if due(k) <= now {
        return true;
    }
    let near = earliest(k, since(k), k.near);
    if near <= now {
        await_due(k);
    } else {
        set_alarm(k, near);
    }
    false
}

/// Whether an entry at this moment need not read the clock: nothing can have happened but that
/// time passed. (Up to the time that an interrupt takes: one that the entry has overtaken comes
/// when it ends.)
#[inline(always)]
pub(crate) fn quick(k: &Kernel) -> bool {
    k.node().quick
}

/// After an entry that was [`quick`]: whether [`schedule`] would let `thread` go on and change
/// nothing.
#[inline(always)]
pub(crate) fn undisturbed(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let node = k.node();
    // A thread that is no longer current may have ended.
    if node.current != Some(thread) || node.action != Action::ResumeCurrent || node.reprogram {
        return false;
    }
    let tcb = &k[thread];
    node.current_sc == tcb.sched_context
        && tcb.state == ThreadState::Running
        && tcb.yield_to.is_none()
}

/// Whether the timer interrupts before an entry would have to know the time that does not ask
/// for it, and before anything is due.
pub fn timer_in_time(k: &Kernel) -> bool {
    let latest = match k.node().quick {
        true => earliest(k, since(k), k.near),
        false => due(k),
    };
    k.node().alarm <= latest
}
