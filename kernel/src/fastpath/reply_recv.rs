//! The answer to a caller, and the wait for the next one.

use super::{Words, hears_nothing, runs_next};
use crate::Kernel;
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::reply::{self, Next, Reply};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::sched;

/// The answer to a caller, and the wait for the next one.
pub(super) struct ReplyRecv {
    reply: Ref<Reply>,
    caller: Ref<Tcb>,
    /// The caller's time, if it was lent.
    lent: Option<Ref<SchedContext>>,
    endpoint: Ref<Endpoint>,
    words: Words,
}

impl ReplyRecv {
    /// Who is answered.
    #[inline(always)]
    pub(super) fn caller(&self) -> Ref<Tcb> {
        self.caller
    }

    #[inline(always)]
    pub(super) fn plan<const SHORT: bool>(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let context = &k[thread.context()];
        let (reply, from) = (context.reply_capability(), context.capability());
        let reply = k[super::find::<SHORT>(k, thread, reply)?].reply()?.reply;
        let caller = k[reply].tcb?;
        let waits = matches!(k[caller].state, ThreadState::BlockedOnReply { .. });
        if !waits || k[caller].fault.is_some() {
            return None;
        }
        let lent = lent::<SHORT>(k, thread, caller, reply)?;
        let cap = k[super::find::<SHORT>(k, thread, from)?].endpoint()?;
        let nobody = k[cap.endpoint].waiting == Waiting::Nobody;
        if !cap.rights.read()
            || (SHORT && !nobody)
            || k[cap.endpoint].waiting == Waiting::Senders
            || !hears_nothing(k, thread)
            || !runs_next(k, thread, caller)
        {
            return None;
        }
        let words = Words::plan::<SHORT>(k, thread, caller)?;
        Some(Self {
            reply,
            caller,
            lent,
            endpoint: cap.endpoint,
            words,
        })
    }

    #[inline(always)]
    pub(super) fn commit<const SHORT: bool>(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self {
            reply,
            caller,
            lent,
            endpoint,
            words,
        } = self;
        words.commit(k, thread, caller, 0);
        k[caller].state = ThreadState::Running;
        k[thread].state = ThreadState::BlockedOnReceive {
            endpoint,
            reply: Some(reply),
        };
        if SHORT {
            endpoint::first_receiver(k, endpoint, thread);
        } else {
            endpoint::push_receiver(k, endpoint, thread);
        }
        match lent {
            Some(time) => {
                reply::pop_for(k, reply, time, thread);
                sched_context::hand_over(k, time, thread, caller);
                k.node_mut().current = Some(caller);
            }
            None if SHORT => {}
            None => {
                // It was in no stack: only who waits with it changes.
                k[reply].tcb = Some(thread);
                sched::run_instead(k, caller);
            }
        }
        caller
    }
}

/// The time that goes back to `caller` with the answer; `Some(None)` if it has kept its own.
#[inline(always)]
fn lent<const SHORT: bool>(
    k: &Kernel,
    thread: Ref<Tcb>,
    caller: Ref<Tcb>,
    reply: Ref<Reply>,
) -> Option<Option<Ref<SchedContext>>> {
    match k[caller].sched_context {
        None => {
            let time = k[thread].sched_context?;
            let last = k[reply].next == Next::Head(time);
            (last && sched_context::ready(k, time)).then_some(Some(time))
        }
        Some(_) if SHORT => None,
        Some(own) => {
            let reply = &k[reply];
            let alone = reply.next == Next::None && reply.previous.is_none();
            (alone && sched_context::released(k, own) && !k[own].sporadic).then_some(None)
        }
    }
}
