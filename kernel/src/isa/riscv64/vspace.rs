//! Address spaces: three levels of tables (Sv39), walked in memory. (`abi/semantics-vspace.md`.)
//!
//! There is one kind of table. Which level one is of is known by where it is mapped; one that
//! gets an ASID is a root, and its capability a [`Cap::VSpace`].
//!
//! A capability says where its frame or table was mapped; whether that still holds is looked up
//! in the tables before anything is changed.

pub(crate) mod boot;

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
use abi::riscv64::{LEVEL_BITS, USER_TOP, vm_attributes};
use machine::{KernelAddress, Machine, PhysicalAddress, RiscvMachine, VirtualAddress};

/// The entries of a root through which all address spaces share the kernel's half.
pub const KERNEL_ENTRIES: core::ops::Range<u64> = 256..512;

const VALID: u64 = 1;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
const USER: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
/// The number of the page or table starts at bit 10, that of an address at bit 12.
const NUMBER: u64 = ((1 << 44) - 1) << 10;

/// Sizes of frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Mega,
    /// 1 GiB.
    Giga,
}

impl FrameSize {
    /// log2 of the size in bytes.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Small => 12,
            Self::Mega => 21,
            Self::Giga => 30,
        }
    }
    pub(crate) const fn pack(self) -> u8 {
        match self {
            Self::Small => 0,
            Self::Mega => 1,
            Self::Giga => 2,
        }
    }
    pub(crate) const fn unpack(bits: u8) -> Self {
        match bits {
            0 => Self::Small,
            1 => Self::Mega,
            _ => Self::Giga,
        }
    }
}

/// The level of a table, which its capability does not say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Level;

impl Level {
    /// log2 of what a table spans, where its capability says so.
    pub const fn known_span_bits(self) -> Option<u8> {
        None
    }
    pub(crate) const fn pack(self) -> u8 {
        0
    }
    pub(crate) const fn unpack(_: u8) -> Self {
        Self
    }
    pub(crate) const fn cap_number(self) -> Word {
        cap_type::PAGE_TABLE
    }
}

/// Bits of address below the entries of the root, and of the last level.
const ROOT_SPAN: u8 = LEVEL_BITS[2] as u8;
const PAGE_SPAN: u8 = LEVEL_BITS[0] as u8;

// --- Walking ------------------------------------------------------------------------------------

/// What an entry points to.
const fn target(entry: u64) -> PhysicalAddress {
    PhysicalAddress((entry & NUMBER) << 2)
}

const fn is_table(entry: u64) -> bool {
    entry & (VALID | READ | WRITE | EXECUTE) == VALID
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The last entry that was looked at: the one that leads to no further table.
    entry: KernelAddress,
    value: u64,
    /// How many bits of the address it leaves: log2 of what it spans.
    bits: u8,
}

impl Found {
    /// The entry of `table`, whose entries span `2^bits` bytes, for `address`.
    #[inline(always)]
    fn read(k: &Kernel, table: KernelAddress, bits: u8, address: u64) -> Self {
        let entry = table.inside((address.wrapping_shr(bits.into()) & 511) << 3);
        let value = k.machine.load(entry);
        Self { entry, value, bits }
    }
}

/// The entries that lead to `address`, from the root's on.
fn walk(k: &Kernel, root: KernelAddress, address: u64) -> impl Iterator<Item = Found> + '_ {
    let mut table = Some(root);
    LEVEL_BITS.iter().rev().map_while(move |bits| {
        let found = Found::read(k, table?, *bits as u8, address);
        table = is_table(found.value).then(|| KernelAddress::of(target(found.value)));
        Some(found)
    })
}

/// The last entry on the way to `address`.
#[inline]
fn last_entry(k: &Kernel, root: KernelAddress, address: u64) -> Found {
    let mut found = Found::read(k, root, ROOT_SPAN, address);
    while found.bits > PAGE_SPAN && is_table(found.value) {
        let table = KernelAddress::of(target(found.value));
        found = Found::read(k, table, found.bits.wrapping_sub(9), address);
    }
    found
}

