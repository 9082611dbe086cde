//! x86_64: PML4 to PT, IO ports, IO APIC and MSI interrupts.

pub mod context;
pub mod debug;
pub mod ioport;
pub mod irq;
pub mod vspace;

pub use context::Context;
pub use ioport::IsaCap;
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
use crate::object::tcb::FPU_OFFSET;
use crate::object::tcb::Tcb;
use abi::Word;
use abi::invocation::Invocation;
use abi::message::MessageInfo;
use abi::object::ObjectType;
use abi::syscall::Syscall;
use machine::{KernelAddress, Kind, Machine, PhysicalAddress, X86Machine};

pub use abi::x86_64::{
    FRAME_REGISTERS, TIMEOUT_REPLY_REGISTERS, UNKNOWN_SYSCALL_REGISTERS, USER_EXCEPTION_REGISTERS,
};

/// log2 of the size of a TCB block.
pub const TCB_BITS: u8 = abi::object::TCB_BITS as u8;
/// Bytes for floating-point state: what is left of the TCB block.
pub const FPU_BYTES: u64 = (1 << TCB_BITS) - FPU_OFFSET;
/// log2 of the size of a page table of any level.
pub const TABLE_BITS: u8 = abi::object::PAGE_TABLE_BITS as u8;
/// log2 of the size of the root of an address space.
pub const VSPACE_BITS: u8 = abi::object::VSPACE_BITS as u8;
/// Registers that a thread shows to others.
pub const REGISTERS: usize = abi::x86_64::register::LENGTH;
/// Message words in registers.
pub const MESSAGE_REGISTERS: usize = 4;
/// First address that user space cannot map.
pub const USER_TOP: Word = abi::x86_64::USER_TOP;
/// Interrupt numbers.
pub const IRQS: usize = 128;
/// How debug calls name the capability to a root.
pub const VSPACE_CAP_NUMBER: Word = abi::cap_type::x86_64::PML4;
/// What a floating-point instruction raises in a thread that may not use them.
pub const FPU_DISABLED_FAULT: Fault = Fault::UserException { number: 7, code: 0 };

/// What the kernel keeps for this ISA.
#[derive(Clone, Debug)]
pub struct Globals {
    pub ports: ioport::PortMap,
    /// The debug registers watch something.
    pub breakpoints_loaded: bool,
}

impl Globals {
    /// Nothing is in use.
    pub const fn new() -> Self {
        Self {
            ports: ioport::PortMap::new(),
            breakpoints_loaded: false,
        }
    }
}

impl Default for Globals {
    fn default() -> Self {
        Self::new()
    }
}

/// What Retype can make here that others cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewObject {
    Frame(FrameSize),
    Table(Level),
    Root,
}

impl NewObject {
    /// What `object_type` stands for, if it is implemented.
    pub const fn of(object_type: ObjectType) -> Option<Self> {
        Some(match object_type {
            ObjectType::X86SmallPage => Self::Frame(FrameSize::Small),
            ObjectType::X86LargePage => Self::Frame(FrameSize::Large),
            ObjectType::X86HugePage => Self::Frame(FrameSize::Huge),
            ObjectType::X86PageTable => Self::Table(Level::PageTable),
            ObjectType::X86PageDirectory => Self::Table(Level::PageDirectory),
            ObjectType::X86Pdpt => Self::Table(Level::Pdpt),
            ObjectType::X86Pml4 => Self::Root,
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
        NewObject::Table(level) => {
            k.machine.born(at, 1 << TABLE_BITS, Kind::PageTable);
            Cap::PageTable(TableCap {
                table: at,
                level,
                mapping: None,
            })
        }
        NewObject::Root => {
            k.machine.born(at, 1 << VSPACE_BITS, Kind::PageTable);
            let kernel_half = k.machine.kernel_root_entry();
            k.machine
                .store(at.plus(vspace::KERNEL_ENTRY * 8), kernel_half);
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
    slot: Ref<Slot>,
    cap: Cap,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, SyscallError> {
    match cap {
        Cap::Isa(IsaCap::IoPortControl) => {
            ioport::Issue::decode(k, slot, invocation, m)?.commit(k);
            Ok(Done::Empty)
        }
        Cap::Isa(IsaCap::IoPort { first, last }) => {
            Ok(ioport::PortInvocation::decode(k, (first, last), invocation, m)?.commit(k, m))
        }
        _ => Err(SyscallError::IllegalOperation),
    }
}

/// System calls that are this ISA's alone; a fault if the caller may not make them so.
pub(crate) fn own_call(k: &mut Kernel, thread: Ref<Tcb>, call: Syscall) -> Option<Fault> {
    let context = &k[thread.context()];
    let (register, [value, ..]) = (context.capability() as u32, context.message_registers());
    let refused = Some(Fault::UserException {
        number: 13,
        code: 0,
    });
    match call {
        Syscall::X86DangerousRdmsr => match k.machine.read_msr(register) {
            Some(value) => {
                let context = &mut k[thread.context()];
                context.set_message_register(0, value);
                context.set_message_info(MessageInfo::new(0, 0, 0, 1).0);
                None
            }
            None => refused,
        },
        Syscall::X86DangerousWrmsr if !k.machine.write_msr(register, value) => refused,
        _ => None,
    }
}

/// Capabilities that are invoked whatever the label: none here.
pub(crate) fn invoke_any_label(_: &mut Kernel, _: Cap) -> Option<Done> {
    None
}

/// Whether this makes an ASID pool.
pub(crate) fn is_make_pool(invocation: Invocation) -> bool {
    invocation == Invocation::X86AsidControlMakePool
}

/// Whether this assigns an ASID.
pub(crate) fn is_assign(invocation: Invocation) -> bool {
    invocation == Invocation::X86AsidPoolAssign
}

/// Registers by the names that debuggers use, in the order of `seL4_UserContext`.
pub const REGISTER_NAMES: &[&str] = &abi::x86_64::register::NAMES;

/// What exception `number` is.
pub fn exception_name(number: Word) -> &'static str {
    match number {
        0 => "division",
        1 => "debug",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound",
        6 => "invalid opcode",
        7 => "no floating point",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack",
        13 => "general protection",
        16 => "x87 floating point",
        17 => "alignment",
        19 => "SIMD floating point",
        21 => "control protection",
        _ => "not known by name",
    }
}

/// The error code of a page fault, in words.
pub struct VmStatus(pub Word);

impl core::fmt::Display for VmStatus {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let access = if self.0 & 2 != 0 { "write" } else { "read" };
        let cause = if self.0 & 1 != 0 {
            "not permitted"
        } else {
            "nothing is mapped there"
        };
        write!(f, "{access}, {cause}")
    }
}
