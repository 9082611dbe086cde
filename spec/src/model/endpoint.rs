//! Endpoints: where senders and receivers meet.

use super::call::Told;
use super::state::{Heard, Sending, ThreadState};
use super::{Object, Place, State};
use abi::Word;

/// Whether a thread waits when nobody is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocking {
    Yes,
    No,
}

impl State {
    fn waiting(&mut self, endpoint: Place) -> Option<&mut Vec<Place>> {
        match self.objects.get_mut(&endpoint) {
            Some(Object::Endpoint { waiting }) => Some(waiting),
            _ => None,
        }
    }

    /// The first in the queue, if the queue is of those who are in such a state.
    fn first_waiting(&self, endpoint: Place, of: fn(&ThreadState) -> bool) -> Option<Place> {
        match self.objects.get(&endpoint) {
            Some(Object::Endpoint { waiting }) => {
                let first = *waiting.first()?;
                self.thread(first).filter(|thread| of(&thread.state))?;
                Some(first)
            }
            _ => None,
        }
    }

    fn queue_up(&mut self, endpoint: Place, thread: Place) {
        let waiting = self.waiting(endpoint).cloned().unwrap_or_default();
        let now = self.by_priority(&waiting, thread);
        if let Some(waiting) = self.waiting(endpoint) {
            *waiting = now;
        }
    }

    /// The priority of a waiting thread has changed.
    pub fn queue_again(&mut self, endpoint: Place, thread: Place) {
        self.leave_queue(endpoint, thread);
        self.queue_up(endpoint, thread);
    }

    fn leave_queue(&mut self, endpoint: Place, thread: Place) {
        if let Some(waiting) = self.waiting(endpoint) {
            waiting.retain(|other| *other != thread);
        }
    }

    /// `thread` sends what it says, or its fault.
    pub fn send(
        &mut self,
        thread: Place,
        endpoint: Place,
        how: Sending,
        blocking: Blocking,
        lends: bool,
        told: &mut Told,
    ) {
        let receives = |state: &ThreadState| matches!(state, ThreadState::Receiving { .. });
        let Some(receiver) = self.first_waiting(endpoint, receives) else {
            if blocking == Blocking::Yes {
                self.set_state(thread, ThreadState::Sending { to: endpoint, how });
                self.queue_up(endpoint, thread);
            }
            return;
        };
        self.leave_queue(endpoint, receiver);
        let reply = match self.thread(receiver).map(|thread| &thread.state) {
            Some(ThreadState::Receiving { reply, .. }) => *reply,
            _ => None,
        };
        self.transfer(thread, Some(endpoint), how.badge, how.grant, receiver, told);
        if how.call || self.has_fault(thread) {
            self.await_reply(thread, receiver, reply, how, lends);
        } else if lends
            && self.context_of(receiver).is_none()
            && let Some(context) = self.context_of(thread)
        {
            self.lend(context, receiver);
        }
        self.set_state(receiver, ThreadState::Running);
        self.wake_context(receiver);
        self.consider(receiver);
    }

    /// `thread`, which runs, receives. Callers are to wait on `reply`.
    pub fn receive(
        &mut self,
        thread: Place,
        endpoint: Place,
        reply: Option<Place>,
        blocking: Blocking,
        told: &mut Told,
    ) {
        if let Some(user) = reply.and_then(|reply| self.user_of(reply))
            && user != thread
        {
            self.cancel(user);
        }
        if let Some(notification) = self.bound_to(thread) {
            if self.hear_pending(notification, thread, told) {
                return;
            }
            if blocking == Blocking::Yes {
                self.give_back(notification, thread);
            }
        }
        let sends = |state: &ThreadState| matches!(state, ThreadState::Sending { .. });
        let Some(sender) = self.first_waiting(endpoint, sends) else {
            if blocking == Blocking::No {
                told.insert(
                    thread,
                    Heard {
                        badge: 0,
                        message: None,
                    },
                );
                return;
            }
            let state = ThreadState::Receiving {
                from: endpoint,
                reply,
            };
            self.set_state(thread, state);
            self.queue_up(endpoint, thread);
            return;
        };
        let Some(ThreadState::Sending { how, .. }) = self.thread(sender).map(|t| t.state.clone())
        else {
            return;
        };
        self.leave_queue(endpoint, sender);
        self.transfer(sender, Some(endpoint), how.badge, how.grant, thread, told);
        self.wake_context(sender);
        if how.call || self.has_fault(sender) {
            let lends = !self.timed_out(sender);
            self.await_reply(sender, thread, reply, how, lends);
        } else {
            self.set_state(sender, ThreadState::Running);
            self.consider(sender);
        }
    }

    /// `caller` waits for an answer of `callee`, if there is something to wait on and the
    /// capability that it called by lets it be answered; else it stops.
    fn await_reply(
        &mut self,
        caller: Place,
        callee: Place,
        reply: Option<Place>,
        how: Sending,
        lends: bool,
    ) {
        match reply {
            Some(reply) if how.grant || how.grant_reply => {
                self.call_through(reply, caller, callee, lends);
            }
            _ => self.set_state(caller, ThreadState::Inactive),
        }
    }

    /// Ends whatever `thread` waits for; it is stopped then.
    pub fn cancel(&mut self, thread: Place) {
        let Some(found) = self.thread_mut(thread) else {
            return;
        };
        found.fault = None;
        match found.state.clone() {
            ThreadState::Sending { to, .. } | ThreadState::Receiving { from: to, .. } => {
                self.leave_queue(to, thread);
                self.set_state(thread, ThreadState::Inactive);
            }
            ThreadState::Waiting { on } => {
                self.stop_waiting(on, thread);
                self.set_state(thread, ThreadState::Inactive);
            }
            ThreadState::Calling { reply } => self.abandon(reply, thread),
            ThreadState::Inactive | ThreadState::Running | ThreadState::Restart => {}
        }
    }

    /// `thread` waited for something that is gone: it makes its system call again, unless it was
    /// there because of a fault.
    pub fn restart_waiter(&mut self, thread: Place) {
        let Some(found) = self.thread_mut(thread) else {
            return;
        };
        if found.fault.take().is_some() {
            self.set_state(thread, ThreadState::Inactive);
            return;
        }
        self.set_state(thread, ThreadState::Restart);
        self.resume_context(thread);
        if self.schedulable(thread) {
            self.consider(thread);
        }
    }

    /// Senders with exactly this badge start again.
    pub fn cancel_badged_sends(&mut self, endpoint: Place, badge: Word) {
        let sends = |state: &ThreadState| matches!(state, ThreadState::Sending { .. });
        if badge == 0 || self.first_waiting(endpoint, sends).is_none() {
            return;
        }
        for thread in self.waiting(endpoint).cloned().unwrap_or_default() {
            let state = self.thread(thread).map(|thread| &thread.state);
            if let Some(ThreadState::Sending { how, .. }) = state
                && how.badge == badge
            {
                self.leave_queue(endpoint, thread);
                self.restart_waiter(thread);
            }
        }
        self.choose_anew();
    }

    /// An endpoint ends: whoever waits starts again, and finds out.
    pub fn endpoint_ends(&mut self, waiting: Vec<Place>) {
        waiting
            .into_iter()
            .for_each(|thread| self.restart_waiter(thread));
    }
}