/// The entry that covers `2^bits` bytes at `address`. Fails with the bits left where the walk
/// ends elsewhere: a table is missing, or one is in the way.
fn entry_at(k: &Kernel, root: KernelAddress, address: u64, bits: u8) -> Result<Found, u64> {
    let found = last_entry(k, root, address);
    if found.bits == bits {
        Ok(found)
    } else {
        Err(found.bits.into())
    }
}

/// The entry that maps `table` at `mapping`, if it still does.
fn entry_of_table(k: &Kernel, table: &TableCap, mapping: Mapping) -> Option<KernelAddress> {
    let root = asid::root(k, mapping.asid)?;
    walk(k, root, mapping.address.0)
        .find(|found| is_table(found.value) && target(found.value) == table.table.physical())
        .map(|found| found.entry)
}

/// The entry that maps `frame` at `mapping`, if it still does.
fn entry_of_frame(k: &Kernel, frame: &FrameCap, mapping: Mapping) -> Option<KernelAddress> {
    let root = asid::root(k, mapping.asid)?;
    let found = entry_at(k, root, mapping.address.0, frame.size.bits()).ok()?;
    let maps_it =
        found.value & VALID != 0 && !is_table(found.value) && target(found.value) == frame.base;
    maps_it.then_some(found.entry)
}

// --- Roots ----------------------------------------------------------------------------------------

/// `cap` as a root that has no ASID yet: any table that is mapped nowhere.
pub(crate) fn unassigned_root(cap: &Cap) -> Option<VSpaceCap> {
    match cap {
        Cap::PageTable(TableCap {
            table,
            mapping: None,
            ..
        }) => Some(VSpaceCap {
            root: *table,
            asid: None,
        }),
        _ => None,
    }
}

/// Gives `asid` to a root.
pub(crate) fn assign(k: &mut Kernel, root: VSpaceCap, asid: u16) -> Cap {
    share_kernel(k, root.root);
    asid::set_root(k, asid, Some(root.root));
    // The table has just been written: walks must see that.
    k.machine.invalidate_asid(asid);
    Cap::VSpace(VSpaceCap {
        asid: Some(asid),
        ..root
    })
}

