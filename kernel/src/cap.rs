//! Capabilities as the kernel handles them: an exhaustive enum, which exists only in
//! registers. In a slot a capability is two packed words ([`pack`]).
//!
//! What may be derived from what, and what deleting one means for the object, is decided here
//! per variant, so that adding a variant makes the compiler list what has to be decided.

#[expect(
    unsafe_code,
    reason = "turns packed words into Ref<T>; see docs/invariants.md#live"
)]
pub mod pack;

use crate::bits;
use crate::error::SyscallError;
use crate::isa;
use crate::object::asid::AsidPool;
use crate::object::cnode::Slot;
use crate::object::endpoint::Endpoint;
use crate::object::notification::Notification;
use crate::object::reply::Reply;
use crate::object::sched_context::SchedContext;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::Word;
use abi::cnode::CNodeCapData;
use abi::rights::CapRights;
use machine::{Irq, KernelAddress, PhysicalAddress, VirtualAddress};

pub use pack::PackedCap;

/// What a holder may do with an endpoint or notification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rights(u8);

impl Rights {
    const WRITE: u8 = 1;
    const READ: u8 = 2;
    const GRANT: u8 = 4;
    const GRANT_REPLY: u8 = 8;
    /// Everything.
    pub const ALL: Self = Self(15);

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & 15)
    }
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }
    /// May send or signal.
    pub const fn write(self) -> bool {
        self.0 & Self::WRITE != 0
    }
    /// May receive or wait.
    pub const fn read(self) -> bool {
        self.0 & Self::READ != 0
    }
    /// May send capabilities along.
    pub const fn grant(self) -> bool {
        self.0 & Self::GRANT != 0
    }
    /// May be replied to.
    pub const fn grant_reply(self) -> bool {
        self.0 & Self::GRANT_REPLY != 0
    }
    /// Only what `mask`, a word of user space, leaves.
    #[must_use]
    pub fn masked(self, mask: CapRights) -> Self {
        let mut bits = 0;
        bits |= if mask.write() { Self::WRITE } else { 0 };
        bits |= if mask.read() { Self::READ } else { 0 };
        bits |= if mask.grant() { Self::GRANT } else { 0 };
        bits |= if mask.grant_reply() {
            Self::GRANT_REPLY
        } else {
            0
        };
        Self(self.0 & bits)
    }
}

/// What user code may do with a mapped frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VmRights {
    /// Nothing: mapped for the kernel only.
    KernelOnly,
    /// Read (and execute).
    ReadOnly,
    /// Read and write.
    ReadWrite,
}

impl VmRights {
    /// The rights that a frame capability with these rights gives when `mask` is asked for
    /// (`abi/semantics-vspace.md` section 3).
    #[must_use]
    pub fn masked(self, mask: CapRights) -> Self {
        match self {
            VmRights::ReadOnly if mask.read() => VmRights::ReadOnly,
            VmRights::ReadWrite if mask.read() && mask.write() => VmRights::ReadWrite,
            VmRights::ReadWrite if mask.read() => VmRights::ReadOnly,
            _ => VmRights::KernelOnly,
        }
    }
}

/// Memory that can become objects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UntypedCap {
    /// First byte.
    pub base: PhysicalAddress,
    /// log2 of the size in bytes.
    pub bits: u8,
    /// Not RAM: holds frames and untypeds only, and is never cleared.
    pub device: bool,
    /// Everything below `base + watermark` is in use. A multiple of 16.
    pub watermark: u64,
    /// How many [`untyped::CHUNK`](crate::object::untyped::CHUNK)s behind the watermark an
    /// interrupted retype has already cleared.
    pub cleared: u32,
}

/// See [`Endpoint`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EndpointCap {
    pub endpoint: Ref<Endpoint>,
    /// 0 is "unbadged".
    pub badge: Word,
    pub rights: Rights,
}

/// See [`Notification`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NotificationCap {
    pub notification: Ref<Notification>,
    /// 0 is "unbadged".
    pub badge: Word,
    pub rights: Rights,
}

