//! What the root task is told at its start: BootInfo, the fixed slots of its CNode, and the extra region.
//!
//! The page of BootInfo begins with [`BootInfo`]; the rest is zero. The extra region, if there is one, is a sequence of
//! chunks, each behind a [`BootInfoHeader`], not necessarily aligned.

use core::mem::{offset_of, size_of};

use crate::Word;
use crate::layout::words;
use crate::profile::PROFILE;

pub mod vbe;

/// log2 of the bytes of the page of BootInfo.
pub const BOOT_INFO_FRAME_BITS: usize = 12;
/// `num_iopt_levels` without an IOMMU in the profile.
pub const NO_IOPT_LEVELS: Word = Word::MAX;

/// Slots from `start` up to, not including, `end`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct SlotRegion {
    /// First slot.
    pub start: Word,
    /// The slot after the last.
    pub end: Word,
}

/// One untyped capability of the root task.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct UntypedDesc {
    /// Physical address.
    pub paddr: Word,
    /// log2 of its bytes.
    pub size_bits: u8,
    /// 1 if it is device memory.
    pub is_device: u8,
    /// Zero.
    pub padding: [u8; 6],
}

/// What the root task is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct BootInfo {
    /// Bytes used in the extra region; 0 if there is none.
    pub extra_len: Word,
    /// Node of the root task.
    pub node_id: Word,
    /// Nodes of the system.
    pub num_nodes: Word,
    /// Levels of an IO address space; [`NO_IOPT_LEVELS`] without an IOMMU in the profile.
    pub num_iopt_levels: Word,
    /// Address of the root task's IPC buffer.
    pub ipc_buffer: Word,
    /// Free slots.
    pub empty: SlotRegion,
    /// Empty; a relic of several kernels.
    pub shared_frames: SlotRegion,
    /// Frames of the root task's image.
    pub user_image_frames: SlotRegion,
    /// Page tables of the root task, without the root.
    pub user_image_paging: SlotRegion,
    /// IO spaces of the SMMU; empty elsewhere.
    pub io_space_caps: SlotRegion,
    /// Frames of the extra region.
    pub extra_bi_pages: SlotRegion,
    /// log2 of the slots of the root task's CNode.
    pub init_thread_cnode_size_bits: Word,
    /// Domain of the root task.
    pub init_thread_domain: Word,
    /// SchedControl capabilities, one per node.
    pub sched_control: SlotRegion,
    /// Untyped capabilities.
    pub untyped: SlotRegion,
    /// Their descriptions, in the order of the slots.
    pub untyped_list: [UntypedDesc; PROFILE.max_untyped_caps],
}

/// Precedes each chunk of the extra region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct BootInfoHeader {
    /// What the chunk is: one of [`header`].
    pub id: Word,
    /// Its bytes, with this header.
    pub len: Word,
}

words! {
    /// Ids of the chunks of the extra region.
    header { PADDING, X86_VBE, X86_MBMMAP, X86_ACPI_RSDP, X86_FRAMEBUFFER, X86_TSC_FREQ, FDT }
}

words! {
    /// The slots of the root task's CNode that never move. What a build does not have is empty.
    slot {
        NULL, INIT_TCB, INIT_CNODE, INIT_VSPACE, IRQ_CONTROL, ASID_CONTROL, INIT_ASID_POOL, IO_PORT_CONTROL, IO_SPACE,
        BOOT_INFO_FRAME, INIT_IPC_BUFFER, DOMAIN, SMMU_SID_CONTROL, SMMU_CB_CONTROL, INIT_SC, SMC,
    }
}

pub use slot::{
    ASID_CONTROL, BOOT_INFO_FRAME, DOMAIN, INIT_ASID_POOL, INIT_CNODE, INIT_IPC_BUFFER, INIT_SC,
    INIT_TCB, INIT_VSPACE, IO_PORT_CONTROL, IO_SPACE, IRQ_CONTROL, LENGTH as NUM_INITIAL_CAPS, SMC,
    SMMU_CB_CONTROL, SMMU_SID_CONTROL,
};

/// Entries of the x86 memory map.
pub const MULTIBOOT_MAX_MMAP_ENTRIES: usize = 50;
/// `kind` of a memory map entry that is RAM.
pub const MULTIBOOT_RAM_REGION_TYPE: u32 = 1;
/// Bytes of the ACPI RSDP chunk's contents: version 2, a version 1 pointer filled up with zeros.
pub const ACPI_RSDP_BYTES: usize = 36;

/// An entry of the x86 memory map, as Multiboot lays it out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C, packed)]
pub struct MmapEntry {
    /// Bytes of the entry without this field.
    pub size: u32,
    /// Physical address.
    pub base_addr: u64,
    /// Bytes.
    pub length: u64,
    /// [`MULTIBOOT_RAM_REGION_TYPE`] or something else.
    pub kind: u32,
}

/// The x86 memory map chunk, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct Mmap {
    /// Id [`header::X86_MBMMAP`].
    pub header: BootInfoHeader,
    /// Bytes of `entries` that are used.
    pub mmap_length: u32,
    /// The entries.
    pub entries: [MmapEntry; MULTIBOOT_MAX_MMAP_ENTRIES],
}

/// The ACPI RSDP chunk, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct AcpiRsdp {
    /// Id [`header::X86_ACPI_RSDP`].
    pub header: BootInfoHeader,
    /// The pointer as the firmware wrote it.
    pub rsdp: [u8; ACPI_RSDP_BYTES],
}

/// The TSC frequency chunk, with its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct TscFrequency {
    /// Id [`header::X86_TSC_FREQ`].
    pub header: BootInfoHeader,
    /// MHz.
    pub mhz: u32,
}

/// Contents of the framebuffer chunk, behind its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed)]
pub struct Framebuffer {
    /// Physical address.
    pub addr: u64,
    /// Bytes of a line.
    pub pitch: u32,
    /// Pixels of a line, or columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bits of a pixel.
    pub bpp: u8,
    /// Kind, as Multiboot 2 numbers it.
    pub kind: u8,
}

/// Most bytes that the extra region of x86_64 holds without a VBE chunk: RSDP, framebuffer, memory map, TSC frequency.
pub const X86_EXTRA_MAX_BYTES: usize = size_of::<AcpiRsdp>()
    + size_of::<BootInfoHeader>()
    + size_of::<Framebuffer>()
    + size_of::<Mmap>()
    + size_of::<TscFrequency>();

const _: () = {
    assert!(size_of::<SlotRegion>() == 16);
    assert!(size_of::<UntypedDesc>() == 16);
    assert!(offset_of!(UntypedDesc, is_device) == 9);
    assert!(size_of::<BootInfoHeader>() == 16);
    assert!(offset_of!(BootInfo, empty) == 40);
    assert!(offset_of!(BootInfo, init_thread_cnode_size_bits) == 136);
    assert!(offset_of!(BootInfo, sched_control) == 152);
    assert!(offset_of!(BootInfo, untyped_list) == 184);
    assert!(size_of::<BootInfo>() <= 1 << BOOT_INFO_FRAME_BITS);
    assert!(size_of::<MmapEntry>() == 24);
    assert!(size_of::<Mmap>() == 1220);
    assert!(size_of::<AcpiRsdp>() == 52);
    assert!(size_of::<TscFrequency>() == 20);
    assert!(size_of::<Framebuffer>() == 22);
};
