//! The short ways from one thread to the next, where it is known who runs: what
//! [`schedule`](crate::sched::schedule) would do, of it only what is needed.

use crate::Kernel;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::refill::{self, Refill};
use crate::{ready, sched, time, timer};
use machine::Ticks;

/// `next`, which is Running, in no queue, and has its own time, runs instead of the current
/// thread, which waits or is queued.
#[inline(always)]
pub(crate) fn run_instead(k: &mut Kernel, next: Ref<Tcb>) {
    let used = time::used_now(k);
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

/// As [`run_instead`], by a turn, in an entry that is [`quick`](timer::quick). Whether the timer comes in time; if not,
/// [`timer::set`] is to be called before the kernel is left.
#[inline(always)]
pub(crate) fn run_in_turn(k: &mut Kernel, next: Ref<Tcb>, turn: Turn) -> bool {
    let used = time::used_now(k);
    let now = k.node().now;
    use_slice(k, turn.last, used);
    take_turn(k, next, turn);
    timer_serves(k, now, turn.time)
}

/// The current thread gives up the rest of its slice, and `next`, which is its equal, and the only one
/// who is ready, runs instead. The rest is as with [`run_in_turn`].
#[inline(always)]
pub(crate) fn swap(k: &mut Kernel, thread: Ref<Tcb>, next: Ref<Tcb>, turn: Turn) -> bool {
    ready::exchange(k, next, thread);
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
    let used = time::used_now(k);
    let now = k.node().now;
    let [left, gone] = slice(sc);
    k[left].amount = k[left].amount.wrapping_add(k[gone].amount);
    k[gone].amount = 0;
    k[sc].consumed = k[sc].consumed.wrapping_add(used);
    now
}

/// Whether, where all time has been charged in an entry that is [`quick`](timer::quick), nothing is near and the
/// timer is not set too late. `sc`, the current scheduling context, is round robin.
#[inline(always)]
fn timer_serves(k: &Kernel, now: Ticks, sc: Ref<SchedContext>) -> bool {
    let [left, _] = slice(sc);
    let near = timer::moment(k, now, k.near, Some(k[left].amount));
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

/// The current thread, whose time is `sc`, gives up the rest of its slice; `next`, which is
/// Running and in no queue, runs instead, or goes on.
#[inline(always)]
pub(crate) fn give_way(k: &mut Kernel, sc: Ref<SchedContext>, next: Ref<Tcb>) {
    let used = time::used_now(k);
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
            time::charge(k, sc, used);
        }
        sched::take_over(k, time);
    }
    timer::program(k);
}
