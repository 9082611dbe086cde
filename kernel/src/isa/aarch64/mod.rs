//! AArch64 at EL1: four levels of tables under TTBR0, GIC interrupts, secure monitor calls.

pub mod cache;
pub mod caps;
pub mod context;
pub mod debug;
mod explain;
pub mod irq;
pub mod vspace;

pub use caps::IsaCap;
pub use context::Context;
pub use explain::{REGISTER_NAMES, VmStatus, exception_name};
pub use vspace::boot::{BOOT_CAPS, BOOT_RULES, ELF_MACHINE, NUM_IOPT_LEVELS};
pub use vspace::{FrameSize, Level};

use crate::Kernel;
use crate::cap::{Cap, FrameCap, TableCap, VSpaceCap, VmRights};
use crate::error::SyscallError;
use crate::fault::Fault;
use crate::invocation::Done;
use crate::message::Message;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::Word;
use abi::aarch64::register;
use abi::invocation::Invocation;
use abi::object::ObjectType;
use abi::syscall::Syscall;
use machine::{ArmMachine, KernelAddress, Kind, Machine, PhysicalAddress};

pub use abi::aarch64::{FRAME_REGISTERS, TIMEOUT_REPLY_REGISTERS, USER_EXCEPTION_REGISTERS};

/// log2 of the size of a TCB block.
pub const TCB_BITS: u8 = abi::object::TCB_BITS as u8;
/// Bytes for floating-point state: 32 registers of 16 bytes, control and status.
pub const FPU_BYTES: u64 = 528;
/// log2 of the size of a page table of any level.
pub const TABLE_BITS: u8 = abi::object::PAGE_TABLE_BITS as u8;
/// log2 of the size of the root of an address space.
pub const VSPACE_BITS: u8 = abi::object::VSPACE_BITS as u8;
/// Registers that a thread shows to others.
pub const REGISTERS: usize = register::LENGTH;
/// Message words in registers.
pub const MESSAGE_REGISTERS: usize = 4;
/// First address that user space cannot map.
pub const USER_TOP: Word = abi::aarch64::user_top(&abi::PROFILE) + 1;
/// Interrupt numbers: all that a GIC can have but for those of extended ranges.
pub const IRQS: usize = 1020;
/// How debug calls name the capability to a root.
pub const VSPACE_CAP_NUMBER: Word = abi::cap_type::aarch64::VSPACE;
/// The syndrome of a trapped floating-point instruction: class 7, of 32 bits, always executed.
const FPU_TRAP_SYNDROME: Word = 0x1fe0_0000;
/// What a floating-point instruction raises in a thread that may not use them.
pub const FPU_DISABLED_FAULT: Fault = Fault::UserException {
    number: FPU_TRAP_SYNDROME,
    code: 0,
};
/// The registers that an unknown system call's message shows and its reply sets, in order.
pub const UNKNOWN_SYSCALL_REGISTERS: [usize; abi::aarch64::unknown_syscall::SYSCALL] = [
    register::X0,
    register::X1,
    register::X2,
    register::X3,
    register::X4,
    register::X5,
    register::X6,
    register::X7,
    register::PC,
    register::SP,
    context::RETURN_ADDRESS,
    register::SPSR,
];

/// What the kernel keeps for this ISA.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// The debug registers stop something.
    pub debug_loaded: bool,
}

impl Globals {
    /// Nothing is in use.
    pub const fn new() -> Self {
        Self {
            debug_loaded: false,
        }
    }
}

/// What Retype can make here that others cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewObject {
    Frame(FrameSize),
    Table,
    Root,
}

impl NewObject {
    /// What `object_type` stands for, if it is implemented.
    pub const fn of(object_type: ObjectType) -> Option<Self> {
        Some(match object_type {
            ObjectType::ArmSmallPage => Self::Frame(FrameSize::Small),
            ObjectType::ArmLargePage => Self::Frame(FrameSize::Large),
            ObjectType::ArmHugePage => Self::Frame(FrameSize::Huge),
            ObjectType::ArmPageTable => Self::Table,
            ObjectType::ArmVSpace => Self::Root,
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
    let at = KernelAddress::of(base);
    match object {
        NewObject::Frame(size) => {
            if !device {
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
        NewObject::Table => {
            k.machine.born(at, 1 << TABLE_BITS, Kind::PageTable);
            Cap::PageTable(TableCap {
                table: at,
                level: Level::Any,
                mapping: None,
            })
        }
        NewObject::Root => {
            k.machine.born(at, 1 << VSPACE_BITS, Kind::PageTable);
            Cap::VSpace(VSpaceCap {
                root: at,
                asid: None,
            })
        }
    }
}

/// Invocations that are this ISA's alone.
pub(crate) fn invoke(
    k: &mut Kernel,
    _: Ref<Slot>,
    cap: Cap,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, SyscallError> {
    match cap {
        Cap::VSpace(vspace) => {
            if let Some(maintenance) = cache::decode_vspace(k, vspace, invocation, m)? {
                maintenance.commit(k);
            }
            Ok(Done::Empty)
        }
        Cap::Isa(IsaCap::Smc { badge }) => {
            Ok(caps::SecureCall::decode(k, badge, invocation, m)?.commit(k, m))
        }
        cap => invoke_any_label(k, cap).ok_or(SyscallError::IllegalOperation),
    }
}

/// Capabilities that are invoked whatever the label: software generated interrupts.
pub(crate) fn invoke_any_label(k: &mut Kernel, cap: Cap) -> Option<Done> {
    let Cap::Isa(IsaCap::SgiSignal { interrupt, target }) = cap else {
        return None;
    };
    k.machine.send_sgi(interrupt, target);
    Some(Done::Empty)
}

/// Whether this makes an ASID pool.
pub(crate) fn is_make_pool(invocation: Invocation) -> bool {
    invocation == Invocation::ArmAsidControlMakePool
}

/// Whether this assigns an ASID.
pub(crate) fn is_assign(invocation: Invocation) -> bool {
    invocation == Invocation::ArmAsidPoolAssign
}

/// System calls that are this ISA's alone: none here.
pub(crate) fn own_call(_: &mut Kernel, _: Ref<Tcb>, _: Syscall) -> Option<Fault> {
    None
}
