//! Entries of system calls: for each kind the short plans that call no function, and what follows if
//! they do not cover the call. Each says what is left to do, so that the image can do it in functions
//! of its own.

use super::{Resume, arrive, arrive_in_time, enter_syscall_slow, go_on, leave, preempted};
use crate::Kernel;
use crate::cspace;
use crate::error::Preempted;
use crate::fastpath::{self, Next, Short, Usual, Wordy};
use crate::fpu;
use crate::isa;
use crate::message::Rest;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::sched;
use crate::syscall;
use crate::time;
use crate::timer;
use crate::usage;
use abi::PROFILE;
use abi::syscall::Syscall;
use machine::Machine;

const CALL: i64 = Syscall::Call.number();
const REPLY_RECV: i64 = Syscall::ReplyRecv.number();
const SEND: i64 = Syscall::Send.number();
const NB_SEND: i64 = Syscall::NbSend.number();
const RECV: i64 = Syscall::Recv.number();
const NB_RECV: i64 = Syscall::NbRecv.number();
const WAIT: i64 = Syscall::Wait.number();
const NB_WAIT: i64 = Syscall::NbWait.number();
const YIELD: i64 = Syscall::Yield.number();
/// Whether short plans are tried: they leave nothing behind for what some builds count or watch.
pub(crate) const SHORT_PLANS: bool = !usage::TRACKED && !PROFILE.hardware_debug_api;

/// What is known of a system call that no short plan covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missed {
    /// Who makes it, if it has time for whatever it asks.
    thread: Option<Ref<Tcb>>,
    /// The capability that it invokes, if that is one of the root CNode and has been looked for.
    slot: Option<Ref<Slot>>,
}

/// What is left to do of a call or an answer that has been planned and done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Switch {
    /// Who runs.
    pub thread: Ref<Tcb>,
    /// What has to be copied before that.
    pub rest: Option<Rest>,
    /// Whether the floating-point registers are as the thread needs them; else, and after copying,
    /// [`enter_prepared`] sees to that.
    pub suits: bool,
}

/// Handles system call `number` on `core`. The image has an entry of its own for each kind of call.
#[inline]
pub fn enter_any_syscall(k: &mut Kernel, core: usize, number: i64) -> Resume {
    match number {
        CALL => match enter_call(k, core) {
            Ok(switch) => Resume::Thread(switch.finish(k)),
            Err(OtherCall::Wordy(thread, slot)) => match enter_wordy_call(k, thread, slot) {
                Ok(switch) => Resume::Thread(switch.finish(k)),
                Err(missed) => enter_other_call(k, missed),
            },
            Err(OtherCall::Invocation(thread, slot)) => enter_invocation(k, thread, slot),
            Err(OtherCall::Any(missed)) => enter_other_call(k, missed),
        },
        REPLY_RECV => match enter_reply_recv(k, core) {
            Ok(switch) => Resume::Thread(switch.finish(k)),
            Err(missed) if missed.is_wordy(k) => match enter_wordy_reply_recv(k, missed) {
                Ok(switch) => Resume::Thread(switch.finish(k)),
                Err(missed) => enter_other_reply_recv(k, missed),
            },
            Err(missed) => enter_other_reply_recv(k, missed),
        },
        SEND | NB_SEND => match enter_send(k, core, number) {
            Ok(context) => Resume::Thread(context),
            Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
            Err(Left::Other(missed)) => enter_other_send(k, missed, number),
        },
        RECV | NB_RECV | WAIT | NB_WAIT => match enter_receive(k, core, number) {
            Ok(context) => Resume::Thread(context),
            Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
            Err(Left::Other(missed)) => enter_other_receive(k, missed, number),
        },
        YIELD => match enter_yield(k, core) {
            Ok(context) => Resume::Thread(context),
            Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
            Err(Left::Other(missed)) => enter_other_yield(k, missed),
        },
        _ => enter_syscall(k, core, number),
    }
}

/// What a Call is that is not one of the shortest. Nothing has been done.
pub enum OtherCall {
    /// One that says more: [`enter_wordy_call`] does it.
    Wordy(Ref<Tcb>, Ref<Slot>),
    /// One of the kernel itself: [`enter_invocation`] does it.
    Invocation(Ref<Tcb>, Ref<Slot>),
    /// Any: [`enter_other_call`] does it.
    Any(Missed),
}

/// Handles a Call, if it is one of the shortest: whose registers to load. This calls no function.
#[inline(always)]
pub fn enter_call(k: &mut Kernel, core: usize) -> Result<Switch, OtherCall> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(OtherCall::Any)?;
    if k[slot].endpoint().is_none() {
        return Err(OtherCall::Invocation(thread, slot));
    }
    if !SHORT_PLANS {
        return Err(OtherCall::Any(missed));
    }
    match fastpath::usual_call::<Usual>(k, thread, slot) {
        Some(next) => Ok(switch_to(k, next)),
        None if fastpath::is_wordy(k, thread) => Err(OtherCall::Wordy(thread, slot)),
        None => Err(OtherCall::Any(missed)),
    }
}

