//! Notifications: a word of flags to wait for.

use super::call::Told;
use super::endpoint::Blocking;
use super::state::{Heard, Notification, ThreadState};
use super::{Object, Place, State};
use abi::Word;

fn only_badge(badge: Word) -> Heard {
    Heard {
        badge,
        message: None,
    }
}

impl State {
    /// A notification.
    pub fn notification(&self, at: Place) -> Option<&Notification> {
        match self.objects.get(&at) {
            Some(Object::Notification(notification)) => Some(notification),
            _ => None,
        }
    }

    /// A notification, to be changed.
    pub fn notification_mut(&mut self, at: Place) -> Option<&mut Notification> {
        match self.objects.get_mut(&at) {
            Some(Object::Notification(notification)) => Some(notification),
            _ => None,
        }
    }

    /// The notification that is bound to a thread.
    pub fn bound_to(&self, thread: Place) -> Option<Place> {
        let mut all = self.objects.iter();
        let found = all.find(|(_, object)| match object {
            Object::Notification(notification) => notification.bound == Some(thread),
            _ => false,
        });
        found.map(|(at, _)| *at)
    }

    /// Signals `badge`: the first who waits hears it, or the bound thread if it is receiving;
    /// else it is kept.
    pub fn signal(&mut self, at: Place, badge: Word, told: &mut Told) {
        let Some(now) = self.notification(at).cloned() else {
            return;
        };
        let receives =
            |thread: &super::Thread| matches!(thread.state, ThreadState::Receiving { .. });
        if let (None, Some(first)) = (now.active, now.waiting.first()) {
            self.stop_waiting(at, *first);
            self.wake(at, *first, badge, told);
        } else if let (None, Some(bound)) = (now.active, now.bound)
            && self.thread(bound).is_some_and(receives)
        {
            self.cancel(bound);
            self.wake(at, bound, badge, told);
        } else if let Some(notification) = self.notification_mut(at) {
            notification.active = Some(now.active.unwrap_or(0) | badge);
        }
    }

    fn wake(&mut self, at: Place, thread: Place, badge: Word, told: &mut Told) {
        self.set_state(thread, ThreadState::Running);
        told.insert(thread, only_badge(badge));
        self.lend_by_signal(at, thread);
        self.wake_context(thread);
        if self.schedulable(thread) {
            self.consider(thread);
        }
    }

    /// `thread`, which runs, waits for a signal.
    pub fn wait(&mut self, thread: Place, at: Place, blocking: Blocking, told: &mut Told) {
        if self.hear_pending(at, thread, told) {
            return;
        }
        if blocking == Blocking::No {
            told.insert(thread, only_badge(0));
            return;
        }
        self.set_state(thread, ThreadState::Waiting { on: at });
        self.give_back(at, thread);
        self.wait_again(at, thread);
    }

    /// `thread` takes its place among those who wait.
    pub fn wait_again(&mut self, at: Place, thread: Place) {
        self.stop_waiting(at, thread);
        let waiting = self.notification(at).map(|n| n.waiting.clone());
        let waiting = self.by_priority(&waiting.unwrap_or_default(), thread);
        if let Some(notification) = self.notification_mut(at) {
            notification.waiting = waiting;
        }
    }

    /// If the notification has been signalled, `thread` hears it now.
    pub fn hear_pending(&mut self, at: Place, thread: Place, told: &mut Told) -> bool {
        let active = self.notification_mut(at).and_then(|n| n.active.take());
        if let Some(badge) = active {
            told.insert(thread, only_badge(badge));
            self.lend_by_signal(at, thread);
        }
        active.is_some()
    }

    /// A thread that is woken without time of its own takes the notification's, if nobody runs
    /// on that.
    fn lend_by_signal(&mut self, at: Place, thread: Place) {
        let lent = self.notification(at).and_then(|n| n.context);
        if let Some(context) = lent
            && self.context_of(thread).is_none()
            && self.runs_on(context).is_none()
        {
            self.lend(context, thread);
            self.resume_context(thread);
        }
    }

    /// A thread that waits again gives back what it had from the notification.
    pub fn give_back(&mut self, at: Place, thread: Place) {
        let lent = self.notification(at).and_then(|n| n.context);
        if lent.is_some() && self.context_of(thread) == lent {
            if let Some(thread) = self.thread_mut(thread) {
                thread.context = None;
            }
            if self.current == Some(thread) {
                self.choose_anew();
            }
        }
    }

    /// `thread` no longer waits on the notification.
    pub fn stop_waiting(&mut self, at: Place, thread: Place) {
        if let Some(notification) = self.notification_mut(at) {
            notification.waiting.retain(|other| *other != thread);
        }
    }
}
