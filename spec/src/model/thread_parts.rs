//! What a thread is made of: its spaces, its buffer, its handlers, its time.

use super::call::Args;
use super::forest::Data;
use super::state::{Access, Rights, ThreadState, thread_slot};
use super::thread::Invoked;
use super::{Cap, Error, Place, Slot, State};
use abi::Word;
use abi::ipc_buffer::IPC_BUFFER_BITS;

/// A capability on its way into a slot of a thread (`None`: that slot is to be empty), and where
/// it comes from.
#[derive(Clone, Copy, Debug)]
pub struct New {
    cap: Option<Cap>,
    source: Slot,
}

impl State {
    /// A capability that can handle faults, or none. `number` is its place in the message.
    pub fn handler(&self, source: Slot, number: Word) -> Result<New, Error> {
        let cap = self.cap(source);
        let answered = Rights::GRANT | Rights::GRANT_REPLY;
        match cap {
            None => {}
            Some(Cap::Endpoint { rights, .. })
                if rights.has(Rights::WRITE) && rights.has(answered) => {}
            _ => return Err(Error::InvalidCapability(number)),
        }
        Ok(New { cap, source })
    }

    /// Replaces the capability in a slot of a thread. What was there is deleted first: if the new
    /// one, or the capability by which this is asked, goes with it, the slot stays empty.
    pub fn install(&mut self, invoked: Invoked, index: u64, new: New) {
        let holder = invoked.at;
        let to = Slot { holder, index };
        self.delete(to);
        let still = self.cap(invoked.slot) == Some(Cap::Thread { at: invoked.at });
        if let (true, Some(cap), Some(source)) = (still, new.cap, self.cap(new.source))
            && super::deletion::names(&source, &cap)
        {
            self.insert_copy(cap, new.source, to);
        }
    }

    /// New roots of a thread's spaces.
    pub fn spaces(
        &self,
        thread: Place,
        (cspace, cspace_data): (Slot, Word),
        (vspace, vspace_data): (Slot, Word),
    ) -> Result<[New; 2], Error> {
        let refused = Error::IllegalOperation;
        if [thread_slot::CSPACE, thread_slot::VSPACE]
            .iter()
            .any(|index| self.takes_long(thread, *index))
        {
            return Err(refused);
        }
        let root = self.with_data(cspace, cspace_data)?;
        let Some(Cap::CNode { .. }) = root else {
            return Err(refused);
        };
        let space = self.with_data(vspace, vspace_data)?;
        let Some(Cap::VSpace { asid: Some(_), .. }) = space else {
            return Err(refused);
        };
        let new = |cap, source| New { cap, source };
        Ok([new(root, cspace), new(space, vspace)])
    }

    fn with_data(&self, slot: Slot, data: Word) -> Result<Option<Cap>, Error> {
        let cap = self.cap(slot);
        let cap = match data {
            0 => cap,
            data => cap.and_then(|cap| cap.with_data(data, Data::ForCopy)),
        };
        cap.map_or(Ok(None), |cap| self.derived(slot, cap))
    }

    /// Whether to delete what is in a slot of `thread` would be long: the last capability to
    /// something with slots.
    fn takes_long(&self, thread: Place, index: u64) -> bool {
        let slot = Slot {
            holder: thread,
            index,
        };
        let Some(cap) = self.cap(slot) else {
            return false;
        };
        let mut others = self.slots.iter().filter(|(other, _)| **other != slot);
        matches!(
            cap,
            Cap::CNode { .. } | Cap::Thread { .. } | Cap::Zombie { .. }
        ) && !others.any(|(_, other)| super::deletion::names(&other.cap, &cap))
    }

    /// Puts new roots into a thread.
    pub fn install_spaces(&mut self, invoked: Invoked, [cspace, vspace]: [New; 2]) {
        self.install(invoked, thread_slot::CSPACE, cspace);
        self.install(invoked, thread_slot::VSPACE, vspace);
    }

    /// A new IPC buffer; none at address 0.
    pub fn new_buffer(&self, address: Word, frame: Slot) -> Result<Option<New>, Error> {
        if address == 0 {
            return Ok(None);
        }
        let cap = self.cap(frame).map(|cap| self.derived(frame, cap));
        let cap = cap.transpose()?.flatten();
        let Some(Cap::Frame { device: false, .. }) = cap else {
            return Err(Error::IllegalOperation);
        };
        if !address.is_multiple_of(1 << IPC_BUFFER_BITS) {
            return Err(Error::AlignmentError);
        }
        let source = frame;
        Ok(Some(New { cap, source }))
    }

    /// Gives a thread another IPC buffer. In worlds that do so, no buffer says where capabilities
    /// are to be received.
    pub fn set_buffer(&mut self, invoked: Invoked, buffer: Option<New>) {
        let at = invoked.at;
        let holder = at;
        let index = thread_slot::BUFFER;
        self.delete(Slot { holder, index });
        if let Some(frame) = buffer {
            self.install(invoked, index, frame);
        }
        let usable = self.has_buffer(at, Access::ReadWrite);
        if let Some(thread) = self.thread_mut(at) {
            thread.receives = usable.then_some([0; 3]);
        }
        if self.current == Some(at) {
            self.choose_anew();
        }
    }

    /// Sets the most priority that a thread may give.
    pub fn set_most_priority(&mut self, at: Place, priority: u8) {
        if let Some(thread) = self.thread_mut(at) {
            thread.most_priority = priority;
        }
    }

    /// Priorities, time and fault handler at once.
    pub fn set_sched_params(&mut self, invoked: Invoked, args: &Args) -> Result<(), Error> {
        let [most, priority] = args.words()?;
        let [authority, time, handler] = [args.cap(0)?, args.cap(1)?, args.cap(2)?];
        let authority = self.cap(authority);
        let most = self.within(authority, most)?;
        let priority = self.within(authority, priority)?;
        let at = invoked.at;
        let context = match self.cap(time) {
            Some(Cap::SchedContext { at: context, .. }) => {
                let has = self.context_of(at);
                let taken = self.runs_on(context);
                let stopped = self.thread(at).is_some_and(|thread| {
                    !thread.runnable() && thread.state != ThreadState::Inactive
                });
                if has.is_some_and(|has| has != context)
                    || taken.is_some_and(|taken| taken != at)
                    || stopped && !self.released(context)
                {
                    return Err(Error::IllegalOperation);
                }
                Some(context)
            }
            None if at == invoked.thread => return Err(Error::IllegalOperation),
            None => None,
            _ => return Err(Error::InvalidCapability(2)),
        };
        let handler = self.handler(handler, 3)?;
        self.install(invoked, thread_slot::FAULT_HANDLER, handler);
        self.set_most_priority(at, most);
        self.set_priority(at, priority);
        match (context, self.context_of(at)) {
            (Some(context), None) => self.bind_thread(context, at),
            (None, Some(has)) => self.unbind_thread(has),
            _ => {}
        }
        Ok(())
    }
}
