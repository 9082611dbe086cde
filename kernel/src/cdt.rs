//! The capability derivation tree: who was derived from whom.
//!
//! Kept as a preorder list through the slots: descendants come behind their ancestor. Whether a
//! slot is a descendant of one before it follows from the capabilities and two flags, so that no
//! depth has to be stored. (`abi/semantics-core.md` 4.4.)
//!
//! Invariants (`check::cdt`): the links of a slot are set iff it holds a capability and is in
//! the list; neighbours point at each other.

use crate::Kernel;
use crate::cap::{Cap, PackedCap, UntypedCap};
use crate::object::cnode::Slot;
use crate::object::store::Ref;

/// A slot's place in the list, in two words. Slots are 32-byte aligned: the flags are in the
/// low bits of `next`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Links {
    previous: u64,
    next: u64,
}

/// May have descendants.
const REVOCABLE: u64 = 1;
/// The first of its badge: not a descendant of one with the same badge.
const FIRST_BADGED: u64 = 2;
const FLAGS: u64 = REVOCABLE | FIRST_BADGED;

#[inline(always)]
fn slot_at(bits: u64) -> Option<Ref<Slot>> {
    machine::KernelAddress::new(bits & !FLAGS).map(Ref::new)
}

#[inline(always)]
fn bits_of(slot: Option<Ref<Slot>>) -> u64 {
    slot.map_or(0, |slot| slot.address().bits())
}

impl Links {
    /// The slot before.
    #[inline(always)]
    pub fn previous(self) -> Option<Ref<Slot>> {
        slot_at(self.previous)
    }

    /// The slot behind.
    #[inline(always)]
    pub fn next(self) -> Option<Ref<Slot>> {
        slot_at(self.next)
    }

    /// Whether the slot may have descendants.
    #[inline(always)]
    pub fn revocable(self) -> bool {
        self.next & REVOCABLE != 0
    }

    /// Whether the slot is the first of its badge.
    #[inline(always)]
    pub fn first_badged(self) -> bool {
        self.next & FIRST_BADGED != 0
    }

    #[inline(always)]
    fn new(previous: Option<Ref<Slot>>, next: Option<Ref<Slot>>, original: bool) -> Self {
        let flags = if original { FLAGS } else { 0 };
        Self {
            previous: bits_of(previous),
            next: bits_of(next) | flags,
        }
    }

    #[inline(always)]
    fn set_previous(&mut self, previous: Option<Ref<Slot>>) {
        self.previous = bits_of(previous);
    }

    #[inline(always)]
    fn set_next(&mut self, next: Option<Ref<Slot>>) {
        self.next = bits_of(next) | self.next & FLAGS;
    }
}

/// Puts `cap`, derived from the capability in `source`, into the empty slot `destination`.
#[doc(alias = "cteInsert")]
pub fn insert(k: &mut Kernel, cap: PackedCap, source: Ref<Slot>, destination: Ref<Slot>) {
    let original = cap.revocable_from(k[source].packed());
    if cap.is_untyped() {
        mark_full_if_copied(k, source, cap);
    }
    put(k, cap, source, destination, original);
}

/// Puts `cap`, newly made under the authority in `parent`, into the empty slot `destination`.
#[doc(alias = "insertNewCap")]
#[inline]
pub fn insert_child(k: &mut Kernel, cap: PackedCap, parent: Ref<Slot>, destination: Ref<Slot>) {
    put(k, cap, parent, destination, true);
}

/// Puts `cap` into the empty slot `destination`, derived from nothing.
pub fn insert_root(k: &mut Kernel, cap: PackedCap, destination: Ref<Slot>) {
    k[destination] = Slot::new(cap, Links::new(None, None, true));
}

#[inline]
fn put(k: &mut Kernel, cap: PackedCap, after: Ref<Slot>, destination: Ref<Slot>, original: bool) {
    let next = k[after].links.next();
    k[destination] = Slot::new(cap, Links::new(Some(after), next, original));
    k[after].links.set_next(Some(destination));
    if let Some(next) = next {
        k[next].links.set_previous(Some(destination));
    }
}

/// A copied untyped must not give out the same memory twice: the original counts as full.
#[inline(never)]
fn mark_full_if_copied(k: &mut Kernel, source: Ref<Slot>, copy: PackedCap) {
    if let (Cap::Untyped(original), Cap::Untyped(copy)) = (k[source].cap(), copy.unpack())
        && original.base == copy.base
        && original.bits == copy.bits
    {
        let full = UntypedCap {
            watermark: 1 << original.bits,
            cleared: 0,
            ..original
        };
        k[source].set(Cap::Untyped(full).into());
    }
}

