//! Faults: a thread that cannot go on says so to its handler, and waits for the answer.

use super::call::Told;
use super::endpoint::Blocking;
use super::state::{Access, Fault, Message, Rights, Sending, ThreadState, Trap, thread_slot};
use super::{Cap, Failure, Place, State};
use abi::Word;
use abi::fault::FaultType;

/// Where the one system call of all programs is; what a fault message says of the place.
pub const INSTRUCTION: Word = 0x40_0000;
/// Where programs do what traps.
pub const ELSEWHERE: Word = 0x40_0100;

impl State {
    /// Whether `thread` has a fault that its handler is told of.
    pub fn has_fault(&self, thread: Place) -> bool {
        self.thread(thread)
            .is_some_and(|thread| thread.fault.is_some())
    }

    /// Whether that is the end of its budget.
    pub fn timed_out(&self, thread: Place) -> bool {
        let fault = self.thread(thread).and_then(|thread| thread.fault.as_ref());
        matches!(fault, Some(Fault::Timeout { .. }))
    }

    /// A capability address of `thread`'s system call led nowhere.
    pub fn cap_fault(
        &mut self,
        thread: Place,
        address: Word,
        receiving: bool,
        failure: Failure,
        told: &mut Told,
    ) {
        let fault = Fault::Cap {
            address,
            receiving,
            failure: failure.words(),
        };
        self.fault(thread, fault, told);
    }

    /// Whoever runs has made a system call that there is not.
    pub fn unknown_syscall(&mut self, thread: Place, number: i64, told: &mut Told) {
        let number = number as Word;
        self.fault(thread, Fault::UnknownSyscall { number }, told);
    }

    /// The program of whoever runs does what traps, at the time `now`.
    pub fn trap(&mut self, trap: Trap, now: u64) -> Told {
        let mut told = Told::new();
        let Some(thread) = self.current else {
            return told;
        };
        self.time_passes(now);
        if self.has_budget(&mut told) {
            self.fault(thread, Fault::Trap(trap), &mut told);
        } else if let Some(thread) = self.thread_mut(thread)
            && thread.runnable()
        {
            thread.state = ThreadState::Restart;
        }
        self.end_step(&mut told);
        told
    }

    /// The handler of `thread` is told; without one the thread stops.
    fn fault(&mut self, thread: Place, fault: Fault, told: &mut Told) {
        let lends = self.context_of(thread).is_some();
        if !self.tell_handler(thread, thread_slot::FAULT_HANDLER, fault, lends, told) {
            self.set_state(thread, ThreadState::Inactive);
        }
    }

    /// The fault is sent to the handler like a call. Whether there is one.
    pub fn tell_handler(
        &mut self,
        thread: Place,
        slot: u64,
        fault: Fault,
        lends: bool,
        told: &mut Told,
    ) -> bool {
        let Some(Cap::Endpoint { at, badge, rights }) = self.of_thread(thread, slot) else {
            return false;
        };
        if let Some(thread) = self.thread_mut(thread) {
            thread.fault = Some(fault);
        }
        let how = Sending {
            badge,
            grant: rights.has(Rights::GRANT),
            grant_reply: rights.has(Rights::GRANT_REPLY),
            call: true,
        };
        self.send(thread, at, how, Blocking::Yes, lends, told);
        true
    }

    /// What the handler is told.
    pub fn describe(&mut self, sender: Place, fault: &Fault, receiver: Place) -> Message {
        let (label, words) = match fault {
            Fault::Cap {
                address,
                receiving,
                failure,
            } => {
                let mut words = vec![INSTRUCTION, *address, Word::from(*receiving)];
                words.extend(failure);
                (FaultType::CapFault, words)
            }
            Fault::UnknownSyscall { number } => {
                let mut words = self.shown(sender, fault);
                words.push(*number);
                (FaultType::UnknownSyscall, words)
            }
            Fault::Trap(Trap::Exception { number, code }) => {
                let mut words = self.shown(sender, fault);
                words.extend([number, code]);
                (FaultType::UserException, words)
            }
            Fault::Trap(Trap::Memory {
                address,
                status,
                instruction,
            }) => {
                let at = self.goes_on_at(sender);
                let words = vec![at, *address, Word::from(*instruction), *status];
                (FaultType::VMFault, words)
            }
            Fault::Timeout { badge } => {
                let mut words = vec![*badge];
                if let Some(context) = self.context_of(sender) {
                    words.push(self.report_consumed(context));
                }
                (FaultType::Timeout, words)
            }
            Fault::Other => (FaultType::NullFault, vec![]),
        };
        self.from_kernel(receiver, label.number(), words)
    }

    /// Whether the answer to a fault of `thread` lets it go on: to a fault of memory or of a
    /// capability, any. The words of other answers are for the registers that the message showed.
    pub fn accepted(&mut self, fault: &Fault, replier: Place, thread: Place) -> bool {
        if matches!(fault, Fault::Cap { .. } | Fault::Trap(Trap::Memory { .. })) {
            return true;
        }
        let answer = self.thread(replier).and_then(|thread| thread.says.clone());
        let Some(answer) = answer else {
            return false;
        };
        let length = self.length(&answer, self.has_buffer(replier, Access::Read));
        self.set_shown(thread, fault, &answer.words[..length]);
        answer.label == 0
    }
}
