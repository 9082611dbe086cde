//! What ends with its last capability.

use super::state::{Decision, ThreadState, thread_slot};
use super::{Cap, Object, Place, Slot, State};

impl State {
    /// Empties `slot`. What was derived from it is derived from its parent now. If it was the
    /// last capability to its object, the object ends; a CNode or thread is emptied first.
    pub fn delete(&mut self, slot: Slot) {
        while let Some(at) = self.finalise(slot) {
            let Some(left) = self.remnant(at).filter(|left| !spent(*left, at, slot)) else {
                self.take_out(slot);
                self.objects.remove(&at);
                return;
            };
            let last = Slot {
                holder: at,
                index: left - 1,
            };
            self.delete_inside(last);
            let same = self.cap(slot) == Some(Cap::Zombie { at }) && self.remnant(at) == Some(left);
            if same && !self.slots.contains_key(&last) {
                let slots = left - 1;
                self.objects.insert(at, Object::Remnant { slots });
            }
        }
    }

    /// Empties a slot of something that is itself being emptied. To empty one thing never waits
    /// for another: a CNode or thread that would have to be emptied for that changes places with
    /// what is in its own first slot, and stays as a remnant, out of everybody's reach, until
    /// the memory that it was made from is revoked.
    fn delete_inside(&mut self, slot: Slot) {
        while let Some(at) = self.finalise(slot) {
            if self.remnant(at).is_none_or(|left| spent(left, at, slot)) {
                self.take_out(slot);
                self.objects.remove(&at);
                return;
            }
            let first = Slot {
                holder: at,
                index: 0,
            };
            if slot == first {
                return;
            }
            self.exchange(slot, first);
        }
    }

    /// The capability in `slot` is deleted, as far as that goes at once. What goes on is what it
    /// left of a CNode or thread.
    fn finalise(&mut self, slot: Slot) -> Option<Place> {
        let held = *self.slots.get(&slot)?;
        if let Cap::Zombie { at } = held.cap {
            return Some(at);
        }
        self.unmap_frame(held.cap);
        self.handler_goes(slot, held.cap);
        let others = self.slots.iter().filter(|(other, _)| **other != slot);
        let last = !others
            .into_iter()
            .any(|(_, other)| names(&other.cap, &held.cap));
        let object = held
            .cap
            .object()
            .filter(|at| last && self.objects.contains_key(at));
        let Some(at) = object else {
            self.take_out(slot);
            return None;
        };
        let slots = match self.objects.get(&at)? {
            Object::CNode { radix } => 1 << radix,
            Object::Thread(_) => {
                self.thread_ends(at);
                thread_slot::COUNT
            }
            _ => {
                self.space_ends(held.cap);
                self.end(at);
                self.take_out(slot);
                return None;
            }
        };
        self.objects.insert(at, Object::Remnant { slots });
        if let Some(held) = self.slots.get_mut(&slot) {
            held.cap = Cap::Zombie { at };
        }
        Some(at)
    }

    fn take_out(&mut self, slot: Slot) {
        if let Some(gone) = self.slots.remove(&slot) {
            for held in self.slots.values_mut() {
                if held.parent == Some(slot) {
                    held.parent = gone.parent;
                }
            }
        }
    }

    fn remnant(&self, at: Place) -> Option<u64> {
        match self.objects.get(&at) {
            Some(Object::Remnant { slots }) => Some(*slots),
            _ => None,
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

    /// An object without slots ends.
    fn end(&mut self, at: Place) {
        match self.objects.get(&at).cloned() {
            Some(Object::Endpoint { waiting }) => self.endpoint_ends(waiting),
            Some(Object::Notification(notification)) => {
                for thread in notification.waiting {
                    self.restart_waiter(thread);
                }
            }
            Some(Object::Reply) => self.reply_ends(at),
            Some(Object::SchedContext(_)) => self.context_ends(at),
            _ => {}
        }
        self.objects.remove(&at);
    }

    fn thread_ends(&mut self, at: Place) {
        if let Some(notification) = self.bound_to(at)
            && let Some(notification) = self.notification_mut(notification)
        {
            notification.bound = None;
        }
        if let Some(context) = self.context_of(at) {
            self.nobody_yields_to(context);
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
        self.stays_where_it_is(at);
        self.set_state(at, ThreadState::Inactive);
        self.stand_aside(at);
        self.leave_release(at);
    }

    fn context_ends(&mut self, at: Place) {
        self.nobody_yields_to(at);
        if self.charged == Some(at) {
            self.charged = None;
            self.uncharged = 0;
        }
        self.unbind_thread(at);
        self.unbind_notification(at);
    }
}

/// Whether nothing is left in a remnant, or nothing but the slot that stands for it.
fn spent(left: u64, at: Place, slot: Slot) -> bool {
    let first = Slot {
        holder: at,
        index: 0,
    };
    left == 0 || left == 1 && slot == first
}

/// Whether both capabilities name the same object.
pub fn names(a: &Cap, b: &Cap) -> bool {
    a.object() == b.object() && std::mem::discriminant(a) == std::mem::discriminant(b)
}
