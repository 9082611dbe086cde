//! Receiving: a signal that is there, or waiting for one or for a message.

use super::{NB_WAIT, RECV, hears_nothing, next_ready};
use crate::Kernel;
use crate::cspace;
use crate::ipc::{self, Blocking};
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::notification::{self, Notification, Signal};
use crate::object::reply::Reply;
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::sched;

/// Receiving.
pub(super) enum Receive {
    /// A signal that is there, or nothing.
    Hear(Ref<Notification>),
    /// Waiting for a signal; the other thread runs.
    AwaitSignal(Ref<Notification>, Ref<Tcb>),
    /// Waiting for a message; the other thread runs.
    AwaitMessage(Ref<Endpoint>, Option<Ref<Reply>>, Ref<Tcb>),
}

impl Receive {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>, number: i64) -> Option<Self> {
        let slot = cspace::find(k, thread, k[thread.context()].capability())?;
        match k[slot].notification() {
            Some(cap) => {
                let notification = &k[cap.notification];
                let usual = cap.rights.read()
                    && notification.bound_tcb.is_none_or(|tcb| tcb == thread)
                    && k[thread].sched_context.is_some();
                if !usual {
                    None
                } else if number == NB_WAIT || matches!(notification.signal, Signal::Active(_)) {
                    Some(Self::Hear(cap.notification))
                } else if notification.sched_context.is_none() {
                    Some(Self::AwaitSignal(cap.notification, next_ready(k)?))
                } else {
                    None
                }
            }
            None if number == NB_WAIT => None,
            None => {
                let cap = k[slot].endpoint()?;
                let usual = cap.rights.read()
                    && k[cap.endpoint].waiting != Waiting::Senders
                    && hears_nothing(k, thread);
                if !usual {
                    return None;
                }
                let reply = match number {
                    RECV => Some(unused_reply(k, thread)?),
                    _ => None,
                };
                Some(Self::AwaitMessage(cap.endpoint, reply, next_ready(k)?))
            }
        }
    }

    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        match self {
            Self::Hear(notification) => {
                notification::wait(k, thread, notification, Blocking::No);
                thread
            }
            Self::AwaitSignal(notification, next) => {
                await_signal(k, thread, notification, next);
                next
            }
            Self::AwaitMessage(endpoint, reply, next) => {
                await_message(k, thread, endpoint, reply, next);
                next
            }
        }
    }
}

/// The reply object that `thread` receives with, if nobody else waits on it.
#[inline(always)]
fn unused_reply(k: &Kernel, thread: Ref<Tcb>) -> Option<Ref<Reply>> {
    let address = k[thread.context()].reply_capability();
    let reply = k[cspace::find(k, thread, address)?].reply()?.reply;
    k[reply].tcb.is_none().then_some(reply)
}

#[inline(never)]
fn await_signal(k: &mut Kernel, thread: Ref<Tcb>, notification: Ref<Notification>, next: Ref<Tcb>) {
    k[thread].state = ThreadState::BlockedOnNotification { notification };
    k[notification].signal = Signal::Waiting;
    let queue = k[notification].queue;
    k[notification].queue = ipc::queue_by_priority(k, queue, thread);
    sched::dequeue(k, next);
    sched::run_instead(k, next);
}

#[inline(never)]
fn await_message(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    endpoint: Ref<Endpoint>,
    reply: Option<Ref<Reply>>,
    next: Ref<Tcb>,
) {
    k[thread].state = ThreadState::BlockedOnReceive { endpoint, reply };
    if let Some(reply) = reply {
        k[reply].tcb = Some(thread);
    }
    endpoint::push_receiver(k, endpoint, thread);
    sched::dequeue(k, next);
    sched::run_instead(k, next);
}