/// See [`Reply`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReplyCap {
    pub reply: Ref<Reply>,
    /// Replies may carry capabilities.
    pub can_grant: bool,
}

/// `2^radix` slots, found after skipping `guard_bits` bits equal to `guard`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CNodeCap {
    /// The first slot.
    pub slots: Ref<Slot>,
    /// log2 of the number of slots, 1 to 59.
    pub radix: u8,
    pub guard: Word,
    pub guard_bits: u8,
}

/// See [`SchedContext`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SchedContextCap {
    pub sched_context: Ref<SchedContext>,
    /// log2 of the object's size in bytes.
    pub bits: u8,
}

/// What a zombie was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ZombieKind {
    /// A CNode with this radix.
    CNode { radix: u8 },
    /// A thread.
    Tcb,
}

/// An object in the middle of its deletion: its slots are emptied from the last to the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ZombieCap {
    /// The first slot.
    pub slots: Ref<Slot>,
    pub kind: ZombieKind,
    /// How many slots may still hold a capability.
    pub remaining: u64,
}

/// Where a frame or table is mapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mapping {
    pub asid: u16,
    pub address: VirtualAddress,
}

/// Memory that user space can map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameCap {
    pub base: PhysicalAddress,
    pub size: isa::FrameSize,
    pub rights: VmRights,
    pub device: bool,
    pub mapping: Option<Mapping>,
}

/// A page table below the root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TableCap {
    pub table: KernelAddress,
    pub level: isa::Level,
    pub mapping: Option<Mapping>,
}

/// The root of an address space.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VSpaceCap {
    pub root: KernelAddress,
    /// Given by [`AsidPool`]; without it nothing can be mapped.
    pub asid: Option<u16>,
}

/// See [`AsidPool`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AsidPoolCap {
    pub pool: Ref<AsidPool>,
    /// The pool's place in the table of pools.
    pub index: u8,
}

/// A capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cap {
    Null,
    Untyped(UntypedCap),
    Endpoint(EndpointCap),
    Notification(NotificationCap),
    Reply(ReplyCap),
    CNode(CNodeCap),
    Tcb(Ref<Tcb>),
    SchedContext(SchedContextCap),
    /// Authority over the time of one core.
    SchedControl {
        core: u8,
    },
    IrqControl,
    IrqHandler(Irq),
    Domain,
    Zombie(ZombieCap),
    Frame(FrameCap),
    PageTable(TableCap),
    VSpace(VSpaceCap),
    AsidControl,
    AsidPool(AsidPoolCap),
    /// What only this ISA has.
    Isa(isa::IsaCap),
}

impl Cap {
    /// Whether this is the null capability.
    pub fn is_null(&self) -> bool {
        matches!(self, Cap::Null)
    }

    /// This capability with no more than the rights in `mask`.
    #[must_use]
    pub fn masked(self, mask: CapRights) -> Cap {
        match self {
            Cap::Endpoint(c) => Cap::Endpoint(EndpointCap {
                rights: c.rights.masked(mask),
                ..c
            }),
            Cap::Notification(c) => Cap::Notification(NotificationCap {
                rights: c.rights.masked(mask),
                ..c
            }),
            Cap::Reply(c) => Cap::Reply(ReplyCap {
                can_grant: c.can_grant && mask.grant(),
                ..c
            }),
            Cap::Frame(c) => Cap::Frame(FrameCap {
                rights: c.rights.masked(mask),
                ..c
            }),
            other => other,
        }
    }

