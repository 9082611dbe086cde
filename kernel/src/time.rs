//! Time that threads use: read from the clock, charged to scheduling contexts, and what becomes of
//! who has used it up. (`abi/semantics-tcb-sched.md`.)

use crate::Kernel;
use crate::fault;
use crate::kernel::DOMAINS;
use crate::object::domain;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::{ready, sched};
use machine::{Machine, Ticks};

/// Reads the clock: what has passed is to be charged.
#[doc(alias = "updateTimestamp")]
pub fn update(k: &mut Kernel) {
    let used = used_now(k);
    k.node_mut().consumed = used;
}

/// Reads the clock: what is to be charged by now.
#[inline(always)]
pub(crate) fn used_now(k: &mut Kernel) -> Ticks {
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
pub fn commit(k: &mut Kernel) {
    let used = core::mem::take(&mut k.node_mut().consumed);
    if let Some(sc) = k.node().current_sc {
        charge(k, sc, used);
    }
}

/// Charges `used` to `sc`.
#[inline(always)]
pub(crate) fn charge(k: &mut Kernel, sc: Ref<SchedContext>, used: Ticks) {
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
        if domain::expired(k) {
            sched::reschedule(k);
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
        sched::reschedule(k);
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
        ready::enqueue_last(k, thread);
    } else {
        sched::postpone(k, sc);
    }
}
