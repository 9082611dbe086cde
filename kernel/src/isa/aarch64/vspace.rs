//! Address spaces: four levels of tables, walked in memory. (`abi/semantics-vspace.md`.)
//!
//! There is one kind of table below the root; which level it serves follows from where the walk
//! finds it. A capability says where its frame or table was mapped; whether that still holds is
//! looked up in the tables before anything is changed.
//!
//! A valid entry is replaced only after it has been made invalid and forgotten (the
//! architecture's break-before-make), and a new one is published before the kernel is left.

pub(crate) mod boot;

use super::cache::{self, Maintenance};
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
use abi::aarch64::{user_top, vm_attributes};
use abi::cap_type;
use abi::invocation::Invocation;
use abi::rights::CapRights;
use abi::{PROFILE, Word};
use machine::{ArmMachine, KernelAddress, Machine, PhysicalAddress, VirtualAddress};

const USER_TOP: u64 = user_top(&PROFILE);

const VALID: u64 = 1;
/// With [`VALID`]: a table where a block could be, or a page at the last level.
const TABLE_OR_PAGE: u64 = 1 << 1;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// Places of the memory types in MAIR_EL1, as loaders set it: nGnRnE, nGnRE, GRE, NC, WB, WT.
const DEVICE: u64 = 0;
const NOT_CACHED: u64 = 3;
const WRITE_BACK: u64 = 4;

const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const NOT_GLOBAL: u64 = 1 << 11;
const PRIVILEGED_EXECUTE_NEVER: u64 = 1 << 53;
const EXECUTE_NEVER: u64 = 1 << 54;

/// Access permissions, bits 7 and 6.
const ACCESS: u64 = 3 << 6;
const USER_READ_WRITE: u64 = 1 << 6;
const KERNEL_READ_ONLY: u64 = 2 << 6;
const USER_READ_ONLY: u64 = 3 << 6;

/// Bits of address below the entries of the root, and of the last level.
const ROOT_SPAN: u8 = 39;
const PAGE_SPAN: u8 = 12;

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

/// Levels of tables below the root: the capability does not say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Level {
    Any,
}

impl Level {
    /// log2 of what a table spans, where its capability says so.
    pub const fn known_span_bits(self) -> Option<u8> {
        None
    }
    pub(crate) const fn pack(self) -> u8 {
        0
    }
    pub(crate) const fn unpack(_: u8) -> Self {
        Self::Any
    }
    pub(crate) const fn cap_number(self) -> Word {
        cap_type::PAGE_TABLE
    }
}

// --- Walking ------------------------------------------------------------------------------------

/// An entry of a table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: KernelAddress,
    value: u64,
    /// log2 of the bytes that it covers: 39, 30, 21 or 12.
    bits: u8,
}

impl Entry {
    fn valid(self) -> bool {
        self.value & VALID != 0
    }

    /// The table that it leads to.
    fn table(self) -> Option<KernelAddress> {
        let leads_on =
            self.bits > PAGE_SPAN && self.value & (VALID | TABLE_OR_PAGE) == VALID | TABLE_OR_PAGE;
        leads_on.then(|| KernelAddress::of(PhysicalAddress(self.value & ADDRESS)))
    }

    /// The entry of `table`, whose entries cover `2^bits` bytes, for `address`.
    #[inline(always)]
    fn read(k: &Kernel, table: KernelAddress, bits: u8, address: u64) -> Self {
        let at = table.inside((address.wrapping_shr(bits.into()) & 511) << 3);
        let value = k.machine.load(at);
        Self { at, value, bits }
    }

    /// The entry for `address` in the table that this one leads to.
    #[inline(always)]
    fn next(self, k: &Kernel, address: u64) -> Option<Self> {
        // A table is found above the last level only.
        let table = self.table()?;
        Some(Self::read(k, table, self.bits.wrapping_sub(9), address))
    }
}

/// The entries for `address` from the root down; the last is no table.
fn entries(k: &Kernel, root: KernelAddress, address: u64) -> impl Iterator<Item = Entry> + '_ {
    let first = Entry::read(k, root, ROOT_SPAN, address);
    core::iter::successors(Some(first), move |entry| entry.next(k, address))
}