    /// This capability with `data` as its badge or guard; `None` where that is not allowed.
    /// A badge can be set once, and only on a copy (`abi/semantics-core.md` 4.1).
    #[must_use]
    pub fn with_data(self, data: Word, update: DataUpdate) -> Option<Cap> {
        match self {
            Cap::Endpoint(c) => badge_once(c.badge, update)
                .then_some(Cap::Endpoint(EndpointCap { badge: data, ..c })),
            Cap::Notification(c) => badge_once(c.badge, update)
                .then_some(Cap::Notification(NotificationCap { badge: data, ..c })),
            Cap::CNode(c) => {
                let data = CNodeCapData(data);
                let guard_bits = data.guard_size();
                let fits = guard_bits.saturating_add(c.radix.into()) <= 64;
                let mask = if guard_bits == 0 {
                    0
                } else {
                    bits::mask(guard_bits as u8)
                };
                fits.then_some(Cap::CNode(CNodeCap {
                    guard: data.guard() & mask,
                    guard_bits: guard_bits as u8,
                    ..c
                }))
            }
            Cap::Isa(c) => c.with_data(data, update).map(Cap::Isa),
            other => Some(other),
        }
    }

    /// The region of memory that the object covers, if it is in memory: start and size.
    pub fn region(&self) -> Option<(PhysicalAddress, u64)> {
        let at = |address: KernelAddress, bits: u8| Some((address.physical(), bits::size(bits)));
        match *self {
            Cap::Untyped(c) => Some((c.base, bits::size(c.bits))),
            Cap::Endpoint(c) => at(c.endpoint.address(), abi::object::ENDPOINT_BITS as u8),
            Cap::Notification(c) => at(
                c.notification.address(),
                abi::object::NOTIFICATION_BITS as u8,
            ),
            Cap::Reply(c) => at(c.reply.address(), abi::object::REPLY_BITS as u8),
            Cap::CNode(c) => at(c.slots.address(), cnode_bits(c.radix)),
            Cap::Tcb(tcb) => at(tcb.address(), isa::TCB_BITS),
            Cap::SchedContext(c) => at(c.sched_context.address(), c.bits),
            Cap::Zombie(z) => match z.kind {
                ZombieKind::CNode { radix } => at(z.slots.address(), cnode_bits(radix)),
                ZombieKind::Tcb => at(
                    crate::object::tcb::block_of_slots(z.slots).address(),
                    isa::TCB_BITS,
                ),
            },
            Cap::Frame(c) => Some((c.base, bits::size(c.size.bits()))),
            Cap::PageTable(c) => at(c.table, isa::TABLE_BITS),
            Cap::VSpace(c) => at(c.root, isa::VSPACE_BITS),
            Cap::AsidPool(c) => at(c.pool.address(), abi::object::ASID_POOL_BITS as u8),
            Cap::Null
            | Cap::SchedControl { .. }
            | Cap::IrqControl
            | Cap::IrqHandler(_)
            | Cap::Domain
            | Cap::AsidControl
            | Cap::Isa(_) => None,
        }
    }

    /// Whether this capability covers what `other` names: the same object, or for memory and
    /// control capabilities something made from it.
    #[doc(alias = "sameRegionAs")]
    pub fn covers(&self, other: &Cap) -> bool {
        match (self, other) {
            (Cap::Untyped(_), _) => match (self.region(), other.region()) {
                (Some((a, a_len)), Some((b, b_len))) => contains(a, a_len, b, b_len),
                _ => false,
            },
            (Cap::Frame(a), Cap::Frame(b)) => contains(
                a.base,
                bits::size(a.size.bits()),
                b.base,
                bits::size(b.size.bits()),
            ),
            (Cap::IrqControl, Cap::IrqHandler(_)) => true,
            (Cap::IrqControl, Cap::Isa(c)) => c.comes_from_irq_control(),
            (Cap::Isa(a), Cap::Isa(b)) => a.covers(b),
            _ => self.same_object(other),
        }
    }

