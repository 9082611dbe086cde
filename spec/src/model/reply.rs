//! Reply objects: who waits for an answer, and how time that was lent comes back.

use super::call::Told;
use super::state::{Fault, SchedContext, ThreadState};
use super::{Object, Place, State};

impl State {
    /// A scheduling context.
    pub fn sched_context(&self, at: Place) -> Option<&SchedContext> {
        match self.objects.get(&at) {
            Some(Object::SchedContext(context)) => Some(context),
            _ => None,
        }
    }

    /// A scheduling context, to be changed.
    pub fn sched_context_mut(&mut self, at: Place) -> Option<&mut SchedContext> {
        match self.objects.get_mut(&at) {
            Some(Object::SchedContext(context)) => Some(context),
            _ => None,
        }
    }

    /// What a thread runs on.
    pub fn context_of(&self, thread: Place) -> Option<Place> {
        self.thread(thread)?.context
    }

    /// Who runs on a scheduling context.
    pub fn runs_on(&self, context: Place) -> Option<Place> {
        let mut threads = self.objects.keys().copied();
        threads.find(|thread| self.context_of(*thread) == Some(context))
    }

    /// The thread that waits on a reply object: for the answer, or for a call.
    pub fn user_of(&self, reply: Place) -> Option<Place> {
        let uses = |state: &ThreadState| match state {
            ThreadState::Calling { reply: used } => *used == reply,
            ThreadState::Receiving { reply: used, .. } => *used == Some(reply),
            _ => false,
        };
        let mut threads = self.objects.iter();
        let found = threads.find(|(_, object)| match object {
            Object::Thread(thread) => uses(&thread.state),
            _ => false,
        });
        found.map(|(at, _)| *at)
    }

    /// Gives a scheduling context to `to`, which has none. Whoever ran on it has none then.
    pub fn lend(&mut self, context: Place, to: Place) {
        if let Some(from) = self.runs_on(context) {
            self.stand_aside(from);
            self.leave_release(from);
            if let Some(thread) = self.thread_mut(from) {
                thread.context = None;
            }
            let candidate = super::state::Decision::Consider(from);
            if self.current == Some(from) || self.decision == candidate {
                self.choose_anew();
            }
        }
        if let Some(thread) = self.thread_mut(to) {
            thread.context = Some(context);
        }
    }

    /// `caller` waits on `reply` for `callee`, and lends it its time if it may and the callee has
    /// none.
    pub fn call_through(&mut self, reply: Place, caller: Place, callee: Place, lends: bool) {
        self.set_state(caller, ThreadState::Calling { reply });
        if lends
            && self.context_of(callee).is_none()
            && let Some(context) = self.context_of(caller)
        {
            if let Some(context) = self.sched_context_mut(context) {
                context.calls.push(reply);
            }
            self.lend(context, callee);
        }
    }

    /// The scheduling context that was lent through `reply`.
    fn lent_through(&self, reply: Place) -> Option<Place> {
        let mut all = self.objects.iter();
        let found = all.find(|(_, object)| match object {
            Object::SchedContext(context) => context.calls.contains(&reply),
            _ => false,
        });
        found.map(|(at, _)| *at)
    }

    /// `caller` no longer waits on `reply`; it is stopped then. Time that was lent by this call,
    /// the last one, comes back. If later calls have passed it on, it comes back from those, and
    /// goes no further.
    pub fn unlink(&mut self, reply: Place, caller: Place) {
        if let Some(at) = self.lent_through(reply)
            && let Some(context) = self.sched_context_mut(at)
            && context.calls.last() == Some(&reply)
        {
            context.calls.pop();
            if self.context_of(caller).is_none() {
                self.lend(at, caller);
            }
        }
        self.abandon(reply, caller);
    }

    /// The same, but time that was lent stays where it is. It does not come back to those either
    /// who lent it earlier.
    pub fn abandon(&mut self, reply: Place, caller: Place) {
        if let Some(at) = self.lent_through(reply)
            && let Some(context) = self.sched_context_mut(at)
        {
            let place = context.calls.iter().position(|call| *call == reply);
            context.calls.drain(..=place.unwrap_or(0));
        }
        self.set_state(caller, ThreadState::Inactive);
    }

    /// `replier` answers whoever waits for that on `reply`, if anybody does.
    pub fn answer(&mut self, replier: Place, reply: Place, grant: bool, told: &mut Told) {
        let Some(caller) = self.user_of(reply) else {
            return;
        };
        let calls = ThreadState::Calling { reply };
        if self
            .thread(caller)
            .is_none_or(|thread| thread.state != calls)
        {
            return;
        }
        self.unlink(reply, caller);
        self.wake_context(caller);
        let fault = self
            .thread_mut(caller)
            .and_then(|thread| thread.fault.take());
        let state = match &fault {
            None => {
                self.transfer(replier, None, 0, grant, caller, told);
                ThreadState::Running
            }
            Some(fault) if self.accepted(fault, replier, caller) => ThreadState::Restart,
            Some(_) => ThreadState::Inactive,
        };
        self.set_state(caller, state);
        if let Some(context) = self.context_of(caller)
            && self.schedulable(caller)
        {
            let timed_out = matches!(fault, Some(Fault::Timeout { .. }));
            self.go_on(caller, context, timed_out, told);
        }
    }

    /// A reply object ends: its caller stops, or its receiver does.
    pub fn reply_ends(&mut self, reply: Place) {
        let Some(user) = self.user_of(reply) else {
            return;
        };
        match self.thread_mut(user) {
            Some(thread) if thread.state == (ThreadState::Calling { reply }) => {
                thread.fault = None;
                self.unlink(reply, user);
            }
            _ => self.cancel(user),
        }
    }

    /// A scheduling context ends or is unbound: its thread has no time.
    pub fn unbind_thread(&mut self, context: Place) {
        if let Some(thread) = self.runs_on(context) {
            if self.current == Some(thread) {
                self.choose_anew();
            }
            self.stand_aside(thread);
            self.leave_release(thread);
            if let Some(thread) = self.thread_mut(thread) {
                thread.context = None;
            }
        }
    }
}
