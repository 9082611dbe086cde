//! What user space sees of x86_64.
//!
//! # System calls
//! `SYSCALL` with the number in RDX, the capability in RDI (out: the badge), the message info in RSI, message words 0
//! to 3 in R10, R8, R9, R15, the reply capability in R12; NBSendRecv's destination in R13. RCX and R11 are destroyed by
//! the instruction, RSP is not kept (user code keeps it in RBX); every other register is. A fault in a system call
//! reports the address after `SYSCALL` minus [`SYSCALL_BYTES`].

use core::mem::{offset_of, size_of};

use crate::Word;
use crate::layout::words;
use crate::profile::Profile;

words! {
    /// The registers of a thread, as ReadRegisters and WriteRegisters order them.
    register {
        RIP, RSP, RFLAGS, RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, FS_BASE, GS_BASE,
    }
}

/// The registers of a thread, in the order of [`register`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of those names")]
pub struct UserContext {
    pub rip: Word,
    pub rsp: Word,
    pub rflags: Word,
    pub rax: Word,
    pub rbx: Word,
    pub rcx: Word,
    pub rdx: Word,
    pub rsi: Word,
    pub rdi: Word,
    pub rbp: Word,
    pub r8: Word,
    pub r9: Word,
    pub r10: Word,
    pub r11: Word,
    pub r12: Word,
    pub r13: Word,
    pub r14: Word,
    pub r15: Word,
    pub fs_base: Word,
    pub gs_base: Word,
}

/// Registers that CopyRegisters calls the frame: the first ones of [`register`]; the others are the integer registers.
pub const FRAME_REGISTERS: usize = register::FS_BASE;
/// The register of system call numbers.
pub const SYSCALL_NUMBER: usize = register::RDX;
/// The register of the capability, and of the badge on return. The root task finds the address of BootInfo in it.
pub const CAP_REGISTER: usize = register::RDI;
/// The register of the message info.
pub const MSG_INFO_REGISTER: usize = register::RSI;
/// The registers of the first message words.
pub const MESSAGE_REGISTERS: [usize; 4] =
    [register::R10, register::R8, register::R9, register::R15];
/// The register of the reply capability.
pub const REPLY_REGISTER: usize = register::R12;
/// The register of NBSendRecv's destination.
pub const NB_SEND_DEST_REGISTER: usize = register::R13;
/// The register that TLS is found by.
pub const TLS_REGISTER: usize = register::FS_BASE;
/// Bytes of the instruction `SYSCALL`.
pub const SYSCALL_BYTES: Word = 2;

words! {
    /// Message of an unknown system call.
    unknown_syscall {
        RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, FAULT_IP, SP, FLAGS, SYSCALL,
    }
}

/// The registers that an unknown system call's message shows and its reply sets, in order; the number follows.
pub const UNKNOWN_SYSCALL_REGISTERS: [usize; unknown_syscall::SYSCALL] = {
    use register::*;
    [
        RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RIP, RSP, RFLAGS,
    ]
};

words! {
    /// Message of an exception: `NUMBER` is the vector, `CODE` the error code.
    user_exception { FAULT_IP, SP, FLAGS, NUMBER, CODE }
}

/// The registers that an exception's message shows and its reply sets, in order.
pub const USER_EXCEPTION_REGISTERS: [usize; user_exception::NUMBER] =
    [register::RIP, register::RSP, register::RFLAGS];

words! {
    /// Reply to a timeout fault.
    timeout_reply {
        FAULT_IP, RSP, FLAGS, RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, TLS_BASE,
    }
}

/// The registers that a timeout's reply sets are the first ones of [`register`], this many.
pub const TIMEOUT_REPLY_REGISTERS: usize = timeout_reply::LENGTH;

/// RFLAGS of a new thread: interrupts on, and the bit that is always set.
pub const INITIAL_RFLAGS: Word = 0x202;

