//! Receiving: what is there, or waiting for a signal or a message.

use super::send::{wakeable, woken};
use super::{
    Any, NB_RECV, NB_WAIT, RECV, Shape, Short, Usual, Words, hears_nothing, next_ready,
    runs_at_once,
};
use crate::Kernel;
use crate::cap::{EndpointCap, NotificationCap};
use crate::ipc;
use crate::object::cnode::Slot;
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::notification::{Notification, Signal};
use crate::object::reply::Reply;
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::queue::Queue;
use crate::ready;
use crate::turn::{self, Turn};
use abi::Word;

/// Receives by the capability in `slot`, if that is short: a signal that is there, or nothing for who
/// must not wait, or waiting alone for a signal.
#[inline(always)]
pub(super) fn short(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Short> {
    let waits = number != NB_WAIT && number != NB_RECV;
    let badge = match k[slot].notification() {
        Some(cap) => {
            if !may_hear(k, thread, cap) {
                return None;
            }
            match k[cap.notification].signal {
                Signal::Active(badge) => {
                    k[cap.notification].signal = Signal::Idle;
                    badge
                }
                Signal::Idle if waits => return await_alone(k, thread, cap.notification),
                Signal::Waiting if waits => return None,
                Signal::Idle | Signal::Waiting => 0,
            }
        }
        None => {
            let cap = k[slot].endpoint()?;
            if waits || k[cap.endpoint].waiting == Waiting::Senders || !may_receive(k, thread, cap)
            {
                return None;
            }
            if number == NB_RECV {
                unused_reply::<Usual>(k, thread)?;
            }
            0
        }
    };
    k[thread.context()].set_badge(badge);
    Some(Short::Done)
}

/// Waits for a signal by `notification`, which is idle, while another thread runs.
#[inline(always)]
fn await_alone(k: &mut Kernel, thread: Ref<Tcb>, notification: Ref<Notification>) -> Option<Short> {
    if k[notification].sched_context.is_some() {
        return None;
    }
    let next = next_ready(k)?;
    let turn = Turn::to(k, next)?;
    let space = runs_at_once(k, next)?;
    k[thread].state = ThreadState::BlockedOnNotification { notification };
    k[notification].signal = Signal::Waiting;
    k[notification].queue = Queue::alone(k, thread);
    ready::dequeue_first(k, next);
    let in_time = turn::run_in_turn(k, next, turn);
    Some(Short::runs(next, space, in_time))
}

/// Waiting for a signal, with others or not, while another thread runs.
pub(super) struct AwaitSignal {
    notification: Ref<Notification>,
    next: Ref<Tcb>,
}

impl AwaitSignal {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>, cap: NotificationCap) -> Option<Self> {
        let notification = cap.notification;
        let idle = !matches!(k[notification].signal, Signal::Active(_));
        let usual = idle && k[notification].sched_context.is_none() && may_hear(k, thread, cap);
        let next = next_ready(k)?;
        usual.then_some(Self { notification, next })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self { notification, next } = self;
        k[thread].state = ThreadState::BlockedOnNotification { notification };
        k[notification].signal = Signal::Waiting;
        let queue = k[notification].queue;
        k[notification].queue = ipc::queue_by_priority(k, queue, thread);
        ready::dequeue_first(k, next);
        turn::run_instead(k, next);
        next
    }
}

/// Whether nothing but the notification itself decides what `thread` hears through `cap`.
#[inline(always)]
fn may_hear(k: &Kernel, thread: Ref<Tcb>, cap: NotificationCap) -> bool {
    let bound = k[cap.notification].bound_tcb;
    cap.rights.read() && bound.is_none_or(|tcb| tcb == thread) && k[thread].sched_context.is_some()
}

/// Whether nothing but the endpoint itself decides what `thread` receives through `cap`.
#[inline(always)]
fn may_receive(k: &Kernel, thread: Ref<Tcb>, cap: EndpointCap) -> bool {
    cap.rights.read() && hears_nothing(k, thread)
}

/// A signal, or a message, from somebody, or from nobody yet.
pub(super) enum Receive {
    /// Waiting for a signal.
    Hear(AwaitSignal),
    /// Waiting for it; the other thread runs.
    Await(Ref<Endpoint>, Option<Ref<Reply>>, Ref<Tcb>),
    /// The message of the first sender.
    Take(Taken),
}

/// The message of a thread that waits to send it.
pub(super) struct Taken {
    endpoint: Ref<Endpoint>,
    sender: Ref<Tcb>,
    badge: Word,
    /// What the sender waits with from now on, if it called.
    called: Option<Ref<Reply>>,
    words: Words,
}

impl Receive {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>, slot: Ref<Slot>, number: i64) -> Option<Self> {
        if let Some(cap) = k[slot].notification() {
            if number == NB_WAIT || number == NB_RECV {
                return None;
            }
            return AwaitSignal::plan(k, thread, cap).map(Self::Hear);
        }
        let cap = k[slot].endpoint()?;
        if !may_receive(k, thread, cap) {
            return None;
        }
        let reply = match number {
            RECV | NB_RECV => Some(unused_reply::<Any>(k, thread)?),
            _ => None,
        };
        if k[cap.endpoint].waiting == Waiting::Senders {
            Taken::plan(k, thread, cap.endpoint, reply).map(Self::Take)
        } else if number == NB_WAIT || number == NB_RECV {
            None
        } else {
            Some(Self::Await(cap.endpoint, reply, next_ready(k)?))
        }
    }

    /// Who runs then.
    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        match self {
            Self::Hear(plan) => plan.commit(k, thread),
            Self::Await(endpoint, reply, next) => {
                await_message(k, thread, endpoint, reply, next);
                next
            }
            Self::Take(taken) => taken.commit(k, thread),
        }
    }
}

impl Taken {
    #[inline(always)]
    fn plan(
        k: &Kernel,
        thread: Ref<Tcb>,
        endpoint: Ref<Endpoint>,
        reply: Option<Ref<Reply>>,
    ) -> Option<Self> {
        let sender = k[endpoint].queue.first()?;
        let ThreadState::BlockedOnSend { sending, .. } = k[sender].state else {
            return None;
        };
        if k[sender].fault.is_some() || !wakeable(k, sender) {
            return None;
        }
        let called = match sending.call {
            false => None,
            true if sending.can_grant || sending.can_grant_reply => Some(reply?),
            true => return None,
        };
        // A caller does not lend its time to who has some.
        k[thread].sched_context?;
        Some(Self {
            endpoint,
            sender,
            badge: sending.badge,
            called,
            words: Words::plan::<Any>(k, sender, thread)?,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self {
            endpoint,
            sender,
            badge,
            called,
            words,
        } = self;
        endpoint::remove(k, endpoint, sender);
        words.commit(k, sender, thread, badge);
        match called {
            Some(reply) => {
                k[reply].tcb = Some(sender);
                k[sender].state = ThreadState::BlockedOnReply { reply };
                thread
            }
            None => {
                k[sender].state = ThreadState::Running;
                woken(k, thread, sender)
            }
        }
    }
}

/// The reply object that `thread` receives with, if nobody else waits on it.
#[inline(always)]
fn unused_reply<S: Shape>(k: &Kernel, thread: Ref<Tcb>) -> Option<Ref<Reply>> {
    let address = k[thread.context()].reply_capability();
    let reply = k[super::find::<S>(k, thread, address)?].reply()?.reply;
    k[reply].tcb.is_none().then_some(reply)
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
    ready::dequeue_first(k, next);
    turn::run_instead(k, next);
}
