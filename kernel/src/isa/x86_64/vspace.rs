//! Address spaces: four levels of tables, walked in memory. (`abi/semantics-vspace.md`.)
//!
//! A capability says where its frame or table was mapped; whether that still holds is looked up
//! in the tables before anything is changed.

pub mod boot;

use crate::Kernel;
use crate::bits;
use crate::cap::{Cap, FrameCap, Mapping, TableCap, VSpaceCap, VmRights};
use crate::cdt;
use crate::error::{Lookup, LookupFailure, Preempted, SyscallError};
use crate::invocation::{Done, Refusal};
use crate::message::Message;
use crate::object::asid;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use abi::Word;
use abi::cap_type;
use abi::invocation::Invocation;
use abi::rights::CapRights;
use abi::x86_64::USER_MAX;
use machine::{KernelAddress, Machine, PhysicalAddress, VirtualAddress};

/// The entry of a root through which all address spaces share the kernel's half.
pub const KERNEL_ENTRY: u64 = 511;

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
/// A page where a table could be.
const PAGE: u64 = 1 << 7;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Sizes of frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
    /// 1 GiB.
    Huge,
}

impl FrameSize {
    /// log2 of the size in bytes.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Small => 12,
            Self::Large => 21,
            Self::Huge => 30,
        }
    }
    pub(crate) const fn pack(self) -> u8 {
        match self {
            Self::Small => 0,
            Self::Large => 1,
            Self::Huge => 2,
        }
    }
    pub(crate) const fn unpack(bits: u8) -> Self {
        match bits {
            0 => Self::Small,
            1 => Self::Large,
            _ => Self::Huge,
        }
    }
}

/// Levels of tables below the root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Level {
    PageTable,
    PageDirectory,
    Pdpt,
}

impl Level {
    /// log2 of what a table of this level spans, which is what one entry above it covers.
    pub const fn span_bits(self) -> u8 {
        match self {
            Self::PageTable => 21,
            Self::PageDirectory => 30,
            Self::Pdpt => 39,
        }
    }
    /// The same, for those who do not know which ISA this is.
    pub const fn known_span_bits(self) -> Option<u8> {
        Some(self.span_bits())
    }
    pub(crate) const fn pack(self) -> u8 {
        match self {
            Self::PageTable => 0,
            Self::PageDirectory => 1,
            Self::Pdpt => 2,
        }
    }
    pub(crate) const fn unpack(bits: u8) -> Self {
        match bits {
            0 => Self::PageTable,
            1 => Self::PageDirectory,
            _ => Self::Pdpt,
        }
    }
    pub(crate) const fn cap_number(self) -> Word {
        match self {
            Self::PageTable => cap_type::PAGE_TABLE,
            Self::PageDirectory => cap_type::x86_64::PAGE_DIRECTORY,
            Self::Pdpt => cap_type::x86_64::PDPT,
        }
    }
}

// --- Walking ------------------------------------------------------------------------------------

/// The entry that covers `2^bits` bytes (12, 21, 30 or 39) at `address`. Fails with the bits
/// left where a table is missing.
fn entry_at(k: &Kernel, root: KernelAddress, address: u64, bits: u8) -> Result<KernelAddress, u64> {
    let mut table = root;
    let mut level: u32 = 39;
    loop {
        let entry = table.plus((address.wrapping_shr(level) & 511) << 3);
        if level == bits.into() {
            return Ok(entry);
        }
        let value = k.machine.load(entry);
        if value & PRESENT == 0 || value & PAGE != 0 {
            return Err(level.into());
        }
        table = KernelAddress::of(PhysicalAddress(value & ADDRESS));
        // Stops at `bits`, which is 12 or more.
        level = level.wrapping_sub(9);
    }
}

fn missing_table(bits_left: u64) -> SyscallError {
    SyscallError::FailedLookup(
        Lookup::Destination,
        LookupFailure::MissingCapability { bits_left },
    )
}

/// The entry that maps `table` at `mapping`, if it still does.
fn entry_of_table(k: &Kernel, table: &TableCap, mapping: Mapping) -> Option<KernelAddress> {
    let root = asid::root(k, mapping.asid)?;
    let entry = entry_at(k, root, mapping.address.0, table.level.span_bits()).ok()?;
    let value = k.machine.load(entry);
    let maps_it =
        value & PRESENT != 0 && value & PAGE == 0 && value & ADDRESS == table.table.physical().0;
    maps_it.then_some(entry)
}

/// The entry that maps `frame` at `mapping`, if it still does.
fn entry_of_frame(k: &Kernel, frame: &FrameCap, mapping: Mapping) -> Option<KernelAddress> {
    let root = asid::root(k, mapping.asid)?;
    let entry = entry_at(k, root, mapping.address.0, frame.size.bits()).ok()?;
    let value = k.machine.load(entry);
    let is_page = frame.size == FrameSize::Small || value & PAGE != 0;
    // Bit 12 of a large page's entry is an attribute, not address.
    let address = value & ADDRESS & !bits::mask(frame.size.bits());
    (value & PRESENT != 0 && is_page && address == frame.base.0).then_some(entry)
}