    /// Whether both name the same object. Never true of untyped memory: each such capability
    /// stands for itself.
    #[doc(alias = "sameObjectAs")]
    pub fn same_object(&self, other: &Cap) -> bool {
        match (self, other) {
            (Cap::Endpoint(a), Cap::Endpoint(b)) => a.endpoint == b.endpoint,
            (Cap::Notification(a), Cap::Notification(b)) => a.notification == b.notification,
            (Cap::Reply(a), Cap::Reply(b)) => a.reply == b.reply,
            (Cap::CNode(a), Cap::CNode(b)) => a.slots == b.slots && a.radix == b.radix,
            (Cap::Tcb(a), Cap::Tcb(b)) => a == b,
            (Cap::SchedContext(a), Cap::SchedContext(b)) => a.sched_context == b.sched_context,
            (Cap::SchedControl { core: a }, Cap::SchedControl { core: b }) => a == b,
            (Cap::IrqControl, Cap::IrqControl)
            | (Cap::Domain, Cap::Domain)
            | (Cap::AsidControl, Cap::AsidControl) => true,
            (Cap::IrqHandler(a), Cap::IrqHandler(b)) => a == b,
            (Cap::Frame(a), Cap::Frame(b)) => a.base == b.base && a.size == b.size,
            (Cap::PageTable(a), Cap::PageTable(b)) => a.table == b.table,
            (Cap::VSpace(a), Cap::VSpace(b)) => a.root == b.root,
            (Cap::AsidPool(a), Cap::AsidPool(b)) => a.pool == b.pool,
            (Cap::Isa(a), Cap::Isa(b)) => a == b,
            _ => false,
        }
    }

    /// Whether a capability like this, derived from `source`, can revoke what is derived from
    /// it: a new badge, a new piece of memory, a new line.
    #[doc(alias = "isCapRevocable")]
    pub fn revocable_from(&self, source: &Cap) -> bool {
        match (self, source) {
            (Cap::Endpoint(new), Cap::Endpoint(old)) => new.badge != old.badge,
            (Cap::Notification(new), Cap::Notification(old)) => new.badge != old.badge,
            (Cap::Untyped(_), _) => true,
            (Cap::IrqHandler(_), Cap::IrqControl) => true,
            (Cap::Isa(new), Cap::Isa(old)) => new.revocable_from(old),
            _ => false,
        }
    }

    /// What a copy of this capability is. `has_children` is asked only where it matters.
    /// `Ok(Cap::Null)`: this cannot be copied, silently or not as the caller decides.
    #[doc(alias = "deriveCap")]
    pub fn derive(self, has_children: impl FnOnce() -> bool) -> Result<Cap, SyscallError> {
        match self {
            Cap::Untyped(_) if has_children() => Err(SyscallError::RevokeFirst),
            Cap::Zombie(_) | Cap::IrqControl => Ok(Cap::Null),
            Cap::Frame(c) => Ok(Cap::Frame(FrameCap { mapping: None, ..c })),
            Cap::PageTable(TableCap { mapping: None, .. })
            | Cap::VSpace(VSpaceCap { asid: None, .. }) => Err(SyscallError::IllegalOperation),
            Cap::Isa(c) => Ok(c.derive().map_or(Cap::Null, Cap::Isa)),
            other => Ok(other),
        }
    }
}

/// log2 of the size in bytes of a CNode.
pub(crate) const fn cnode_bits(radix: u8) -> u8 {
    // A radix is at most 42: sizes are bounded by the largest untyped.
    radix.wrapping_add(abi::object::SLOT_BITS as u8)
}

/// Which operation wants to change a capability's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataUpdate {
    /// A copy gets it (Mint, and the guard given to a TCB's CSpace root).
    Copy,
    /// The capability itself gets it (Mutate, Rotate).
    InPlace,
}

pub(crate) fn badge_once(badge: Word, update: DataUpdate) -> bool {
    badge == 0 && update == DataUpdate::Copy
}

/// `b` lies within `a`. Sizes are powers of two and ranges do not wrap.
fn contains(a: PhysicalAddress, a_len: u64, b: PhysicalAddress, b_len: u64) -> bool {
    match b.0.checked_sub(a.0) {
        Some(offset) => offset < a_len && b_len <= a_len.wrapping_sub(offset),
        None => false,
    }
}
