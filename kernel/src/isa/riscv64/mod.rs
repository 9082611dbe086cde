//! RISC-V 64: Sv39 page tables of one kind, lines of a PLIC, no capabilities of its own.

pub mod cap;
pub mod context;
pub mod debug;
pub mod irq;
pub mod vspace;

pub use cap::IsaCap;
pub use context::Context;
pub use vspace::boot::{BOOT_CAPS, BOOT_RULES, ELF_MACHINE, NUM_IOPT_LEVELS};
pub use vspace::{FrameSize, Level};

use crate::Kernel;
use crate::cap::{Cap, FrameCap, TableCap, VmRights};
use crate::error::SyscallError;
use crate::fault::Fault;
use crate::invocation::Done;
use crate::message::Message;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::Word;
use abi::invocation::Invocation;
use abi::object::ObjectType;
use abi::syscall::Syscall;
use machine::{KernelAddress, Kind, Machine, PhysicalAddress};

pub use abi::riscv64::{
    FRAME_REGISTERS, TIMEOUT_REPLY_REGISTERS, UNKNOWN_SYSCALL_REGISTERS, USER_EXCEPTION_REGISTERS,
};

/// log2 of the size of a TCB block.
pub const TCB_BITS: u8 = abi::object::TCB_BITS as u8;
/// Bytes for floating-point state: 32 registers of 64 bits and the control register.
pub const FPU_BYTES: u64 = 33 * 8;
/// log2 of the size of a page table of any level.
pub const TABLE_BITS: u8 = abi::object::PAGE_TABLE_BITS as u8;
/// log2 of the size of the root of an address space.
pub const VSPACE_BITS: u8 = abi::object::VSPACE_BITS as u8;
/// Registers that a thread shows to others.
pub const REGISTERS: usize = abi::riscv64::register::LENGTH;
/// Message words in registers.
pub const MESSAGE_REGISTERS: usize = 4;
/// The first address that is not user space's.
pub const USER_TOP: Word = abi::riscv64::USER_TOP;
/// Interrupt numbers: none, the lines, the timer.
pub const IRQS: usize = irq::MAX_LINE as usize + 2;
/// How debug calls name the capability to a root: as the page table that it is.
pub const VSPACE_CAP_NUMBER: Word = abi::cap_type::PAGE_TABLE;
/// What a floating-point instruction raises in a thread that may not use them: it is illegal.
pub const FPU_DISABLED_FAULT: Fault = Fault::UserException { number: 2, code: 0 };

/// What the kernel keeps for this ISA: nothing.
#[derive(Clone, Debug, Default)]
pub struct Globals;

impl Globals {
    /// Nothing.
    pub const fn new() -> Self {
        Self
    }
}

/// What Retype can make here that others cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewObject {
    Frame(FrameSize),
    /// Of whatever level, and perhaps a root.
    Table,
}

impl NewObject {
    /// What `object_type` stands for, if it is implemented.
    pub const fn of(object_type: ObjectType) -> Option<Self> {
        Some(match object_type {
            ObjectType::RiscvSmallPage => Self::Frame(FrameSize::Small),
            ObjectType::RiscvMegaPage => Self::Frame(FrameSize::Mega),
            ObjectType::RiscvGigaPage => Self::Frame(FrameSize::Giga),
            ObjectType::RiscvPageTable => Self::Table,
            _ => return None,
        })
    }

    /// Whether it is memory for user space.
    pub fn is_frame(self) -> bool {
        matches!(self, Self::Frame(_))
    }
}

/// Makes an object of cleared memory at `base`.
#[inline(always)]
pub(crate) fn create(
    k: &mut Kernel,
    object: NewObject,
    base: PhysicalAddress,
    device: bool,
) -> Cap {
    match object {
        NewObject::Frame(size) => {
            if !device {
                let at = KernelAddress::of(base);
                k.machine.born(at, 1 << size.bits(), Kind::Frame);
            }
            Cap::Frame(FrameCap {
                base,
                size,
                rights: VmRights::ReadWrite,
                device,
                mapping: None,
            })
        }
        NewObject::Table => Cap::PageTable(create_table(k, KernelAddress::of(base))),
    }
}

pub(crate) fn create_table(k: &mut Kernel, table: KernelAddress) -> TableCap {
    k.machine.born(table, 1 << TABLE_BITS, Kind::PageTable);
    TableCap {
        table,
        level: Level,
        mapping: None,
    }
}

/// Invocations of roots that have an ASID: they are still page tables.
pub(crate) fn invoke(
    k: &mut Kernel,
    slot: Ref<Slot>,
    cap: Cap,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, SyscallError> {
    match cap {
        Cap::VSpace(root) => {
            vspace::RootInvocation::decode(k, slot, root, invocation, m)?.commit(k);
            Ok(Done::Empty)
        }
        _ => Err(SyscallError::IllegalOperation),
    }
}

/// Capabilities that are invoked whatever the label: none here.
pub(crate) fn invoke_any_label(_: &mut Kernel, _: Cap) -> Option<Done> {
    None
}

/// Whether this makes an ASID pool.
pub(crate) fn is_make_pool(invocation: Invocation) -> bool {
    invocation == Invocation::RiscvAsidControlMakePool
}

/// Whether this assigns an ASID.
pub(crate) fn is_assign(invocation: Invocation) -> bool {
    invocation == Invocation::RiscvAsidPoolAssign
}

/// Registers by the names that debuggers use, in the order of `seL4_UserContext`.
pub const REGISTER_NAMES: &[&str] = &abi::riscv64::register::NAMES;

/// What exception `number` is.
pub fn exception_name(number: Word) -> &'static str {
    match number {
        0 => "instruction address misaligned",
        2 => "illegal instruction",
        3 => "breakpoint",
        4 => "load address misaligned",
        6 => "store address misaligned",
        _ => "not known by name",
    }
}

/// The status of a memory fault, in words: the cause number of the refused access.
pub struct VmStatus(pub Word);

impl core::fmt::Display for VmStatus {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.0 {
            1 => "fetch",
            5 => "load",
            7 => "store",
            _ => "not known by name",
        })
    }
}

/// System calls that are this ISA's alone: none here.
pub(crate) fn own_call(_: &mut Kernel, _: Ref<Tcb>, _: Syscall) -> Option<Fault> {
    None
}
