//! A signal, and a message that nobody waits to have answered.

use super::{here, listener, usual_time};
use crate::Kernel;
use crate::cspace;
use crate::object::notification::{self, Notification, Signal};
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb, ThreadState};
use crate::sched;
use abi::Word;
use abi::message::MessageInfo;

/// A signal.
pub(super) struct Send {
    notification: Ref<Notification>,
    badge: Word,
    effect: Effect,
}

/// What a signal does.
enum Effect {
    /// It is kept, with those before it.
    Flag(Word),
    /// It is what this thread waits for.
    Wake(Ref<Tcb>),
}

impl Send {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let context = &k[thread.context()];
        if MessageInfo(context.message_info()).extra_caps() != 0 {
            return None;
        }
        let cap = k[cspace::find(k, thread, context.capability())?].notification()?;
        if !cap.rights.write() {
            return None;
        }
        let (notification, badge) = (cap.notification, cap.badge);
        let effect = match k[notification].signal {
            Signal::Active(before) => Effect::Flag(before),
            Signal::Idle => match listener(k, notification) {
                None => Effect::Flag(0),
                Some(tcb) => Effect::Wake(wakeable(k, tcb)?),
            },
            Signal::Waiting => Effect::Wake(wakeable(k, k[notification].queue.first()?)?),
        };
        Some(Self {
            notification,
            badge,
            effect,
        })
    }

    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        match self.effect {
            Effect::Flag(before) => {
                k[self.notification].signal = Signal::Active(before | self.badge);
                thread
            }
            Effect::Wake(waiter) => wake(k, thread, self.notification, waiter, self.badge),
        }
    }
}

/// `waiter`, if it can run on its own time as soon as it is woken.
#[inline(always)]
fn wakeable(k: &Kernel, waiter: Ref<Tcb>) -> Option<Ref<Tcb>> {
    let own = k[waiter].sched_context?;
    (usual_time(k, own) && here(k, waiter)).then_some(waiter)
}

/// `waiter` hears `badge`. Who runs then: `thread`, unless `waiter` is more important.
#[inline(never)]
fn wake(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    notification: Ref<Notification>,
    waiter: Ref<Tcb>,
    badge: Word,
) -> Ref<Tcb> {
    match k[waiter].state {
        ThreadState::BlockedOnNotification { .. } => {
            notification::remove(k, notification, waiter);
        }
        _ => tcb::cancel_ipc(k, waiter),
    }
    k[waiter].state = ThreadState::Running;
    k[waiter.context()].set_badge(badge);
    let (ours, theirs) = (k[thread].priority, k[waiter].priority);
    if theirs > ours {
        sched::enqueue_first(k, thread);
        sched::run_instead(k, waiter);
        return waiter;
    }
    if theirs == ours {
        sched::enqueue_last(k, waiter);
    } else {
        sched::enqueue_first(k, waiter);
    }
    thread
}
