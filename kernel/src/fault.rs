//! Faults: a thread that cannot go on says so to its handler, in a message that the kernel
//! writes for it, and waits for the reply. (`abi/semantics-core.md` 3.)

use crate::Kernel;
use crate::cap::Cap;
use crate::console::explain;
use crate::error::LookupFailure;
use crate::ipc::{Blocking, Donation};
use crate::isa;
use crate::message::{self, Buffer};
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

/// A receiver who is told of a fault, word by word.
struct Told {
    receiver: Ref<Tcb>,
    buffer: Option<Buffer>,
    length: usize,
    /// There was no place for a word.
    full: bool,
}

impl Told {
    fn new(k: &Kernel, receiver: Ref<Tcb>) -> Self {
        Self {
            receiver,
            buffer: tcb::buffer(k, receiver, Access::ReadWrite),
            length: 0,
            full: false,
        }
    }

    fn word(&mut self, k: &mut Kernel, word: Word) {
        if self.full || !message::write_word(k, self.receiver, self.buffer, self.length, word) {
            self.full = true;
        } else {
            // At most as many as a message has.
            self.length = self.length.wrapping_add(1);
        }
    }

    /// A whole message.
    fn in_registers(&mut self, k: &mut Kernel, words: [Word; MESSAGE_REGISTERS]) {
        k[self.receiver.context()].set_message_registers(words);
        self.length = MESSAGE_REGISTERS;
    }

    fn registers(&mut self, k: &mut Kernel, of: Ref<Tcb>, registers: &[usize]) {
        for &register in registers {
            let word = k[of.context()].register(register);
            self.word(k, word);
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
    let mut told = Told::new(k, receiver);
    let ip = k[sender.context()].fault_ip();
    match fault {
        Fault::Cap {
            address,
            phase,
            failure,
        } => {
            told.word(k, ip);
            told.word(k, address);
            told.word(k, Word::from(phase == Phase::Receive));
            let (failure, count) = failure.words();
            for word in failure.into_iter().take(count) {
                told.word(k, word);
            }
        }
        Fault::UnknownSyscall { number } => {
            told.registers(k, sender, &isa::UNKNOWN_SYSCALL_REGISTERS);
            told.word(k, number);
        }
        Fault::UserException { number, code } => {
            told.registers(k, sender, &isa::USER_EXCEPTION_REGISTERS);
            told.word(k, number);
            told.word(k, code);
        }
        Fault::Vm {
            address,
            status,
            instruction,
        } => {
            told.in_registers(k, [ip, address, Word::from(instruction), status]);
        }
        Fault::Timeout { badge } => {
            told.word(k, badge);
            if let Some(sc) = k[sender].sched_context {
                let consumed = sched_context::take_consumed(k, sc);
                told.word(k, consumed);
            }
        }
        Fault::Debug {
            reason,
            address,
            breakpoint,
        } => {
            told.word(k, ip);
            told.word(k, reason);
            if reason <= 1 {
                told.word(k, address);
                told.word(k, breakpoint);
            }
        }
    }
    let context = &mut k[receiver.context()];
    context.set_badge(badge);
    context.set_message_info(MessageInfo::new(fault.fault_type() as Word, 0, 0, told.length).0);
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

/// Whether the reply of `replier` to `fault` lets the thread execute its instruction again, if nothing but
/// the reply's label decides that.
#[inline(always)]
pub(crate) fn lets_go_on(k: &Kernel, fault: Fault, replier: Ref<Tcb>) -> Option<bool> {
    match fault {
        Fault::Cap { .. } | Fault::Vm { .. } => Some(true),
        Fault::UnknownSyscall { .. } | Fault::UserException { .. } => {
            Some(MessageInfo(k[replier.context()].message_info()).label() == 0)
        }
        Fault::Timeout { .. } | Fault::Debug { .. } => None,
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
