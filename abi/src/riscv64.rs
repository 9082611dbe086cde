//! What user space sees of RISC-V 64.
//!
//! # System calls
//! `ECALL` with the number in A7, the capability in A0 (out: the badge), the message info in A1, message words 0 to 3 in
//! A2 to A5, the reply capability in A6; NBSendRecv's destination in T0. Nothing else is changed, but a reservation is
//! lost. A fault in a system call reports the address of `ECALL`.

use core::mem::{offset_of, size_of};

use crate::Word;
use crate::layout::words;

words! {
    /// The registers of a thread, as ReadRegisters and WriteRegisters order them.
    register {
        PC, RA, SP, GP, S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, A0, A1, A2, A3, A4, A5, A6, A7, T0, T1, T2,
        T3, T4, T5, T6, TP,
    }
}

/// The registers of a thread, in the order of [`register`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of those names")]
pub struct UserContext {
    pub pc: Word,
    pub ra: Word,
    pub sp: Word,
    pub gp: Word,
    pub s0: Word,
    pub s1: Word,
    pub s2: Word,
    pub s3: Word,
    pub s4: Word,
    pub s5: Word,
    pub s6: Word,
    pub s7: Word,
    pub s8: Word,
    pub s9: Word,
    pub s10: Word,
    pub s11: Word,
    pub a0: Word,
    pub a1: Word,
    pub a2: Word,
    pub a3: Word,
    pub a4: Word,
    pub a5: Word,
    pub a6: Word,
    pub a7: Word,
    pub t0: Word,
    pub t1: Word,
    pub t2: Word,
    pub t3: Word,
    pub t4: Word,
    pub t5: Word,
    pub t6: Word,
    pub tp: Word,
}

/// Registers that CopyRegisters calls the frame: the first ones of [`register`]; the others are the integer registers.
pub const FRAME_REGISTERS: usize = register::A0;
/// The register of system call numbers.
pub const SYSCALL_NUMBER: usize = register::A7;
/// The register of the capability, and of the badge on return. The root task finds the address of BootInfo in it.
pub const CAP_REGISTER: usize = register::A0;
/// The register of the message info.
pub const MSG_INFO_REGISTER: usize = register::A1;
/// The registers of the first message words.
pub const MESSAGE_REGISTERS: [usize; 4] = [register::A2, register::A3, register::A4, register::A5];
/// The register of the reply capability.
pub const REPLY_REGISTER: usize = register::A6;
/// The register of NBSendRecv's destination.
pub const NB_SEND_DEST_REGISTER: usize = register::T0;
/// The register that TLS is found by.
pub const TLS_REGISTER: usize = register::TP;
/// Bytes of the instruction `ECALL`.
pub const SYSCALL_BYTES: Word = 4;

words! {
    /// Message of an unknown system call.
    unknown_syscall { FAULT_IP, SP, RA, A0, A1, A2, A3, A4, A5, A6, SYSCALL }
}

/// The registers that an unknown system call's message shows and its reply sets, in order; the number follows.
pub const UNKNOWN_SYSCALL_REGISTERS: [usize; unknown_syscall::SYSCALL] = {
    use register::*;
    [PC, SP, RA, A0, A1, A2, A3, A4, A5, A6]
};

words! {
    /// Message of an exception: `NUMBER` is the cause, `CODE` 0.
    user_exception { FAULT_IP, SP, NUMBER, CODE }
}

/// The registers that an exception's message shows and its reply sets, in order.
pub const USER_EXCEPTION_REGISTERS: [usize; user_exception::NUMBER] = [register::PC, register::SP];

words! {
    /// Reply to a timeout fault.
    timeout_reply {
        FAULT_IP, LR, SP, GP, S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, A0, A1, A2, A3, A4, A5, A6, A7, T0, T1,
        T2, T3, T4, T5, T6, TP,
    }
}

/// The registers that a timeout's reply sets are the first ones of [`register`], this many.
pub const TIMEOUT_REPLY_REGISTERS: usize = timeout_reply::LENGTH;

/// First address that is not user code's.
pub const USER_TOP: Word = 0x3f_ffff_f000;
/// Bits of an address that an entry leaves to the levels below, leaf level first.
pub const LEVEL_BITS: [usize; 3] = [12, 21, 30];

/// Memory attributes of a mapping.
pub mod vm_attributes {
    use crate::Word;

    /// No instruction fetches.
    pub const EXECUTE_NEVER: Word = 1;
    /// What most mappings want.
    pub const DEFAULT: Word = 0;
}

const _: () = {
    assert!(size_of::<UserContext>() == register::LENGTH * size_of::<Word>());
    assert!(offset_of!(UserContext, a0) == register::A0 * size_of::<Word>());
    assert!(offset_of!(UserContext, t0) == register::T0 * size_of::<Word>());
    assert!(offset_of!(UserContext, tp) == register::TP * size_of::<Word>());
};
