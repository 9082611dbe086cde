//! What user space sees of AArch64.
//!
//! # System calls
//! `SVC #0` with the number in X7, the capability in X0 (out: the badge), the message info in X1, message words 0 to 3
//! in X2 to X5, the reply capability in X6; NBSendRecv's destination in X8. Nothing else is changed. A fault in a system
//! call reports the address after `SVC` minus [`SYSCALL_BYTES`]. At EL2, `HVC` from EL1 is a system call too.

use core::mem::{offset_of, size_of};

use crate::Word;
use crate::layout::words;
use crate::profile::{Flavour, Profile};

words! {
    /// The registers of a thread, as ReadRegisters and WriteRegisters order them.
    register {
        PC, SP, SPSR, X0, X1, X2, X3, X4, X5, X6, X7, X8, X16, X17, X18, X29, X30, X9, X10, X11, X12, X13, X14, X15,
        X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, TPIDR_EL0, TPIDRRO_EL0,
    }
}

/// The registers of a thread, in the order of [`register`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of those names")]
pub struct UserContext {
    pub pc: Word,
    pub sp: Word,
    pub spsr: Word,
    pub x0: Word,
    pub x1: Word,
    pub x2: Word,
    pub x3: Word,
    pub x4: Word,
    pub x5: Word,
    pub x6: Word,
    pub x7: Word,
    pub x8: Word,
    pub x16: Word,
    pub x17: Word,
    pub x18: Word,
    pub x29: Word,
    pub x30: Word,
    pub x9: Word,
    pub x10: Word,
    pub x11: Word,
    pub x12: Word,
    pub x13: Word,
    pub x14: Word,
    pub x15: Word,
    pub x19: Word,
    pub x20: Word,
    pub x21: Word,
    pub x22: Word,
    pub x23: Word,
    pub x24: Word,
    pub x25: Word,
    pub x26: Word,
    pub x27: Word,
    pub x28: Word,
    pub tpidr_el0: Word,
    pub tpidrro_el0: Word,
}

/// Registers that CopyRegisters calls the frame: the first ones of [`register`]; the others are the integer registers.
pub const FRAME_REGISTERS: usize = register::X9;
/// The register of system call numbers.
pub const SYSCALL_NUMBER: usize = register::X7;
/// The register of the capability, and of the badge on return. The root task finds the address of BootInfo in it.
pub const CAP_REGISTER: usize = register::X0;
/// The register of the message info.
pub const MSG_INFO_REGISTER: usize = register::X1;
/// The registers of the first message words.
pub const MESSAGE_REGISTERS: [usize; 4] = [register::X2, register::X3, register::X4, register::X5];
/// The register of the reply capability.
pub const REPLY_REGISTER: usize = register::X6;
/// The register of NBSendRecv's destination.
pub const NB_SEND_DEST_REGISTER: usize = register::X8;
/// The register that TLS is found by.
pub const TLS_REGISTER: usize = register::TPIDR_EL0;
/// Bytes of the instruction `SVC`.
pub const SYSCALL_BYTES: Word = 4;

words! {
    /// Message of an unknown system call. `LR` is the saved exception return address: not X30, and no register of
    /// `register`.
    unknown_syscall { X0, X1, X2, X3, X4, X5, X6, X7, FAULT_IP, SP, LR, SPSR, SYSCALL }
}

words! {
    /// Message of an exception: `NUMBER` is the syndrome, `CODE` 0.
    user_exception { FAULT_IP, SP, SPSR, NUMBER, CODE }
}

/// The registers that an exception's message shows and its reply sets, in order.
pub const USER_EXCEPTION_REGISTERS: [usize; user_exception::NUMBER] =
    [register::PC, register::SP, register::SPSR];

words! {
    /// Reply to a timeout fault.
    timeout_reply {
        FAULT_IP, SP, SPSR_EL1, X0, X1, X2, X3, X4, X5, X6, X7, X8, X16, X17, X18, X29, X30, X9, X10, X11, X12, X13,
        X14, X15, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28,
    }
}

/// The registers that a timeout's reply sets are the first ones of [`register`], this many.
pub const TIMEOUT_REPLY_REGISTERS: usize = timeout_reply::LENGTH;

/// SPSR of a new thread: EL0, fast interrupts masked; outside debug kernels SErrors too.
pub const fn initial_spsr(flavour: Flavour) -> Word {
    const FIQ_MASKED: Word = 1 << 6;
    const SERROR_MASKED: Word = 1 << 8;
    if flavour.debug() {
        FIQ_MASKED
    } else {
        FIQ_MASKED | SERROR_MASKED
    }
}

