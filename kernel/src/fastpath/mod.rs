//! Plans for what is done most: a call, its reply and the next receive, a signal, a wait, a poll,
//! a yield. The same sentences as the slow path's, spoken quickly: `plan` looks whether all is
//! as usual, `commit` does what the slow path would have done, by the same primitives, and says
//! who runs then.
//!
//! Property: from any state, [`entry::enter`] and [`entry::enter_slow`] end in the same state
//! ([`check::twins`]); the worlds of the host tests assert it at every system call, and the
//! explorer at every transition.
//!
//! [`check::twins`]: crate::check::twins
//!
//! [`entry::enter`]: crate::entry::enter
//! [`entry::enter_slow`]: crate::entry::enter_slow

mod call;
mod give_way;
mod receive;
mod reply_recv;
mod send;
mod words;

use crate::Kernel;
use crate::cspace;
use crate::entry::SHORT_PLANS;
use crate::fault::Fault;
use crate::fpu;
use crate::kernel::{DOMAINS, NODES};
use crate::message::Rest;
use crate::object::cnode::Slot;
use crate::object::notification::{Notification, Signal};
use crate::object::sched_context::SchedContext;
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::ready;
use abi::Word;
use abi::syscall::Syscall;
use call::{Faulted, Meeting};
use give_way::Yield;
use machine::Space;
use receive::Receive;
use reply_recv::ReplyRecv;
use send::Send;
use words::Words;

const NB_SEND: i64 = Syscall::NbSend.number();
const RECV: i64 = Syscall::Recv.number();
const NB_RECV: i64 = Syscall::NbRecv.number();
const NB_WAIT: i64 = Syscall::NbWait.number();

/// What has become of one of the shortest sends and receives.
pub(crate) enum Short {
    /// It has changed nobody else, and the caller goes on.
    Done,
    /// This thread runs instead, in its space.
    Runs(Ref<Tcb>, Space),
    /// This thread runs instead, and the timer has to be set.
    Timer(Ref<Tcb>),
}

impl Short {
    /// `next` runs instead of the current thread, in `space`; whether the timer comes in time.
    #[inline(always)]
    fn runs(next: Ref<Tcb>, space: Space, in_time: bool) -> Self {
        match in_time {
            true => Self::Runs(next, space),
            false => Self::Timer(next),
        }
    }
}

/// How much a plan for a call or an answer covers.
pub(crate) trait Shape {
    /// Capabilities in the root CNode, a server that runs on its caller's time and waits alone. Nothing
    /// on the way is a call of a function, so that the entry stub's handler saves no registers.
    const SHORT: bool;
    /// No message beyond the registers.
    const IN_REGISTERS: bool;
}

/// What most calls are.
pub(crate) struct Usual;
/// The same with more to say.
pub(crate) struct Wordy;
/// All that plans cover.
struct Any;

impl Shape for Usual {
    const SHORT: bool = true;
    const IN_REGISTERS: bool = true;
}

impl Shape for Wordy {
    const SHORT: bool = true;
    const IN_REGISTERS: bool = false;
}

impl Shape for Any {
    const SHORT: bool = false;
    const IN_REGISTERS: bool = false;
}

/// Whether the message of `thread` is one that [`Wordy`] covers and [`Usual`] does not.
#[inline(always)]
pub(crate) fn is_wordy(k: &Kernel, thread: Ref<Tcb>) -> bool {
    Words::covered::<Wordy>(k, thread) && !Words::covered::<Usual>(k, thread)
}

/// Who runs next, and what is left to do before.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    pub thread: Ref<Tcb>,
    pub space: Space,
    /// Still to be copied.
    pub rest: Option<Rest>,
}

/// Makes the Call of `thread`, the current one, which has time for it, to the capability in `slot`, if it
/// is one of the shortest. The floating-point registers are left as they are.
#[inline(always)]
pub(crate) fn usual_call<S: Shape>(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
) -> Option<Next> {
    let cap = k[slot].endpoint()?;
    if !Words::covered::<S>(k, thread) {
        return None;
    }
    let meeting = Meeting::by_call::<S>(k, thread, cap)?;
    let words = Words::plan::<S>(k, thread, meeting.server)?;
    let space = k[meeting.server].space.get(k)?;
    meeting.commit::<S>(k, thread);
    Some(Next {
        thread: meeting.server,
        space,
        rest: words.commit_registers(k, thread, meeting.server, cap.badge),
    })
}

