//! Registers, and how faults show them.

use abi::Word;
use abi::riscv64::UserContext;
use abi::riscv64::unknown_syscall as unknown;
use user_api::ExceptionRegisters;

pub(crate) use abi::riscv64::{FRAME_REGISTERS, SYSCALL_BYTES};

/// A new thread's.
pub(crate) fn initial() -> UserContext {
    UserContext::default()
}

/// Any registers.
pub(crate) fn allowed(context: UserContext) -> UserContext {
    context
}

/// What is written, and what becomes of it: itself. Addresses are the thread's own business.
pub(crate) fn sanitised(context: UserContext) -> [(UserContext, UserContext); 2] {
    let wild = UserContext {
        pc: 1 << 50,
        sp: Word::MAX,
        tp: 1 << 63,
        ..context
    };
    [(wild, wild), (context, context)]
}

pub(crate) fn ip(context: &UserContext) -> Word {
    context.pc
}

pub(crate) fn thread_register(context: &UserContext) -> Word {
    context.tp
}

/// There are none.
pub(crate) fn flags(_: &UserContext) -> Word {
    0
}

/// An answer to an exception cannot set what is not there.
pub(crate) fn raise_flags(_: &mut ExceptionRegisters) {}
pub(crate) const PRIVILEGES: Word = 0;

/// Where the registers of a system call are in the message of an unknown one: capability, info,
/// four message words, reply capability. That of the destination is not in it.
pub(crate) const CONVENTION: &[usize] = &[
    unknown::A0,
    unknown::A1,
    unknown::A2,
    unknown::A3,
    unknown::A4,
    unknown::A5,
    unknown::A6,
];
/// Where the number's register is, and whether an answer sets it; the stack pointer, and what an
/// answer sets.
pub(crate) const NUMBER_REGISTER: usize = unknown::SYSCALL;
pub(crate) const ANSWER_SETS_NUMBER: bool = false;
pub(crate) const STACK: usize = unknown::SP;
pub(crate) const SET_STACK: usize = unknown::SP;
pub(crate) const FAULT_IP: usize = unknown::FAULT_IP;

const LOAD: Word = 5;
const STORE: Word = 7;

/// Whether a status says: read. It does not say what is there.
pub(crate) fn read_of_nothing(status: Word) -> bool {
    status == LOAD
}

/// Whether a status says: written.
pub(crate) fn write_refused(status: Word) -> bool {
    status == STORE
}

/// No profile has the invocations of breakpoints, so any numbers do.
pub(crate) const DATA_BREAKPOINTS: core::ops::Range<Word> = 0..1;
pub(crate) const INSTRUCTION_BREAKPOINTS: core::ops::Range<Word> = 0..1;
pub(crate) const BREAKPOINTS: Word = 1;
/// Accesses would be told before they happen.
pub(crate) const WATCHED_BEFORE: bool = true;
