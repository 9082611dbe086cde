//! Faults: a thread that cannot go on says so to its handler, and waits for the answer.

use super::call::Told;
use super::endpoint::Blocking;
use super::state::{Fault, Message, Rights, Sending, ThreadState, thread_slot};
use super::{Cap, Failure, Place, State};
use abi::Word;
use abi::fault::FaultType;

/// Where the one instruction of all programs is; what a fault message says of the place.
pub const INSTRUCTION: Word = 0x40_0000;

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

    /// Whether the answer to a fault lets the thread go on: to a capability fault, any.
    pub fn accepted(&self, fault: &Fault, replier: Place) -> bool {
        let label = self.thread(replier).and_then(|thread| thread.says.as_ref());
        match fault {
            Fault::Cap { .. } => true,
            _ => label.is_some_and(|request| request.label == 0),
        }
    }
}
