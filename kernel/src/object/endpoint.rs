//! Endpoints: where senders and receivers meet. (`abi/semantics-core.md` 2.3.)

use crate::Kernel;
use crate::error::Preempted;
use crate::ipc::{self, Blocking, Donation};
use crate::object::notification;
use crate::object::reply::{self, Reply};
use crate::object::sched_context;
use crate::object::store::{Object, Ref};
use crate::object::tcb::{self, Sending, Tcb, ThreadState};
use crate::queue::Queue;
use crate::sched;
use abi::Word;
use machine::Kind;

/// Which side waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u64)]
pub enum Waiting {
    Nobody,
    Senders,
    Receivers,
}

/// An endpoint.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Endpoint {
    pub queue: Queue,
    pub waiting: Waiting,
}

const _: () = assert!(size_of::<Endpoint>() <= 1 << abi::object::ENDPOINT_BITS);

impl Object for Endpoint {
    const KIND: Kind = Kind::Endpoint;
}

impl Endpoint {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self {
            queue: Queue::EMPTY,
            waiting: Waiting::Nobody,
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::new()
    }
}

/// `thread` sends its message (or its fault) to `endpoint`.
#[doc(alias = "sendIPC")]
pub fn send(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    endpoint: Ref<Endpoint>,
    sending: Sending,
    blocking: Blocking,
    donation: Donation,
) {
    if k[endpoint].waiting != Waiting::Receivers {
        if blocking == Blocking::Yes {
            tcb::set_state(k, thread, ThreadState::BlockedOnSend { endpoint, sending });
            push_sender(k, endpoint, thread);
        }
        return;
    }
    let Some(receiver) = pop(k, endpoint) else {
        return;
    };
    let reply = detach_reply(k, receiver);
    ipc::transfer(
        k,
        thread,
        Some(endpoint),
        sending.badge,
        sending.can_grant,
        receiver,
    );
    if sending.call || k[thread].fault.is_some() {
        await_reply(k, thread, receiver, reply, sending, donation);
    } else if donation == Donation::Yes
        && k[receiver].sched_context.is_none()
        && let Some(sc) = k[thread].sched_context
    {
        sched_context::donate(k, sc, receiver);
    }
    tcb::set_state(k, receiver, ThreadState::Running);
    if let Some(sc) = k[receiver].sched_context {
        sched_context::unblock_sporadic(k, sc);
    }
    sched::possible_switch_to(k, receiver);
}

/// `thread`, the current one, receives from `endpoint`; a caller will wait on `reply`.
#[doc(alias = "receiveIPC")]
pub fn receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    endpoint: Ref<Endpoint>,
    reply: Option<Ref<Reply>>,
    blocking: Blocking,
) {
    if let Some(reply) = reply
        && let Some(other) = k[reply].tcb
        && other != thread
    {
        tcb::cancel_ipc(k, other);
    }
    if let Some(notification) = k[thread].bound_notification {
        if notification::deliver_pending(k, notification, thread) {
            return;
        }
        if blocking == Blocking::Yes {
            sched_context::return_to_notification(k, notification, thread);
        }
    }
    if k[endpoint].waiting != Waiting::Senders {
        if blocking == Blocking::No {
            k[thread.context()].set_badge(0);
            return;
        }
        tcb::set_state(k, thread, ThreadState::BlockedOnReceive { endpoint, reply });
        if let Some(reply) = reply {
            k[reply].tcb = Some(thread);
        }
        push_receiver(k, endpoint, thread);
        return;
    }
    let Some(sender) = pop(k, endpoint) else {
        return;
    };
    let ThreadState::BlockedOnSend { sending, .. } = k[sender].state else {
        return;
    };
    ipc::transfer(
        k,
        sender,
        Some(endpoint),
        sending.badge,
        sending.can_grant,
        thread,
    );
    if let Some(sc) = k[sender].sched_context {
        sched_context::unblock_sporadic(k, sc);
    }
    if sending.call || k[sender].fault.is_some() {
        let donation = Donation::when(k[sender].fault.is_none_or(|fault| !fault.is_timeout()));
        await_reply(k, sender, thread, reply, sending, donation);
    } else {
        tcb::set_state(k, sender, ThreadState::Running);
        sched::possible_switch_to(k, sender);
    }
}

