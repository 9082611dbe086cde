//! Slots, and CNodes: arrays of them. (`abi/semantics-core.md` 4.)

use crate::Kernel;
use crate::cap::{
    CNodeCap, Cap, DataUpdate, EndpointCap, FrameCap, NotificationCap, PackedCap, ReplyCap, Rights,
    VSpaceCap,
};
use crate::cdt::{self, Links};
use crate::cspace;
use crate::delete;
use crate::error::{Lookup, LookupFailure, Preempted, SyscallError};
use crate::invocation::{Done, Refusal};
use crate::message::Message;
use crate::object::endpoint::{self, Endpoint};
use crate::object::store::{Object, Ref};
use abi::Word;
use abi::invocation::Invocation;
use abi::rights::CapRights;
use machine::Kind;

/// A place for a capability. 32 bytes: the size is ABI.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Slot {
    packed: PackedCap,
    pub(crate) links: Links,
}

const _: () = assert!(size_of::<Slot>() == 1 << abi::object::SLOT_BITS);

impl Object for Slot {
    const KIND: Kind = Kind::Slots;
}

impl Slot {
    #[inline(always)]
    pub(crate) fn new(packed: PackedCap, links: Links) -> Self {
        Self { packed, links }
    }

    /// The capability in it, as it is stored.
    #[inline(always)]
    pub fn packed(&self) -> PackedCap {
        self.packed
    }

    /// The capability in it.
    #[inline(always)]
    pub fn cap(&self) -> Cap {
        self.packed.unpack()
    }

