//! Operations of threads and of scheduling contexts.

use super::call::Args;
use super::state::{Rights, ThreadState};
use super::{Cap, Error, Place, State};
use abi::Word;
use abi::invocation::Invocation;

impl State {
    /// An operation of the thread at `at`.
    pub fn invoke_thread(
        &mut self,
        at: Place,
        invocation: Invocation,
        args: &Args,
    ) -> Result<(), Error> {
        match invocation {
            Invocation::TcbSuspend => self.suspend(at),
            Invocation::TcbResume => self.resume(at),
            Invocation::TcbSetPriority => {
                let [priority] = args.words()?;
                let authority = self.cap(args.cap(0)?);
                let priority = self.within(authority, priority)?;
                self.set_priority(at, priority);
            }
            Invocation::TcbSetMcPriority => {
                let [priority] = args.words()?;
                let authority = self.cap(args.cap(0)?);
                let priority = self.within(authority, priority)?;
                if let Some(thread) = self.thread_mut(at) {
                    thread.most_priority = priority;
                }
            }
            Invocation::TcbBindNotification => {
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
            Invocation::TcbUnbindNotification => {
                let bound = self.bound_to(at).ok_or(Error::IllegalOperation)?;
                if let Some(notification) = self.notification_mut(bound) {
                    notification.bound = None;
                }
            }
            _ => return Err(Error::IllegalOperation),
        }
        Ok(())
    }

    /// A priority that the thread of `authority` may give.
    fn within(&self, authority: Option<Cap>, priority: Word) -> Result<u8, Error> {
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
    fn resume(&mut self, at: Place) {
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
    fn set_priority(&mut self, at: Place, priority: u8) {
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
    ) -> Result<Option<Vec<Word>>, Error> {
        let refused = Error::IllegalOperation;
        match invocation {
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

    fn bind_thread(&mut self, at: Place, thread: Place) {
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
