//! The population of a machine that keeps no books: what can be found from the kernel's own
//! state. Threads are in a list (debug flavours), their slots hold capabilities, a capability
//! names an object and stands in a derivation list, and CNodes hold more slots. Every live
//! object has a capability (docs/invariants.md#owned), so all of them are found.
//!
//! What the search writes down goes to a [`Book`] that the caller lends: the kernel allocates
//! nothing.

use super::{Population, Violation};
use crate::Kernel;
use crate::cap::{Cap, ZombieCap, ZombieKind};
use crate::object::cnode::Slot;
use crate::object::irq::IrqTable;
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb};
use machine::{KernelAddress, Kind};

/// Bytes of a slot.
const SLOT: u64 = size_of::<Slot>() as u64;

/// A line of a [`Book`]. All zero is an empty one.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Entry {
    at: u64,
    len: u64,
    kind: Kind,
    /// Not an object: a slot that holds something, to be looked at.
    slot: bool,
}

impl Entry {
    fn end(&self) -> u64 {
        self.at.saturating_add(self.len)
    }
}

/// Room for what is found.
#[derive(Debug)]
pub struct Book<'a> {
    entries: &'a mut [Entry],
    /// By a hash of address and sort: the number of the entry, counted from 1.
    index: &'a mut [u32],
    used: usize,
    full: bool,
}

impl<'a> Book<'a> {
    /// An empty book in this memory. There should be at least twice as many places in the index
    /// as entries.
    pub fn new(entries: &'a mut [Entry], index: &'a mut [u32]) -> Self {
        Self {
            entries,
            index,
            used: 0,
            full: false,
        }
    }

    /// Everything that there is in `k`; `None` if the book has no room for it.
    ///
    /// # Errors
    /// Objects that overlap.
    pub fn fill(&mut self, k: &Kernel) -> Result<Option<Found<'_>>, Violation> {
        self.index.fill(0);
        (self.used, self.full) = (0, false);
        self.search(k);
        if self.full {
            return Ok(None);
        }
        let entries = self.entries.get_mut(..self.used).unwrap_or_default();
        entries.sort_unstable_by_key(|entry| (entry.slot, entry.at));
        let objects = entries.partition_point(|entry| !entry.slot);
        let found = Found {
            objects: entries.get(..objects).unwrap_or_default(),
        };
        found.disjoint().map(|()| Some(found))
    }

    /// Follows everything until nothing new turns up.
    fn search(&mut self, k: &Kernel) {
        self.note(k.irqs.memory(), IrqTable::SLOT_BYTES, Kind::Slots, false);
        let mut thread = k.all_threads;
        while let Some(found) = thread
            && !self.full
        {
            self.thread(found);
            thread = k[found].all_next;
        }
        let mut number = 0usize;
        while let Some(entry) = self.entries.get(number).copied()
            && number < self.used
            && !self.full
        {
            if let Some(at) = KernelAddress::new(entry.at) {
                if entry.slot {
                    self.follow(k, Ref::new(at));
                } else if entry.kind == Kind::Slots {
                    self.slots(k, at, entry.len);
                }
            }
            number = number.wrapping_add(1);
        }
    }

    fn thread(&mut self, thread: Ref<Tcb>) {
        for (offset, len, kind) in tcb::PIECES {
            self.note(thread.address().plus(offset), len, kind, false);
        }
    }

    /// Every used slot of an array.
    fn slots(&mut self, k: &Kernel, at: KernelAddress, len: u64) {
        let mut offset = 0u64;
        while offset < len {
            let slot: Ref<Slot> = Ref::new(at.plus(offset));
            if !k[slot].is_empty() {
                self.slot(slot);
            }
            offset = offset.saturating_add(SLOT);
        }
    }

    fn slot(&mut self, slot: Ref<Slot>) {
        self.note(slot.address(), SLOT, Kind::Slots, true);
    }

    /// What a slot leads to: its neighbours in the derivation list, and an object.
    fn follow(&mut self, k: &Kernel, slot: Ref<Slot>) {
        let links = k[slot].links();
        for neighbour in [links.previous(), links.next()].into_iter().flatten() {
            self.slot(neighbour);
        }
        let cap = k[slot].cap();
        match cap {
            Cap::Tcb(thread) => self.thread(thread),
            Cap::Zombie(ZombieCap {
                slots,
                kind: ZombieKind::Tcb,
                ..
            }) => self.thread(tcb::block_of_slots(slots)),
            _ => {
                if let (Some(kind), Some((base, len))) = (kind(&cap), cap.region()) {
                    self.note(KernelAddress::of(base), len, kind, false);
                }
            }
        }
    }

    /// Writes down what is not there yet.
    fn note(&mut self, at: KernelAddress, len: u64, kind: Kind, slot: bool) {
        let at = at.bits();
        // Fibonacci hashing; the lowest bit of the key tells the sorts apart.
        let key = at >> 3 | u64::from(slot);
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) as usize;
        let places = self.index.len();
        for step in 0..places {
            let place = hash
                .wrapping_add(step)
                .checked_rem(places)
                .and_then(|place| self.index.get_mut(place));
            let Some(place) = place else { break };
            let number = (*place as usize).checked_sub(1);
            if let Some(number) = number {
                let known = self.entries.get(number);
                if known.is_some_and(|e| e.at == at && e.slot == slot && e.kind == kind) {
                    return;
                }
                continue;
            }
            let Some(entry) = self.entries.get_mut(self.used) else {
                break;
            };
            *entry = Entry {
                at,
                len,
                kind,
                slot,
            };
            self.used = self.used.wrapping_add(1);
            *place = self.used as u32;
            return;
        }
        self.full = true;
    }
}

