//! Faults: a thread that cannot go on says so to its handler, in a message that the kernel
//! writes for it, and waits for the reply. (`abi/semantics-core.md` 3.)

use crate::Kernel;
use crate::cap::Cap;
use crate::console::explain;
use crate::error::LookupFailure;
use crate::ipc::{Blocking, Donation};
use crate::isa;
use crate::message;
use crate::object::endpoint;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Sending, Tcb, TcbSlot, ThreadState};
use abi::Word;
use abi::fault::{DebugReason, FaultType};
use abi::message::{MESSAGE_REGISTERS, MessageInfo};

/// In which part of a system call a capability was missing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    Send,
    Receive,
}

/// Why a thread cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// A capability address of a system call did not resolve.
    Cap {
        address: Word,
        phase: Phase,
        failure: LookupFailure,
    },
    /// A system call number that does not exist.
    UnknownSyscall { number: Word },
    /// An exception of the processor.
    UserException { number: Word, code: Word },
    /// A memory access failed.
    Vm {
        address: Word,
        status: Word,
        instruction: bool,
    },
    /// The budget of a scheduling context with this badge is used up.
    Timeout { badge: Word },
    /// A breakpoint, watchpoint, single step, or breakpoint instruction.
    Debug {
        reason: Word,
        address: Word,
        breakpoint: Word,
    },
}

impl Fault {
    /// Whether it is a timeout.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Fault::Timeout { .. })
    }

    fn fault_type(&self) -> FaultType {
        match self {
            Fault::Cap { .. } => FaultType::CapFault,
            Fault::UnknownSyscall { .. } => FaultType::UnknownSyscall,
            Fault::UserException { .. } => FaultType::UserException,
            Fault::Vm { .. } => FaultType::VMFault,
            Fault::Timeout { .. } => FaultType::Timeout,
            Fault::Debug { .. } => FaultType::DebugException,
        }
    }
}

/// `thread`, the current one, has faulted.
#[doc(alias = "handleFault")]
pub fn deliver(k: &mut Kernel, thread: Ref<Tcb>, fault: Fault) {
    let donation = Donation::when(k[thread].sched_context.is_some());
    if !send_to(k, thread, TcbSlot::FaultHandler, fault, donation) {
        explain::unhandled(k, thread, &fault);
        tcb::set_state(k, thread, ThreadState::Inactive);
    }
}

/// Whether the end of a budget of `thread` is worth a fault.
pub fn has_timeout_handler(k: &Kernel, thread: Ref<Tcb>) -> bool {
    matches!(
        k[thread.slot(TcbSlot::TimeoutHandler)].cap(),
        Cap::Endpoint(_)
    )
}

/// The budget of `thread`, in `sc`, is used up, and it has a handler for that.
#[doc(alias = "handleTimeout")]
pub fn deliver_timeout(k: &mut Kernel, thread: Ref<Tcb>, sc: Ref<SchedContext>) {
    let fault = Fault::Timeout { badge: k[sc].badge };
    send_to(k, thread, TcbSlot::TimeoutHandler, fault, Donation::No);
}

fn send_to(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: TcbSlot,
    fault: Fault,
    donation: Donation,
) -> bool {
    let Cap::Endpoint(handler) = k[thread.slot(slot)].cap() else {
        return false;
    };
    k[thread].fault = Some(fault);
    let sending = Sending {
        badge: handler.badge,
        can_grant: handler.rights.grant(),
        can_grant_reply: handler.rights.grant_reply(),
        call: true,
    };
    endpoint::send(
        k,
        thread,
        handler.endpoint,
        sending,
        Blocking::Yes,
        donation,
    );
    true
}

/// The message words of a fault; the longest has 19.
struct Words {
    words: [Word; 24],
    length: usize,
}

impl Words {
    fn new() -> Self {
        Self {
            words: [0; 24],
            length: 0,
        }
    }

    fn push(&mut self, word: Word) {
        if let Some(place) = self.words.get_mut(self.length) {
            *place = word;
            self.length = self.length.wrapping_add(1);
        }
    }

    fn push_registers(&mut self, context: &isa::Context, registers: &[usize]) {
        for &register in registers {
            self.push(context.register(register));
        }
    }
}

