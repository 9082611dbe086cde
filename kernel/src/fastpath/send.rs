//! A signal, and a message that nobody waits to have answered.

use super::{
    Any, NB_SEND, Short, Words, current_is_first, here, listener, next_ready, runs_at_once,
    usual_time,
};
use crate::Kernel;
use crate::cap::{EndpointCap, NotificationCap};
use crate::object::cnode::Slot;
use crate::object::endpoint::{self, Waiting};
use crate::object::notification::{self, Signal};
use crate::object::reply::Reply;
use crate::object::store::Ref;
use crate::object::tcb::{self, Sending, Tcb, ThreadState};
use crate::queue::Queue;
use crate::ready;
use crate::turn::{self, Turn};
use abi::Word;
use abi::message::MessageInfo;

/// Sends by the capability in `slot`, if that is short: a signal is kept with those before it, or wakes
/// somebody more important, or what must not wait meets nobody.
#[inline(always)]
pub(super) fn short(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    number: i64,
) -> Option<Short> {
    if brings_caps(k, thread) {
        return None;
    }
    let Some(cap) = k[slot].notification() else {
        let cap = k[slot].endpoint()?;
        let nobody = k[cap.endpoint].waiting != Waiting::Receivers;
        let quiet = number == NB_SEND && nobody && cap.rights.write();
        return quiet.then_some(Short::Done);
    };
    if !cap.rights.write() {
        return None;
    }
    let notification = cap.notification;
    let before = match k[notification].signal {
        Signal::Active(before) => before,
        Signal::Idle => match listener(k, notification) {
            None => 0,
            Some(_) => return None,
        },
        Signal::Waiting => {
            return wake_first(k, thread, cap);
        }
    };
    k[notification].signal = Signal::Active(before | cap.badge);
    Some(Short::Done)
}

/// A signal by `cap` to the first of those that wait for it, if that is the only one, and more important
/// than all who are ready.
#[inline(always)]
fn wake_first(k: &mut Kernel, thread: Ref<Tcb>, cap: NotificationCap) -> Option<Short> {
    let waiter = k[cap.notification].queue.first()?;
    let usual = k[waiter].priority > k[thread].priority
        && wakeable(k, waiter)
        && Queue::is_only(k, waiter)
        && ready::no_equal_ready(k, thread);
    if !usual {
        return None;
    }
    let turn = Turn::to(k, waiter)?;
    let space = runs_at_once(k, waiter)?;
    k[cap.notification].queue = Queue::EMPTY;
    k[cap.notification].signal = Signal::Idle;
    k[waiter].links = None;
    hears(k, waiter, cap.badge);
    ready::enqueue_highest(k, thread);
    let in_time = turn::run_in_turn(k, waiter, turn);
    Some(Short::runs(waiter, space, in_time))
}

/// `waiter` is Running again, and told `badge`.
#[inline(always)]
fn hears(k: &mut Kernel, waiter: Ref<Tcb>, badge: Word) {
    k[waiter].state = ThreadState::Running;
    k[waiter.context()].set_badge(badge);
}

/// A signal to any thread that waits for it, or for messages.
pub(super) struct Signalled {
    cap: NotificationCap,
    waiter: Ref<Tcb>,
}

impl Signalled {
    #[inline(always)]
    fn plan(k: &Kernel, cap: NotificationCap) -> Option<Self> {
        let waiter = match k[cap.notification].signal {
            Signal::Waiting => k[cap.notification].queue.first()?,
            Signal::Idle => listener(k, cap.notification)?,
            Signal::Active(_) => return None,
        };
        let usual = cap.rights.write() && wakeable(k, waiter);
        usual.then_some(Self { cap, waiter })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self { cap, waiter } = self;
        match k[waiter].state {
            ThreadState::BlockedOnNotification { notification } => {
                notification::remove(k, notification, waiter);
            }
            _ => tcb::cancel_ipc(k, waiter),
        }
        hears(k, waiter, cap.badge);
        woken(k, thread, waiter)
    }
}