// --- Roots ----------------------------------------------------------------------------------------

/// `cap` as a root that has no ASID yet.
pub(crate) fn unassigned_root(cap: &Cap) -> Option<VSpaceCap> {
    match cap {
        Cap::VSpace(root @ VSpaceCap { asid: None, .. }) => Some(*root),
        _ => None,
    }
}

/// Gives `asid` to a root.
pub(crate) fn assign(k: &mut Kernel, root: VSpaceCap, asid: u16) -> Cap {
    asid::set_root(k, asid, Some(root.root));
    Cap::VSpace(VSpaceCap {
        asid: Some(asid),
        ..root
    })
}

/// The last capability to a root goes.
pub(crate) fn finalise_root(k: &mut Kernel, cap: VSpaceCap) {
    if let Some(asid) = cap.asid
        && asid::names(k, asid, cap.root)
    {
        asid::forget(k, asid);
    }
    k.machine.gone(cap.root, 1 << super::VSPACE_BITS);
}

// --- Frames -----------------------------------------------------------------------------------------

fn frame_entry(frame: &FrameCap, rights: VmRights, attributes: Word) -> u64 {
    let rights = match rights {
        VmRights::KernelOnly => 0,
        VmRights::ReadOnly => USER,
        VmRights::ReadWrite => USER | WRITE,
    };
    // PWT and PCD where the attributes have them; PAT where this size of page has it.
    let cache = (attributes & 3) << 3;
    let (page, pat) = match frame.size {
        FrameSize::Small => (0, 7),
        FrameSize::Large | FrameSize::Huge => (PAGE, 12),
    };
    frame.base.0 | PRESENT | ACCESSED | DIRTY | rights | cache | page | (attributes >> 2 & 1) << pat
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug)]
pub enum FrameInvocation {
    Map {
        slot: Ref<Slot>,
        frame: FrameCap,
        entry: KernelAddress,
        value: u64,
        mapping: Mapping,
    },
    Unmap {
        slot: Ref<Slot>,
        frame: FrameCap,
    },
    GetAddress(PhysicalAddress),
}

/// Does what `m` asks of the frame in `slot`.
#[inline(never)]
pub(crate) fn invoke_frame(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    let Some(frame) = k[slot].frame() else {
        return Err(SyscallError::IllegalOperation.into());
    };
    Ok(FrameInvocation::decode(k, slot, frame, invocation, m)?.commit(k, m))
}

impl FrameInvocation {
    /// Looks at what `m` asks of `frame`.
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        frame: FrameCap,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        match invocation {
            Invocation::X86PageMap => decode_map_frame(k, slot, frame, m),
            Invocation::X86PageUnmap => Ok(Self::Unmap { slot, frame }),
            Invocation::X86PageGetAddress => Ok(Self::GetAddress(frame.base)),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, m: &Message) -> Done {
        match self {
            Self::Map {
                slot,
                frame,
                entry,
                value,
                mapping,
            } => {
                cdt::update(
                    k,
                    slot,
                    Cap::Frame(FrameCap {
                        mapping: Some(mapping),
                        ..frame
                    }),
                );
                let old = k.machine.load(entry);
                k.machine.store(entry, value);
                if old & PRESENT != 0 {
                    k.machine.invalidate_page(mapping.asid, mapping.address);
                }
            }
            Self::Unmap { slot, frame } => {
                unmap_frame(k, frame);
                cdt::update(
                    k,
                    slot,
                    Cap::Frame(FrameCap {
                        mapping: None,
                        ..frame
                    }),
                );
            }
            Self::GetAddress(base) => return Done::reply(k, m, &[base.0]),
        }
        Done::Empty
    }
}

fn decode_map_frame(
    k: &Kernel,
    slot: Ref<Slot>,
    frame: FrameCap,
    m: &Message,
) -> Result<FrameInvocation, SyscallError> {
    let (3.., Some(vspace)) = (m.length, m.cap(0)) else {
        return Err(SyscallError::TruncatedMessage);
    };
    let [address, rights, attributes] = [0, 1, 2].map(|n| m.word(k, n));
    let (root, asid) = asid::assigned_root(k, vspace)?;
    match frame.mapping {
        Some(mapping) if mapping.asid != asid => return Err(SyscallError::InvalidCapability(1)),
        Some(mapping) if mapping.address.0 != address => {
            return Err(SyscallError::InvalidArgument(0));
        }
        Some(_) => {}
        None if address
            .checked_add(bits::mask(frame.size.bits()))
            .is_none_or(|end| end > USER_MAX) =>
        {
            return Err(SyscallError::InvalidArgument(0));
        }
        None => {}
    }
    asid::check(k, asid, root)?;
    if !bits::aligned(address, frame.size.bits()) {
        return Err(SyscallError::AlignmentError);
    }
    let entry = entry_at(k, root, address, frame.size.bits()).map_err(missing_table)?;
    let old = k.machine.load(entry);
    if frame.size != FrameSize::Small && old & PRESENT != 0 && old & PAGE == 0 {
        return Err(SyscallError::DeleteFirst);
    }
    let rights = frame.rights.masked(CapRights(rights));
    let value = frame_entry(&frame, rights, attributes);
    let mapping = Mapping {
        asid,
        address: VirtualAddress(address),
    };
    Ok(FrameInvocation::Map {
        slot,
        frame,
        entry,
        value,
        mapping,
    })
}

