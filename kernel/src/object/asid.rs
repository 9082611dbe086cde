//! Address space identifiers: which root an ASID names. (`abi/semantics-vspace.md` section 2.)
//!
//! Capabilities keep the ASID that they were mapped under; whether that still means the same
//! address space is looked up here each time.

use crate::Kernel;
use crate::cap::{AsidPoolCap, Cap, UntypedCap, VSpaceCap};
use crate::cdt;
use crate::error::{Lookup, LookupFailure, SyscallError};
use crate::isa;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::store::{Object, Ref};
use crate::object::tcb::{Tcb, TcbSlot};
use abi::object::{ASID_POOL_BITS, ASID_POOL_INDEX_BITS, num_asid_pools_bits};
use machine::{KernelAddress, Kind, Machine, Space};

/// ASIDs in a pool.
pub const POOL_SIZE: usize = 1 << ASID_POOL_INDEX_BITS;
/// Pools there can be.
pub const POOLS: usize = 1 << num_asid_pools_bits(abi::ISA);

/// 512 ASIDs and the roots that they name.
#[repr(C)]
pub struct AsidPool {
    roots: [Option<KernelAddress>; POOL_SIZE],
}

const _: () = assert!(size_of::<AsidPool>() == 1 << ASID_POOL_BITS);

impl AsidPool {
    /// The roots that its ASIDs name.
    pub fn roots(&self) -> impl Iterator<Item = KernelAddress> + '_ {
        self.roots.iter().copied().flatten()
    }
}

impl Object for AsidPool {
    const KIND: Kind = Kind::AsidPool;
}

/// Which pools exist.
#[derive(Clone, PartialEq, Debug)]
pub struct AsidTable {
    pools: [Option<Ref<AsidPool>>; POOLS],
    /// Counts the changes after which a thread may be in another address space than before.
    /// Never wraps: an increment takes a system call.
    epoch: u64,
}

impl AsidTable {
    /// No pools.
    pub const fn new() -> Self {
        Self {
            pools: [None; POOLS],
            epoch: 1,
        }
    }

    /// The pool with this index.
    pub fn pool(&self, index: u8) -> Option<Ref<AsidPool>> {
        self.pools.get(usize::from(index)).copied().flatten()
    }

    pub(crate) fn set_pool(&mut self, index: u8, pool: Option<Ref<AsidPool>>) {
        if let Some(place) = self.pools.get_mut(usize::from(index)) {
            *place = pool;
        }
        self.spaces_changed();
    }

    /// What threads remember of their address spaces no longer counts: an ASID names something
    /// else, or a thread's capability to its root has changed.
    pub(crate) fn spaces_changed(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    fn first_free(&self) -> Option<u8> {
        self.pools
            .iter()
            .position(Option::is_none)
            .map(|index| index as u8)
    }
}

impl Default for AsidTable {
    fn default() -> Self {
        Self::new()
    }
}

fn split(asid: u16) -> (u8, usize) {
    (
        (asid >> ASID_POOL_INDEX_BITS) as u8,
        usize::from(asid) % POOL_SIZE,
    )
}

/// The root that `asid` names now.
#[inline]
pub fn root(k: &Kernel, asid: u16) -> Option<KernelAddress> {
    let (pool, entry) = split(asid);
    let pool = k.asids.pool(pool)?;
    k[pool].roots.get(entry).copied().flatten()
}

/// Whether `asid` still names `root`.
#[inline]
pub fn names(k: &Kernel, asid: u16, expected: KernelAddress) -> bool {
    root(k, asid) == Some(expected)
}

pub(crate) fn set_root(k: &mut Kernel, asid: u16, root: Option<KernelAddress>) {
    k.asids.spaces_changed();
    let (pool, entry) = split(asid);
    if let Some(pool) = k.asids.pool(pool)
        && let Some(place) = k[pool].roots.get_mut(entry)
    {
        *place = root;
    }
}

/// `asid` no longer names anything.
pub(crate) fn forget(k: &mut Kernel, asid: u16) {
    set_root(k, asid, None);
    // It may be the one in use: first nothing may be walked from its root any more.
    k.machine.set_space(Space::KERNEL);
    k.machine.invalidate_asid(asid);
}

/// The root and ASID that a mapping operation names.
pub(crate) fn assigned_root(
    k: &Kernel,
    slot: Ref<Slot>,
) -> Result<(KernelAddress, u16), SyscallError> {
    match k[slot].cap() {
        Cap::VSpace(VSpaceCap {
            root,
            asid: Some(asid),
        }) => Ok((root, asid)),
        _ => Err(SyscallError::InvalidCapability(1)),
    }
}

/// That `asid` names `root`, as a mapping operation asks.
pub(crate) fn check(k: &Kernel, asid: u16, expected: KernelAddress) -> Result<(), SyscallError> {
    match root(k, asid) {
        None => Err(SyscallError::FailedLookup(
            Lookup::Destination,
            LookupFailure::InvalidRoot,
        )),
        Some(found) if found != expected => Err(SyscallError::InvalidCapability(1)),
        Some(_) => Ok(()),
    }
}

/// What a thread remembers of its address space, so that not each switch looks it up.
///
/// Invariant (docs/invariants.md#space): while `epoch` is that of the [`AsidTable`], `space` is
/// what [`space_of`] would find.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct KnownSpace {
    space: Space,
    epoch: u64,
}

impl KnownSpace {
    /// Nothing is remembered.
    pub const NONE: Self = Self {
        space: Space::KERNEL,
        epoch: 0,
    };

    /// What is remembered, if it still counts.
    #[inline(always)]
    pub(crate) fn get(self, k: &Kernel) -> Option<Space> {
        (self.epoch == k.asids.epoch).then_some(self.space)
    }
}

