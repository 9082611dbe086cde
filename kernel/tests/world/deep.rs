//! Invariants that need memory to check: those marked *deep* in `docs/invariants.md`.

use super::World;
use kernel::Kernel;
use kernel::cap::Cap;
use kernel::cdt;
use kernel::check::Population;
use kernel::check::found::{self, Book};
use kernel::object::asid::{self, POOLS};
use kernel::object::cnode::Slot;
use kernel::object::store::Ref;
use kernel::object::tcb::{Tcb, TcbSlot};
use machine::layout::paging;
use machine::population::Entry;
use machine::{KernelAddress, Kind, PhysicalAddress};
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl World {
    /// Checks everything that can be checked.
    pub(crate) fn check_deep(&self) {
        let slots = slots(&self.k);
        owned(&self.k, &slots);
        found(&self.k);
        finality(&self.k, &slots);
        mappings(&self.k, &slots);
        translations(&self.k);
    }
}

/// Every world is checked when it ends, unless its test has failed already.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() && !cfg!(miri) {
            self.check_deep();
        }
    }
}

/// What a search from the threads finds is what the machine knows to live: a check on hardware
/// sees everything.
fn found(k: &Kernel) {
    const ROOM: usize = 1 << 13;
    let (mut entries, mut index) = (vec![found::Entry::default(); ROOM], vec![0; 2 * ROOM]);
    let mut book = Book::new(&mut entries, &mut index);
    let found = book.fill(k).expect("nothing overlaps").expect("room");
    let list = |population: &dyn Population| {
        let mut all = Vec::new();
        // The model knows memory by 16 bytes.
        population.each_live(&mut |at, len, kind| all.push((at, len.next_multiple_of(16), kind)));
        all
    };
    let (found, live) = (list(&found), list(&k.machine));
    let first = found.iter().zip(&live).find(|(found, live)| found != live);
    assert_eq!(first, None);
    assert_eq!(found.len(), live.len());
}

/// Every slot that holds something, in the order of the derivation lists.
fn slots(k: &Kernel) -> Vec<Ref<Slot>> {
    let mut heads = Vec::new();
    kernel::check::each_used_slot(k, &k.machine, |slot| {
        if k[slot].links().previous().is_none() {
            heads.push(slot);
        }
    });
    let mut all = Vec::new();
    for head in heads {
        let mut next = Some(head);
        while let Some(slot) = next {
            all.push(slot);
            next = k[slot].links().next();
        }
    }
    all
}

/// Where the object that a capability names is, if it is something that is born and ends.
fn object(cap: &Cap) -> Option<KernelAddress> {
    match cap {
        Cap::Endpoint(c) => Some(c.endpoint.address()),
        Cap::Notification(c) => Some(c.notification.address()),
        Cap::Reply(c) => Some(c.reply.address()),
        Cap::SchedContext(c) => Some(c.sched_context.address()),
        Cap::Tcb(thread) => Some(thread.address()),
        Cap::CNode(c) => Some(c.slots.address()),
        Cap::Zombie(z) => Some(z.slots.address()),
        Cap::PageTable(c) => Some(c.table),
        Cap::VSpace(c) => Some(c.root),
        Cap::AsidPool(c) => Some(c.pool.address()),
        Cap::Frame(c) if !c.device => Some(KernelAddress::of(c.base)),
        _ => None,
    }
}

/// The pieces of a thread's memory, by what their capability names.
fn pieces(thread: Ref<Tcb>) -> [KernelAddress; 2] {
    [thread.address(), thread.slot(TcbSlot::CSpace).address()]
}

/// Every live object is named by a capability.
fn owned(k: &Kernel, slots: &[Ref<Slot>]) {
    let mut named = BTreeSet::new();
    let mut threads = BTreeSet::new();
    for cap in slots.iter().map(|slot| k[*slot].cap()) {
        named.extend(object(&cap).map(KernelAddress::bits));
        if let Cap::Tcb(thread) = cap {
            threads.insert(thread.address().bits());
            named.extend(pieces(thread).map(KernelAddress::bits));
        }
    }
    for live in k.machine.live() {
        let known = match live.kind {
            // Parts of a thread's block, checked with its control state below.
            Kind::Context | Kind::Fpu | Kind::Tcb => true,
            _ => named.contains(&live.at.bits()),
        };
        let kernels_own = live.at == k.irqs.memory();
        assert!(known || kernels_own, "nobody owns {live:?}");
    }
}

