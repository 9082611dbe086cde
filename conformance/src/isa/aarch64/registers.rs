//! Registers, and how faults show them.

use abi::aarch64::unknown_syscall as unknown;
use abi::aarch64::{UserContext, breakpoint, initial_spsr, sanitised_spsr};
use abi::{FLAVOUR, Word};
use user_api::ExceptionRegisters;

pub(crate) use abi::aarch64::{FRAME_REGISTERS, SYSCALL_BYTES};

/// A new thread's.
pub(crate) fn initial() -> UserContext {
    UserContext {
        spsr: initial_spsr(FLAVOUR),
        ..UserContext::default()
    }
}

/// Any registers, with flags that a thread can have.
pub(crate) fn allowed(context: UserContext) -> UserContext {
    UserContext {
        spsr: initial_spsr(FLAVOUR) | 0xa000_0000,
        ..context
    }
}

/// What is written, and what becomes of it. Addresses are the thread's own business.
pub(crate) fn sanitised(context: UserContext) -> [(UserContext, UserContext); 2] {
    let with = |spsr| UserContext { spsr, ..context };
    [
        (with(Word::MAX), with(sanitised_spsr(Word::MAX, FLAVOUR))),
        (with(0), with(initial_spsr(FLAVOUR))),
    ]
}

pub(crate) fn ip(context: &UserContext) -> Word {
    context.pc
}

pub(crate) fn thread_register(context: &UserContext) -> Word {
    context.tpidr_el0
}

pub(crate) fn flags(context: &UserContext) -> Word {
    context.spsr
}

/// Carry, which an answer to an exception may set; EL1 and masked interrupts, which it may not.
const CARRY: Word = 1 << 29;
pub(crate) const PRIVILEGES: Word = 1 << 7 | 5;

/// An answer to an exception sets them.
pub(crate) fn raise_flags(registers: &mut ExceptionRegisters) {
    registers.flags |= CARRY | PRIVILEGES;
}

/// Where the registers of a system call are in the message of an unknown one: capability, info,
/// four message words, reply capability. That of the destination is not in it.
pub(crate) const CONVENTION: &[usize] = &[
    unknown::X0,
    unknown::X1,
    unknown::X2,
    unknown::X3,
    unknown::X4,
    unknown::X5,
    unknown::X6,
];
/// Where the number's register is, the stack pointer, and what an answer sets.
pub(crate) const NUMBER_REGISTER: usize = unknown::X7;
/// An answer sets it.
pub(crate) const ANSWER_SETS_NUMBER: bool = true;
pub(crate) const STACK: usize = unknown::SP;
pub(crate) const SET_STACK: usize = unknown::SP;
pub(crate) const FAULT_IP: usize = unknown::FAULT_IP;

const WRITE: Word = 1 << 6;
const DATA_ABORT: Word = 0x24;

/// Whether a status says: read, nothing there (a translation fault of some level).
pub(crate) fn read_of_nothing(status: Word) -> bool {
    status >> 26 == DATA_ABORT && status & WRITE == 0 && status & 0x3c == 0x04
}

/// Whether a status says: written, not permitted (a permission fault of some level).
pub(crate) fn write_refused(status: Word) -> bool {
    status >> 26 == DATA_ABORT && status & WRITE != 0 && status & 0x3c == 0x0c
}

/// Breakpoints that can be for data, and for instructions, and how many there are.
pub(crate) const DATA_BREAKPOINTS: core::ops::Range<Word> = 6..10;
pub(crate) const INSTRUCTION_BREAKPOINTS: core::ops::Range<Word> = 0..6;
pub(crate) const BREAKPOINTS: Word = breakpoint::NUM_HW_BREAKPOINTS as Word;
/// Accesses are told before they happen.
pub(crate) const WATCHED_BEFORE: bool = true;