/// Makes the address space of `thread` current; if it has none that is valid, the kernel's own.
#[doc(alias = "setVMRoot")]
#[inline(always)]
pub(crate) fn activate(k: &mut Kernel, thread: Ref<Tcb>) {
    let space = match k[thread].space.get(k) {
        Some(space) => space,
        None => remember_space(k, thread),
    };
    k.machine.set_space(space);
}

#[cold]
#[inline(never)]
fn remember_space(k: &mut Kernel, thread: Ref<Tcb>) -> Space {
    let (space, epoch) = (space_of(k, thread), k.asids.epoch);
    k[thread].space = KnownSpace { space, epoch };
    space
}

/// The address space of `thread`: that of the root in its slot, if the root's ASID is its own.
pub(crate) fn space_of(k: &Kernel, thread: Ref<Tcb>) -> Space {
    match k[thread.slot(TcbSlot::VSpace)].vspace() {
        Some(VSpaceCap {
            root,
            asid: Some(asid),
        }) if names(k, asid, root) => Space::new(root.physical(), asid),
        _ => Space::KERNEL,
    }
}

/// What it counts for to look through a pool: each unit is about what it takes to delete a capability.
const POOL_UNITS: u32 = 16;

/// The last capability to a pool goes: its address spaces lose their ASIDs.
pub(crate) fn finalise_pool(k: &mut Kernel, cap: AsidPoolCap) {
    k.count_work(POOL_UNITS);
    if k.asids.pool(cap.index) == Some(cap.pool) {
        for entry in 0..POOL_SIZE {
            let asid = u16::from(cap.index) << ASID_POOL_INDEX_BITS | entry as u16;
            if root(k, asid).is_some() {
                forget(k, asid);
            }
        }
        k.asids.set_pool(cap.index, None);
    }
    k.machine.gone(cap.pool.address(), 1 << ASID_POOL_BITS);
}

/// A pool of ASIDs to be made from a page of untyped memory.
#[derive(Clone, Copy, Debug)]
pub struct MakePool {
    untyped: Ref<Slot>,
    cap: UntypedCap,
    index: u8,
    destination: Ref<Slot>,
}

impl MakePool {
    /// Looks at what `m` asks of ASID control.
    pub fn decode(k: &Kernel, m: &Message) -> Result<Self, SyscallError> {
        let (2.., Some(untyped), Some(root)) = (m.length, m.cap(0), m.cap(1)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let index = k.asids.first_free().ok_or(SyscallError::DeleteFirst)?;
        let cap = match k[untyped].cap() {
            Cap::Untyped(cap) if usize::from(cap.bits) == ASID_POOL_BITS && !cap.device => cap,
            _ => return Err(SyscallError::InvalidCapability(1)),
        };
        if cdt::has_children(k, untyped) {
            return Err(SyscallError::RevokeFirst);
        }
        let destination = cnode::empty_slot(k, root, m.word(k, 0), m.word(k, 1))?;
        Ok(Self {
            untyped,
            cap,
            index,
            destination,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        let full = UntypedCap {
            watermark: crate::bits::size(self.cap.bits),
            cleared: 0,
            ..self.cap
        };
        cdt::update(k, self.untyped, Cap::Untyped(full));
        let pool = create_pool(k, KernelAddress::of(self.cap.base));
        k.asids.set_pool(self.index, Some(pool));
        let cap = Cap::AsidPool(AsidPoolCap {
            pool,
            index: self.index,
        });
        cdt::insert_child(k, cap.into(), self.untyped, self.destination);
    }
}

/// An empty pool in the page at `at`.
pub(crate) fn create_pool(k: &mut Kernel, at: KernelAddress) -> Ref<AsidPool> {
    k.machine.clear(at, 1 << ASID_POOL_BITS);
    // All zero is a pool without roots.
    k.machine.born(at, 1 << ASID_POOL_BITS, Kind::AsidPool);
    Ref::new(at)
}

/// An address space that gets an ASID.
#[derive(Clone, Copy, Debug)]
pub struct Assign {
    vspace: Ref<Slot>,
    cap: VSpaceCap,
    asid: u16,
}

impl Assign {
    /// Looks at what `m` asks of the pool `cap`.
    pub fn decode(k: &Kernel, cap: AsidPoolCap, m: &Message) -> Result<Self, SyscallError> {
        let vspace = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
        let unassigned = isa::vspace::unassigned_root(&k[vspace].cap());
        let root = unassigned.ok_or(SyscallError::InvalidCapability(1))?;
        match k.asids.pool(cap.index) {
            None => {
                return Err(SyscallError::FailedLookup(
                    Lookup::Destination,
                    LookupFailure::InvalidRoot,
                ));
            }
            Some(pool) if pool != cap.pool => return Err(SyscallError::InvalidCapability(0)),
            Some(_) => {}
        }
        let entry = first_free_entry(k, cap).ok_or(SyscallError::DeleteFirst)?;
        let asid = u16::from(cap.index) << ASID_POOL_INDEX_BITS | entry as u16;
        Ok(Self {
            vspace,
            cap: root,
            asid,
        })
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        let assigned = isa::vspace::assign(k, self.cap, self.asid);
        cdt::update(k, self.vspace, assigned);
    }
}

/// The lowest ASID of the pool that names nothing. ASID 0 never names anything.
fn first_free_entry(k: &Kernel, cap: AsidPoolCap) -> Option<usize> {
    let skip = usize::from(cap.index == 0);
    k[cap.pool]
        .roots
        .iter()
        .skip(skip)
        .position(Option::is_none)
        .map(|entry| entry.saturating_add(skip))
}
