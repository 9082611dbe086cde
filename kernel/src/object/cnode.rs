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
    pub(crate) fn set(&mut self, cap: Cap) {
        self.packed = PackedCap::pack(cap);
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
        cap: Cap,
        source: Ref<Slot>,
        destination: Ref<Slot>,
    },
    /// Move and Mutate.
    Move {
        cap: Cap,
        source: Ref<Slot>,
        destination: Ref<Slot>,
    },
    /// Rotate of three slots.
    Rotate {
        source: Ref<Slot>,
        pivot: Ref<Slot>,
        destination: Ref<Slot>,
        source_cap: Cap,
        pivot_cap: Cap,
    },
    /// Rotate with source and destination the same.
    Swap {
        source: Ref<Slot>,
        pivot: Ref<Slot>,
        source_cap: Cap,
        pivot_cap: Cap,
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
    let slot = cspace::target_slot(k, k[root].cap(), index, depth(word), Lookup::Destination)?;
    if k[slot].is_empty() {
        Ok(slot)
    } else {
        Err(SyscallError::DeleteFirst)
    }
}

fn missing(which: Lookup, bits_left: Word) -> SyscallError {
    SyscallError::FailedLookup(which, LookupFailure::MissingCapability { bits_left })
}

impl CNodeInvocation {
    /// Looks at what `m` asks of `cnode`.
    pub fn decode(
        k: &Kernel,
        cnode: CNodeCap,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        if m.length < 2
            && matches!(
                invocation,
                I::CNodeRevoke | I::CNodeDelete | I::CNodeCancelBadgedSends
            )
        {
            return Err(SyscallError::TruncatedMessage);
        }
        let here = |word: Word, bits: Word| {
            cspace::target_slot(
                k,
                Cap::CNode(cnode),
                m.word(k, word as usize),
                depth(bits),
                Lookup::Destination,
            )
        };
        match invocation {
            I::CNodeRevoke => Ok(Self::Revoke(here(0, m.word(k, 1))?)),
            I::CNodeDelete => Ok(Self::Delete(here(0, m.word(k, 1))?)),
            I::CNodeCancelBadgedSends => match k[here(0, m.word(k, 1))?].cap() {
                Cap::Endpoint(c) if c.rights == Rights::ALL => {
                    Ok(Self::CancelBadgedSends(c.endpoint, c.badge))
                }
                _ => Err(SyscallError::IllegalOperation),
            },
            I::CNodeCopy | I::CNodeMint | I::CNodeMove | I::CNodeMutate => {
                Self::decode_two_slots(k, cnode, invocation, m)
            }
            I::CNodeRotate => Self::decode_rotate(k, cnode, m),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    fn decode_two_slots(
        k: &Kernel,
        cnode: CNodeCap,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let (4.., Some(root)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let destination = cspace::target_slot(
            k,
            Cap::CNode(cnode),
            m.word(k, 0),
            depth(m.word(k, 1)),
            Lookup::Destination,
        )?;
        if !k[destination].is_empty() {
            return Err(SyscallError::DeleteFirst);
        }
        let source_depth = depth(m.word(k, 3));
        let source =
            cspace::target_slot(k, k[root].cap(), m.word(k, 2), source_depth, Lookup::Source)?;
        let cap = k[source].cap();
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
        let derived = |cap: Cap| {
            cap.masked(CapRights(m.word(k, 4)))
                .derive(|| cdt::has_children(k, source))
        };
        let refused = SyscallError::IllegalOperation;
        let (cap, copies) = match invocation {
            Invocation::CNodeCopy => (derived(cap)?, true),
            Invocation::CNodeMint => {
                let derived = derived(cap)?;
                (
                    derived
                        .with_data(m.word(k, 5), DataUpdate::Copy)
                        .ok_or(refused)?,
                    true,
                )
            }
            Invocation::CNodeMutate => (
                cap.with_data(m.word(k, 4), DataUpdate::InPlace)
                    .ok_or(refused)?,
                false,
            ),
            _ => (cap, false),
        };
        if cap.is_null() {
            return Err(refused);
        }
        Ok(if copies {
            Self::Insert {
                cap,
                source,
                destination,
            }
        } else {
            Self::Move {
                cap,
                source,
                destination,
            }
        })
    }

    fn decode_rotate(k: &Kernel, cnode: CNodeCap, m: &Message) -> Result<Self, SyscallError> {
        let (8.., Some(pivot_root), Some(source_root)) = (m.length, m.cap(0), m.cap(1)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let (pivot_depth, source_depth) = (depth(m.word(k, 4)), depth(m.word(k, 7)));
        let destination = cspace::target_slot(
            k,
            Cap::CNode(cnode),
            m.word(k, 0),
            depth(m.word(k, 1)),
            Lookup::Destination,
        )?;
        let source = cspace::target_slot(
            k,
            k[source_root].cap(),
            m.word(k, 6),
            source_depth,
            Lookup::Source,
        )?;
        let pivot = cspace::target_slot(
            k,
            k[pivot_root].cap(),
            m.word(k, 3),
            pivot_depth,
            Lookup::Source,
        )?;
        if pivot == source || pivot == destination {
            return Err(SyscallError::IllegalOperation);
        }
        if source != destination && !k[destination].is_empty() {
            return Err(SyscallError::DeleteFirst);
        }
        let (source_cap, pivot_cap) = (k[source].cap(), k[pivot].cap());
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
