//! Address spaces: what addresses lead to. An address space is a tree of maps: each table maps
//! numbers to tables or pages, the root's table first; an address says which number is taken at
//! each. What a thread sees is where its addresses lead from its root.
//!
//! An ASID is the name under which a root is used. Capabilities to frames and tables remember
//! under which ASID and where they were mapped; what that means now is looked up each time.
//!
//! The ISAs differ in how many levels there are, in which capabilities say their level, and in
//! which error comes first.

use super::call::Args;
use super::state::{Access, Entry, Rights};
use super::{Cap, Error, Failure, Object, Place, Side, Slot, State};
use abi::invocation::Invocation as I;
use abi::object::{ASID_POOL_BITS, ASID_POOL_INDEX_BITS, ObjectType, num_asid_pools_bits};
use abi::{Isa, PROFILE, Word};

/// ASIDs in a pool.
const POOL: u16 = 1 << ASID_POOL_INDEX_BITS;
/// log2 of a page, the least that can be mapped.
const PAGE: u32 = 12;
/// How many bits of an address a table takes.
const TABLE: u32 = 9;

/// log2 of what an entry of a root covers.
const fn top() -> u32 {
    match abi::ISA {
        Isa::X86_64 | Isa::AArch64 => 39,
        Isa::RiscV64 => 30,
    }
}

/// The last address that can be mapped.
pub const fn last_address() -> Word {
    match abi::ISA {
        Isa::X86_64 => abi::x86_64::USER_MAX,
        Isa::AArch64 => abi::aarch64::user_top(&PROFILE),
        Isa::RiscV64 => abi::riscv64::USER_TOP - 1,
    }
}

/// If `kind` is a table: log2 of what it spans where that is known, and whether it is a root.
pub const fn table_kind(kind: ObjectType) -> Option<(Option<u32>, bool)> {
    match kind {
        ObjectType::X86PageTable => Some((Some(21), false)),
        ObjectType::X86PageDirectory => Some((Some(30), false)),
        ObjectType::X86Pdpt => Some((Some(39), false)),
        ObjectType::X86Pml4 | ObjectType::ArmVSpace => Some((None, true)),
        // On RISC-V any table becomes a root when it gets an ASID.
        ObjectType::ArmPageTable | ObjectType::RiscvPageTable => Some((None, false)),
        _ => None,
    }
}

/// A place in a table, and log2 of what it covers.
#[derive(Clone, Copy, Debug)]
struct At {
    table: Place,
    index: u64,
    bits: u32,
}

/// Where an address leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The page.
    pub at: Place,
    /// log2 of its size.
    pub bits: u32,
    /// Whether it may be written.
    pub writable: bool,
}

/// The attributes of a page that mean something. (No frame of a world is a device's.)
fn kept(attributes: Word, access: Access) -> Word {
    match (abi::ISA, access) {
        (Isa::X86_64, _) => attributes & 7,
        (Isa::AArch64, Access::None) => attributes & 1 | 4,
        (Isa::AArch64, _) => attributes & 5,
        (Isa::RiscV64, _) => attributes & 1,
    }
}

impl State {
    // --- What addresses lead to -----------------------------------------------------------------

    fn entry(&self, at: At) -> Option<Entry> {
        match self.objects.get(&at.table) {
            Some(Object::Table { entries }) => entries.get(&at.index).copied(),
            _ => None,
        }
    }

    fn set_entry(&mut self, at: At, entry: Option<Entry>) {
        if let Some(Object::Table { entries }) = self.objects.get_mut(&at.table) {
            match entry {
                Some(entry) => entries.insert(at.index, entry),
                None => entries.remove(&at.index),
            };
        }
    }

    /// The places on the way to `address`, from the root on.
    fn way(&self, root: Place, address: Word) -> Vec<At> {
        let mut way = vec![];
        let (mut table, mut bits) = (root, top());
        loop {
            let index = address >> bits & 511;
            let at = At { table, index, bits };
            way.push(at);
            match self.entry(at) {
                Some(Entry::Table(next)) if bits > PAGE => table = next,
                _ => return way,
            }
            bits -= TABLE;
        }
    }

    /// Where the way to `address` ends, if that is at an entry that covers `2^bits` bytes; else
    /// how many bits are left where it does end. On x86 a table may stand where a page would.
    fn place_for(&self, root: Place, address: Word, bits: u32) -> Result<At, Word> {
        let way = self.way(root, address);
        let end = way[way.len() - 1];
        let wanted = match abi::ISA {
            Isa::X86_64 => way.iter().find(|at| at.bits == bits),
            Isa::AArch64 | Isa::RiscV64 => Some(&end).filter(|at| at.bits == bits),
        };
        wanted.copied().ok_or(Word::from(end.bits))
    }