/// What lives where a capability points, threads aside.
fn kind(cap: &Cap) -> Option<Kind> {
    match cap {
        Cap::Endpoint(_) => Some(Kind::Endpoint),
        Cap::Notification(_) => Some(Kind::Notification),
        Cap::Reply(_) => Some(Kind::Reply),
        Cap::CNode(_) | Cap::Zombie(_) => Some(Kind::Slots),
        Cap::SchedContext(_) => Some(Kind::SchedContext),
        Cap::PageTable(_) | Cap::VSpace(_) => Some(Kind::PageTable),
        Cap::AsidPool(_) => Some(Kind::AsidPool),
        Cap::Frame(c) if !c.device => Some(Kind::Frame),
        Cap::Null
        | Cap::Untyped(_)
        | Cap::Tcb(_)
        | Cap::Frame(_)
        | Cap::SchedControl { .. }
        | Cap::IrqControl
        | Cap::IrqHandler(_)
        | Cap::Domain
        | Cap::AsidControl
        | Cap::Isa(_) => None,
    }
}

/// The objects that were found, by address.
#[derive(Debug)]
pub struct Found<'a> {
    objects: &'a [Entry],
}

impl Found<'_> {
    fn disjoint(&self) -> Result<(), Violation> {
        let overlap = self.objects.windows(2).find_map(|pair| match pair {
            [a, b] if a.end() > b.at => Some((a.at, b.at)),
            _ => None,
        });
        overlap.map_or(Ok(()), |(at, other)| {
            Err(Violation {
                rule: "disjoint",
                what: "two objects in one place",
                at: KernelAddress::new(at),
                other: KernelAddress::new(other),
            })
        })
    }
}

impl Population for Found<'_> {
    fn each_live(&self, visit: &mut dyn FnMut(KernelAddress, u64, Kind)) {
        for entry in self.objects {
            if let Some(at) = KernelAddress::new(entry.at) {
                visit(at, entry.len, entry.kind);
            }
        }
    }

    fn live_at(&self, at: KernelAddress) -> Kind {
        let behind = self.objects.partition_point(|entry| entry.at <= at.bits());
        behind
            .checked_sub(1)
            .and_then(|number| self.objects.get(number))
            .filter(|entry| at.bits() < entry.end())
            .map_or(Kind::Free, |entry| entry.kind)
    }

    fn was_reached(&self, _: KernelAddress) -> bool {
        true
    }
}
