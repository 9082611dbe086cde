//! Reply objects: who waits for an answer, and the stack of calls that a scheduling context was
//! lent through. (`abi/semantics-core.md` 3.4.)

use crate::Kernel;
use crate::fault;
use crate::ipc::{self, Donation};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::{Object, Ref};
use crate::object::tcb::{self, Tcb, ThreadState};
use crate::sched;
use machine::Kind;

/// What is above a reply object in the stack of calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// It is in no stack.
    None,
    /// A call made later.
    Reply(Ref<Reply>),
    /// It is the last call made: the scheduling context's own end of the stack.
    Head(Ref<SchedContext>),
}

/// A reply object.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Reply {
    /// The thread that waits for the reply, or the one that waits to receive with this.
    pub tcb: Option<Ref<Tcb>>,
    /// The call made before, through which the same scheduling context was lent.
    pub previous: Option<Ref<Reply>>,
    pub next: Next,
}

const _: () = assert!(size_of::<Reply>() <= 1 << abi::object::REPLY_BITS);

impl Object for Reply {
    const KIND: Kind = Kind::Reply;
}

impl Reply {
    /// Unused.
    pub const fn new() -> Self {
        Self {
            tcb: None,
            previous: None,
            next: Next::None,
        }
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}

/// `caller` waits on `reply` for `callee`, and lends it its time if it may and the callee has
/// none.
#[inline]
pub fn push(
    k: &mut Kernel,
    caller: Ref<Tcb>,
    callee: Ref<Tcb>,
    reply: Ref<Reply>,
    donation: Donation,
) {
    k[reply].tcb = Some(caller);
    tcb::set_state(k, caller, ThreadState::BlockedOnReply { reply });
    if donation == Donation::Yes
        && k[callee].sched_context.is_none()
        && let Some(sc) = k[caller].sched_context
    {
        push_on_stack(k, reply, sc);
        sched_context::donate(k, sc, callee);
    }
}

/// `sc` is lent through `reply`.
#[inline(always)]
pub(crate) fn push_on_stack(k: &mut Kernel, reply: Ref<Reply>, sc: Ref<SchedContext>) {
    let below = k[sc].reply;
    if let Some(below) = below {
        k[below].next = Next::Reply(reply);
    }
    k[reply].previous = below;
    k[reply].next = Next::Head(sc);
    k[sc].reply = Some(reply);
}

/// `reply`, the last that `sc` was lent through, is unused again.
#[inline(always)]
pub(crate) fn pop_from_stack(k: &mut Kernel, reply: Ref<Reply>, sc: Ref<SchedContext>) {
    pop(k, reply, sc, None);
}

/// As [`pop_from_stack`]; `receiver` waits with it for the next call.
#[inline(always)]
pub(crate) fn pop_for(
    k: &mut Kernel,
    reply: Ref<Reply>,
    sc: Ref<SchedContext>,
    receiver: Ref<Tcb>,
) {
    pop(k, reply, sc, Some(receiver));
}

#[inline(always)]
fn pop(k: &mut Kernel, reply: Ref<Reply>, sc: Ref<SchedContext>, tcb: Option<Ref<Tcb>>) {
    let previous = k[reply].previous;
    k[reply] = Reply {
        tcb,
        ..Reply::new()
    };
    k[sc].reply = previous;
    if let Some(previous) = previous {
        k[previous].next = Next::Head(sc);
    }
}

/// `reply` and the caller that waits on it part; the scheduling context goes back if this was
/// the last call. The caller is Inactive afterwards.
#[doc(alias = "reply_remove")]
pub fn unlink(k: &mut Kernel, reply: Ref<Reply>, caller: Ref<Tcb>) {
    let Reply { previous, next, .. } = k[reply];
    match next {
        Next::Head(sc) => {
            pop_from_stack(k, reply, sc);
            if k[caller].sched_context.is_none() {
                sched_context::donate(k, sc, caller);
            }
        }
        Next::Reply(above) => {
            k[reply] = Reply::new();
            k[above].previous = None;
            if let Some(previous) = previous {
                k[previous].next = Next::None;
            }
        }
        Next::None => {
            k[reply] = Reply::new();
            if let Some(previous) = previous {
                k[previous].next = Next::None;
            }
        }
    }
    tcb::set_state(k, caller, ThreadState::Inactive);
}

/// `caller` waits on `reply` no longer, but not because of an answer. Time that was lent stays
/// where it is; nor does it come back to those who lent it earlier. The caller is Inactive
/// afterwards.
#[doc(alias = "reply_remove_tcb")]
pub fn abandon(k: &mut Kernel, reply: Ref<Reply>, caller: Ref<Tcb>) {
    let Reply { previous, next, .. } = k[reply];
    match next {
        Next::Head(sc) => k[sc].reply = None,
        Next::Reply(above) => k[above].previous = None,
        Next::None => {}
    }
    if let Some(previous) = previous {
        k[previous].next = Next::None;
    }
    k[reply] = Reply::new();
    tcb::set_state(k, caller, ThreadState::Inactive);
}

/// `replier` answers whoever waits on `reply`, if anybody does.
#[doc(alias = "doReplyTransfer")]
pub fn reply(k: &mut Kernel, replier: Ref<Tcb>, reply: Ref<Reply>, can_grant: bool) {
    let Some(caller) = k[reply].tcb else { return };
    if !matches!(k[caller].state, ThreadState::BlockedOnReply { .. }) {
        return;
    }
    unlink(k, reply, caller);
    if let Some(sc) = k[caller].sched_context {
        sched_context::unblock_sporadic(k, sc);
    }
    let was_timeout = k[caller].fault.is_some_and(|fault| fault.is_timeout());
    let state = match k[caller].fault.take() {
        None => {
            ipc::transfer(k, replier, None, 0, can_grant, caller);
            ThreadState::Running
        }
        Some(fault) if fault::accept_reply(k, fault, replier, caller) => ThreadState::Restart,
        Some(_) => ThreadState::Inactive,
    };
    tcb::set_state(k, caller, state);
    let Some(sc) = k[caller].sched_context else {
        return;
    };
    if !k.schedulable(caller) {
        return;
    }
    if sched_context::released(k, sc) {
        sched::possible_switch_to(k, caller);
    } else if !was_timeout && fault::has_timeout_handler(k, caller) {
        fault::deliver_timeout(k, caller, sc);
    } else {
        sched::postpone(k, sc);
    }
}

/// What has to be undone before the memory of `reply` is given back.
pub(crate) fn finalise(k: &mut Kernel, reply: Ref<Reply>) {
    if let Some(thread) = k[reply].tcb {
        match k[thread].state {
            ThreadState::BlockedOnReply { .. } => {
                k[thread].fault = None;
                unlink(k, reply, thread);
            }
            _ => tcb::cancel_ipc(k, thread),
        }
    }
}
