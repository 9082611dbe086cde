//! Scheduling contexts: time to run with, bound to a thread, lent along with calls, or kept by
//! a notification.

pub mod invoke;

use crate::Kernel;
use crate::bits;
use crate::kernel::NODES;
use crate::object::notification::Notification;
use crate::object::reply::{self, Reply};
use crate::object::store::{Object, Ref};
use crate::object::tcb::{Tcb, ThreadState};
use crate::ready;
use crate::refill::{Refill, Refills, Ring};
use crate::{ipc, sched};
use abi::Word;
use machine::{Kind, Ticks};

/// The size before the refills.
pub const CORE_BYTES: u64 = 96;

/// log2 of the size of a refill.
const REFILL_BITS: u32 = 4;
const _: () = assert!(size_of::<Refill>() == 1 << REFILL_BITS);

/// Time to run with.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct SchedContext {
    pub ring: Ring,
    /// Ticks used since the last report of it.
    pub consumed: Ticks,
    /// The thread that runs on it.
    pub tcb: Option<Ref<Tcb>>,
    /// The reply object of the innermost call that it was lent through.
    pub reply: Option<Ref<Reply>>,
    pub notification: Option<Ref<Notification>>,
    /// The thread whose YieldTo waits for this.
    pub yield_from: Option<Ref<Tcb>>,
    /// Told to timeout handlers.
    pub badge: Word,
    /// The core whose time it is.
    pub core: u8,
    /// Sleeping does not shift later refills: budget that was not used is lost.
    pub sporadic: bool,
}

const _: () = assert!(size_of::<SchedContext>() as u64 <= CORE_BYTES);

impl Object for SchedContext {
    const KIND: Kind = Kind::SchedContext;
}

impl Object for Refill {
    const KIND: Kind = Kind::SchedContext;
}

impl SchedContext {
    /// A scheduling context as Retype makes it: not configured.
    pub fn new() -> Self {
        Self {
            ring: Ring::default(),
            consumed: 0,
            tcb: None,
            reply: None,
            notification: None,
            yield_from: None,
            badge: 0,
            core: 0,
            sporadic: false,
        }
    }
}

impl Default for SchedContext {
    fn default() -> Self {
        Self::new()
    }
}

/// How many refills fit in an object of `2^bits` bytes.
pub const fn refill_capacity(bits: u8) -> u64 {
    bits::size(bits).saturating_sub(CORE_BYTES) >> REFILL_BITS
}

/// The refill at `index` of the ring of `sc`.
#[inline(always)]
pub fn refill_at(sc: Ref<SchedContext>, index: u64) -> Ref<Refill> {
    Ref::new(sc.address().plus(CORE_BYTES).inside(index << REFILL_BITS))
}

/// The first refill of `sc`.
#[inline(always)]
pub fn head(k: &Kernel, sc: Ref<SchedContext>) -> Refill {
    k[refill_at(sc, k[sc].ring.head)]
}

/// The refills of `sc`.
#[inline(always)]
pub fn refills(k: &mut Kernel, sc: Ref<SchedContext>) -> Refills<'_> {
    let max = k[sc].ring.max;
    let (sc, storage) = k.with_tail::<SchedContext, Refill>(sc, CORE_BYTES, max);
    Refills {
        ring: &mut sc.ring,
        storage,
    }
}

/// Whether `sc` can be used now.
#[inline(always)]
pub fn ready(k: &Kernel, sc: Ref<SchedContext>) -> bool {
    head(k, sc).time <= k.node().now
}

/// Whether what `sc` has at its head is enough after `used` more ticks.
#[inline(always)]
pub fn sufficient(k: &Kernel, sc: Ref<SchedContext>, used: Ticks) -> bool {
    head(k, sc).amount.saturating_sub(used) >= k.limits.min_budget
}

/// Ready and sufficient.
#[inline(always)]
#[doc(alias = "sc_released")]
pub fn released(k: &Kernel, sc: Ref<SchedContext>) -> bool {
    k[sc].ring.active() && ready(k, sc) && sufficient(k, sc, 0)
}

/// Brings the refills of a sporadic `sc` up to date when its thread wakes. What is being charged
/// now is left alone.
#[inline(always)]
pub fn unblock_sporadic(k: &mut Kernel, sc: Ref<SchedContext>) {
    if k[sc].sporadic && k[sc].ring.active() && k.node().current_sc != Some(sc) {
        let now = k.node().now;
        refills(k, sc).unblock(now);
    }
}

/// If the thread of `sc` could run but for time, waits for time.
#[doc(alias = "schedContext_resume")]
pub fn resume(k: &mut Kernel, sc: Ref<SchedContext>) {
    if let Some(tcb) = k[sc].tcb
        && k.schedulable(tcb)
        && !released(k, sc)
    {
        sched::postpone(k, sc);
    }
}

/// As a thread on `sc` that was stopped starts again.
pub fn unblock_and_resume(k: &mut Kernel, sc: Ref<SchedContext>) {
    unblock_sporadic(k, sc);
    resume(k, sc);
}

/// `tcb`, which has none, runs on `sc`, which has no thread.
pub fn bind_tcb(k: &mut Kernel, sc: Ref<SchedContext>, tcb: Ref<Tcb>) {
    k[tcb].sched_context = Some(sc);
    k[tcb].core = k[sc].core;
    k[sc].tcb = Some(tcb);
    unblock_and_resume(k, sc);
    if k.schedulable(tcb) {
        ready::enqueue_first(k, tcb);
        sched::reschedule(k);
    }
}