/// `caller` waits for the answer of `callee`, if it can be answered; else it stops.
fn await_reply(
    k: &mut Kernel,
    caller: Ref<Tcb>,
    callee: Ref<Tcb>,
    reply: Option<Ref<Reply>>,
    sending: Sending,
    donation: Donation,
) {
    match reply {
        Some(reply) if sending.can_grant || sending.can_grant_reply => {
            reply::push(k, caller, callee, reply, donation);
        }
        _ => tcb::set_state(k, caller, ThreadState::Inactive),
    }
}

/// The reply object that a blocked receiver brought, which it no longer waits with.
fn detach_reply(k: &mut Kernel, receiver: Ref<Tcb>) -> Option<Ref<Reply>> {
    let ThreadState::BlockedOnReceive {
        reply: Some(reply), ..
    } = k[receiver].state
    else {
        return None;
    };
    k[reply].tcb = None;
    Some(reply)
}

#[inline(always)]
fn push(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    let queue = k[endpoint].queue;
    k[endpoint].queue = ipc::queue_by_priority(k, queue, thread);
}

/// `thread` waits to receive where nobody waits.
#[inline(always)]
pub(crate) fn first_receiver(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    let queue = Queue::alone(k, thread);
    k[endpoint] = Endpoint {
        queue,
        waiting: Waiting::Receivers,
    };
}

/// Puts `thread` among the senders.
#[inline(always)]
pub(crate) fn push_sender(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    k[endpoint].waiting = Waiting::Senders;
    push(k, endpoint, thread);
}

/// Puts `thread` among the receivers.
#[inline(always)]
pub(crate) fn push_receiver(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    k[endpoint].waiting = Waiting::Receivers;
    push(k, endpoint, thread);
}

fn pop(k: &mut Kernel, endpoint: Ref<Endpoint>) -> Option<Ref<Tcb>> {
    let thread = k[endpoint].queue.first()?;
    remove(k, endpoint, thread);
    Some(thread)
}

/// Takes `thread` out of the queue.
#[inline(always)]
pub(crate) fn remove(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    let queue = k[endpoint].queue.without(k, thread);
    k[endpoint].queue = queue;
    if queue.is_empty() {
        k[endpoint].waiting = Waiting::Nobody;
    }
}

/// Whether nobody else waits where `thread` does.
#[inline(always)]
pub(crate) fn is_alone(k: &Kernel, thread: Ref<Tcb>) -> bool {
    k[thread].links.is_some_and(|links| links.next == thread)
}

/// Takes `thread`, which is alone, out of the queue.
#[inline(always)]
pub(crate) fn remove_only(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    k[endpoint] = Endpoint::new();
    k[thread].links = None;
}

/// `thread`, whose priority has changed, takes its new place.
pub(crate) fn reorder(k: &mut Kernel, endpoint: Ref<Endpoint>, thread: Ref<Tcb>) {
    let queue = k[endpoint].queue.without(k, thread);
    k[endpoint].queue = ipc::queue_by_priority(k, queue, thread);
}

/// `thread` no longer waits.
pub(crate) fn cancel_wait(k: &mut Kernel, thread: Ref<Tcb>, endpoint: Ref<Endpoint>) {
    remove(k, endpoint, thread);
    detach_reply(k, thread);
    tcb::set_state(k, thread, ThreadState::Inactive);
}

/// Senders with exactly `badge` start again; the order of the others stays.
#[doc(alias = "cancelBadgedSends")]
pub fn cancel_badged_sends(k: &mut Kernel, endpoint: Ref<Endpoint>, badge: Word) {
    if k[endpoint].waiting != Waiting::Senders {
        return;
    }
    let mut next = k[endpoint].queue.first();
    while let Some(thread) = next {
        next = k[endpoint].queue.after(k, thread);
        if let ThreadState::BlockedOnSend { sending, .. } = k[thread].state
            && sending.badge == badge
        {
            remove(k, endpoint, thread);
            ipc::restart_waiter(k, thread);
        }
    }
    sched::reschedule(k);
}

/// What has to be undone before the memory of `endpoint` is given back. Whoever waits starts
/// again, and finds out.
pub(crate) fn finalise(k: &mut Kernel, endpoint: Ref<Endpoint>) -> Result<(), Preempted> {
    while let Some(thread) = pop(k, endpoint) {
        detach_reply(k, thread);
        ipc::restart_waiter(k, thread);
        k.preemption_point()?;
    }
    Ok(())
}