/// Shows the kernel in the upper half of `root`.
fn share_kernel(k: &mut Kernel, root: KernelAddress) {
    for index in KERNEL_ENTRIES {
        let entry = k.machine.kernel_root_entry(index);
        k.machine.store(root.plus(index << 3), entry);
    }
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

/// What is to be done with a root, which is a table all the same.
#[derive(Clone, Copy, Debug)]
pub enum RootInvocation {
    /// Its ASID names something else by now: it becomes a table that is mapped nowhere.
    Unmap { slot: Ref<Slot>, root: VSpaceCap },
}

impl RootInvocation {
    /// Looks at what `m` asks of `root`.
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        root: VSpaceCap,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        match invocation {
            // A root counts as mapped.
            Invocation::RiscvPageTableMap => match (m.length, m.cap(0)) {
                (2.., Some(_)) => Err(SyscallError::InvalidCapability(0)),
                _ => Err(SyscallError::TruncatedMessage),
            },
            Invocation::RiscvPageTableUnmap => {
                let in_use = root
                    .asid
                    .is_some_and(|asid| asid::names(k, asid, root.root));
                if in_use || !cdt::is_final(k, slot) {
                    Err(SyscallError::RevokeFirst)
                } else {
                    Ok(Self::Unmap { slot, root })
                }
            }
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        let Self::Unmap { slot, root } = self;
        k.machine.clear(root.root, 1 << super::TABLE_BITS);
        let table = TableCap {
            table: root.root,
            level: Level,
            mapping: None,
        };
        cdt::update(k, slot, Cap::PageTable(table));
    }
}

// --- Frames -----------------------------------------------------------------------------------------

/// An entry that maps `frame`. Without any access it is invalid, which reads as unmapped.
fn frame_entry(frame: &FrameCap, rights: VmRights, attributes: Word) -> u64 {
    let rights = match rights {
        VmRights::KernelOnly => 0,
        VmRights::ReadOnly => READ,
        VmRights::ReadWrite => READ | WRITE,
    };
    let execute = if attributes & vm_attributes::EXECUTE_NEVER == 0 {
        EXECUTE
    } else {
        0
    };
    match rights | execute {
        0 => 0,
        access => frame.base.0 >> 2 | VALID | USER | ACCESSED | DIRTY | access,
    }
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
            Invocation::RiscvPageMap => decode_map_frame(k, slot, frame, m),
            Invocation::RiscvPageUnmap => Ok(Self::Unmap { slot, frame }),
            Invocation::RiscvPageGetAddress => Ok(Self::GetAddress(frame.base)),
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
                let mapped = FrameCap {
                    mapping: Some(mapping),
                    ..frame
                };
                cdt::update(k, slot, Cap::Frame(mapped));
                k.machine.store(entry, value);
                // Processors may remember that nothing was there.
                k.machine.invalidate_page(mapping.asid, mapping.address);
            }
            Self::Unmap { slot, frame } => {
                unmap_frame(k, frame);
                let unmapped = FrameCap {
                    mapping: None,
                    ..frame
                };
                cdt::update(k, slot, Cap::Frame(unmapped));
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
    asid::check(k, asid, root)?;
    let last = address.checked_add(bits::mask(frame.size.bits()));
    if last.is_none_or(|last| last >= USER_TOP) {
        return Err(SyscallError::InvalidArgument(0));
    }
    if !bits::aligned(address, frame.size.bits()) {
        return Err(SyscallError::AlignmentError);
    }
    let found = entry_at(k, root, address, frame.size.bits()).map_err(missing_table)?;
    match frame.mapping {
        Some(mapping) if mapping.asid != asid => return Err(SyscallError::InvalidCapability(1)),
        Some(mapping) if mapping.address.0 != address => {
            return Err(SyscallError::InvalidArgument(0));
        }
        // What is there may be changed, but not a table (nor what stands in its place).
        Some(_) if is_table(found.value) => return Err(SyscallError::DeleteFirst),
        None if found.value & VALID != 0 => return Err(SyscallError::DeleteFirst),
        _ => {}
    }
    let value = frame_entry(&frame, frame.rights.masked(CapRights(rights)), attributes);
    let mapping = Mapping {
        asid,
        address: VirtualAddress(address),
    };
    Ok(FrameInvocation::Map {
        slot,
        frame,
        entry: found.entry,
        value,
        mapping,
    })
}

fn missing_table(bits_left: u64) -> SyscallError {
    SyscallError::FailedLookup(
        Lookup::Destination,
        LookupFailure::MissingCapability { bits_left },
    )
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
        match invocation {
            Invocation::RiscvPageTableMap => decode_map_table(k, slot, table, m),
            Invocation::RiscvPageTableUnmap if cdt::is_final(k, slot) => {
                Ok(Self::Unmap { slot, table })
            }
            Invocation::RiscvPageTableUnmap => Err(SyscallError::RevokeFirst),
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
                mapping,
            } => {
                let mapped = TableCap {
                    mapping: Some(mapping),
                    ..table
                };
                cdt::update(k, slot, Cap::PageTable(mapped));
                k.machine.store(entry, table_entry(table.table.physical()));
                // Processors may remember that nothing was there.
                k.machine.invalidate_page(mapping.asid, mapping.address);
            }
            Self::Unmap { slot, table } => {
                if table.mapping.is_some() {
                    unmap_table(k, table);
                    k.machine.clear(table.table, 1 << super::TABLE_BITS);
                }
                let unmapped = TableCap {
                    mapping: None,
                    ..table
                };
                cdt::update(k, slot, Cap::PageTable(unmapped));
            }
        }
        Ok(())
    }
}

/// An entry that leads to the table at `base`.
const fn table_entry(base: PhysicalAddress) -> u64 {
    base.0 >> 2 | VALID
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
    let address = m.word(k, 0);
    let (root, asid) = asid::assigned_root(k, vspace)?;
    if address >= USER_TOP {
        return Err(SyscallError::InvalidArgument(0));
    }
    asid::check(k, asid, root)?;
    let found = last_entry(k, root, address);
    // The last level has no tables below it.
    if found.value & VALID != 0 || found.bits == PAGE_SPAN {
        return Err(SyscallError::DeleteFirst);
    }
    let mapping = Mapping {
        asid,
        address: VirtualAddress(address & !bits::mask(found.bits)),
    };
    Ok(TableInvocation::Map {
        slot,
        table,
        entry: found.entry,
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