/// Handles a call that says more than fits in registers, but for copying the message. Otherwise nothing
/// has been done, and [`enter_other_call`] does it. This calls no function.
#[inline(always)]
pub fn enter_wordy_call(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
) -> Result<Switch, Missed> {
    let missed = Missed {
        thread: Some(thread),
        slot: Some(slot),
    };
    let next = fastpath::usual_call::<Wordy>(k, thread, slot).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// As [`enter_call`], of a ReplyRecv.
#[inline(always)]
pub fn enter_reply_recv(k: &mut Kernel, core: usize) -> Result<Switch, Missed> {
    let thread = arrive_in_time(k, core).ok_or(Missed::LATE)?;
    let missed = Missed {
        thread: Some(thread),
        slot: None,
    };
    if !SHORT_PLANS {
        return Err(missed);
    }
    let next = fastpath::usual_reply::<Usual>(k, thread).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// As [`enter_wordy_call`], of a ReplyRecv.
#[inline(always)]
pub fn enter_wordy_reply_recv(k: &mut Kernel, missed: Missed) -> Result<Switch, Missed> {
    let (Some(thread), true) = (missed.thread, SHORT_PLANS) else {
        return Err(missed);
    };
    let next = fastpath::usual_reply::<Wordy>(k, thread).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// Handles a Call of `thread`, the current one, which has time for it, of the kernel itself, through the
/// capability in `slot`: mostly the caller goes on.
#[inline(always)]
pub fn enter_invocation(k: &mut Kernel, thread: Ref<Tcb>, slot: Ref<Slot>) -> Resume {
    time::update(k);
    let address = k[thread.context()].capability();
    if let Err(Preempted) = syscall::call(k, thread, address, slot) {
        preempted(k);
    }
    if sched::undisturbed(k, thread) {
        return Resume::Thread(go_on(k, thread));
    }
    leave(k)
}

/// Handles a Call of any kind.
#[inline(always)]
pub fn enter_other_call(k: &mut Kernel, missed: Missed) -> Resume {
    let Some((thread, slot)) = missed.found(k) else {
        return enter_syscall_slow(k, CALL);
    };
    match fastpath::try_call(k, thread, slot) {
        Some(next) => Resume::Thread(go_on(k, next)),
        None => enter_invocation(k, thread, slot),
    }
}

/// Handles a ReplyRecv, after [`enter_reply_recv`] has not.
#[inline(always)]
pub fn enter_other_reply_recv(k: &mut Kernel, missed: Missed) -> Resume {
    if let Some(thread) = missed.thread
        && let Some(next) = fastpath::try_reply(k, thread)
    {
        return Resume::Thread(go_on(k, next));
    }
    enter_syscall_slow(k, REPLY_RECV)
}

/// Prepares the floating-point registers for `thread`, which runs. Whose registers to load.
#[inline(always)]
pub fn enter_prepared(k: &mut Kernel, thread: Ref<Tcb>) -> Ref<isa::Context> {
    fpu::prepare(k, thread);
    thread.context()
}

/// What is left to do of a system call that is not the shortest of its kind.
pub enum Left {
    /// It is done, and this thread runs; but the timer has to be set: [`enter_with_timer`] does it.
    Timer(Ref<Tcb>),
    /// Nothing has been done.
    Other(Missed),
}

/// `next` runs, once the timer is set. Whose registers to load.
#[inline(always)]
pub fn enter_with_timer(k: &mut Kernel, next: Ref<Tcb>) -> Ref<isa::Context> {
    timer::set(k);
    go_on(k, next)
}

/// After a short plan of `thread`: whose registers to load, or who runs once the timer is set.
#[inline(always)]
fn after(k: &mut Kernel, thread: Ref<Tcb>, short: Short) -> Result<Ref<isa::Context>, Ref<Tcb>> {
    match short {
        Short::Done => Ok(stay(k, thread)),
        Short::Runs(next, space) => {
            k.machine.set_space(space);
            Ok(next.context())
        }
        Short::Timer(next) => Err(next),
    }
}

/// As [`after`], to the end.
#[inline(always)]
fn finish(k: &mut Kernel, thread: Ref<Tcb>, short: Short) -> Resume {
    let context = after(k, thread, short);
    Resume::Thread(context.unwrap_or_else(|next| enter_with_timer(k, next)))
}

/// Handles a Send or NBSend, by its `number`, if it changes nobody else. This calls no function.
#[inline(always)]
pub fn enter_send(k: &mut Kernel, core: usize, number: i64) -> Result<Ref<isa::Context>, Left> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(Left::Other)?;
    match fastpath::usual_send(k, thread, slot, number) {
        Some(short) => after(k, thread, short).map_err(Left::Timer),
        None => Err(Left::Other(missed)),
    }
}

/// Handles a Send or NBSend, after [`enter_send`] has not.
#[inline(always)]
pub fn enter_other_send(k: &mut Kernel, missed: Missed, number: i64) -> Resume {
    if let Some((thread, slot)) = missed.found(k) {
        if missed.slot.is_none()
            && let Some(short) = fastpath::usual_send(k, thread, slot, number)
        {
            return finish(k, thread, short);
        }
        if let Some(next) = fastpath::try_send(k, thread, slot, number) {
            return Resume::Thread(go_on(k, next));
        }
    }
    enter_syscall_slow(k, number)
}

/// As [`enter_send`], of Recv, NBRecv, Wait and NBWait.
#[inline(always)]
pub fn enter_receive(k: &mut Kernel, core: usize, number: i64) -> Result<Ref<isa::Context>, Left> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(Left::Other)?;
    match fastpath::usual_receive(k, thread, slot, number) {
        Some(short) => after(k, thread, short).map_err(Left::Timer),
        None => Err(Left::Other(missed)),
    }
}

/// Handles a Recv, NBRecv, Wait or NBWait, after [`enter_receive`] has not.
#[inline(always)]
pub fn enter_other_receive(k: &mut Kernel, missed: Missed, number: i64) -> Resume {
    if let Some((thread, slot)) = missed.found(k) {
        if missed.slot.is_none()
            && let Some(short) = fastpath::usual_receive(k, thread, slot, number)
        {
            return finish(k, thread, short);
        }
        if let Some(next) = fastpath::try_receive(k, thread, slot, number) {
            return Resume::Thread(go_on(k, next));
        }
    }
    enter_syscall_slow(k, number)
}

/// As [`enter_send`], of a Yield.
#[inline(always)]
pub fn enter_yield(k: &mut Kernel, core: usize) -> Result<Ref<isa::Context>, Left> {
    let thread = arrive_in_time(k, core).ok_or(Left::Other(Missed::LATE))?;
    match fastpath::usual_yield(k, thread) {
        Some(short) => after(k, thread, short).map_err(Left::Timer),
        None => Err(Left::Other(Missed {
            thread: Some(thread),
            slot: None,
        })),
    }
}

/// Handles a Yield, after [`enter_yield`] has not.
#[inline(always)]
pub fn enter_other_yield(k: &mut Kernel, missed: Missed) -> Resume {
    if let Some(thread) = missed.thread
        && let Some(next) = fastpath::try_yield(k, thread)
    {
        return Resume::Thread(go_on(k, next));
    }
    enter_syscall_slow(k, YIELD)
}

/// Handles system call `number` on `core`, one that has no entry of its own.
#[inline(always)]
pub fn enter_syscall(k: &mut Kernel, core: usize, number: i64) -> Resume {
    arrive(k, core);
    enter_syscall_slow(k, number)
}

/// As [`arrive_in_time`], with the capability that it invokes, if that is in its root CNode, and what to
/// hand on if nothing comes of this.
#[inline(always)]
fn arrive_with(k: &mut Kernel, core: usize) -> Result<(Ref<Tcb>, Ref<Slot>, Missed), Missed> {
    let thread = arrive_in_time(k, core).ok_or(Missed::LATE)?;
    let address = k[thread.context()].capability();
    let missed = Missed {
        thread: Some(thread),
        slot: cspace::at_root(k, thread, address),
    };
    Ok((thread, missed.slot.ok_or(missed)?, missed))
}

/// The thread of `next` is the current one: its user code goes on.
#[inline(always)]
fn switch_to(k: &mut Kernel, next: Next) -> Switch {
    k.machine.set_space(next.space);
    Switch {
        thread: next.thread,
        rest: next.rest,
        suits: fpu::suits(k, next.thread),
    }
}

/// As [`go_on`], of who made a system call that changed neither threads nor address spaces.
#[inline(always)]
fn stay(k: &mut Kernel, thread: Ref<Tcb>) -> Ref<isa::Context> {
    if usage::TRACKED {
        usage::leaving(k);
    }
    thread.context()
}

impl Switch {
    /// Does what is left. Whose registers to load.
    fn finish(self, k: &mut Kernel) -> Ref<isa::Context> {
        if let Some(rest) = self.rest {
            rest.copy(k);
        }
        enter_prepared(k, self.thread)
    }
}

impl Missed {
    /// Time may matter, or nobody runs.
    const LATE: Self = Self {
        thread: None,
        slot: None,
    };

    /// Whether what keeps it from being one of the shortest may only be how much it says.
    #[inline(always)]
    pub fn is_wordy(self, k: &Kernel) -> bool {
        self.thread
            .is_some_and(|thread| fastpath::is_wordy(k, thread))
    }

    /// Who makes the system call, if it has time for it, and the capability that it invokes, if it has one.
    #[inline(always)]
    fn found(self, k: &Kernel) -> Option<(Ref<Tcb>, Ref<Slot>)> {
        let thread = self.thread?;
        let address = k[thread.context()].capability();
        let slot = self.slot.or_else(|| cspace::find(k, thread, address));
        Some((thread, slot?))
    }
}