/// RFLAGS that user code may have: as it wants them, but without trap, I/O privilege and whatever is above bit 11.
#[inline]
pub const fn sanitised_rflags(wanted: Word) -> Word {
    const ALWAYS_ONE: Word = 1 << 1;
    const ALWAYS_ZERO: Word = 1 << 3 | 1 << 5;
    const TRAP: Word = 1 << 8;
    const INTERRUPTS: Word = 1 << 9;
    ((wanted | ALWAYS_ONE | INTERRUPTS) & !(ALWAYS_ZERO | TRAP)) & 0xfff
}

/// Whether an address has all its upper bits equal to bit 47.
#[inline]
pub const fn is_canonical(address: Word) -> bool {
    let upper = address >> 47;
    upper == 0 || upper == (1 << 17) - 1
}

/// RIP, FS base and GS base that user code may have: canonical, else 0.
#[inline]
pub const fn sanitised_address(wanted: Word) -> Word {
    if is_canonical(wanted) { wanted } else { 0 }
}

/// First address that user code's libraries do not use.
pub const USER_TOP: Word = 0x7fff_ffff_f000;
/// The highest address that the kernel lets user code map.
pub const USER_MAX: Word = 0x7fff_ffff_ffff;
/// Bits of an address that an entry leaves to the levels below: page table, page directory, PDPT, PML4.
pub const LEVEL_BITS: [usize; 4] = [12, 21, 30, 39];
/// log2 of the bytes of a VCPU.
pub const VCPU_BITS: usize = 14;
/// log2 of the entries of an IO page table.
pub const IO_PAGE_TABLE_INDEX_BITS: usize = 9;

/// Memory attributes of a mapping.
pub mod vm_attributes {
    use crate::Word;

    /// Write back.
    pub const WRITE_BACK: Word = 0;
    /// Write through.
    pub const WRITE_THROUGH: Word = 1;
    /// Uncached, unless an MTRR says otherwise.
    pub const CACHE_DISABLED: Word = 2;
    /// Uncached.
    pub const UNCACHEABLE: Word = 3;
    /// Write combining.
    pub const WRITE_COMBINING: Word = 4;
    /// What most mappings want.
    pub const DEFAULT: Word = WRITE_BACK;
}

/// Memory attributes of a guest's mapping.
pub mod ept_attributes {
    use crate::Word;

    /// Uncached.
    pub const UNCACHEABLE: Word = 0;
    /// Write combining.
    pub const WRITE_COMBINING: Word = 1;
    /// Write through.
    pub const WRITE_THROUGH: Word = 4;
    /// Write protected.
    pub const WRITE_PROTECTED: Word = 5;
    /// Write back.
    pub const WRITE_BACK: Word = 6;
    /// What most mappings want.
    pub const DEFAULT: Word = WRITE_BACK;
}

/// Interrupts: IRQ n is vector n + [`irq::VECTOR_OFFSET`].
pub mod irq {
    use crate::Word;

    /// Vector of IRQ 0.
    pub const VECTOR_OFFSET: Word = 32;
    /// Number that GetIOAPIC and GetMSI add to their vector argument.
    pub const USER_MIN: Word = 16;
    /// Largest IRQ that user code may have.
    pub const USER_MAX: Word = 123;
    /// Largest vector argument that the kernel accepts.
    pub const VECTOR_ARGUMENT_MAX: Word = USER_MAX - USER_MIN;
    /// Smallest vector argument that libsel4 names.
    pub const MSI_MIN: Word = 0;
    /// Largest vector argument that libsel4 names; the kernel refuses those above [`VECTOR_ARGUMENT_MAX`].
    pub const MSI_MAX: Word = 109;
    /// The IOMMU's faults.
    pub const IOMMU: Word = 124;
    /// The timer.
    pub const TIMER: Word = 125;
    /// Remote calls between cores.
    pub const REMOTE_CALL_IPI: Word = 126;
    /// Rescheduling of another core.
    pub const RESCHEDULE_IPI: Word = 127;
    /// Vector of spurious interrupts.
    pub const SPURIOUS_VECTOR: Word = 255;
    /// First vector that raises an unknown system call in user code (with one core; with several two more are taken).
    pub const TRAP_VECTOR_MIN: Word = 158;
    /// Last such vector.
    pub const TRAP_VECTOR_MAX: Word = 254;
}