#[inline(always)]
fn brings_caps(k: &Kernel, thread: Ref<Tcb>) -> bool {
    MessageInfo(k[thread.context()].message_info()).extra_caps() != 0
}

/// A signal to somebody, or a message to somebody or to nobody yet.
pub(super) enum Send {
    /// It is heard.
    Signal(Signalled),
    /// It is received.
    Tell(Told),
    /// It waits to be received; the other thread runs.
    Await(EndpointCap, Ref<Tcb>),
}

/// A message to a thread that waits for one.
pub(super) struct Told {
    cap: EndpointCap,
    receiver: Ref<Tcb>,
    /// What it no longer waits with.
    reply: Option<Ref<Reply>>,
    words: Words,
}

impl Send {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>, slot: Ref<Slot>, number: i64) -> Option<Self> {
        if brings_caps(k, thread) {
            return None;
        }
        if let Some(cap) = k[slot].notification() {
            return Signalled::plan(k, cap).map(Self::Signal);
        }
        let cap = k[slot].endpoint()?;
        if !cap.rights.write() {
            None
        } else if k[cap.endpoint].waiting == Waiting::Receivers {
            Told::plan(k, thread, cap).map(Self::Tell)
        } else if number == NB_SEND {
            None
        } else {
            Some(Self::Await(cap, next_ready(k)?))
        }
    }

    /// Who runs then.
    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        match self {
            Self::Signal(signalled) => signalled.commit(k, thread),
            Self::Tell(told) => told.commit(k, thread),
            Self::Await(cap, next) => {
                await_receiver(k, thread, cap, next);
                next
            }
        }
    }
}

/// Whether `waiter` can run on its own time as soon as it is woken, and nobody but it and the current
/// thread is in question.
#[inline(always)]
pub(super) fn wakeable(k: &Kernel, waiter: Ref<Tcb>) -> bool {
    let own = k[waiter].sched_context;
    own.is_some_and(|own| usual_time(k, own)) && here(k, waiter) && current_is_first(k)
}

/// `waiter` is Running again. Who runs then: `thread`, unless `waiter` is more important.
#[inline(never)]
pub(super) fn woken(k: &mut Kernel, thread: Ref<Tcb>, waiter: Ref<Tcb>) -> Ref<Tcb> {
    if k[waiter].priority > k[thread].priority {
        ready::enqueue_first(k, thread);
        turn::run_instead(k, waiter);
        return waiter;
    }
    make_ready(k, thread, waiter);
    thread
}

/// `thread` goes on before `waiter`.
#[inline(never)]
fn make_ready(k: &mut Kernel, thread: Ref<Tcb>, waiter: Ref<Tcb>) {
    if k[waiter].priority == k[thread].priority {
        ready::enqueue_last(k, waiter);
    } else {
        ready::enqueue_first(k, waiter);
    }
}

impl Told {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>, cap: EndpointCap) -> Option<Self> {
        let receiver = k[cap.endpoint].queue.first()?;
        let ThreadState::BlockedOnReceive { reply, .. } = k[receiver].state else {
            return None;
        };
        if !wakeable(k, receiver) {
            return None;
        }
        Some(Self {
            cap,
            receiver,
            reply,
            words: Words::plan::<Any>(k, thread, receiver)?,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        endpoint::remove(k, self.cap.endpoint, self.receiver);
        if let Some(reply) = self.reply {
            k[reply].tcb = None;
        }
        self.words.commit(k, thread, self.receiver, self.cap.badge);
        k[self.receiver].state = ThreadState::Running;
        woken(k, thread, self.receiver)
    }
}

#[inline(never)]
fn await_receiver(k: &mut Kernel, thread: Ref<Tcb>, cap: EndpointCap, next: Ref<Tcb>) {
    let sending = Sending {
        badge: cap.badge,
        can_grant: cap.rights.grant(),
        can_grant_reply: cap.rights.grant_reply(),
        call: false,
    };
    let endpoint = cap.endpoint;
    k[thread].state = ThreadState::BlockedOnSend { endpoint, sending };
    endpoint::push_sender(k, endpoint, thread);
    ready::dequeue_first(k, next);
    turn::run_instead(k, next);
}
