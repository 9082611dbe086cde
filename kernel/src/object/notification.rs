//! Notifications: a word of flags to wait for. (`abi/semantics-core.md` 2.5.)

use crate::Kernel;
use crate::error::Preempted;
use crate::ipc;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::{Object, Ref};
use crate::object::tcb::{self, Tcb, ThreadState};
use crate::queue::Queue;
use crate::sched;
use abi::Word;
use machine::Kind;

/// What a notification is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Signal {
    /// Nothing has been signalled, nobody waits.
    Idle,
    /// Threads wait, in the queue.
    Waiting,
    /// Signalled: these badges.
    Active(Word),
}

/// A notification.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Notification {
    pub signal: Signal,
    pub queue: Queue,
    /// The thread that hears it while it waits on endpoints.
    pub bound_tcb: Option<Ref<Tcb>>,
    /// Lent to threads that it wakes.
    pub sched_context: Option<Ref<SchedContext>>,
}

const _: () = assert!(size_of::<Notification>() <= 1 << abi::object::NOTIFICATION_BITS);

impl Object for Notification {
    const KIND: Kind = Kind::Notification;
}

impl Notification {
    /// Nothing signalled, nobody waiting.
    pub const fn new() -> Self {
        Self {
            signal: Signal::Idle,
            queue: Queue::EMPTY,
            bound_tcb: None,
            sched_context: None,
        }
    }
}

impl Default for Notification {
    fn default() -> Self {
        Self::new()
    }
}

/// Signals `badge`.
#[doc(alias = "sendSignal")]
pub fn signal(k: &mut Kernel, notification: Ref<Notification>, badge: Word) {
    match k[notification].signal {
        Signal::Idle => match k[notification].bound_tcb {
            Some(tcb) if matches!(k[tcb].state, ThreadState::BlockedOnReceive { .. }) => {
                tcb::cancel_ipc(k, tcb);
                wake(k, notification, tcb, badge);
            }
            _ => k[notification].signal = Signal::Active(badge),
        },
        Signal::Waiting => {
            if let Some(tcb) = pop(k, notification) {
                wake(k, notification, tcb, badge);
            }
        }
        Signal::Active(old) => k[notification].signal = Signal::Active(old | badge),
    }
}

fn wake(k: &mut Kernel, notification: Ref<Notification>, tcb: Ref<Tcb>, badge: Word) {
    tcb::set_state(k, tcb, ThreadState::Running);
    k[tcb.context()].set_badge(badge);
    sched_context::lend_by_signal(k, notification, tcb);
    if let Some(sc) = k[tcb].sched_context {
        sched_context::unblock_sporadic(k, sc);
    }
    if k.schedulable(tcb) {
        sched::possible_switch_to(k, tcb);
    }
}

/// `thread`, the current one, waits for a signal.
#[doc(alias = "receiveSignal")]
pub fn wait(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    notification: Ref<Notification>,
    blocking: ipc::Blocking,
) {
    match k[notification].signal {
        Signal::Active(badge) => deliver(k, notification, thread, badge),
        Signal::Idle | Signal::Waiting if blocking == ipc::Blocking::No => {
            k[thread.context()].set_badge(0)
        }
        Signal::Idle | Signal::Waiting => {
            tcb::set_state(
                k,
                thread,
                ThreadState::BlockedOnNotification { notification },
            );
            sched_context::return_to_notification(k, notification, thread);
            k[notification].signal = Signal::Waiting;
            push(k, notification, thread);
        }
    }
}

/// If `notification` is active, `thread` hears it now.
#[doc(alias = "completeSignal")]
pub fn deliver_pending(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>) -> bool {
    let Signal::Active(badge) = k[notification].signal else {
        return false;
    };
    deliver(k, notification, thread, badge);
    true
}

fn deliver(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>, badge: Word) {
    k[notification].signal = Signal::Idle;
    k[thread.context()].set_badge(badge);
    sched_context::lend_by_signal(k, notification, thread);
}

fn push(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>) {
    let queue = k[notification].queue;
    k[notification].queue = ipc::queue_by_priority(k, queue, thread);
}

fn pop(k: &mut Kernel, notification: Ref<Notification>) -> Option<Ref<Tcb>> {
    let thread = k[notification].queue.first()?;
    remove(k, notification, thread);
    Some(thread)
}

#[inline(always)]
pub(crate) fn remove(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>) {
    let queue = k[notification].queue.without(k, thread);
    k[notification].queue = queue;
    if queue.is_empty() {
        k[notification].signal = Signal::Idle;
    }
}

/// `thread`, whose priority has changed, takes its new place.
pub(crate) fn reorder(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>) {
    let queue = k[notification].queue.without(k, thread);
    k[notification].queue = ipc::queue_by_priority(k, queue, thread);
}

/// `thread` no longer waits.
pub(crate) fn cancel_wait(k: &mut Kernel, thread: Ref<Tcb>, notification: Ref<Notification>) {
    remove(k, notification, thread);
    tcb::set_state(k, thread, ThreadState::Inactive);
}

/// `thread` and the notification bound to it, if any, part.
pub fn unbind_tcb(k: &mut Kernel, thread: Ref<Tcb>) {
    if let Some(notification) = k[thread].bound_notification.take() {
        k[notification].bound_tcb = None;
    }
}

/// Binds `notification`, which is free, to `thread`.
pub fn bind_tcb(k: &mut Kernel, notification: Ref<Notification>, thread: Ref<Tcb>) {
    k[notification].bound_tcb = Some(thread);
    k[thread].bound_notification = Some(notification);
}

/// What has to be undone before the memory of `notification` is given back. Waiters start
/// again, and find out.
pub(crate) fn finalise(k: &mut Kernel, notification: Ref<Notification>) -> Result<(), Preempted> {
    if let Some(sc) = k[notification].sched_context {
        sched_context::unbind_notification(k, sc);
    }
    if let Some(thread) = k[notification].bound_tcb {
        unbind_tcb(k, thread);
    }
    while let Some(thread) = pop(k, notification) {
        ipc::restart_waiter(k, thread);
        k.preemption_point()?;
    }
    Ok(())
}