/// Looking at the neighbours tells whether a capability is the last one to its object.
fn finality(k: &Kernel, slots: &[Ref<Slot>]) {
    let mut counts: HashMap<Cap, usize> = HashMap::new();
    let normal = |cap: Cap| match cap {
        // What copies of a capability may differ in.
        Cap::Endpoint(c) => Cap::Endpoint(kernel::cap::EndpointCap {
            badge: 0,
            rights: all(),
            ..c
        }),
        Cap::Notification(c) => Cap::Notification(kernel::cap::NotificationCap {
            badge: 0,
            rights: all(),
            ..c
        }),
        Cap::Reply(c) => Cap::Reply(kernel::cap::ReplyCap {
            can_grant: true,
            ..c
        }),
        Cap::CNode(c) => Cap::CNode(kernel::cap::CNodeCap {
            guard: 0,
            guard_bits: 0,
            ..c
        }),
        Cap::Frame(c) => Cap::Frame(kernel::cap::FrameCap {
            mapping: None,
            rights: kernel::cap::VmRights::ReadWrite,
            ..c
        }),
        Cap::PageTable(c) => Cap::PageTable(kernel::cap::TableCap { mapping: None, ..c }),
        Cap::VSpace(c) => Cap::VSpace(kernel::cap::VSpaceCap { asid: None, ..c }),
        other => other,
    };
    for slot in slots {
        *counts.entry(normal(k[*slot].cap())).or_default() += 1;
    }
    for slot in slots {
        let cap = k[*slot].cap();
        if object(&cap).is_none() || matches!(cap, Cap::Zombie(_)) {
            continue;
        }
        let count = counts[&normal(cap)];
        assert_eq!(
            cdt::is_final(k, *slot),
            count == 1,
            "{cap:?} has {count} capabilities"
        );
    }
}

fn all() -> kernel::cap::Rights {
    kernel::cap::Rights::ALL
}

/// Everything that user code can reach through an address space is there because a capability
/// says so: a frame or table that is mapped exactly there.
fn mappings(k: &Kernel, slots: &[Ref<Slot>]) {
    let mut frames = BTreeMap::new();
    let mut tables = BTreeMap::new();
    for cap in slots.iter().map(|slot| k[*slot].cap()) {
        match cap {
            Cap::Frame(c) => {
                if let Some(m) = c.mapping {
                    frames.insert((m.asid, m.address.0, c.base.0), c.size.bits());
                }
            }
            Cap::PageTable(c) => {
                if let Some(m) = c.mapping {
                    tables.insert((m.asid, c.table.physical().0), m.address.0);
                }
            }
            _ => {}
        }
    }
    let pools = (0..POOLS as u16).filter(|pool| k.asids.pool(*pool as u8).is_some());
    for asid in pools.flat_map(|pool| pool * 512..=pool * 512 + 511) {
        let Some(root) = asid::root(k, asid) else {
            continue;
        };
        reach(
            k,
            root.physical(),
            paging::LEVELS,
            0,
            &mut |table, at, target, bits| {
                let known = if table {
                    tables
                        .get(&(asid, target))
                        .is_some_and(|&address: &u64| address >> bits == at >> bits)
                } else {
                    frames.get(&(asid, at, target)) == Some(&bits)
                };
                let what = if table { "table" } else { "frame" };
                assert!(
                    known,
                    "address space {asid}: a {what} at {at:#x} leads to {target:#x} without a capability"
                );
            },
        );
    }
}

/// Shows every entry below `table`, at `level`, that leads somewhere where user code may be.
fn reach(
    k: &Kernel,
    table: PhysicalAddress,
    level: u32,
    base: u64,
    visit: &mut impl FnMut(bool, u64, u64, u8),
) {
    let bits = 12 + 9 * (level - 1);
    for index in 0..512 {
        let entry = k
            .machine
            .peek(PhysicalAddress(table.0 + index * 8))
            .expect("tables are in RAM");
        let at = base | index << bits;
        match paging::entry(level, entry) {
            Entry::Page(target, access) if access.user => {
                visit(false, at, target & !((1 << bits) - 1), bits as u8);
            }
            Entry::Table(target, access) if access.user => {
                visit(true, at, target, bits as u8);
                reach(k, PhysicalAddress(target), level - 1, at, visit);
            }
            _ => {}
        }
    }
}

/// The processor remembers nothing that the page tables do not say any more.
fn translations(k: &Kernel) {
    for (asid, page, cached) in k.machine.cached_pages() {
        let now = asid::root(k, asid).and_then(|root| k.machine.walk(root.physical(), page));
        assert_eq!(
            now,
            Some(cached),
            "address space {asid}: the translation of {:#x} is stale",
            page.0
        );
    }
}