/// Breakpoints: four, each for instructions or data.
pub mod breakpoint {
    /// First breakpoint that is for instructions only: none.
    pub const FIRST_BREAKPOINT: i64 = -1;
    /// First breakpoint that is for data only: none.
    pub const FIRST_WATCHPOINT: i64 = -1;
    /// First breakpoint for either.
    pub const FIRST_DUAL_FUNCTION_MONITOR: i64 = 0;
    /// Breakpoints for instructions only.
    pub const NUM_EXCLUSIVE_BREAKPOINTS: usize = 0;
    /// Breakpoints for data only.
    pub const NUM_EXCLUSIVE_WATCHPOINTS: usize = 0;
    /// Breakpoints for either.
    pub const NUM_DUAL_FUNCTION_MONITORS: usize = 4;
    /// All of them.
    pub const NUM_HW_BREAKPOINTS: usize = 4;
}

/// Entry of the descriptor table that libsel4 names for TLS.
pub const TLS_GDT_ENTRY: Word = 7;
/// Its selector at user privilege.
pub const TLS_GDT_SELECTOR: Word = 59;

/// Registers of a guest, in the order of VCPU_WriteRegisters; without 64-bit guests the first seven.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of those names")]
pub struct VcpuContext {
    pub eax: Word,
    pub ebx: Word,
    pub ecx: Word,
    pub edx: Word,
    pub esi: Word,
    pub edi: Word,
    pub ebp: Word,
    pub r8: Word,
    pub r9: Word,
    pub r10: Word,
    pub r11: Word,
    pub r12: Word,
    pub r13: Word,
    pub r14: Word,
    pub r15: Word,
}

/// Registers of a guest that the profile has.
pub const fn vcpu_registers(profile: &Profile) -> usize {
    if profile.vtx_64bit_guests { 15 } else { 7 }
}

/// VMEnter's result: a notification arrived.
pub const VM_ENTER_NOTIFICATION: Word = 0;
/// VMEnter's result: the guest trapped.
pub const VM_ENTER_FAULT: Word = 1;
/// Words of the message of [`VM_ENTER_NOTIFICATION`].
pub const VM_ENTER_NOTIFICATION_LENGTH: usize = 3;

/// Words of the message of [`VM_ENTER_FAULT`].
pub const fn vm_enter_fault_length(profile: &Profile) -> usize {
    vm_enter::EAX + vcpu_registers(profile)
}

words! {
    /// Message words of VMEnter. A call sets the first three; `CONTROL_ENTRY` returns as the interrupt information.
    vm_enter {
        EIP, CONTROL_PPC, CONTROL_ENTRY, REASON, QUALIFICATION, INSTRUCTION_LEN, GUEST_PHYSICAL, RFLAGS, GUEST_INT, CR3,
        EAX, EBX, ECX, EDX, ESI, EDI, EBP, R8, R9, R10, R11, R12, R13, R14, R15,
    }
}

/// The word that gives an IO space its device: domain \[31:16\], bus \[15:8\], device \[7:3\], function \[2:0\].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(transparent)]
pub struct IoSpaceCapData(pub Word);

impl IoSpaceCapData {
    /// The IOMMU domain.
    pub const fn domain_id(self) -> Word {
        (self.0 >> 16) & 0xffff
    }

    /// The PCI bus.
    pub const fn pci_bus(self) -> Word {
        (self.0 >> 8) & 0xff
    }

    /// The PCI device.
    pub const fn pci_dev(self) -> Word {
        (self.0 >> 3) & 0x1f
    }

    /// The PCI function.
    pub const fn pci_fun(self) -> Word {
        self.0 & 0x7
    }
}

const _: () = {
    assert!(size_of::<UserContext>() == register::LENGTH * size_of::<Word>());
    assert!(offset_of!(UserContext, rdi) == register::RDI * size_of::<Word>());
    assert!(offset_of!(UserContext, r15) == register::R15 * size_of::<Word>());
    assert!(offset_of!(UserContext, gs_base) == register::GS_BASE * size_of::<Word>());
    assert!(size_of::<VcpuContext>() == 120);
    assert!(sanitised_rflags(0) == INITIAL_RFLAGS);
};
