//! The answer to a caller, and the wait for the next one.

use super::{Shape, Words, hears_nothing, runs_next};
use crate::Kernel;
use crate::fault::{self, Fault};
use crate::message::Rest;
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::reply::{self, Next, Reply};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::turn;

/// The answer to a caller, and the wait for the next one.
pub(super) struct ReplyRecv {
    reply: Ref<Reply>,
    /// Who is answered.
    pub(super) caller: Ref<Tcb>,
    /// The caller's time, if it was lent.
    lent: Option<Ref<SchedContext>>,
    endpoint: Ref<Endpoint>,
    answer: Answer,
}

/// What an answer is to.
#[derive(Clone, Copy)]
enum Answer {
    Call(Words),
    /// After it the thread executes its instruction again.
    Fault(Fault),
}

impl ReplyRecv {
    #[inline(always)]
    pub(super) fn plan<S: Shape>(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let context = &k[thread.context()];
        let (reply, from) = (context.reply_capability(), context.capability());
        let reply = k[super::find::<S>(k, thread, reply)?].reply()?.reply;
        let caller = k[reply].tcb?;
        let waits = matches!(k[caller].state, ThreadState::BlockedOnReply { .. });
        if !waits || (S::SHORT && k[caller].fault.is_some()) {
            return None;
        }
        let lent = lent::<S>(k, thread, caller, reply)?;
        let cap = k[super::find::<S>(k, thread, from)?].endpoint()?;
        let nobody = k[cap.endpoint].waiting == Waiting::Nobody;
        if !cap.rights.read()
            || (S::SHORT && !nobody)
            || k[cap.endpoint].waiting == Waiting::Senders
            || !hears_nothing(k, thread)
            || !runs_next(k, thread, caller)
        {
            return None;
        }
        let answer = match k[caller].fault {
            Some(fault) if !S::SHORT => Answer::to_fault(k, thread, fault)?,
            _ => Answer::Call(Words::plan::<S>(k, thread, caller)?),
        };
        Some(Self {
            reply,
            caller,
            lent,
            endpoint: cap.endpoint,
            answer,
        })
    }

    /// What is left to copy.
    #[inline(always)]
    pub(super) fn commit<S: Shape>(self, k: &mut Kernel, thread: Ref<Tcb>) -> Option<Rest> {
        let Self {
            reply,
            caller,
            lent,
            endpoint,
            answer,
        } = self;
        let rest = answer.commit(k, thread, caller);
        k[caller].state = ThreadState::Running;
        k[thread].state = ThreadState::BlockedOnReceive {
            endpoint,
            reply: Some(reply),
        };
        if S::SHORT {
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
            None if S::SHORT => {}
            None => {
                // It was in no stack: only who waits with it changes.
                k[reply].tcb = Some(thread);
                turn::run_instead(k, caller);
            }
        }
        rest
    }
}

impl Answer {
    /// To `fault`, if the thread goes on after it.
    #[inline(always)]
    fn to_fault(k: &Kernel, replier: Ref<Tcb>, fault: Fault) -> Option<Self> {
        let goes_on = fault::lets_go_on(k, fault, replier)?;
        (goes_on && Words::covered::<super::Any>(k, replier)).then_some(Self::Fault(fault))
    }

    /// What is left to copy.
    #[inline(always)]
    fn commit(self, k: &mut Kernel, replier: Ref<Tcb>, caller: Ref<Tcb>) -> Option<Rest> {
        match self {
            Self::Call(words) => words.commit_registers(k, replier, caller, 0),
            Self::Fault(fault) => {
                fault::accept_reply(k, fault, replier, caller);
                k[caller].fault = None;
                k[caller.context()].continue_at_fault_ip();
                None
            }
        }
    }
}

/// The time that goes back to `caller` with the answer; `Some(None)` if it has kept its own.
#[inline(always)]
fn lent<S: Shape>(
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
        Some(_) if S::SHORT => None,
        Some(own) => {
            let reply = &k[reply];
            let alone = reply.next == Next::None && reply.previous.is_none();
            (alone && sched_context::released(k, own) && !k[own].sporadic).then_some(None)
        }
    }
}
