//! What one thread gives another: words, and capabilities.

use super::call::Told;
use super::state::{Access, Heard, Message, Request};
use super::{Cap, Place, Side, Slot, State};
use abi::Word;
use abi::message::MESSAGE_REGISTERS;

impl State {
    /// Gives `receiver` what `sender` says, or tells it of the sender's fault.
    pub fn transfer(
        &mut self,
        sender: Place,
        endpoint: Option<Place>,
        badge: Word,
        grant: bool,
        receiver: Place,
        told: &mut Told,
    ) {
        let Some(from) = self.thread(sender) else {
            return;
        };
        let message = match (from.fault.clone(), from.says.clone()) {
            (Some(fault), _) => self.describe(sender, &fault, receiver),
            (None, Some(request)) => self.deliver(sender, &request, endpoint, grant, receiver),
            (None, None) => return,
        };
        let message = Some(message);
        told.insert(receiver, Heard { badge, message });
    }

    fn deliver(
        &mut self,
        sender: Place,
        request: &Request,
        endpoint: Option<Place>,
        grant: bool,
        receiver: Place,
    ) -> Message {
        let (from, to) = (
            self.has_buffer(sender, Access::Read),
            self.has_buffer(receiver, Access::ReadWrite),
        );
        let length = self.length(request, from && to);
        let caps = match grant && from && to {
            true => request.caps.clone(),
            false => vec![],
        };
        let (unwrapped, extra_caps) = self.give_caps(sender, &caps, endpoint, receiver);
        Message {
            label: request.label,
            words: request.words[..length].to_vec(),
            extra_caps,
            unwrapped,
        }
    }

    /// Which capabilities arrived as their badges only, and how many arrived.
    fn give_caps(
        &mut self,
        sender: Place,
        caps: &[Word],
        endpoint: Option<Place>,
        receiver: Place,
    ) -> (Word, usize) {
        let slots: Result<Vec<Slot>, _> =
            caps.iter().map(|cap| self.lookup(sender, *cap)).collect();
        let Ok(slots) = slots else { return (0, 0) };
        let (mut unwrapped, mut given) = (0, false);
        for (n, slot) in slots.iter().enumerate() {
            match self.cap(*slot) {
                Some(Cap::Endpoint { at, .. }) if Some(at) == endpoint => unwrapped |= 1 << n,
                _ if given || !self.give(*slot, receiver) => return (unwrapped, n),
                _ => given = true,
            }
        }
        (unwrapped, slots.len())
    }

    /// Copies the capability in `slot` to where `receiver` wants it, if that can be.
    fn give(&mut self, slot: Slot, receiver: Place) -> bool {
        let Some(to) = self.receive_slot(receiver) else {
            return false;
        };
        let copy = self.cap(slot).map(|cap| self.derived(slot, cap));
        let Some(Ok(Some(copy))) = copy else {
            return false;
        };
        self.insert_copy(copy, slot, to);
        true
    }

    fn receive_slot(&self, receiver: Place) -> Option<Slot> {
        let [root, index, depth] = self.thread(receiver)?.receives?;
        let root = self.lookup(receiver, root).ok()?;
        let slot = self.target(self.cap(root), index, depth, Side::Destination);
        let slot = slot.ok()?;
        (!self.slots.contains_key(&slot)).then_some(slot)
    }

    /// A message from the kernel, as far as the receiver has room for it.
    pub fn from_kernel(&self, receiver: Place, label: Word, mut words: Vec<Word>) -> Message {
        if !self.has_buffer(receiver, Access::ReadWrite) {
            words.truncate(MESSAGE_REGISTERS);
        }
        Message {
            label,
            words,
            extra_caps: 0,
            unwrapped: 0,
        }
    }
}