/// Moves the capability in `source`, as `cap`, to the empty slot `destination`, which takes its
/// place in the tree.
#[doc(alias = "cteMove")]
pub fn relocate(k: &mut Kernel, cap: PackedCap, source: Ref<Slot>, destination: Ref<Slot>) {
    let links = k[source].links;
    k[source].clear();
    k[destination] = Slot::new(cap, links);
    point_neighbours_at(k, destination);
}

fn point_neighbours_at(k: &mut Kernel, slot: Ref<Slot>) {
    let links = k[slot].links;
    if let Some(previous) = links.previous() {
        k[previous].links.set_next(Some(slot));
    }
    if let Some(next) = links.next() {
        k[next].links.set_previous(Some(slot));
    }
}

/// Swaps two slots: `a` gets `cap_b` and the place of `b`, and the other way round.
#[doc(alias = "cteSwap")]
pub fn swap(k: &mut Kernel, cap_a: PackedCap, a: Ref<Slot>, cap_b: PackedCap, b: Ref<Slot>) {
    let (links_a, links_b) = (k[a].links, k[b].links);
    k[a] = Slot::new(cap_b, links_b);
    k[b] = Slot::new(cap_a, links_a);
    // Neighbours of each other would now point at themselves.
    if links_a.next() == Some(b) {
        k[a].links.set_previous(Some(b));
        k[b].links.set_next(Some(a));
    } else if links_b.next() == Some(a) {
        k[b].links.set_previous(Some(a));
        k[a].links.set_next(Some(b));
    }
    point_neighbours_at(k, a);
    point_neighbours_at(k, b);
}

/// Empties `slot`. Descendants become those of its ancestor.
#[inline]
pub fn remove(k: &mut Kernel, slot: Ref<Slot>) {
    let links = k[slot].links;
    let next = links.next();
    if let Some(previous) = links.previous() {
        k[previous].links.set_next(next);
    }
    if let Some(next) = next {
        let next = &mut k[next].links;
        next.set_previous(links.previous());
        if links.first_badged() {
            next.next |= FIRST_BADGED;
        }
    }
    k[slot].clear();
}

/// Whether `b` was derived from `a`, given that `b` is behind `a` with nothing but descendants
/// of `a` in between.
#[doc(alias = "isMDBParentOf")]
#[inline]
pub fn is_parent(k: &Kernel, a: Ref<Slot>, b: Ref<Slot>) -> bool {
    let (slot_a, slot_b) = (&k[a], &k[b]);
    if !slot_a.links.revocable() {
        return false;
    }
    let (cap_a, cap_b) = (slot_a.packed(), slot_b.packed());
    if !cap_a.covers(cap_b) {
        return false;
    }
    match cap_a.badge() {
        None | Some(0) => true,
        badge => cap_b.badge() == badge && !slot_b.links.first_badged(),
    }
}

/// The first descendant of `slot`, if it has one.
#[inline]
pub fn first_child(k: &Kernel, slot: Ref<Slot>) -> Option<Ref<Slot>> {
    let next = k[slot].links.next()?;
    is_parent(k, slot, next).then_some(next)
}

/// Whether anything was derived from the untyped in `slot`: [`has_children`], without a call.
#[inline(always)]
pub(crate) fn untyped_has_children(k: &Kernel, slot: Ref<Slot>) -> bool {
    let links = k[slot].links;
    links.next().is_some_and(|next| {
        links.revocable() && k[slot].packed().covers_memory_of(k[next].packed())
    })
}

/// Whether anything was derived from `slot`.
#[inline]
pub fn has_children(k: &Kernel, slot: Ref<Slot>) -> bool {
    let next = k[slot].links.next();
    next.is_some_and(|next| is_parent(k, slot, next))
}

/// Whether `slot` holds the last capability to its object. Others to it would be neighbours.
#[doc(alias = "isFinalCapability")]
#[inline]
pub fn is_final(k: &Kernel, slot: Ref<Slot>) -> bool {
    let links = k[slot].links;
    let cap = k[slot].packed();
    let elsewhere =
        |other: Option<Ref<Slot>>| other.is_some_and(|other| cap.same_object(k[other].packed()));
    !elsewhere(links.previous()) && !elsewhere(links.next())
}

/// Replaces the capability in `slot` by another form of the same one.
#[inline(always)]
pub fn update(k: &mut Kernel, slot: Ref<Slot>, cap: impl Into<PackedCap>) {
    k[slot].set(cap.into());
}

const _: () = assert!(size_of::<PackedCap>() == 16 && size_of::<Links>() == 16);
