//! Yield by a thread that runs round robin.

use super::{Short, goes_on, next_ready, runs_at_once, usual_time};
use crate::Kernel;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::queue::Queue;
use crate::ready;
use crate::turn::{self, Turn};

/// Yields, if at most one other is ready who is as important: a new slice begins.
#[inline(always)]
pub(super) fn short(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Short> {
    let time = slice(k, thread)?;
    if !ready::none_as_important(k, thread) {
        return swap(k, thread);
    }
    Some(match turn::renew(k, time) {
        true => Short::Done,
        false => Short::Timer(thread),
    })
}

/// Yields to the only one who is as important as `thread`.
#[inline(always)]
fn swap(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Short> {
    let next = next_ready(k)?;
    if k[next].priority != k[thread].priority || !Queue::is_only(k, next) {
        return None;
    }
    let turn = Turn::to(k, next)?;
    let space = runs_at_once(k, next)?;
    let in_time = turn::swap(k, thread, next, turn);
    Some(Short::runs(next, space, in_time))
}

/// The time of `thread`, the current one, if that is a slice that can be renewed.
#[inline(always)]
fn slice(k: &Kernel, thread: Ref<Tcb>) -> Option<Ref<SchedContext>> {
    let time = k[thread].sched_context?;
    let usual =
        k[time].ring.active() && k[time].ring.round_robin() && sched_context::ready(k, time);
    usual.then_some(time)
}

/// The rest of a slice is given up.
pub(super) struct Yield {
    time: Ref<SchedContext>,
    /// Who is first among equals.
    next: Option<Ref<Tcb>>,
}

impl Yield {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let time = slice(k, thread)?;
        let next = match ready::first_ready(k) {
            Some(first) if k[first].priority >= k[thread].priority => {
                let usual = goes_on(k, first) && usual_time(k, k[first].sched_context?);
                Some(usual.then_some(first)?)
            }
            _ => None,
        };
        Some(Self { time, next })
    }

    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self { time, next } = self;
        if let Some(next) = next {
            take_turns(k, thread, next);
        }
        let next = next.unwrap_or(thread);
        turn::give_way(k, time, next);
        next
    }
}

/// `next`, which is ready, is about to run, and `thread` comes after its equals.
#[inline(never)]
fn take_turns(k: &mut Kernel, thread: Ref<Tcb>, next: Ref<Tcb>) {
    ready::enqueue_last(k, thread);
    ready::dequeue(k, next);
}
