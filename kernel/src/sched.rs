//! Who runs. (`abi/semantics-tcb-sched.md`.)
//!
//! Each core has [ready](crate::ready) queues per domain and priority, and a
//! [release](crate::release) queue of threads that wait for a refill. While the kernel handles an
//! entry it only notes in [`Action`] what has changed; [`schedule`] decides once, before the kernel
//! is left.

use crate::Kernel;
use crate::fpu;
use crate::kernel::NODES;
use crate::object::domain;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::{ready, time, timer, usage};

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

/// Makes the thread of `sc` wait for the next refill.
pub fn postpone(k: &mut Kernel, sc: Ref<SchedContext>) {
    let Some(thread) = k[sc].tcb else { return };
    ready::dequeue(k, thread);
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

/// Look at the queues before the kernel is left.
#[doc(alias = "rescheduleRequired")]
pub fn reschedule(k: &mut Kernel) {
    if let Action::SwitchTo(candidate) = k.node().action
        && k.schedulable(candidate)
    {
        ready::enqueue_first(k, candidate);
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
    if elsewhere(k, thread) {
        ready::enqueue_first(k, thread);
    } else if k.node().action != Action::ResumeCurrent {
        reschedule(k);
        ready::enqueue_first(k, thread);
    } else {
        k.node_mut().action = Action::SwitchTo(thread);
    }
}

/// Whether `thread` has to wait for its domain, or belongs to another core.
#[inline(always)]
fn elsewhere(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let tcb = &k[thread];
    let (domain, core) = (tcb.domain as usize, tcb.core as usize);
    domain != k.schedule.current_domain() || (NODES > 1 && core != k.core)
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

/// Decides who runs next; that thread is current afterwards, and time is charged to its
/// scheduling context from now on.
pub fn schedule(k: &mut Kernel) {
    awaken(k);
    if domain::expired(k) {
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
        timer::program(k);
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
        ready::enqueue_first(k, current);
    }
    let Action::SwitchTo(candidate) = action else {
        return choose_new(k);
    };
    if !k.schedulable(candidate) {
        return choose_new(k);
    }
    let priority = k[candidate].priority;
    let below = current.is_none_or(|current| priority < k[current].priority);
    if below && !ready::none_above(k, priority) {
        ready::enqueue_first(k, candidate);
        choose_new(k);
    } else if continuing.is_some_and(|current| k[current].priority == priority) {
        ready::enqueue_last(k, candidate);
        choose_new(k);
    } else {
        switch_to(k, Some(candidate));
    }
}

fn choose_new(k: &mut Kernel) {
    if domain::expired(k) {
        domain::next(k);
    }
    let next = ready::first_ready(k);
    switch_to(k, next);
}

fn switch_to(k: &mut Kernel, thread: Option<Ref<Tcb>>) {
    if let Some(thread) = thread {
        ready::dequeue(k, thread);
    }
    k.node_mut().current = thread;
}

/// Time is charged to the scheduling context of the current thread from now on, and what has
/// passed to who had it.
fn switch_sched_context(k: &mut Kernel) {
    let next = k.current().and_then(|current| k[current].sched_context);
    let changes = k.node().current_sc != next;
    if changes || k.node().reprogram {
        k.node_mut().reprogram = true;
        time::commit(k);
    }
    if changes {
        take_over(k, next);
    }
}

/// Time is charged to `next` from now on.
#[inline(always)]
pub(crate) fn take_over(k: &mut Kernel, next: Option<Ref<SchedContext>>) {
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

/// After an entry that was [`quick`](timer::quick): whether [`schedule`] would let `thread` go on and change
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