    /// Whether the null capability is in it.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.packed.is_null()
    }

    /// The capability, if it is to a CNode.
    #[inline(always)]
    pub fn cnode(&self) -> Option<CNodeCap> {
        self.packed.cnode()
    }

    /// The capability, if it is to a CNode whose guard and index are a whole address.
    #[inline(always)]
    pub fn whole_cnode(&self) -> Option<CNodeCap> {
        self.packed.whole_cnode()
    }

    /// The capability, if it is to an endpoint.
    #[inline(always)]
    pub fn endpoint(&self) -> Option<EndpointCap> {
        self.packed.endpoint()
    }

    /// The capability, if it is to a notification.
    #[inline(always)]
    pub fn notification(&self) -> Option<NotificationCap> {
        self.packed.notification()
    }

    /// The capability, if it is to a reply object.
    #[inline(always)]
    pub fn reply(&self) -> Option<ReplyCap> {
        self.packed.reply()
    }

    /// Whether the capability in it is to a frame.
    #[inline(always)]
    pub(crate) fn is_frame(&self) -> bool {
        self.packed.is_frame()
    }

    /// The capability, if it is to a frame.
    #[inline(always)]
    pub fn frame(&self) -> Option<FrameCap> {
        self.packed.frame()
    }

    /// The capability, if it is to the root of an address space.
    #[inline(always)]
    pub fn vspace(&self) -> Option<VSpaceCap> {
        self.packed.vspace()
    }

    /// The place in the derivation tree.
    pub fn links(&self) -> Links {
        self.links
    }

    /// Only `cdt` puts capabilities into slots.
    #[inline(always)]
    pub(crate) fn set(&mut self, cap: PackedCap) {
        self.packed = cap;
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl CNodeCap {
    /// Slot `index`, which is below `2^radix`.
    #[inline(always)]
    pub fn slot(self, index: u64) -> Ref<Slot> {
        slot_at(self.slots, index)
    }
}

/// The slot `index` places behind `first`.
#[inline(always)]
pub(crate) fn slot_at(first: Ref<Slot>, index: u64) -> Ref<Slot> {
    // Wrapping never happens: the slots exist.
    Ref::new(
        first
            .address()
            .inside(index.wrapping_mul(size_of::<Slot>() as u64)),
    )
}

/// What is to be done with slots.
#[derive(Clone, Copy, Debug)]
pub enum CNodeInvocation {
    Revoke(Ref<Slot>),
    Delete(Ref<Slot>),
    CancelBadgedSends(Ref<Endpoint>, Word),
    /// Copy, Mint, and the insertion of capabilities by other objects.
    Insert {
        cap: PackedCap,
        source: Ref<Slot>,
        destination: Ref<Slot>,
    },
    /// Move and Mutate.
    Move {
        cap: PackedCap,
        source: Ref<Slot>,
        destination: Ref<Slot>,
    },
    /// Rotate of three slots.
    Rotate {
        source: Ref<Slot>,
        pivot: Ref<Slot>,
        destination: Ref<Slot>,
        source_cap: PackedCap,
        pivot_cap: PackedCap,
    },
    /// Rotate with source and destination the same.
    Swap {
        source: Ref<Slot>,
        pivot: Ref<Slot>,
        source_cap: PackedCap,
        pivot_cap: PackedCap,
    },
}

/// Depths are 8 bits wide in message words.
pub(crate) fn depth(word: Word) -> Word {
    word & 0xff
}

/// An empty slot for something new, as message words name it below the CNode in `root`.
pub(crate) fn empty_slot(
    k: &Kernel,
    root: Ref<Slot>,
    index: Word,
    word: Word,
) -> Result<Ref<Slot>, SyscallError> {
    let slot = cspace::target_slot(k, root, index, depth(word), Lookup::Destination)?;
    if k[slot].is_empty() {
        Ok(slot)
    } else {
        Err(SyscallError::DeleteFirst)
    }
}

/// What a copy of `cap`, a form of what is in `source`, is.
#[inline(always)]
pub(crate) fn copy_of(
    k: &Kernel,
    source: Ref<Slot>,
    cap: PackedCap,
) -> Result<PackedCap, SyscallError> {
    match cap.derive(|| cdt::has_children(k, source)) {
        Some(derived) => Ok(derived),
        None => Err(why_not_derived(k, source)),
    }
}

/// Why there can be no copy of what is in `source`.
#[cold]
#[inline(never)]
fn why_not_derived(k: &Kernel, source: Ref<Slot>) -> SyscallError {
    // Rights and data change nothing about that.
    let derived = k[source].cap().derive(|| cdt::has_children(k, source));
    derived.err().unwrap_or(SyscallError::IllegalOperation)
}

fn missing(which: Lookup, bits_left: Word) -> SyscallError {
    SyscallError::FailedLookup(which, LookupFailure::MissingCapability { bits_left })
}

/// Does what `m` asks of the CNode in `slot`.
#[inline(always)]
pub fn invoke(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    match invocation {
        Invocation::CNodeDelete => invoke_delete(k, slot, m),
        _ => invoke_other(k, slot, invocation, m),
    }
}

/// In a function of its own: it needs few registers.
#[inline(never)]
fn invoke_delete(k: &mut Kernel, slot: Ref<Slot>, m: &Message) -> Result<Done, Refusal> {
    CNodeInvocation::decode(k, slot, Invocation::CNodeDelete, m)?.commit(k)?;
    Ok(Done::Empty)
}

#[inline(never)]
fn invoke_other(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    CNodeInvocation::decode(k, slot, invocation, m)?.commit(k)?;
    Ok(Done::Empty)
}

impl CNodeInvocation {
    /// Looks at what `m` asks of the CNode in `cnode`.
    #[inline(always)]
    pub fn decode(
        k: &Kernel,
        cnode: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        match invocation {
            I::CNodeRevoke | I::CNodeDelete | I::CNodeCancelBadgedSends => {
                if m.length < 2 {
                    return Err(SyscallError::TruncatedMessage);
                }
                let slot = Self::destination(k, cnode, m)?;
                match invocation {
                    I::CNodeRevoke => Ok(Self::Revoke(slot)),
                    I::CNodeDelete => Ok(Self::Delete(slot)),
                    _ => match k[slot].cap() {
                        Cap::Endpoint(c) if c.rights == Rights::ALL => {
                            Ok(Self::CancelBadgedSends(c.endpoint, c.badge))
                        }
                        _ => Err(SyscallError::IllegalOperation),
                    },
                }
            }
            I::CNodeCopy | I::CNodeMint | I::CNodeMove | I::CNodeMutate => {
                Self::decode_two_slots(k, cnode, invocation, m)
            }
            I::CNodeRotate => Self::decode_rotate(k, cnode, m),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// The slot below `cnode` that the first two words name.
    #[inline(always)]
    fn destination(k: &Kernel, cnode: Ref<Slot>, m: &Message) -> Result<Ref<Slot>, SyscallError> {
        let (index, bits) = (m.word(k, 0), depth(m.word(k, 1)));
        cspace::target_slot(k, cnode, index, bits, Lookup::Destination)
    }

    #[inline(always)]
    fn decode_two_slots(
        k: &Kernel,
        cnode: Ref<Slot>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let (4.., Some(root)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let destination = Self::destination(k, cnode, m)?;
        if !k[destination].is_empty() {
            return Err(SyscallError::DeleteFirst);
        }
        let source_depth = depth(m.word(k, 3));
        let source = cspace::target_slot(k, root, m.word(k, 2), source_depth, Lookup::Source)?;
        let cap = k[source].packed();
        if cap.is_null() {
            return Err(missing(Lookup::Source, source_depth));
        }
        let needed = match invocation {
            Invocation::CNodeMint => 6,
            Invocation::CNodeCopy | Invocation::CNodeMutate => 5,
            _ => 4,
        };
        if m.length < needed {
            return Err(SyscallError::TruncatedMessage);
        }
        let refused = SyscallError::IllegalOperation;
        let copies = matches!(invocation, Invocation::CNodeCopy | Invocation::CNodeMint);
        let mut new = cap;
        if copies {
            let masked = cap.masked(CapRights(m.word(k, 4)));
            new = copy_of(k, source, masked)?;
        }
        if invocation == Invocation::CNodeMint {
            let data = m.word(k, 5);
            new = new.with_data(data, DataUpdate::Copy).ok_or(refused)?;
        } else if invocation == Invocation::CNodeMutate {
            let data = m.word(k, 4);
            new = new.with_data(data, DataUpdate::InPlace).ok_or(refused)?;
        }
        if new.is_null() {
            return Err(refused);
        }
        Ok(if copies {
            Self::Insert {
                cap: new,
                source,
                destination,
            }
        } else {
            Self::Move {
                cap: new,
                source,
                destination,
            }
        })
    }

    #[inline(never)]
    fn decode_rotate(k: &Kernel, cnode: Ref<Slot>, m: &Message) -> Result<Self, SyscallError> {
        let (8.., Some(pivot_root), Some(source_root)) = (m.length, m.cap(0), m.cap(1)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let (pivot_depth, source_depth) = (depth(m.word(k, 4)), depth(m.word(k, 7)));
        let destination = Self::destination(k, cnode, m)?;
        let source =
            cspace::target_slot(k, source_root, m.word(k, 6), source_depth, Lookup::Source)?;
        let pivot = cspace::target_slot(k, pivot_root, m.word(k, 3), pivot_depth, Lookup::Source)?;
        if pivot == source || pivot == destination {
            return Err(SyscallError::IllegalOperation);
        }
        if source != destination && !k[destination].is_empty() {
            return Err(SyscallError::DeleteFirst);
        }
        let (source_cap, pivot_cap) = (k[source].packed(), k[pivot].packed());
        if source_cap.is_null() {
            return Err(missing(Lookup::Source, source_depth));
        }
        if pivot_cap.is_null() {
            return Err(missing(Lookup::Destination, pivot_depth));
        }
        let refused = SyscallError::IllegalOperation;
        let source_cap = source_cap
            .with_data(m.word(k, 5), DataUpdate::InPlace)
            .ok_or(refused)?;
        let pivot_cap = pivot_cap
            .with_data(m.word(k, 2), DataUpdate::InPlace)
            .ok_or(refused)?;
        Ok(if source == destination {
            Self::Swap {
                source,
                pivot,
                source_cap,
                pivot_cap,
            }
        } else {
            Self::Rotate {
                source,
                pivot,
                destination,
                source_cap,
                pivot_cap,
            }
        })
    }

    /// Does it.
    #[inline(always)]
    pub fn commit(self, k: &mut Kernel) -> Result<(), Preempted> {
        match self {
            Self::Revoke(slot) => delete::revoke(k, slot)?,
            Self::Delete(slot) => delete::delete(k, slot)?,
            Self::CancelBadgedSends(endpoint, badge) => {
                if badge != 0 {
                    endpoint::cancel_badged_sends(k, endpoint, badge);
                }
            }
            Self::Insert {
                cap,
                source,
                destination,
            } => cdt::insert(k, cap, source, destination),
            Self::Move {
                cap,
                source,
                destination,
            } => cdt::relocate(k, cap, source, destination),
            Self::Rotate {
                source,
                pivot,
                destination,
                source_cap,
                pivot_cap,
            } => {
                cdt::relocate(k, pivot_cap, pivot, destination);
                cdt::relocate(k, source_cap, source, pivot);
            }
            Self::Swap {
                source,
                pivot,
                source_cap,
                pivot_cap,
            } => cdt::swap(k, source_cap, source, pivot_cap, pivot),
        }
        Ok(())
    }
}