    /// What user mode sees at `address`.
    pub fn sees(&self, root: Place, address: Word) -> Option<Seen> {
        let way = self.way(root, address);
        let end = way[way.len() - 1];
        match self.entry(end) {
            Some(Entry::Page { at, access, .. }) if access != Access::None => Some(Seen {
                at,
                bits: end.bits,
                writable: access == Access::ReadWrite,
            }),
            _ => None,
        }
    }

    // --- Names of address spaces ------------------------------------------------------------------

    /// The root and ASID that a capability given to a mapping operation names.
    fn space(&self, slot: Slot) -> Result<(Place, u16), Error> {
        match self.cap(slot) {
            Some(Cap::VSpace {
                at,
                asid: Some(asid),
            }) => Ok((at, asid)),
            _ => Err(Error::InvalidCapability(1)),
        }
    }

    /// The ASID must still name the root.
    fn named(&self, (root, asid): (Place, u16)) -> Result<(), Error> {
        match self.asids.get(&asid) {
            None => Err(Error::FailedLookup(Side::Destination, Failure::InvalidRoot)),
            Some(other) if *other != root => Err(Error::InvalidCapability(1)),
            Some(_) => Ok(()),
        }
    }

    /// The root that the capability in a thread's slot lets it run in.
    pub fn runs_in(&self, thread: Place) -> Option<(Place, u16)> {
        match self.of_thread(thread, super::state::thread_slot::VSPACE) {
            Some(Cap::VSpace {
                at,
                asid: Some(asid),
            }) if self.asids.get(&asid) == Some(&at) => Some((at, asid)),
            _ => None,
        }
    }

    /// A pool of ASIDs out of a page of memory.
    pub fn make_pool(&mut self, invocation: I, args: &Args) -> Result<(), Error> {
        let is_it = matches!(
            invocation,
            I::X86AsidControlMakePool | I::ArmAsidControlMakePool | I::RiscvAsidControlMakePool
        );
        if !is_it {
            return Err(Error::IllegalOperation);
        }
        let [index, depth] = args.words()?;
        let (untyped, root) = (args.cap(0)?, args.cap(1)?);
        let most = 1u16 << num_asid_pools_bits(abi::ISA);
        let free = (0..most).find(|n| !self.pools.contains_key(&(*n as u8)));
        let number = free.ok_or(Error::DeleteFirst)? as u8;
        let at = match self.cap(untyped) {
            Some(Cap::Untyped {
                at,
                bits,
                device: false,
                ..
            }) if bits == ASID_POOL_BITS as u32 => at,
            _ => return Err(Error::InvalidCapability(1)),
        };
        if self.has_children(untyped) {
            return Err(Error::RevokeFirst);
        }
        let to = self.target(self.cap(root), index, depth % 256, Side::Destination)?;
        if self.slots.contains_key(&to) {
            return Err(Error::DeleteFirst);
        }
        if let Some(held) = self.slots.get_mut(&untyped)
            && let Cap::Untyped {
                watermark, bits, ..
            } = &mut held.cap
        {
            *watermark = 1 << *bits;
        }
        self.objects.insert(at, Object::AsidPool);
        self.pools.insert(number, at);
        self.insert_new(Cap::AsidPool { at, index: number }, untyped, to);
        Ok(())
    }

    /// The lowest free ASID of a pool for a root that has none.
    pub fn assign(
        &mut self,
        pool: Place,
        index: u8,
        invocation: I,
        args: &Args,
    ) -> Result<(), Error> {
        let is_it = matches!(
            invocation,
            I::X86AsidPoolAssign | I::ArmAsidPoolAssign | I::RiscvAsidPoolAssign
        );
        if !is_it {
            return Err(Error::IllegalOperation);
        }
        let slot = args.cap(0)?;
        let root = match (abi::ISA, self.cap(slot)) {
            (Isa::X86_64 | Isa::AArch64, Some(Cap::VSpace { at, asid: None })) => at,
            (
                Isa::RiscV64,
                Some(Cap::Table {
                    at, mapped: None, ..
                }),
            ) => at,
            _ => return Err(Error::InvalidCapability(1)),
        };
        match self.pools.get(&index) {
            None => {
                return Err(Error::FailedLookup(Side::Destination, Failure::InvalidRoot));
            }
            Some(other) if *other != pool => return Err(Error::InvalidCapability(0)),
            Some(_) => {}
        }
        let first = u16::from(index) * POOL;
        let free = (first..first + POOL).find(|asid| *asid != 0 && !self.asids.contains_key(asid));
        let asid = free.ok_or(Error::DeleteFirst)?;
        self.asids.insert(asid, root);
        let asid = Some(asid);
        self.becomes(slot, Cap::VSpace { at: root, asid });
        Ok(())
    }

