//! What ends with its last capability.

use super::state::{Decision, ThreadState, thread_slot};
use super::{Cap, Object, Place, Slot, State};

impl State {
    /// Empties `slot`. What was derived from it is derived from its parent now. If it was the
    /// last capability to its object, the object ends.
    pub fn delete(&mut self, slot: Slot) {
        let Some(gone) = self.slots.remove(&slot) else {
            return;
        };
        for held in self.slots.values_mut() {
            if held.parent == Some(slot) {
                held.parent = gone.parent;
            }
        }
        if let Some(object) = gone.cap.object()
            && !self.slots.values().any(|held| names(&held.cap, &gone.cap))
        {
            self.end(object);
        }
    }

    /// Deletes everything derived from `slot`, in an order that the API leaves open. It is seen
    /// only if one of these deletions takes the slot itself with it: then the rest stays.
    pub fn revoke(&mut self, slot: Slot) {
        while let Some(next) = self.next_to_revoke(slot) {
            self.delete(next);
        }
    }

    /// One of the descendants; if there is a witness, one that did not survive.
    fn next_to_revoke(&self, slot: Slot) -> Option<Slot> {
        let left = self.descendants(slot);
        let Some(survivors) = &self.witness else {
            return left.first().copied();
        };
        let without = |descendant: &Slot| {
            let mut then = self.clone();
            then.delete(*descendant);
            then
        };
        let gone = || left.iter().filter(|slot| !survivors.contains(slot));
        gone()
            .find(|descendant| without(descendant).slots.contains_key(&slot))
            .or_else(|| gone().find(|descendant| without(descendant).slots.keys().eq(survivors)))
            .or(left.first())
            .copied()
    }

    /// The object at `at` ends, with all capabilities that it holds. Objects outside the world
    /// do not: the capabilities to them that the world does not see keep them alive.
    fn end(&mut self, at: Place) {
        let Some(object) = self.objects.get(&at).cloned() else {
            return;
        };
        let mut slots = 0;
        match object {
            Object::CNode { radix } => slots = 1 << radix,
            Object::Thread(_) => {
                self.thread_ends(at);
                slots = thread_slot::COUNT;
            }
            Object::Endpoint { waiting } => self.endpoint_ends(waiting),
            Object::Notification(notification) => {
                for thread in notification.waiting {
                    self.restart_waiter(thread);
                }
            }
            Object::Reply => self.reply_ends(at),
            Object::SchedContext(_) => self.context_ends(at),
            Object::Frame => {}
        }
        self.objects.remove(&at);
        for index in 0..slots {
            self.delete(Slot { holder: at, index });
        }
    }

    fn thread_ends(&mut self, at: Place) {
        if let Some(notification) = self.bound_to(at)
            && let Some(notification) = self.notification_mut(notification)
        {
            notification.bound = None;
        }
        if let Some(context) = self.context_of(at) {
            self.unbind_thread(context);
        }
        self.suspend(at);
        if self.current == Some(at) {
            self.current = None;
            self.decision = Decision::Choose;
        }
        if self.decision == Decision::Consider(at) {
            self.decision = Decision::Choose;
        }
    }

    /// Stops a thread, whatever it is doing.
    pub fn suspend(&mut self, at: Place) {
        self.cancel(at);
        self.set_state(at, ThreadState::Inactive);
        self.stand_aside(at);
        self.leave_release(at);
    }

    fn context_ends(&mut self, at: Place) {
        if self.charged == Some(at) {
            self.charged = None;
            self.uncharged = 0;
        }
        self.unbind_thread(at);
        self.unbind_notification(at);
    }
}

/// Whether both capabilities name the same object.
fn names(a: &Cap, b: &Cap) -> bool {
    a.object() == b.object() && std::mem::discriminant(a) == std::mem::discriminant(b)
}
