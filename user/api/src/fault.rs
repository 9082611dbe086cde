//! Faults: what a handler receives about a thread that cannot go on, and how it answers.

use crate::error::LookupFailure;
use crate::isa::{ExceptionRegisters, SyscallRegisters, TimeoutReply};
use crate::message::{Message, Received};
use abi::Word;
use abi::fault::{FaultType, cap_fault, debug_exception, timeout, vm_fault};

/// A fault message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A capability address in a system call led nowhere. Any answer repeats the call.
    Cap {
        /// Where the thread is.
        ip: Word,
        /// The address that was looked up.
        address: Word,
        /// Whether it was to receive from there.
        in_receive: bool,
        /// How it failed.
        failure: LookupFailure,
    },
    /// A system call with an unknown number. An answer with label 0 sets the registers it brings
    /// and goes on; any other label leaves the thread stopped.
    UnknownSyscall {
        /// The registers.
        registers: SyscallRegisters,
    },
    /// An exception of the processor. Answers as for an unknown system call.
    UserException {
        /// The registers.
        registers: ExceptionRegisters,
        /// Vector.
        number: Word,
        /// Error code.
        code: Word,
    },
    /// An access to memory that is not mapped so. Any answer repeats the access.
    Vm {
        /// Where the thread is.
        ip: Word,
        /// The address accessed.
        address: Word,
        /// Whether it was an instruction fetch.
        prefetch: bool,
        /// What the processor says about it (x86: the error code).
        status: Word,
    },
    /// The budget is used up. Answers as for an unknown system call.
    Timeout {
        /// Badge of the scheduling context.
        data: Word,
        /// Microseconds used since they were last asked for.
        consumed: u64,
    },
    /// A breakpoint, watchpoint or single step.
    Debug {
        /// Where the thread is.
        ip: Word,
        /// 0 data, 1 instruction, 2 single step, 3 break instruction.
        reason: Word,
        /// The address that triggered, for reasons 0 and 1.
        trigger: Word,
        /// The breakpoint, for reasons 0 and 1.
        breakpoint: Word,
    },
}

impl Fault {
    /// The fault in a message; `None` if its label is no fault's. Reads the IPC buffer, so ask
    /// right after the receive.
    pub fn decode(message: &Received) -> Option<Self> {
        Some(match FaultType::from_number(message.label())? {
            FaultType::CapFault => {
                let words: [Word; cap_fault::LENGTH] = message.words();
                let kind = words[cap_fault::LOOKUP_FAILURE_TYPE];
                let details = core::array::from_fn(|index| words[cap_fault::BITS_LEFT + index]);
                Self::Cap {
                    ip: words[cap_fault::IP],
                    address: words[cap_fault::ADDR],
                    in_receive: words[cap_fault::IN_RECV_PHASE] != 0,
                    failure: LookupFailure::decode(kind, details),
                }
            }
            FaultType::UnknownSyscall => Self::UnknownSyscall {
                registers: SyscallRegisters(message.words()),
            },
            FaultType::UserException => {
                let (registers, number, code) = ExceptionRegisters::decode(message.words());
                Self::UserException {
                    registers,
                    number,
                    code,
                }
            }
            FaultType::VMFault => {
                let words: [Word; vm_fault::LENGTH] = message.words();
                Self::Vm {
                    ip: words[vm_fault::IP],
                    address: words[vm_fault::ADDR],
                    prefetch: words[vm_fault::PREFETCH_FAULT] != 0,
                    status: words[vm_fault::FSR],
                }
            }
            FaultType::Timeout => {
                let words: [Word; timeout::LENGTH] = message.words();
                Self::Timeout {
                    data: words[timeout::DATA],
                    consumed: words[timeout::CONSUMED],
                }
            }
            FaultType::DebugException => {
                let words: [Word; debug_exception::LENGTH] = message.words();
                Self::Debug {
                    ip: words[debug_exception::FAULT_IP],
                    reason: words[debug_exception::EXCEPTION_REASON],
                    trigger: words[debug_exception::TRIGGER_ADDRESS],
                    breakpoint: words[debug_exception::BREAKPOINT_NUMBER],
                }
            }
            _ => return None,
        })
    }
}

/// The answers to a fault.
impl Message {
    /// Go on as you are.
    pub const fn restart() -> Self {
        Self::new(0)
    }

    /// Go on with these registers, after an unknown system call.
    pub fn restart_syscall(registers: &SyscallRegisters) -> Self {
        let (settable, _number) = registers.0.split_at(registers.0.len() - 1);
        Self::restart().with_words(settable)
    }

    /// Go on with these registers, after an exception.
    pub fn restart_exception(registers: ExceptionRegisters) -> Self {
        Self::restart().with_words(&registers.to_words())
    }

    /// Go on with these registers, after a timeout.
    pub fn restart_timeout(registers: &TimeoutReply) -> Self {
        Self::restart().with_words(&registers.0)
    }

    /// Stay stopped (after an unknown system call, exception or timeout).
    pub const fn stay_stopped() -> Self {
        Self::new(1)
    }
}