    /// The last capability to a table, a root or a pool goes.
    pub fn space_ends(&mut self, cap: Cap) {
        match cap {
            Cap::Table { .. } => self.unmap_table(cap),
            Cap::VSpace {
                at,
                asid: Some(asid),
            } if self.asids.get(&asid) == Some(&at) => {
                self.asids.remove(&asid);
            }
            Cap::AsidPool { at, index } if self.pools.get(&index) == Some(&at) => {
                self.pools.remove(&index);
                self.asids
                    .retain(|asid, _| *asid / POOL != u16::from(index));
            }
            _ => {}
        }
    }

    // --- Mapping ------------------------------------------------------------------------------------

    fn becomes(&mut self, slot: Slot, cap: Cap) {
        if let Some(held) = self.slots.get_mut(&slot) {
            held.cap = cap;
        }
    }

    /// An operation of a frame. What it says.
    pub fn invoke_frame(
        &mut self,
        slot: Slot,
        cap: Cap,
        invocation: I,
        args: &Args,
    ) -> Result<Option<Word>, Error> {
        let Cap::Frame {
            at,
            bits,
            device,
            access,
            mapped,
        } = cap
        else {
            return Err(Error::IllegalOperation);
        };
        let mapping = |mapped| Cap::Frame {
            at,
            bits,
            device,
            access,
            mapped,
        };
        match invocation {
            I::X86PageMap | I::ArmPageMap | I::RiscvPageMap => {
                let [address, rights, attributes] = args.words()?;
                let space = self.space(args.cap(0)?)?;
                let place = self.place_for_frame(space, address, bits, mapped)?;
                let Cap::Frame { access, .. } = cap.restricted(Rights(rights)) else {
                    return Err(Error::IllegalOperation);
                };
                let nothing =
                    abi::ISA == Isa::RiscV64 && access == Access::None && attributes & 1 != 0;
                let page = Entry::Page {
                    at,
                    access,
                    attributes: kept(attributes, access),
                };
                self.set_entry(place, (!nothing).then_some(page));
                self.becomes(slot, mapping(Some((space.1, address))));
                Ok(None)
            }
            I::X86PageUnmap | I::ArmPageUnmap | I::RiscvPageUnmap => {
                self.unmap_frame(cap);
                self.becomes(slot, mapping(None));
                Ok(None)
            }
            I::X86PageGetAddress | I::ArmPageGetAddress | I::RiscvPageGetAddress => {
                Ok(Some(self.base.wrapping_add_signed(at.0)))
            }
            _ => Err(Error::IllegalOperation),
        }
    }

    /// Where a frame of `2^bits` bytes goes, by the checks of each ISA in their order.
    fn place_for_frame(
        &self,
        space: (Place, u16),
        address: Word,
        bits: u32,
        mapped: Option<(u16, u64)>,
    ) -> Result<At, Error> {
        let (root, asid) = space;
        let moved = || match mapped {
            Some((other, _)) if other != asid => Err(Error::InvalidCapability(1)),
            Some((_, other)) if other != address => Err(Error::InvalidArgument(0)),
            _ => Ok(()),
        };
        let last = address.checked_add((1 << bits) - 1);
        let in_range = || match last {
            Some(last) if last <= last_address() => Ok(()),
            _ => Err(Error::InvalidArgument(0)),
        };
        let in_range_if_new = || mapped.map_or_else(in_range, |_| Ok(()));
        let aligned = || match address % (1 << bits) {
            0 => Ok(()),
            _ => Err(Error::AlignmentError),
        };
        let place = || {
            let missing = |bits_left| Failure::MissingCapability { bits_left };
            self.place_for(root, address, bits)
                .map_err(|left| Error::FailedLookup(Side::Destination, missing(left)))
        };
        match abi::ISA {
            Isa::X86_64 => {
                moved()?;
                in_range_if_new()?;
                self.named(space)?;
                aligned()?;
                let place = place()?;
                match self.entry(place) {
                    Some(Entry::Table(_)) => Err(Error::DeleteFirst),
                    _ => Ok(place),
                }
            }
            Isa::AArch64 => {
                self.named(space)?;
                aligned()?;
                moved()?;
                in_range_if_new()?;
                place()
            }
            Isa::RiscV64 => {
                self.named(space)?;
                in_range()?;
                aligned()?;
                let place = place()?;
                moved()?;
                match self.entry(place) {
                    Some(_) if mapped.is_none() => Err(Error::DeleteFirst),
                    _ => Ok(place),
                }
            }
        }
    }