/// The thread of `sc` no longer runs on it.
pub fn unbind_tcb(k: &mut Kernel, sc: Ref<SchedContext>) {
    let Some(tcb) = k[sc].tcb.take() else { return };
    if k.current() == Some(tcb) {
        sched::reschedule(k);
    }
    ready::dequeue(k, tcb);
    sched::release_remove(k, tcb);
    k[tcb].sched_context = None;
}

/// `notification` lends `sc`.
pub fn bind_notification(k: &mut Kernel, sc: Ref<SchedContext>, notification: Ref<Notification>) {
    k[notification].sched_context = Some(sc);
    k[sc].notification = Some(notification);
}

/// The notification of `sc` no longer lends it.
pub fn unbind_notification(k: &mut Kernel, sc: Ref<SchedContext>) {
    if let Some(notification) = k[sc].notification.take() {
        k[notification].sched_context = None;
    }
}

/// Cuts the stack of calls that `sc` was lent through: it will not go back.
pub fn unbind_reply(k: &mut Kernel, sc: Ref<SchedContext>) {
    if let Some(reply) = k[sc].reply.take() {
        k[reply].next = reply::Next::None;
    }
}

/// The thread of `sc`, if any, gives it to `to`, which has none.
#[doc(alias = "schedContext_donate")]
#[inline(always)]
pub fn donate(k: &mut Kernel, sc: Ref<SchedContext>, to: Ref<Tcb>) {
    if let Some(from) = k[sc].tcb {
        ready::dequeue(k, from);
        sched::release_remove(k, from);
        k[from].sched_context = None;
        if k.current() == Some(from) || k.node().action == sched::Action::SwitchTo(from) {
            sched::reschedule(k);
        }
    }
    k[sc].tcb = Some(to);
    k[to].sched_context = Some(sc);
    k[to].core = k[sc].core;
}

/// `from`, which is in no queue and stops running, gives `sc` to `to`, which has none.
#[inline(always)]
pub(crate) fn hand_over(k: &mut Kernel, sc: Ref<SchedContext>, from: Ref<Tcb>, to: Ref<Tcb>) {
    k[from].sched_context = None;
    k[sc].tcb = Some(to);
    k[to].sched_context = Some(sc);
    if NODES > 1 {
        k[to].core = k[sc].core;
    }
}

/// `tcb`, which a signal wakes, takes the notification's scheduling context if it needs one and
/// nobody runs on that.
#[doc(alias = "maybeDonateSchedContext")]
pub fn lend_by_signal(k: &mut Kernel, notification: Ref<Notification>, tcb: Ref<Tcb>) {
    if k[tcb].sched_context.is_some() {
        return;
    }
    if let Some(sc) = k[notification].sched_context
        && k[sc].tcb.is_none()
    {
        donate(k, sc, tcb);
        unblock_and_resume(k, sc);
    }
}

/// `tcb`, which waits again, gives back what it had from `notification`.
#[doc(alias = "maybeReturnSchedContext")]
pub fn return_to_notification(k: &mut Kernel, notification: Ref<Notification>, tcb: Ref<Tcb>) {
    if let Some(sc) = k[notification].sched_context
        && k[tcb].sched_context == Some(sc)
    {
        k[tcb].sched_context = None;
        k[sc].tcb = None;
        if k.current() == Some(tcb) {
            sched::reschedule(k);
        }
    }
}

/// The microseconds used since the last report, which this is.
#[doc(alias = "schedContext_updateConsumed")]
pub fn take_consumed(k: &mut Kernel, sc: Ref<SchedContext>) -> Word {
    let ticks = core::mem::take(&mut k[sc].consumed);
    k.us_of(ticks)
}

/// The thread that yields to `sc`, if any, is done: it is told what was used.
#[doc(alias = "schedContext_completeYieldTo")]
pub fn complete_yield(k: &mut Kernel, yielder: Ref<Tcb>) {
    if let Some(sc) = cancel_yield(k, yielder) {
        let consumed = take_consumed(k, sc);
        ipc::reply_from_kernel(k, yielder, 0, &[consumed]);
    }
}

/// The YieldTo of `yielder` ends without an answer. What it yielded to.
pub fn cancel_yield(k: &mut Kernel, yielder: Ref<Tcb>) -> Option<Ref<SchedContext>> {
    let sc = k[yielder].yield_to.take()?;
    k[sc].yield_from = None;
    Some(sc)
}

/// `sc` or its thread ends: whoever yields to it is told what was used.
pub(crate) fn end_yields_to(k: &mut Kernel, sc: Ref<SchedContext>) {
    if let Some(yielder) = k[sc].yield_from {
        complete_yield(k, yielder);
    }
}

/// What has to be undone before the memory of `sc` is given back.
pub(crate) fn finalise(k: &mut Kernel, sc: Ref<SchedContext>) {
    end_yields_to(k, sc);
    if k.node().current_sc == Some(sc) {
        // What it used so far is nobody's.
        k.node_mut().consumed = 0;
        k.node_mut().current_sc = None;
    }
    unbind_tcb(k, sc);
    unbind_notification(k, sc);
    unbind_reply(k, sc);
    k[sc].ring = Ring::default();
}

/// Whether `tcb` waits in IPC, so that a scheduling context without time may not be bound to it.
pub(crate) fn blocked(state: ThreadState) -> bool {
    matches!(
        state,
        ThreadState::BlockedOnSend { .. }
            | ThreadState::BlockedOnReceive { .. }
            | ThreadState::BlockedOnReply { .. }
            | ThreadState::BlockedOnNotification { .. }
    )
}
