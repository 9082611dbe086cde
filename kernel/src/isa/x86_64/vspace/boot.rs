//! The root task's address space, before there are invocations that could build it.

use super::*;
use crate::boot::plan::{Rules, SlotOrder};
use crate::boot::region::Grid;
use crate::boot::root::Content;
use crate::isa::{self, IsaCap};
use abi::object::{TCB_BITS, VSPACE_BITS, max_untyped_bits, user_device_top};
use abi::x86_64::LEVEL_BITS;
use abi::{ISA, PROFILE};
use machine::address::{PHYSICAL_WINDOW, PHYSICAL_WINDOW_SIZE};

/// How the root task starts here.
pub const BOOT_RULES: Rules = Rules {
    order: SlotOrder::SchedControlFirst,
    grid: Grid {
        window: PHYSICAL_WINDOW,
        max_bits: max_untyped_bits(ISA) as u32,
    },
    window_end: PHYSICAL_WINDOW_SIZE,
    device_top: user_device_top(ISA, &PROFILE),
    user_top: USER_MAX + 1,
    table_spans: &[
        LEVEL_BITS[3] as u32,
        LEVEL_BITS[2] as u32,
        LEVEL_BITS[1] as u32,
    ],
    extra_mapped_whole: true,
    cnode_bits: PROFILE.root_cnode_size_bits as u32,
    vspace_bits: VSPACE_BITS as u32,
    tcb_bits: TCB_BITS as u32,
    nodes: PROFILE.num_nodes as u64,
    max_untypeds: PROFILE.max_untyped_caps,
};

/// First capabilities that only this ISA has.
pub const BOOT_CAPS: [(usize, Cap); 1] = [(
    abi::bootinfo::IO_PORT_CONTROL,
    Cap::Isa(IsaCap::IoPortControl),
)];

/// What BootInfo says of IO address spaces: they do not exist in the profile, or no hardware for
/// them was found.
pub const NUM_IOPT_LEVELS: Word = if PROFILE.iommu {
    0
} else {
    abi::bootinfo::NO_IOPT_LEVELS
};

/// The number of this ISA in ELF files.
pub const ELF_MACHINE: u64 = 62;

/// Kinds of tables, from the top.
const LEVELS: [Level; 3] = [Level::Pdpt, Level::PageDirectory, Level::PageTable];

/// A root of cleared memory.
pub(crate) fn create_root(k: &mut Kernel, base: PhysicalAddress) -> VSpaceCap {
    isa::create(k, isa::NewObject::Root, base, false);
    VSpaceCap {
        root: KernelAddress::of(base),
        asid: None,
    }
}

/// A table of cleared memory, `depth` levels below the root's entries, at `address` in `root`.
pub(crate) fn map_new_table(
    k: &mut Kernel,
    root: VSpaceCap,
    depth: usize,
    base: PhysicalAddress,
    address: u64,
) -> TableCap {
    let level = LEVELS.get(depth).copied().unwrap_or(Level::PageTable);
    isa::create(k, isa::NewObject::Table(level), base, false);
    let table = KernelAddress::of(base);
    // The tables above have been mapped before.
    if let Ok(entry) = entry_at(k, root.root, address, level.span_bits()) {
        k.machine
            .store(entry, base.0 | PRESENT | WRITE | USER | ACCESSED);
    }
    TableCap {
        table,
        level,
        mapping: mapping(root, address),
    }
}

/// A page of memory, whatever it holds, at `address` in `root`. User code may execute any page
/// that it may read.
pub(crate) fn map_new_frame(
    k: &mut Kernel,
    root: VSpaceCap,
    base: PhysicalAddress,
    address: u64,
    _content: Content,
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
    if let Ok(entry) = entry_at(k, root.root, address, size.bits()) {
        k.machine.store(entry, frame_entry(&frame, rights, 0));
    }
    frame
}

fn mapping(root: VSpaceCap, address: u64) -> Option<Mapping> {
    root.asid.map(|asid| Mapping {
        asid,
        address: VirtualAddress(address),
    })
}