    /// Takes a frame out of where it was mapped, if it is still there.
    pub fn unmap_frame(&mut self, cap: Cap) {
        let Cap::Frame {
            at,
            bits,
            mapped: Some((asid, address)),
            ..
        } = cap
        else {
            return;
        };
        if let Some(root) = self.asids.get(&asid)
            && let Ok(place) = self.place_for(*root, address, bits)
            && let Some(Entry::Page { at: there, .. }) = self.entry(place)
            && there == at
        {
            self.set_entry(place, None);
        }
    }

    /// An operation of a table, or of a root as a table.
    pub fn invoke_table(
        &mut self,
        slot: Slot,
        cap: Cap,
        invocation: I,
        args: &Args,
    ) -> Result<(), Error> {
        let maps = match (invocation, cap) {
            (I::X86PageTableMap, Cap::Table { span: Some(21), .. })
            | (I::X86PageDirectoryMap, Cap::Table { span: Some(30), .. })
            | (I::X86PdptMap, Cap::Table { span: Some(39), .. })
            | (I::ArmPageTableMap, Cap::Table { .. })
            | (I::RiscvPageTableMap, _) => true,
            (I::X86PageTableUnmap, Cap::Table { span: Some(21), .. })
            | (I::X86PageDirectoryUnmap, Cap::Table { span: Some(30), .. })
            | (I::X86PdptUnmap, Cap::Table { span: Some(39), .. })
            | (I::ArmPageTableUnmap, Cap::Table { .. })
            | (I::RiscvPageTableUnmap, _) => false,
            _ => return Err(Error::IllegalOperation),
        };
        if maps {
            return self.map_table(slot, cap, args);
        }
        let others = self.slots.iter().filter(|(other, _)| **other != slot);
        let in_use = match cap {
            Cap::VSpace {
                at,
                asid: Some(asid),
            } => self.asids.get(&asid) == Some(&at),
            _ => false,
        };
        let shared = others
            .into_iter()
            .any(|(_, other)| other.cap.object() == cap.object());
        if in_use || shared {
            return Err(Error::RevokeFirst);
        }
        self.unmap_table(cap);
        let Some(at) = cap.object() else {
            return Ok(());
        };
        let (span, was_mapped) = match cap {
            Cap::Table { span, mapped, .. } => (span, mapped.is_some()),
            _ => (None, true),
        };
        if was_mapped && let Some(Object::Table { entries }) = self.objects.get_mut(&at) {
            entries.clear();
        }
        self.becomes(
            slot,
            Cap::Table {
                at,
                span,
                mapped: None,
            },
        );
        Ok(())
    }

    fn map_table(&mut self, slot: Slot, cap: Cap, args: &Args) -> Result<(), Error> {
        let [address, _] = args.words()?;
        let space = args.cap(0)?;
        let Cap::Table {
            at,
            span,
            mapped: None,
        } = cap
        else {
            return Err(Error::InvalidCapability(0));
        };
        let space = self.space(space)?;
        let address = span.map_or(address, |span| address >> span << span);
        if address > last_address() {
            return Err(Error::InvalidArgument(0));
        }
        self.named(space)?;
        let place = match span {
            Some(span) => {
                let missing = |bits_left| Failure::MissingCapability { bits_left };
                self.place_for(space.0, address, span)
                    .map_err(|left| Error::FailedLookup(Side::Destination, missing(left)))?
            }
            // It goes where the first table is missing.
            None => {
                let way = self.way(space.0, address);
                way[way.len() - 1]
            }
        };
        if self.entry(place).is_some() || place.bits == PAGE {
            return Err(Error::DeleteFirst);
        }
        self.set_entry(place, Some(Entry::Table(at)));
        let address = address >> place.bits << place.bits;
        self.becomes(
            slot,
            Cap::Table {
                at,
                span,
                mapped: Some((space.1, address)),
            },
        );
        Ok(())
    }

    /// Takes a table out of where it was mapped, if it is still there.
    fn unmap_table(&mut self, cap: Cap) {
        let Cap::Table {
            at,
            mapped: Some((asid, address)),
            ..
        } = cap
        else {
            return;
        };
        let Some(root) = self.asids.get(&asid) else {
            return;
        };
        let way = self.way(*root, address);
        let leads_there = |place: &&At| self.entry(**place) == Some(Entry::Table(at));
        if let Some(place) = way.iter().find(leads_there) {
            self.set_entry(*place, None);
        }
    }
}
