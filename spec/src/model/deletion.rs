//! What ends with its last capability.

use super::state::thread_slot;
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

    /// Deletes everything derived from `slot`.
    pub fn revoke(&mut self, slot: Slot) {
        while let Some(descendant) = self.descendants(slot).first() {
            self.delete(*descendant);
        }
    }

    /// The object at `at` ends, with all capabilities that it holds. Objects outside the world
    /// do not: the capabilities to them that the world does not see keep them alive.
    fn end(&mut self, at: Place) {
        let Some(object) = self.objects.remove(&at) else {
            return;
        };
        let slots = match object {
            Object::CNode { radix } => 1 << radix,
            Object::Thread(_) => {
                if self.current == Some(at) {
                    self.current = None;
                }
                thread_slot::COUNT
            }
            _ => 0,
        };
        for index in 0..slots {
            self.delete(Slot { holder: at, index });
        }
    }
}

/// Whether both capabilities name the same object.
fn names(a: &Cap, b: &Cap) -> bool {
    a.object() == b.object() && std::mem::discriminant(a) == std::mem::discriminant(b)
}
