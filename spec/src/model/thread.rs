//! Operations of threads and of scheduling contexts.

use super::call::{Args, Told};
use super::state::{Heard, Rights, ThreadState, thread_slot};
use super::{Cap, Error, Place, Slot, State};
use abi::Word;
use abi::invocation::Invocation;

/// A thread that is operated on, by a capability in a slot, on behalf of another thread.
#[derive(Clone, Copy, Debug)]
pub struct Invoked {
    pub slot: Slot,
    pub at: Place,
    pub thread: Place,
}

impl State {
    /// An operation of a thread. What it says.
    pub fn invoke_thread(
        &mut self,
        invoked: Invoked,
        invocation: Invocation,
        args: &Args,
    ) -> Result<Option<Vec<Word>>, Error> {
        use Invocation as I;
        let at = invoked.at;
        match invocation {
            I::TcbSuspend => self.suspend(at),
            I::TcbResume => self.resume(at),
            I::TcbSetPriority => {
                let [priority] = args.words()?;
                let authority = self.cap(args.cap(0)?);
                let priority = self.within(authority, priority)?;
                self.set_priority(at, priority);
            }
            I::TcbSetMcPriority => {
                let [priority] = args.words()?;
                let authority = self.cap(args.cap(0)?);
                let priority = self.within(authority, priority)?;
                self.set_most_priority(at, priority);
            }
            I::TcbSetSchedParams => self.set_sched_params(invoked, args)?,
            I::TcbSetTimeoutEndpoint => {
                let handler = self.handler(args.cap(0)?, 1)?;
                self.install(invoked, thread_slot::TIMEOUT_HANDLER, handler);
            }
            I::TcbConfigure => {
                let [cspace_data, vspace_data, address] = args.words()?;
                let [cspace, vspace, frame] = [args.cap(0)?, args.cap(1)?, args.cap(2)?];
                let buffer = self.new_buffer(address, frame)?;
                let spaces = self.spaces(at, (cspace, cspace_data), (vspace, vspace_data))?;
                self.install_spaces(invoked, spaces);
                self.set_buffer(invoked, buffer);
            }
            I::TcbSetSpace => {
                let [cspace_data, vspace_data] = args.words()?;
                let [handler, cspace, vspace] = [args.cap(0)?, args.cap(1)?, args.cap(2)?];
                let spaces = self.spaces(at, (cspace, cspace_data), (vspace, vspace_data))?;
                let handler = self.handler(handler, 1)?;
                self.install(invoked, thread_slot::FAULT_HANDLER, handler);
                self.install_spaces(invoked, spaces);
            }
            I::TcbSetIpcBuffer => {
                let [address] = args.words()?;
                let buffer = self.new_buffer(address, args.cap(0)?)?;
                self.set_buffer(invoked, buffer);
            }
            I::TcbBindNotification => {
                let slot = args.cap(0)?;
                let refused = Error::IllegalOperation;
                if self.bound_to(at).is_some() {
                    return Err(refused);
                }
                let Some(Cap::Notification { at: to, rights, .. }) = self.cap(slot) else {
                    return Err(refused);
                };
                let notification = self.notification_mut(to).ok_or(refused)?;
                let free = notification.bound.is_none() && notification.waiting.is_empty();
                if !rights.has(Rights::READ) || !free {
                    return Err(refused);
                }
                notification.bound = Some(at);
            }
            I::TcbUnbindNotification => {
                let bound = self.bound_to(at).ok_or(Error::IllegalOperation)?;
                if let Some(notification) = self.notification_mut(bound) {
                    notification.bound = None;
                }
            }
            I::TcbSetFlags => {
                let [clear, set] = args.words()?;
                let flags = self.thread(at).map_or(0, |thread| thread.flags);
                let flags = flags & !clear | set & abi::sched::TCB_FLAG_MASK;
                if let Some(thread) = self.thread_mut(at) {
                    thread.flags = flags;
                }
                return Ok(Some(vec![flags]));
            }
            _ => return self.invoke_registers(invoked, invocation, args),
        }
        Ok(None)
    }

    /// A priority that the thread of `authority` may give.
    pub fn within(&self, authority: Option<Cap>, priority: Word) -> Result<u8, Error> {
        let Some(Cap::Thread { at }) = authority else {
            return Err(Error::InvalidCapability(1));
        };
        let most = self.thread(at).map_or(0, |thread| thread.most_priority);
        if priority > Word::from(most) {
            return Err(Error::RangeError(0, most.into()));
        }
        Ok(priority as u8)
    }

    /// Starts a stopped thread again.
    pub fn resume(&mut self, at: Place) {
        if self.thread(at).is_none_or(|thread| thread.runnable()) {
            return;
        }
        self.cancel(at);
        self.set_state(at, ThreadState::Restart);
        self.resume_context(at);
        if self.schedulable(at) {
            self.consider(at);
        }
    }

    /// A thread takes a new place in whatever queue it is in: behind its equals where it waits,
    /// before them where it runs.
    pub fn set_priority(&mut self, at: Place, priority: u8) {
        let Some(thread) = self.thread_mut(at) else {
            return;
        };
        thread.priority = priority;
        match thread.state.clone() {
            ThreadState::Running | ThreadState::Restart => {
                let ready = self.ready.values().any(|queue| queue.contains(&at));
                if ready || self.current == Some(at) {
                    self.stand_aside(at);
                    self.stand_first(at);
                    self.choose_anew();
                }
            }
            ThreadState::Sending { to, .. } | ThreadState::Receiving { from: to, .. } => {
                self.queue_again(to, at);
            }
            ThreadState::Waiting { on } => self.wait_again(on, at),
            ThreadState::Inactive | ThreadState::Calling { .. } => {}
        }
    }

