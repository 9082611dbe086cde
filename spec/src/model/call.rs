//! The system calls.

use super::state::{Access, Heard, Message, Request, ThreadState, thread_slot};
use super::{Cap, Error, Failure, Place, Slot, State};
use abi::Word;
use abi::invocation::{Invocation, LABELS};
use abi::message::{MESSAGE_REGISTERS, MSG_MAX_LENGTH};
use abi::syscall::Syscall;
use std::collections::BTreeMap;

/// What the threads are told in the course of a step.
pub type Told = BTreeMap<Place, Heard>;

/// What an invocation has to go by: the words that count, and the slots of the capabilities.
#[derive(Clone, Debug)]
pub struct Args {
    words: Vec<Word>,
    caps: Vec<Slot>,
}

impl Args {
    /// The first `N` words, if that many were sent.
    pub fn words<const N: usize>(&self) -> Result<[Word; N], Error> {
        self.words
            .first_chunk()
            .copied()
            .ok_or(Error::TruncatedMessage)
    }

    /// The slot of capability `n`, if that many were sent.
    pub fn cap(&self, n: usize) -> Result<Slot, Error> {
        self.caps.get(n).copied().ok_or(Error::TruncatedMessage)
    }
}

impl State {
    /// Whether the kernel may use the IPC buffer of `thread` so.
    pub fn has_buffer(&self, thread: Place, access: Access) -> bool {
        match self.of_thread(thread, thread_slot::BUFFER) {
            Some(Cap::Frame {
                device: false,
                access: allowed,
                ..
            }) => allowed >= access,
            _ => false,
        }
    }

    /// How many words of a message count.
    pub fn length(&self, request: &Request, buffer: bool) -> usize {
        let most = if buffer {
            MSG_MAX_LENGTH
        } else {
            MESSAGE_REGISTERS
        };
        request.words.len().min(most)
    }

    /// The current thread makes a system call. What the threads are told by it.
    pub fn syscall(&mut self, request: &Request) -> Told {
        let mut told = Told::new();
        let Some(thread) = self.current else {
            return told;
        };
        let call = Syscall::Call.number();
        if request.syscall == call {
            self.invoke(thread, request, &mut told);
        }
        told
    }

    fn invoke(&mut self, thread: Place, request: &Request, told: &mut Told) {
        let found = self.lookup(thread, request.cap);
        let found = found.and_then(|slot| Ok((slot, self.args(thread, request)?)));
        let Ok((slot, args)) = found else {
            // Nobody is there to be told of the fault.
            self.stop(thread);
            return;
        };
        let (label, words) = match self.dispatch(slot, request.label, &args) {
            Ok(()) => (0, vec![]),
            Err(error) => error.answer(),
        };
        if self.thread(thread).is_some() {
            let message = Some(self.trimmed(thread, label, words));
            told.insert(thread, Heard { badge: 0, message });
        }
    }

    /// A message from the kernel, as far as there is room for it.
    fn trimmed(&self, thread: Place, label: Word, mut words: Vec<Word>) -> Message {
        if !self.has_buffer(thread, Access::ReadWrite) {
            words.truncate(MESSAGE_REGISTERS);
        }
        Message {
            label,
            words,
            extra_caps: 0,
            unwrapped: 0,
        }
    }

    fn args(&self, thread: Place, request: &Request) -> Result<Args, Failure> {
        let buffer = self.has_buffer(thread, Access::Read);
        let mut caps = vec![];
        if buffer {
            for address in &request.caps {
                caps.push(self.lookup(thread, *address)?);
            }
        }
        let length = self.length(request, buffer);
        Ok(Args {
            words: request.words[..length].to_vec(),
            caps,
        })
    }

    fn dispatch(&mut self, slot: Slot, label: Word, args: &Args) -> Result<(), Error> {
        let cap = self.cap(slot).ok_or(Error::InvalidCapability(0))?;
        let invocation = LABELS.invocation(label).ok_or(Error::IllegalOperation)?;
        match (cap, invocation) {
            (Cap::CNode { .. }, _) => self.invoke_cnode(cap, invocation, args),
            (Cap::Untyped { .. }, Invocation::UntypedRetype) => self.retype(slot, args),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn stop(&mut self, thread: Place) {
        if let Some(thread) = self.thread_mut(thread) {
            thread.state = ThreadState::Inactive;
        }
        if self.current == Some(thread) {
            self.current = None;
        }
    }

    /// Senders with this badge start again.
    pub fn cancel_badged_sends(&mut self, _endpoint: Place, _badge: Word) {}
}