/// SPSR that user code may have: its condition flags, and the rest as in a new thread.
pub const fn sanitised_spsr(wanted: Word, flavour: Flavour) -> Word {
    (wanted & 0xf000_0000) | initial_spsr(flavour)
}

/// SPSR that a thread with a VCPU may have: also EL1 modes and EL0 as its guest wants them.
pub const fn sanitised_guest_spsr(wanted: Word, flavour: Flavour) -> Word {
    match wanted & 0x1f {
        0 | 4 | 5 => wanted,
        _ => sanitised_spsr(wanted, flavour),
    }
}

/// The highest address of user code.
pub const fn user_top(profile: &Profile) -> Word {
    if profile.arm_hypervisor {
        (1 << profile.arm_pa_size_bits) - 1
    } else {
        (1 << 47) - 1
    }
}

/// Bits of an address that an entry leaves to the levels below, from level 3 up; 40-bit stage-2 roots are at level 1.
pub const LEVEL_BITS: [usize; 4] = [12, 21, 30, 39];
/// log2 of the bytes of a VCPU.
pub const VCPU_BITS: usize = 12;

/// Memory attributes of a mapping.
pub mod vm_attributes {
    use crate::Word;

    /// Cached; without it, device or uncached memory.
    pub const PAGE_CACHEABLE: Word = 1;
    /// Parity; of no effect.
    pub const PARITY_ENABLED: Word = 2;
    /// No instruction fetches.
    pub const EXECUTE_NEVER: Word = 4;
    /// What most mappings want.
    pub const DEFAULT: Word = PAGE_CACHEABLE | PARITY_ENABLED;
}

/// What BenchmarkFlushCaches flushes.
pub mod cache {
    use crate::Word;

    /// Instructions.
    pub const INSTRUCTION: Word = 1;
    /// Data.
    pub const DATA: Word = 2;
    /// Both.
    pub const BOTH: Word = 3;
}

/// Breakpoints 0 to 5 are for instructions, 6 to 9 for data.
pub mod breakpoint {
    /// First breakpoint for instructions.
    pub const FIRST_BREAKPOINT: i64 = 0;
    /// First breakpoint for data.
    pub const FIRST_WATCHPOINT: i64 = 6;
    /// First breakpoint for either: none.
    pub const FIRST_DUAL_FUNCTION_MONITOR: i64 = -1;
    /// Breakpoints for instructions only.
    pub const NUM_EXCLUSIVE_BREAKPOINTS: usize = 6;
    /// Breakpoints for data only.
    pub const NUM_EXCLUSIVE_WATCHPOINTS: usize = 4;
    /// Breakpoints for either.
    pub const NUM_DUAL_FUNCTION_MONITORS: usize = 0;
    /// All of them.
    pub const NUM_HW_BREAKPOINTS: usize = 10;
}

words! {
    /// Registers of a VCPU, as ReadRegs and WriteRegs number them.
    vcpu_register {
        SCTLR, CPACR, TTBR0, TTBR1, TCR, MAIR, AMAIR, CIDR, ACTLR, AFSR0, AFSR1, ESR, FAR, PAR, VBAR, TPIDR_EL1,
        VMPIDR_EL2, SP_EL1, ELR_EL1, SPSR_EL1, CNTV_CTL, CNTV_CVAL, CNTVOFF, CNTKCTL_EL1,
    }
}

/// First VCPU register that is saved and restored as a range.
pub const VCPU_SAVE_RANGE_START: usize = vcpu_register::TTBR0;
/// Last one.
pub const VCPU_SAVE_RANGE_END: usize = vcpu_register::SPSR_EL1;

/// Registers of a secure monitor call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of those names")]
pub struct SmcContext {
    pub x0: Word,
    pub x1: Word,
    pub x2: Word,
    pub x3: Word,
    pub x4: Word,
    pub x5: Word,
    pub x6: Word,
    pub x7: Word,
}

const _: () = {
    assert!(size_of::<UserContext>() == register::LENGTH * size_of::<Word>());
    assert!(offset_of!(UserContext, x16) == register::X16 * size_of::<Word>());
    assert!(offset_of!(UserContext, x9) == register::X9 * size_of::<Word>());
    assert!(offset_of!(UserContext, tpidrro_el0) == register::TPIDRRO_EL0 * size_of::<Word>());
    assert!(size_of::<SmcContext>() == 64);
};