/// The entry where the walk for `address` ends: the last of [`entries`].
#[inline(always)]
fn last_entry(k: &Kernel, root: KernelAddress, address: u64) -> Entry {
    let mut entry = Entry::read(k, root, ROOT_SPAN, address);
    while let Some(next) = entry.next(k, address) {
        entry = next;
    }
    entry
}

/// A mapped page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    at: KernelAddress,
    value: u64,
    /// log2 of its size.
    pub(super) bits: u8,
}

impl Leaf {
    /// Whether user code may write there.
    pub(super) fn user_may_write(self) -> bool {
        self.value & ACCESS == USER_READ_WRITE
    }

    /// Whether it is `frame`.
    pub(super) fn maps(self, frame: &FrameCap) -> bool {
        self.bits == frame.size.bits() && self.value & ADDRESS == frame.base.0
    }
}

/// The page that is mapped at `address`.
pub(super) fn leaf(k: &Kernel, root: KernelAddress, address: u64) -> Option<Leaf> {
    let Entry { at, value, bits } = last_entry(k, root, address);
    (value & VALID != 0).then_some(Leaf { at, value, bits })
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

/// The entry that maps `frame`.
#[inline]
pub(super) fn frame_entry(frame: &FrameCap, rights: VmRights, attributes: Word) -> u64 {
    let cached = attributes & vm_attributes::PAGE_CACHEABLE != 0;
    let memory_type = match (cached, frame.device) {
        (true, _) => WRITE_BACK,
        (false, false) => NOT_CACHED,
        (false, true) => DEVICE,
    };
    let access = match rights {
        VmRights::KernelOnly => KERNEL_READ_ONLY,
        VmRights::ReadOnly => USER_READ_ONLY,
        VmRights::ReadWrite => USER_READ_WRITE,
    };
    // Processors may fetch ahead from whatever is executable: never from devices.
    let never = attributes & vm_attributes::EXECUTE_NEVER != 0
        || memory_type == DEVICE
        || rights == VmRights::KernelOnly;
    let page = match frame.size {
        FrameSize::Small => TABLE_OR_PAGE,
        FrameSize::Large | FrameSize::Huge => 0,
    };
    frame.base.0
        | VALID
        | page
        | memory_type << 2
        | access
        | INNER_SHAREABLE
        | ACCESSED
        | NOT_GLOBAL
        | PRIVILEGED_EXECUTE_NEVER
        | if never { EXECUTE_NEVER } else { 0 }
}

/// A frame to be mapped.
#[derive(Clone, Copy, Debug)]
pub struct MapFrame {
    slot: Ref<Slot>,
    frame: FrameCap,
    entry: KernelAddress,
    value: u64,
    mapping: Mapping,
}

/// What else is to be done with a frame.
#[derive(Clone, Copy, Debug)]
pub enum FrameInvocation {
    Unmap { slot: Ref<Slot>, frame: FrameCap },
    Maintain(Maintenance),
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
    if invocation == Invocation::ArmPageMap {
        MapFrame::decode(k, slot, frame, m)?.commit(k);
        return Ok(Done::Empty);
    }
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
        if let Some(operation) = cache::page_operation(invocation) {
            return cache::decode_page(k, &frame, operation, m).map(Self::Maintain);
        }
        match invocation {
            Invocation::ArmPageUnmap => Ok(Self::Unmap { slot, frame }),
            Invocation::ArmPageGetAddress => Ok(Self::GetAddress(frame.base)),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, m: &Message) -> Done {
        match self {
            Self::Unmap { slot, frame } => {
                unmap_frame(k, frame);
                let unmapped = FrameCap {
                    mapping: None,
                    ..frame
                };
                cdt::update(k, slot, Cap::Frame(unmapped));
            }
            Self::Maintain(maintenance) => maintenance.commit(k),
            Self::GetAddress(base) => return Done::reply(k, m, &[base.0]),
        }
        Done::Empty
    }
}

impl MapFrame {
    /// Looks at where `m` asks to map `frame`.
    #[inline(always)]
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        frame: FrameCap,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let (3.., Some(vspace)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let [address, rights, attributes] = [0, 1, 2].map(|n| m.word(k, n));
        let (root, asid) = asid::assigned_root(k, vspace)?;
        asid::check(k, asid, root)?;
        let bits = frame.size.bits();
        if !bits::aligned(address, bits) {
            return Err(SyscallError::AlignmentError);
        }
        match frame.mapping {
            Some(mapping) if mapping.asid != asid => {
                return Err(SyscallError::InvalidCapability(1));
            }
            Some(mapping) if mapping.address.0 != address => {
                return Err(SyscallError::InvalidArgument(0));
            }
            Some(_) => {}
            // Aligned: the last byte's address is the page's with all lower bits set.
            None if address | bits::mask(bits) > USER_TOP => {
                return Err(SyscallError::InvalidArgument(0));
            }
            None => {}
        }
        let entry = last_entry(k, root, address);
        if entry.bits != bits {
            return Err(missing_table(entry));
        }
        let rights = frame.rights.masked(CapRights(rights));
        Ok(Self {
            slot,
            frame,
            entry: entry.at,
            value: frame_entry(&frame, rights, attributes),
            mapping: Mapping {
                asid,
                address: VirtualAddress(address),
            },
        })
    }

    /// Does it.
    #[inline(always)]
    pub fn commit(self, k: &mut Kernel) {
        let Self { entry, mapping, .. } = self;
        let mapped = FrameCap {
            mapping: Some(mapping),
            ..self.frame
        };
        cdt::update(k, self.slot, Cap::Frame(mapped));
        if k.machine.load(entry) & VALID != 0 {
            k.machine.store(entry, 0);
            k.machine.invalidate_page(mapping.asid, mapping.address);
        }
        k.machine.store(entry, self.value);
        k.machine.publish_tables();
    }
}

/// The walk ended at another level than the frame needs.
fn missing_table(end: Entry) -> SyscallError {
    SyscallError::FailedLookup(
        Lookup::Destination,
        LookupFailure::MissingCapability {
            bits_left: end.bits.into(),
        },
    )
}

/// Removes the mapping of `frame`, if it is still in place.
pub(crate) fn unmap_frame(k: &mut Kernel, frame: FrameCap) {
    if let Some(mapping) = frame.mapping
        && let Some(root) = asid::root(k, mapping.asid)
        && let Some(leaf) = leaf(k, root, mapping.address.0).filter(|leaf| leaf.maps(&frame))
    {
        k.machine.store(leaf.at, 0);
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
            Invocation::ArmPageTableMap => decode_map_table(k, slot, table, m),
            Invocation::ArmPageTableUnmap if cdt::is_final(k, slot) => {
                Ok(Self::Unmap { slot, table })
            }
            Invocation::ArmPageTableUnmap => Err(SyscallError::RevokeFirst),
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
                map_table(k, entry, table.table);
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

/// Writes an entry, so far invalid, that leads to `table`, whose memory is zero.
pub(super) fn map_table(k: &mut Kernel, entry: KernelAddress, table: KernelAddress) {
    // The zeroes are seen before the entry is.
    k.machine.publish_tables();
    k.machine
        .store(entry, table.physical().0 | VALID | TABLE_OR_PAGE);
    k.machine.publish_tables();
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
    if address > USER_TOP {
        return Err(SyscallError::InvalidArgument(0));
    }
    asid::check(k, asid, root)?;
    // Where the walk ends there is room for a table, unless it ends at a page or where one goes.
    let entry = last_entry(k, root, address);
    if entry.bits == PAGE_SPAN || entry.valid() {
        return Err(SyscallError::DeleteFirst);
    }
    let mapping = Mapping {
        asid,
        address: VirtualAddress(address & !bits::mask(entry.bits)),
    };
    Ok(TableInvocation::Map {
        slot,
        table,
        entry: entry.at,
        mapping,
    })
}

/// Removes the mapping of `table`, if it is still in place.
fn unmap_table(k: &mut Kernel, table: TableCap) {
    let Some(mapping) = table.mapping else {
        return;
    };
    let Some(root) = asid::root(k, mapping.asid) else {
        return;
    };
    let leads_to_it = |entry: &Entry| entry.table() == Some(table.table);
    let entry = entries(k, root, mapping.address.0).find(leads_to_it);
    if let Some(entry) = entry {
        k.machine.store(entry.at, 0);
        // Whatever was reached through it, and the walks that led there.
        k.machine.invalidate_asid(mapping.asid);
    }
}

/// The last capability to a table goes.
pub(crate) fn finalise_table(k: &mut Kernel, table: TableCap) {
    unmap_table(k, table);
    k.machine.gone(table.table, 1 << super::TABLE_BITS);
}