/// Tells `receiver` of the fault of `sender`.
pub(crate) fn describe(
    k: &mut Kernel,
    fault: Fault,
    sender: Ref<Tcb>,
    receiver: Ref<Tcb>,
    badge: Word,
) {
    let context = k[sender.context()];
    let mut words = Words::new();
    match fault {
        Fault::Cap {
            address,
            phase,
            failure,
        } => {
            words.push(context.fault_ip());
            words.push(address);
            words.push(Word::from(phase == Phase::Receive));
            let (failure, count) = failure.words();
            failure
                .into_iter()
                .take(count)
                .for_each(|word| words.push(word));
        }
        Fault::UnknownSyscall { number } => {
            words.push_registers(&context, &isa::UNKNOWN_SYSCALL_REGISTERS);
            words.push(number);
        }
        Fault::UserException { number, code } => {
            words.push_registers(&context, &isa::USER_EXCEPTION_REGISTERS);
            words.push(number);
            words.push(code);
        }
        Fault::Vm {
            address,
            status,
            instruction,
        } => {
            words.push(context.fault_ip());
            words.push(address);
            words.push(Word::from(instruction));
            words.push(status);
        }
        Fault::Timeout { badge } => {
            words.push(badge);
            if let Some(sc) = k[sender].sched_context {
                words.push(sched_context::take_consumed(k, sc));
            }
        }
        Fault::Debug {
            reason,
            address,
            breakpoint,
        } => {
            words.push(context.fault_ip());
            words.push(reason);
            if reason <= 1 {
                words.push(address);
                words.push(breakpoint);
            }
        }
    }
    let length = message::write_words(k, receiver, words.words.into_iter().take(words.length));
    let context = &mut k[receiver.context()];
    context.set_badge(badge);
    context.set_message_info(MessageInfo::new(fault.fault_type() as Word, 0, 0, length).0);
}

/// Takes the reply of `replier` to `fault` of `thread`: registers it may write, and whether the
/// thread starts again.
#[doc(alias = "handleFaultReply")]
pub(crate) fn accept_reply(
    k: &mut Kernel,
    fault: Fault,
    replier: Ref<Tcb>,
    thread: Ref<Tcb>,
) -> bool {
    match fault {
        Fault::Cap { .. } | Fault::Vm { .. } => true,
        Fault::UnknownSyscall { .. } => write_back(
            k,
            replier,
            thread,
            isa::UNKNOWN_SYSCALL_REGISTERS.into_iter(),
        ),
        Fault::UserException { .. } => write_back(
            k,
            replier,
            thread,
            isa::USER_EXCEPTION_REGISTERS.into_iter(),
        ),
        Fault::Timeout { .. } => write_back(k, replier, thread, 0..isa::TIMEOUT_REPLY_REGISTERS),
        Fault::Debug { reason, .. } => accept_debug_reply(k, reason, replier, thread),
    }
}

/// The reply to a single step says how many to take before the next report.
fn accept_debug_reply(k: &mut Kernel, reason: Word, replier: Ref<Tcb>, thread: Ref<Tcb>) -> bool {
    let context = &k[replier.context()];
    let info = MessageInfo(context.message_info());
    let [steps, ..] = context.message_registers();
    if reason == DebugReason::SingleStep as Word && info.length() > 0 {
        isa::debug::step(k, thread, steps);
    }
    info.label() == 0
}

fn write_back(
    k: &mut Kernel,
    replier: Ref<Tcb>,
    thread: Ref<Tcb>,
    registers: impl Iterator<Item = usize>,
) -> bool {
    let context = &k[replier.context()];
    let info = MessageInfo(context.message_info());
    let words = context.message_registers();
    let buffer = tcb::buffer(k, replier, Access::Read);
    let length = message::clipped_length(info, buffer.is_some());
    for (n, register) in registers.enumerate().take(length) {
        let word = match (words.get(n), buffer) {
            (Some(&word), _) => word,
            (None, Some(buffer)) => buffer.word(k, n),
            (None, None) => break,
        };
        k[thread.context()].write_register(register, word);
    }
    info.label() == 0
}

const _: () = assert!(isa::UNKNOWN_SYSCALL_REGISTERS.len() < 24 && MESSAGE_REGISTERS == 4);
