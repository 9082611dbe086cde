//! The root task's address space, before there are invocations that could build it.

use super::*;
use crate::boot::plan::{Rules, SlotOrder};
use crate::boot::region::Grid;
use crate::boot::root::Content;
use crate::isa::{self, IsaCap};
use abi::ISA;
use abi::aarch64::LEVEL_BITS;
use abi::bootinfo;
use abi::object::{TCB_BITS, VSPACE_BITS, max_untyped_bits, user_device_top};
use machine::address::{PHYSICAL_WINDOW, PHYSICAL_WINDOW_SIZE};

/// How the root task starts here.
pub const BOOT_RULES: Rules = Rules {
    order: SlotOrder::PagingFirst,
    grid: Grid {
        window: PHYSICAL_WINDOW,
        max_bits: max_untyped_bits(ISA) as u32,
    },
    window_end: PHYSICAL_WINDOW_SIZE,
    device_top: user_device_top(ISA, &PROFILE),
    user_top: isa::USER_TOP,
    table_spans: &[
        LEVEL_BITS[3] as u32,
        LEVEL_BITS[2] as u32,
        LEVEL_BITS[1] as u32,
    ],
    extra_mapped_whole: false,
    cnode_bits: PROFILE.root_cnode_size_bits as u32,
    vspace_bits: VSPACE_BITS as u32,
    tcb_bits: TCB_BITS as u32,
    nodes: PROFILE.num_nodes as u64,
    max_untypeds: PROFILE.max_untyped_caps,
};

const SECURE_CALLS: [(usize, Cap); 1] = [(bootinfo::SMC, Cap::Isa(IsaCap::Smc { badge: 0 }))];

/// First capabilities that only this ISA has.
pub const BOOT_CAPS: &[(usize, Cap)] = if PROFILE.allow_smc_calls {
    &SECURE_CALLS
} else {
    &[]
};

/// What BootInfo says of IO address spaces.
pub const NUM_IOPT_LEVELS: Word = 0;

/// The number of this ISA in ELF files.
pub const ELF_MACHINE: u64 = 183;

/// A root of cleared memory.
pub(crate) fn create_root(k: &mut Kernel, base: PhysicalAddress) -> VSpaceCap {
    isa::create(k, isa::NewObject::Root, base, false);
    VSpaceCap {
        root: KernelAddress::of(base),
        asid: None,
    }
}

/// A table of cleared memory at `address` in `root`. Those above it have been mapped before, so
/// the walk shows its level.
pub(crate) fn map_new_table(
    k: &mut Kernel,
    root: VSpaceCap,
    _depth: usize,
    base: PhysicalAddress,
    address: u64,
) -> TableCap {
    isa::create(k, isa::NewObject::Table, base, false);
    let table = KernelAddress::of(base);
    let entry = last_entry(k, root.root, address);
    map_table(k, entry.at, table);
    TableCap {
        table,
        level: Level::Any,
        mapping: mapping(root, address),
    }
}

/// A page of memory at `address` in `root`.
pub(crate) fn map_new_frame(
    k: &mut Kernel,
    root: VSpaceCap,
    base: PhysicalAddress,
    address: u64,
    content: Content,
) -> FrameCap {
    let (size, rights) = (FrameSize::Small, VmRights::ReadWrite);
    isa::create(k, isa::NewObject::Frame(size), base, false);
    let frame = FrameCap {
        base,
        size,
        rights,
        device: false,
        mapping: mapping(root, address),
    };
    let attributes = match content {
        Content::Program => vm_attributes::DEFAULT,
        Content::Data => vm_attributes::DEFAULT | vm_attributes::EXECUTE_NEVER,
    };
    let entry = last_entry(k, root.root, address);
    k.machine
        .store(entry.at, frame_entry(&frame, rights, attributes));
    k.machine.publish_tables();
    frame
}

fn mapping(root: VSpaceCap, address: u64) -> Option<Mapping> {
    root.asid.map(|asid| Mapping {
        asid,
        address: VirtualAddress(address),
    })
}