/// As [`usual_call`], of a ReplyRecv.
#[inline(always)]
pub(crate) fn usual_reply<S: Shape>(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Next> {
    if !Words::covered::<S>(k, thread) {
        return None;
    }
    let plan = ReplyRecv::plan::<S>(k, thread)?;
    let next = plan.caller;
    let space = k[next].space.get(k)?;
    Some(Next {
        thread: next,
        space,
        rest: plan.commit::<S>(k, thread),
    })
}

/// Makes the Call of `thread`, the current one, which has time for it, to the capability in `slot`, if
/// nothing unusual is in its way. The thread that runs then: it is Running.
#[inline(always)]
pub(crate) fn try_call(k: &mut Kernel, thread: Ref<Tcb>, slot: Ref<Slot>) -> Option<Ref<Tcb>> {
    let cap = k[slot].endpoint()?;
    let meeting = Meeting::by_call::<Any>(k, thread, cap)?;
    let words = Words::plan::<Any>(k, thread, meeting.server)?;
    words.commit(k, thread, meeting.server, cap.badge);
    meeting.commit::<Any>(k, thread);
    Some(meeting.server)
}

/// As [`try_call`], of a ReplyRecv.
#[inline(always)]
pub(crate) fn try_reply(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Ref<Tcb>> {
    let plan = ReplyRecv::plan::<Any>(k, thread)?;
    let next = plan.caller;
    if let Some(rest) = plan.commit::<Any>(k, thread) {
        rest.copy(k);
    }
    Some(next)
}

/// As [`try_call`], of a fault.
#[inline(always)]
pub(crate) fn try_fault(k: &mut Kernel, thread: Ref<Tcb>, fault: Fault) -> Option<Ref<Tcb>> {
    let plan = Faulted::plan(k, thread, fault)?;
    Some(plan.commit(k, thread))
}

/// Makes the Send or NBSend of `thread`, the current one, which has time for it, by the capability in
/// `slot`, if that is one of the shortest.
#[inline(always)]
pub(crate) fn usual_send(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Short> {
    send::short(k, thread, slot, number)
}

/// As [`try_call`], of Send and NBSend.
#[inline(always)]
pub(crate) fn try_send(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Ref<Tcb>> {
    let plan = Send::plan(k, thread, slot, number)?;
    Some(plan.commit(k, thread))
}

/// As [`usual_send`], of Recv, NBRecv, Wait and NBWait.
#[inline(always)]
pub(crate) fn usual_receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Short> {
    receive::short(k, thread, slot, number)
}

/// As [`try_call`], of Recv, NBRecv, Wait and NBWait.
#[inline(always)]
pub(crate) fn try_receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Ref<Tcb>> {
    let plan = Receive::plan(k, thread, slot, number)?;
    Some(plan.commit(k, thread))
}

/// As [`usual_send`], of a Yield.
#[inline(always)]
pub(crate) fn usual_yield(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Short> {
    give_way::short(k, thread)
}

/// As [`try_call`], of a Yield.
#[inline(always)]
pub(crate) fn try_yield(k: &mut Kernel, thread: Ref<Tcb>) -> Option<Ref<Tcb>> {
    let plan = Yield::plan(k, thread)?;
    Some(plan.commit(k, thread))
}

/// The space of `next`, if it is known and nothing else has to be done before its user code runs.
#[inline(always)]
fn runs_at_once(k: &Kernel, next: Ref<Tcb>) -> Option<Space> {
    if !SHORT_PLANS {
        return None;
    }
    let space = k[next].space.get(k)?;
    fpu::suits(k, next).then_some(space)
}

/// The slot that `address` names.
#[inline(always)]
fn find<S: Shape>(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Option<Ref<Slot>> {
    if S::SHORT {
        cspace::at_root(k, thread, address)
    } else {
        cspace::find(k, thread, address)
    }
}

/// Whether `thread` is one that this core runs now.
#[inline(always)]
fn here(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let tcb = &k[thread];
    (DOMAINS == 1 || usize::from(tcb.domain) == k.schedule.current_domain())
        && (NODES == 1 || usize::from(tcb.core) == k.core)
}

/// Whether `next` runs as soon as `current` no longer does.
#[inline(always)]
fn runs_next(k: &Kernel, current: Ref<Tcb>, next: Ref<Tcb>) -> bool {
    let priority = k[next].priority;
    // With one domain nobody who is ready is more important than the current thread; with several,
    // somebody may have been put into this one.
    let enough = DOMAINS == 1 && priority >= k[current].priority;
    here(k, next) && (enough || ready::none_above(k, priority))
}

/// Whether nobody who is ready is more important than the current thread: so it is, but with several
/// domains somebody may have been put into this one.
#[inline(always)]
fn current_is_first(k: &Kernel) -> bool {
    let first = |current: Ref<Tcb>| ready::none_above(k, k[current].priority);
    DOMAINS == 1 || k.current().is_some_and(first)
}

/// Whether `sc` is time that its thread, which was blocked, can run on at once, as far as a wake
/// looks.
#[inline(always)]
fn usual_time(k: &Kernel, sc: Ref<SchedContext>) -> bool {
    let sc = &k[sc];
    sc.ring.active() && !sc.sporadic
}

/// The first of the ready threads, if it goes on where it was.
#[inline(always)]
fn next_ready(k: &Kernel) -> Option<Ref<Tcb>> {
    let next = ready::first_ready(k)?;
    goes_on(k, next).then_some(next)
}

/// Whether `thread`, when it runs again, goes on where it was, without an answer to wait for.
#[inline(always)]
fn goes_on(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let tcb = &k[thread];
    tcb.state == ThreadState::Running && tcb.yield_to.is_none()
}

/// Whether the notification bound to `thread`, if any, has nothing to tell it and nothing to
/// take back from it.
#[inline(always)]
fn hears_nothing(k: &Kernel, thread: Ref<Tcb>) -> bool {
    match k[thread].bound_notification {
        None => true,
        Some(bound) => {
            let bound = &k[bound];
            !matches!(bound.signal, Signal::Active(_)) && bound.sched_context.is_none()
        }
    }
}

/// The thread bound to `notification`, if it waits for messages.
#[inline(always)]
fn listener(k: &Kernel, notification: Ref<Notification>) -> Option<Ref<Tcb>> {
    k[notification]
        .bound_tcb
        .filter(|&tcb| matches!(k[tcb].state, ThreadState::BlockedOnReceive { .. }))
}
