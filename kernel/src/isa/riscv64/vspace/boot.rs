//! The root task's address space, before there are invocations that could build it.

use super::*;
use crate::boot::plan::{Rules, SlotOrder};
use crate::boot::region::Grid;
use crate::boot::root::Content;
use crate::isa;
use abi::object::{TCB_BITS, VSPACE_BITS, max_untyped_bits, user_device_top};
use abi::{ISA, PROFILE};
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
    user_top: USER_TOP,
    table_spans: &[LEVEL_BITS[2] as u32, LEVEL_BITS[1] as u32],
    extra_mapped_whole: false,
    cnode_bits: PROFILE.root_cnode_size_bits as u32,
    vspace_bits: VSPACE_BITS as u32,
    tcb_bits: TCB_BITS as u32,
    nodes: PROFILE.num_nodes as u64,
    max_untypeds: PROFILE.max_untyped_caps,
};

/// First capabilities that only this ISA has.
pub const BOOT_CAPS: [(usize, Cap); 0] = [];

/// What BootInfo says of IO address spaces.
pub const NUM_IOPT_LEVELS: Word = 0;

/// The number of this ISA in ELF files.
pub const ELF_MACHINE: u64 = 243;

/// A root of cleared memory.
pub(crate) fn create_root(k: &mut Kernel, base: PhysicalAddress) -> VSpaceCap {
    let table = isa::create_table(k, KernelAddress::of(base));
    share_kernel(k, table.table);
    VSpaceCap {
        root: table.table,
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
    let table = isa::create_table(k, KernelAddress::of(base));
    let found = last_entry(k, root.root, address);
    k.machine.store(found.entry, table_entry(base));
    TableCap {
        mapping: mapping(root, address),
        ..table
    }
}

/// A page of memory, whatever it holds, at `address` in `root`.
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
        Content::Data => vm_attributes::EXECUTE_NEVER,
    };
    if let Ok(found) = entry_at(k, root.root, address, size.bits()) {
        let value = frame_entry(&frame, rights, attributes);
        k.machine.store(found.entry, value);
    }
    frame
}

fn mapping(root: VSpaceCap, address: u64) -> Option<Mapping> {
    root.asid.map(|asid| Mapping {
        asid,
        address: VirtualAddress(address),
    })
}
