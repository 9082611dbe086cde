//! The system calls.

use super::endpoint::Blocking;
use super::state::{Access, Heard, Request, Rights, Sending, Thread, ThreadState, thread_slot};
use super::{Cap, Error, Failure, Object, Place, Slot, State};
use abi::invocation::{Invocation, LABELS};
use abi::message::{MESSAGE_REGISTERS, MSG_MAX_LENGTH};
use abi::syscall::Syscall;
use abi::{FLAVOUR, PROFILE, Word};
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

    /// The words behind the first `n`.
    pub fn after(&self, n: usize) -> &[Word] {
        self.words.get(n..).unwrap_or_default()
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

    /// The current thread makes a system call, at the time `now`. What the threads are told by
    /// it. Without time for it the call is not made, but will be.
    pub fn syscall(&mut self, request: &Request, now: u64) -> Told {
        let mut told = Told::new();
        let Some(thread) = self.current else {
            return told;
        };
        self.time_passes(now);
        let says = Some(self.readable(thread, request));
        if let Some(thread) = self.thread_mut(thread) {
            thread.says = says;
        }
        if self.has_budget(&mut told) {
            self.make(thread, request, &mut told);
            if let Some(thread) = self.thread_mut(thread)
                && thread.state == ThreadState::Running
            {
                thread.says = None;
            }
        } else if let Some(thread) = self.thread_mut(thread)
            && thread.runnable()
        {
            thread.state = ThreadState::Restart;
        }
        self.end_step(&mut told);
        told
    }

    /// What can be read of a request: nothing that would be in a buffer, without one.
    fn readable(&self, thread: Place, request: &Request) -> Request {
        let mut request = request.clone();
        if !self.has_buffer(thread, Access::Read) {
            let in_buffer = request.words.iter_mut().skip(MESSAGE_REGISTERS);
            in_buffer
                .chain(&mut request.caps)
                .for_each(|word| *word = 0);
        }
        request
    }

    /// The timer interrupts, at the time `now`.
    pub fn timer(&mut self, now: u64) -> Told {
        let mut told = Told::new();
        self.time_passes(now);
        self.has_budget(&mut told);
        self.settle = true;
        self.end_step(&mut told);
        told
    }

    pub(super) fn end_step(&mut self, told: &mut Told) {
        told.append(&mut self.told_at_end);
        self.awaken();
        if self.turn_is_over() {
            self.choose_anew();
        }
        self.decide();
        self.switch_time();
        if let Some(current) = self.current {
            self.complete_yield(current, told);
        }
        self.forget();
    }

    /// What a thread that nobody can start again would say does not matter.
    fn forget(&mut self) {
        for object in self.objects.values_mut() {
            if let Object::Thread(thread) = object
                && matches!(
                    thread.state,
                    ThreadState::Inactive | ThreadState::Calling { .. }
                )
                && thread.fault.is_none()
                && !self.resumable
            {
                thread.says = None;
            }
        }
    }

    fn make(&mut self, thread: Place, request: &Request, told: &mut Told) {
        let Some(syscall) = Syscall::from_number(request.syscall, &PROFILE, FLAVOUR) else {
            return self.unknown_syscall(thread, request.syscall, told);
        };
        let (cap, reply) = (request.cap, request.reply);
        match syscall {
            Syscall::Send => self.invoke(thread, cap, SEND, told),
            Syscall::NbSend => self.invoke(thread, cap, NB_SEND, told),
            Syscall::Call => self.invoke(thread, cap, CALL, told),
            Syscall::Recv => self.receive_from(thread, cap, Some(reply), Blocking::Yes, told),
            Syscall::NbRecv => self.receive_from(thread, cap, Some(reply), Blocking::No, told),
            Syscall::Wait => self.receive_from(thread, cap, None, Blocking::Yes, told),
            Syscall::NbWait => self.receive_from(thread, cap, None, Blocking::No, told),
            Syscall::ReplyRecv => {
                self.invoke(thread, reply, FIRST, told);
                self.then_receive(thread, cap, Some(reply), told);
            }
            Syscall::NbSendRecv => {
                self.invoke(thread, request.destination, FIRST, told);
                self.then_receive(thread, cap, Some(reply), told);
            }
            Syscall::NbSendWait => {
                self.invoke(thread, reply, FIRST, told);
                self.then_receive(thread, cap, None, told);
            }
            Syscall::Yield => self.yield_slice(told),
            _ => {}
        }
    }

    fn then_receive(&mut self, thread: Place, cap: Word, reply: Option<Word>, told: &mut Told) {
        if self.current == Some(thread) && self.thread(thread).is_some_and(Thread::runnable) {
            self.receive_from(thread, cap, reply, Blocking::Yes, told);
        }
    }

    /// The receiving part of a call. Whatever is wrong is a fault.
    fn receive_from(
        &mut self,
        thread: Place,
        cap: Word,
        reply: Option<Word>,
        blocking: Blocking,
        told: &mut Told,
    ) {
        let missing = Failure::MissingCapability { bits_left: 0 };
        let slot = match self.lookup(thread, cap) {
            Ok(slot) => slot,
            Err(failure) => return self.cap_fault(thread, cap, true, failure, told),
        };
        match self.cap(slot) {
            Some(Cap::Endpoint { at, rights, .. }) if rights.has(Rights::READ) => {
                let reply = match reply {
                    None => None,
                    Some(address) => match self.lookup(thread, address) {
                        Err(failure) => {
                            return self.cap_fault(thread, address, true, failure, told);
                        }
                        Ok(slot) => match self.cap(slot) {
                            Some(Cap::Reply { at, .. }) => Some(at),
                            _ => return self.cap_fault(thread, address, true, missing, told),
                        },
                    },
                };
                self.receive(thread, at, reply, blocking, told);
            }
            Some(Cap::Notification { at, rights, .. })
                if rights.has(Rights::READ)
                    && self
                        .notification(at)
                        .is_some_and(|n| n.bound.is_none_or(|bound| bound == thread)) =>
            {
                self.wait(thread, at, blocking, told);
            }
            _ => self.cap_fault(thread, cap, true, missing, told),
        }
    }

    fn invoke(&mut self, thread: Place, address: Word, mode: Mode, told: &mut Told) {
        let Some(request) = self.thread(thread).and_then(|thread| thread.says.clone()) else {
            return;
        };
        let found = self
            .lookup(thread, address)
            .map_err(|failure| (address, failure));
        let found = found.and_then(|slot| Ok((slot, self.args(thread, &request)?)));
        let (slot, args) = match found {
            Ok(found) => found,
            Err((address, failure)) => {
                if mode.blocking == Blocking::Yes {
                    self.cap_fault(thread, address, false, failure, told);
                }
                return;
            }
        };
        let outcome = self.dispatch(thread, slot, request.label, &args, mode, told);
        let (label, words) = match outcome {
            Ok(Outcome::Silent) => return,
            Ok(Outcome::Done) => (0, vec![]),
            Ok(Outcome::Says(words)) => (0, words),
            Err(error) => error.answer(),
        };
        // Who has been stopped or has ended is not answered.
        let runs =
            self.current == Some(thread) && self.thread(thread).is_some_and(Thread::runnable);
        if mode.call && runs {
            let message = Some(self.from_kernel(thread, label, words));
            told.insert(thread, Heard { badge: 0, message });
        }
    }

    fn args(&self, thread: Place, request: &Request) -> Result<Args, (Word, Failure)> {
        let buffer = self.has_buffer(thread, Access::Read);
        let mut caps = vec![];
        if buffer {
            for address in &request.caps {
                let slot = self.lookup(thread, *address);
                caps.push(slot.map_err(|failure| (*address, failure))?);
            }
        }
        let length = self.length(request, buffer);
        Ok(Args {
            words: request.words[..length].to_vec(),
            caps,
        })
    }

    fn dispatch(
        &mut self,
        thread: Place,
        slot: Slot,
        label: Word,
        args: &Args,
        mode: Mode,
        told: &mut Told,
    ) -> Result<Outcome, Error> {
        let invalid = Error::InvalidCapability(0);
        match self.cap(slot) {
            Some(Cap::Endpoint { at, badge, rights }) if rights.has(Rights::WRITE) => {
                let how = Sending {
                    badge,
                    grant: rights.has(Rights::GRANT),
                    grant_reply: rights.has(Rights::GRANT_REPLY),
                    call: mode.call,
                };
                self.send(thread, at, how, mode.blocking, mode.lends, told);
                Ok(Outcome::Silent)
            }
            Some(Cap::Notification { at, badge, rights }) if rights.has(Rights::WRITE) => {
                self.signal(at, badge, told);
                Ok(Outcome::Done)
            }
            Some(Cap::Reply { at, grant }) => {
                self.answer(thread, at, grant, told);
                Ok(Outcome::Done)
            }
            None | Some(Cap::Endpoint { .. } | Cap::Notification { .. } | Cap::Zombie { .. }) => {
                Err(invalid)
            }
            Some(
                Cap::Thread { .. }
                | Cap::CNode { .. }
                | Cap::SchedContext { .. }
                | Cap::SchedControl
                | Cap::DomainSet,
            ) if mode.first => Err(invalid),
            Some(cap) => self.operate(thread, slot, cap, label, args, told),
        }
    }

    /// An operation of an object of the kernel.
    fn operate(
        &mut self,
        thread: Place,
        slot: Slot,
        cap: Cap,
        label: Word,
        args: &Args,
        told: &mut Told,
    ) -> Result<Outcome, Error> {
        let invocation = LABELS.invocation(label).ok_or(Error::IllegalOperation)?;
        match (cap, invocation) {
            (Cap::CNode { .. }, _) => self.invoke_cnode(cap, invocation, args)?,
            (Cap::Untyped { .. }, Invocation::UntypedRetype) => self.retype(slot, args)?,
            (Cap::Thread { at }, _) => {
                let invoked = super::thread::Invoked { slot, at, thread };
                let said = self.invoke_thread(invoked, invocation, args)?;
                return Ok(said.map_or(Outcome::Done, Outcome::Says));
            }
            (Cap::SchedContext { at, .. }, _) => {
                let said = self.invoke_context(thread, at, invocation, args, told)?;
                return Ok(said.map_or(Outcome::Done, Outcome::Says));
            }
            (Cap::SchedControl, Invocation::SchedControlConfigureFlags) => self.configure(args)?,
            (Cap::DomainSet, _) => self.invoke_domains(invocation, args)?,
            (Cap::Frame { .. }, _) => {
                let said = self.invoke_frame(slot, cap, invocation, args)?;
                return Ok(said.map_or(Outcome::Done, |word| Outcome::Says(vec![word])));
            }
            (Cap::Table { .. } | Cap::VSpace { .. }, _) => {
                self.invoke_table(slot, cap, invocation, args)?;
            }
            (Cap::IrqControl, _) => self.issue_handler(slot, invocation, args)?,
            (Cap::IrqHandler { line }, _) => self.invoke_handler(line, invocation, args)?,
            (Cap::AsidControl, _) => self.make_pool(invocation, args)?,
            (Cap::AsidPool { at, index }, _) => self.assign(at, index, invocation, args)?,
            _ => return Err(Error::IllegalOperation),
        }
        Ok(Outcome::Done)
    }
}

/// How an invocation ends when it is not refused.
enum Outcome {
    /// Nobody is answered in the kernel's name.
    Silent,
    Done,
    Says(Vec<Word>),
}

/// How a system call invokes.
#[derive(Clone, Copy, Debug)]
struct Mode {
    blocking: Blocking,
    call: bool,
    /// Whether time may be lent.
    lends: bool,
    /// The first part of a combined call.
    first: bool,
}

const SEND: Mode = Mode {
    blocking: Blocking::Yes,
    call: false,
    lends: false,
    first: false,
};
const NB_SEND: Mode = Mode {
    blocking: Blocking::No,
    ..SEND
};
const CALL: Mode = Mode {
    call: true,
    lends: true,
    ..SEND
};
const FIRST: Mode = Mode {
    blocking: Blocking::No,
    call: false,
    lends: true,
    first: true,
};