    /// An operation of the scheduling context at `at`. What it says.
    pub fn invoke_context(
        &mut self,
        sender: Place,
        at: Place,
        invocation: Invocation,
        args: &Args,
        told: &mut Told,
    ) -> Result<Option<Vec<Word>>, Error> {
        let refused = Error::IllegalOperation;
        match invocation {
            Invocation::SchedContextYieldTo => return self.yield_to(sender, at, told),
            Invocation::SchedContextBind => match self.cap(args.cap(0)?) {
                Some(Cap::Thread { at: thread }) => {
                    let taken = self.runs_on(at).is_some() || self.context_of(thread).is_some();
                    let runs = self.thread(thread).is_some_and(|thread| {
                        thread.runnable() || thread.state == ThreadState::Inactive
                    });
                    if taken || !runs && !self.released(at) {
                        return Err(refused);
                    }
                    self.bind_thread(at, thread);
                }
                Some(Cap::Notification { at: to, .. }) => {
                    let notification = self.notification(to).ok_or(refused)?;
                    if notification.context.is_some() || self.lent_by(at).is_some() {
                        return Err(refused);
                    }
                    if let Some(notification) = self.notification_mut(to) {
                        notification.context = Some(at);
                    }
                }
                _ => return Err(Error::InvalidCapability(1)),
            },
            Invocation::SchedContextUnbind => {
                if self.runs_on(at) == Some(sender) {
                    return Err(refused);
                }
                self.unbind_thread(at);
                self.unbind_notification(at);
                if let Some(context) = self.sched_context_mut(at) {
                    context.calls.clear();
                }
            }
            Invocation::SchedContextUnbindObject => match self.cap(args.cap(0)?) {
                Some(Cap::Thread { at: thread }) => {
                    if self.runs_on(at) != Some(thread) || thread == sender {
                        return Err(refused);
                    }
                    self.unbind_thread(at);
                }
                Some(Cap::Notification { at: from, .. }) => {
                    if self.lent_by(at) != Some(from) {
                        return Err(refused);
                    }
                    self.unbind_notification(at);
                }
                _ => return Err(Error::InvalidCapability(1)),
            },
            Invocation::SchedContextConsumed => {
                self.charge_now(at);
                return Ok(Some(vec![self.report_consumed(at)]));
            }
            _ => return Err(refused),
        }
        Ok(None)
    }

    /// `sender` lets the thread of the scheduling context `at` run before it, as far as priorities
    /// allow. It is answered what that thread has used: at once if it goes on itself, else when it
    /// runs again.
    fn yield_to(
        &mut self,
        sender: Place,
        at: Place,
        told: &mut Told,
    ) -> Result<Option<Vec<Word>>, Error> {
        let refused = Error::IllegalOperation;
        let target = self.runs_on(at).ok_or(refused)?;
        let mine = self.thread(sender).ok_or(refused)?;
        let theirs = self.thread(target).ok_or(refused)?.priority;
        if target == sender || theirs > mine.most_priority || mine.yields_to.is_some() {
            return Err(refused);
        }
        let less = theirs < mine.priority;
        if let Some(other) = self.yielder(at) {
            self.complete_yield(other, told);
        }
        self.resume_context(target);
        let runs = self.schedulable(target);
        if runs {
            self.stand_aside(target);
        }
        if !runs || less {
            if runs {
                self.stand_first(target);
            }
            self.charge_now(at);
            return Ok(Some(vec![self.report_consumed(at)]));
        }
        if let Some(thread) = self.thread_mut(sender) {
            thread.yields_to = Some(at);
        }
        self.stand_first(sender);
        self.stand_first(target);
        self.choose_anew();
        Ok(None)
    }

    /// Who yields to the thread of a scheduling context.
    fn yielder(&self, context: Place) -> Option<Place> {
        let mut places = self.objects.keys().copied();
        places.find(|at| {
            self.thread(*at)
                .is_some_and(|thread| thread.yields_to == Some(context))
        })
    }

    /// If `thread` has yielded, it is answered.
    pub fn complete_yield(&mut self, thread: Place, told: &mut Told) {
        let context = self
            .thread_mut(thread)
            .and_then(|thread| thread.yields_to.take());
        if let Some(context) = context {
            let consumed = self.report_consumed(context);
            let message = Some(self.from_kernel(thread, 0, vec![consumed]));
            told.insert(thread, Heard { badge: 0, message });
        }
    }

    /// The scheduling context or its thread ends: whoever yields to that is answered.
    pub fn nobody_yields_to(&mut self, context: Place) {
        if let Some(thread) = self.yielder(context) {
            let mut told = std::mem::take(&mut self.told_at_end);
            self.complete_yield(thread, &mut told);
            self.told_at_end = told;
        }
    }

    pub fn bind_thread(&mut self, at: Place, thread: Place) {
        if let Some(thread) = self.thread_mut(thread) {
            thread.context = Some(at);
        }
        self.resume_context(thread);
        if self.schedulable(thread) {
            self.stand_first(thread);
            self.choose_anew();
        }
    }

    /// The notification that lends a scheduling context.
    fn lent_by(&self, context: Place) -> Option<Place> {
        let mut places = self.objects.keys().copied();
        places.find(|at| {
            self.notification(*at)
                .is_some_and(|n| n.context == Some(context))
        })
    }

    /// No notification lends it any longer.
    pub fn unbind_notification(&mut self, context: Place) {
        if let Some(at) = self.lent_by(context)
            && let Some(notification) = self.notification_mut(at)
        {
            notification.context = None;
        }
    }
}
