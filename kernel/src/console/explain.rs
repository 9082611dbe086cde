//! Errors that explain themselves: which thread, which operation, which argument, got and wanted.

use super::Level;
use crate::Kernel;
use crate::cap::Cap;
use crate::error::{Lookup, LookupFailure, SyscallError};
use crate::fault::{Fault, Phase};
use crate::isa;
use crate::message::Message;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::invocation::LABELS;
use abi::{FLAVOUR, Word};
use core::fmt;

/// How a capability is called in a sentence.
struct Kind(Cap);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Cap::Null => "an empty slot",
            Cap::Untyped(_) => "an untyped",
            Cap::Endpoint(_) => "an endpoint",
            Cap::Notification(_) => "a notification",
            Cap::Reply(_) => "a reply object",
            Cap::CNode(_) => "a CNode",
            Cap::Tcb(_) => "a TCB",
            Cap::SchedContext(_) => "a scheduling context",
            Cap::SchedControl { .. } => "scheduling control",
            Cap::IrqControl => "IRQ control",
            Cap::IrqHandler(_) => "an IRQ handler",
            Cap::Domain => "the domain capability",
            Cap::Zombie(_) => "an object being deleted",
            Cap::Frame(_) => "a frame",
            Cap::PageTable(_) => "a page table",
            Cap::VSpace(_) => "a VSpace root",
            Cap::AsidControl => "ASID control",
            Cap::AsidPool(_) => "an ASID pool",
            Cap::Isa(_) => "an architecture's own capability",
        })
    }
}

impl fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRoot => write!(f, "the root is not a CNode, or names no address space"),
            Self::MissingCapability { bits_left } => {
                write!(f, "nothing there with {bits_left} bits left")
            }
            Self::DepthMismatch {
                bits_left,
                bits_found,
            } => {
                write!(
                    f,
                    "{bits_left} bits are left where a CNode resolves {bits_found}"
                )
            }
            Self::GuardMismatch {
                bits_left,
                guard,
                bits_found,
            } => {
                write!(
                    f,
                    "guard {guard:#x} of {bits_found} bits does not match with {bits_left} bits left"
                )
            }
        }
    }
}

/// An error with the message that it is about.
struct Explained<'a>(&'a SyscallError, &'a Kernel, &'a Message);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error, k, m) = *self;
        match *error {
            SyscallError::InvalidArgument(n) => {
                write!(
                    f,
                    "invalid argument: word {n} is {:#x}",
                    m.word(k, n as usize)
                )
            }
            SyscallError::InvalidCapability(0) => {
                write!(
                    f,
                    "invalid capability: this operation is not for the invoked one, as it is now"
                )
            }
            SyscallError::InvalidCapability(n) => {
                let cap = m
                    .cap((n as usize).saturating_sub(1))
                    .map_or(Cap::Null, |slot| k[slot].cap());
                write!(
                    f,
                    "invalid capability: extra one {n} is {}, not what is wanted",
                    Kind(cap)
                )
            }
            SyscallError::IllegalOperation => {
                write!(f, "illegal operation: not in this state, or not on this")
            }
            SyscallError::RangeError { min, max } => {
                write!(f, "out of range: wanted {min:#x} to {max:#x}")
            }
            SyscallError::AlignmentError => write!(f, "not aligned"),
            SyscallError::FailedLookup(which, failure) => {
                let which = match which {
                    Lookup::Source => "source",
                    Lookup::Destination => "destination",
                };
                write!(f, "failed lookup of the {which}: {failure}")
            }
            SyscallError::TruncatedMessage => write!(
                f,
                "truncated message: more words or capabilities are wanted"
            ),
            SyscallError::DeleteFirst => write!(f, "delete first: the place is taken"),
            SyscallError::RevokeFirst => {
                write!(f, "revoke first: something derived from it is in the way")
            }
            SyscallError::NotEnoughMemory { available } => {
                write!(f, "not enough memory: {available:#x} bytes are left")
            }
        }
    }
}

/// The words and capabilities of a message, as many as were sent, at most eight words.
struct Sent<'a>(&'a Kernel, &'a Message);

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(k, m) = *self;
        write!(f, "[")?;
        for n in 0..m.length.min(8) {
            write!(f, "{}{:#x}", if n == 0 { "" } else { " " }, m.word(k, n))?;
        }
        write!(f, "]")?;
        for slot in (0..).map_while(|n| m.cap(n)) {
            write!(f, " + {}", Kind(k[slot].cap()))?;
        }
        Ok(())
    }
}

/// An invocation of `thread` was refused.
#[inline]
pub(crate) fn refused(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    slot: Ref<Slot>,
    m: &Message,
    error: &SyscallError,
) {
    if FLAVOUR.printing() && k.log >= Level::Errors {
        print_refused(k, thread, address, slot, m, error);
    }
}

#[cold]
fn print_refused(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    slot: Ref<Slot>,
    m: &Message,
    error: &SyscallError,
) {
    let name = k[thread];
    let operation = LABELS
        .invocation(m.label)
        .map_or("an unknown operation", |invocation| invocation.name());
    let kind = Kind(k[slot].cap());
    let mut line = super::Line::new();
    let _ = fmt::Write::write_fmt(
        &mut line,
        format_args!(
            "refused: '{}' called {operation} ({}) on {address:#x}, {kind}: {}; sent {}",
            name.name(),
            m.label,
            Explained(error, k, m),
            Sent(k, m),
        ),
    );
    k.say(format_args!("{}", line.as_str()));
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::Cap {
                address,
                phase,
                failure,
            } => {
                let phase = if phase == Phase::Send {
                    "sending"
                } else {
                    "receiving"
                };
                write!(
                    f,
                    "capability {address:#x} was not found when {phase}: {failure}"
                )
            }
            Fault::UnknownSyscall { number } => {
                write!(f, "there is no system call {}", number.cast_signed())
            }
            Fault::UserException { number, code } => {
                write!(
                    f,
                    "exception {number:#x}, code {code:#x}: {}",
                    isa::exception_name(number)
                )
            }
            Fault::Vm {
                address,
                status,
                instruction,
            } => {
                let access = if instruction {
                    "instruction fetch"
                } else {
                    "access"
                };
                write!(
                    f,
                    "{access} at {address:#x} failed, status {status:#x}: {}",
                    isa::VmStatus(status)
                )
            }
            Fault::Timeout { badge } => {
                write!(f, "the budget of scheduling context {badge:#x} is used up")
            }
            Fault::Debug {
                reason, address, ..
            } => write!(f, "debug exception {reason} at {address:#x}"),
        }
    }
}

/// `thread` has faulted, nobody handles it, and it stops.
pub(crate) fn unhandled(k: &mut Kernel, thread: Ref<Tcb>, fault: &Fault) {
    if !FLAVOUR.printing() || k.log < Level::Faults {
        return;
    }
    let (tcb, context) = (k[thread], k[thread.context()]);
    k.say(format_args!(
        "fault: '{}' has no fault handler and stops: {fault}",
        tcb.name()
    ));
    for (n, name) in isa::REGISTER_NAMES.iter().enumerate() {
        let end = if n % 4 == 3 { "\n" } else { "" };
        let mut line = super::Line::new();
        let _ = fmt::Write::write_fmt(
            &mut line,
            format_args!("  {name:>7} {:#018x}{end}", context.register(n)),
        );
        k.write(line.as_str());
    }
    k.say(format_args!(""));
}