/// Removes the mapping of `frame`, if it is still in place.
pub(crate) fn unmap_frame(k: &mut Kernel, frame: FrameCap) {
    if let Some(mapping) = frame.mapping
        && let Some(entry) = entry_of_frame(k, &frame, mapping)
    {
        k.machine.store(entry, 0);
        k.machine.invalidate_page(mapping.asid, mapping.address);
    }
}

// --- Tables -----------------------------------------------------------------------------------------

/// What is to be done with a table.
#[derive(Clone, Copy, Debug)]
pub enum TableInvocation {
    Map {
        slot: Ref<Slot>,
        table: TableCap,
        entry: KernelAddress,
        attributes: Word,
        mapping: Mapping,
    },
    Unmap {
        slot: Ref<Slot>,
        table: TableCap,
    },
}

/// Does what `m` asks of the table in `slot`.
#[inline(never)]
pub(crate) fn invoke_table(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    let Cap::PageTable(table) = k[slot].cap() else {
        return Err(SyscallError::IllegalOperation.into());
    };
    TableInvocation::decode(k, slot, table, invocation, m)?.commit(k)?;
    Ok(Done::Empty)
}

impl TableInvocation {
    /// Looks at what `m` asks of `table`.
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        table: TableCap,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        match (table.level, invocation) {
            (Level::PageTable, I::X86PageTableMap)
            | (Level::PageDirectory, I::X86PageDirectoryMap)
            | (Level::Pdpt, I::X86PdptMap) => decode_map_table(k, slot, table, m),
            (Level::PageTable, I::X86PageTableUnmap)
            | (Level::PageDirectory, I::X86PageDirectoryUnmap)
            | (Level::Pdpt, I::X86PdptUnmap) => {
                if cdt::is_final(k, slot) {
                    Ok(Self::Unmap { slot, table })
                } else {
                    Err(SyscallError::RevokeFirst)
                }
            }
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) -> Result<(), Preempted> {
        match self {
            Self::Map {
                slot,
                table,
                entry,
                attributes,
                mapping,
            } => {
                cdt::update(
                    k,
                    slot,
                    Cap::PageTable(TableCap {
                        mapping: Some(mapping),
                        ..table
                    }),
                );
                let cache = (attributes & 3) << 3;
                let value = table.table.physical().0 | PRESENT | WRITE | USER | ACCESSED | cache;
                // Nothing was there, and processors do not remember that.
                k.machine.store(entry, value);
            }
            Self::Unmap { slot, table } => {
                if table.mapping.is_some() {
                    unmap_table(k, table);
                    k.machine.clear(table.table, 1 << super::TABLE_BITS);
                }
                cdt::update(
                    k,
                    slot,
                    Cap::PageTable(TableCap {
                        mapping: None,
                        ..table
                    }),
                );
            }
        }
        Ok(())
    }
}

fn decode_map_table(
    k: &Kernel,
    slot: Ref<Slot>,
    table: TableCap,
    m: &Message,
) -> Result<TableInvocation, SyscallError> {
    let (2.., Some(vspace)) = (m.length, m.cap(0)) else {
        return Err(SyscallError::TruncatedMessage);
    };
    if table.mapping.is_some() {
        return Err(SyscallError::InvalidCapability(0));
    }
    let address = m.word(k, 0) & !bits::mask(table.level.span_bits());
    let attributes = m.word(k, 1);
    let (root, asid) = asid::assigned_root(k, vspace)?;
    if address > USER_MAX {
        return Err(SyscallError::InvalidArgument(0));
    }
    asid::check(k, asid, root)?;
    let entry = entry_at(k, root, address, table.level.span_bits()).map_err(missing_table)?;
    if k.machine.load(entry) & PRESENT != 0 {
        return Err(SyscallError::DeleteFirst);
    }
    let mapping = Mapping {
        asid,
        address: VirtualAddress(address),
    };
    Ok(TableInvocation::Map {
        slot,
        table,
        entry,
        attributes,
        mapping,
    })
}

/// Removes the mapping of `table`, if it is still in place.
fn unmap_table(k: &mut Kernel, table: TableCap) {
    if let Some(mapping) = table.mapping
        && let Some(entry) = entry_of_table(k, &table, mapping)
    {
        k.machine.store(entry, 0);
        // Whatever was reached through it, and the walks that led there.
        k.machine.invalidate_asid(mapping.asid);
    }
}

/// The last capability to a table goes.
pub(crate) fn finalise_table(k: &mut Kernel, table: TableCap) {
    unmap_table(k, table);
    k.machine.gone(table.table, 1 << super::TABLE_BITS);
}
