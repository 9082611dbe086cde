//! Registers, and how faults show them.

use abi::Word;
use abi::x86_64::unknown_syscall as unknown;
use abi::x86_64::{INITIAL_RFLAGS, UserContext, breakpoint, sanitised_rflags};
use user_api::ExceptionRegisters;

pub(crate) use abi::x86_64::{FRAME_REGISTERS, SYSCALL_BYTES};

/// A new thread's.
pub(crate) fn initial() -> UserContext {
    UserContext {
        rflags: INITIAL_RFLAGS,
        ..UserContext::default()
    }
}

/// Any registers, with flags that a thread can have.
pub(crate) fn allowed(context: UserContext) -> UserContext {
    UserContext {
        rflags: INITIAL_RFLAGS | 0xd5,
        ..context
    }
}

/// What is written, and what becomes of it.
pub(crate) fn sanitised(context: UserContext) -> [(UserContext, UserContext); 2] {
    // Not canonical. The stack pointer is the thread's own business.
    let wild = 1 << 50;
    let written = UserContext {
        rip: wild,
        fs_base: wild,
        gs_base: wild,
        rsp: wild,
        rflags: Word::MAX,
        ..context
    };
    let tamed = UserContext {
        rip: 0,
        fs_base: 0,
        gs_base: 0,
        rflags: sanitised_rflags(Word::MAX),
        ..written
    };
    let without = |rflags| UserContext { rflags, ..context };
    [(written, tamed), (without(0), without(INITIAL_RFLAGS))]
}

pub(crate) fn ip(context: &UserContext) -> Word {
    context.rip
}

pub(crate) fn thread_register(context: &UserContext) -> Word {
    context.fs_base
}

pub(crate) fn flags(context: &UserContext) -> Word {
    context.rflags
}

/// Carry, which an answer to an exception may set; trap flag and I/O privilege, which it may not.
const CARRY: Word = 1;
pub(crate) const PRIVILEGES: Word = 1 << 8 | 3 << 12;

/// An answer to an exception sets them.
pub(crate) fn raise_flags(registers: &mut ExceptionRegisters) {
    registers.flags |= CARRY | PRIVILEGES;
}

/// Where the registers of a system call are in the message of an unknown one: capability, info,
/// four message words, reply capability, destination.
pub(crate) const CONVENTION: &[usize] = &[
    unknown::RDI,
    unknown::RSI,
    unknown::R10,
    unknown::R8,
    unknown::R9,
    unknown::R15,
    unknown::R12,
    unknown::R13,
];
/// Where the number's register is, the stack pointer (kept in RBX over the instruction), and
/// what an answer sets.
pub(crate) const NUMBER_REGISTER: usize = unknown::RDX;
/// An answer sets it.
pub(crate) const ANSWER_SETS_NUMBER: bool = true;
pub(crate) const STACK: usize = unknown::RBX;
pub(crate) const SET_STACK: usize = unknown::SP;
pub(crate) const FAULT_IP: usize = unknown::FAULT_IP;

/// Whether a status says: read, nothing there.
pub(crate) fn read_of_nothing(status: Word) -> bool {
    status & 0b11 == 0
}

/// Whether a status says: written, not permitted.
pub(crate) fn write_refused(status: Word) -> bool {
    status & 0b11 == 0b11
}

/// Breakpoints that can be for data, and for instructions, and how many there are.
pub(crate) const DATA_BREAKPOINTS: core::ops::Range<Word> = 0..4;
pub(crate) const INSTRUCTION_BREAKPOINTS: core::ops::Range<Word> = 0..4;
pub(crate) const BREAKPOINTS: Word = breakpoint::NUM_HW_BREAKPOINTS as Word;
/// Accesses are told when they have happened.
pub(crate) const WATCHED_BEFORE: bool = false;
