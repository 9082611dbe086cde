//! Page tables as the hardware reads them, and the translation cache, which must not remember what
//! is no longer so.

use crate::judge::Verdict;
use crate::model::state::Access;
use crate::model::{Entry, Place, State};
use crate::refinement::Frame;
use abi::Isa;
use kernel::Kernel;
use kernel::object::asid::{POOL_SIZE, POOLS};
use machine::layout::paging::{self, LEVELS};
use machine::model::Translation;
use machine::{KernelAddress, Machine, PhysicalAddress, Space, VirtualAddress, population};
use std::collections::BTreeMap;

/// Bytes of a table.
const TABLE: u64 = 4096;
/// Entries of a root that lead to what user mode can map.
const USER_ENTRIES: usize = match abi::ISA {
    Isa::X86_64 | Isa::RiscV64 => 256,
    Isa::AArch64 => 512,
};

fn words(k: &Kernel, at: KernelAddress) -> Vec<(usize, u64)> {
    let bytes = k.machine.bytes(at, TABLE);
    let (words, _) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.enumerate().filter(|(_, word)| *word != 0).collect()
}

/// Which pools there are, and which root each of their ASIDs names.
pub fn names(k: &Kernel, frame: Frame) -> (BTreeMap<u8, Place>, BTreeMap<u16, Place>) {
    let (mut pools, mut asids) = (BTreeMap::new(), BTreeMap::new());
    for index in 0..POOLS {
        let Some(pool) = k.asids.pool(index as u8) else {
            continue;
        };
        pools.insert(index as u8, frame.place(pool.address()));
        for (n, root) in words(k, pool.address()) {
            if let Some(root) = KernelAddress::new(root) {
                asids.insert((index * POOL_SIZE + n) as u16, frame.place(root));
            }
        }
    }
    (pools, asids)
}

/// What the entries of a root lead to, as far as user mode can map it.
pub fn entries_of_root(k: &Kernel, frame: Frame, at: KernelAddress) -> BTreeMap<u64, Entry> {
    let user = words(k, at).into_iter().filter(|(n, _)| *n < USER_ENTRIES);
    user.filter_map(|(n, word)| Some((n as u64, entry(frame, LEVELS, word)?)))
        .collect()
}

/// What the entries of a table lead to; `span`: log2 of what it covers, if that is known.
pub fn entries(
    k: &Kernel,
    frame: Frame,
    at: KernelAddress,
    span: Option<u8>,
) -> BTreeMap<u64, Entry> {
    let level = |word| match span {
        Some(span) => u32::from(span).saturating_sub(12) / 9,
        // Where no level is known, pages are known by what only they have.
        None => match abi::ISA {
            Isa::AArch64 if word & 1 << 10 != 0 && word & 2 != 0 => 1,
            _ => 2,
        },
    };
    let all = words(k, at).into_iter();
    all.filter_map(|(n, word)| Some((n as u64, entry(frame, level(word), word)?)))
        .collect()
}

/// How a page is cached and whether it is executed, as the attributes of mapping operations say it.
fn attributes(level: u32, word: u64) -> u64 {
    let bit = |n: u32, to: u32| (word >> n & 1) << to;
    match abi::ISA {
        Isa::X86_64 => {
            let pat = if level == 1 { 7 } else { 12 };
            bit(3, 0) | bit(4, 1) | bit(pat, 2)
        }
        // As loaders set the types of memory, number 4 is written back and number 3 not cached.
        Isa::AArch64 => match word >> 2 & 7 {
            4 => 1 | bit(54, 2),
            3 => bit(54, 2),
            other => u64::MAX - other,
        },
        Isa::RiscV64 => bit(3, 0) ^ 1,
    }
}

fn entry(frame: Frame, level: u32, word: u64) -> Option<Entry> {
    let place = |at| frame.place(KernelAddress::of(PhysicalAddress(at)));
    match paging::entry(level, word) {
        population::Entry::Absent => None,
        population::Entry::Table(at, _) => Some(Entry::Table(place(at))),
        population::Entry::Page(at, access) => Some(Entry::Page {
            at: place(match abi::ISA {
                // An attribute stands where a small page's address would go on.
                Isa::X86_64 if level > 1 => at & !(1 << 12),
                _ => at,
            }),
            attributes: attributes(level, word),
            access: match (access.user, access.writable) {
                (false, _) => Access::None,
                (true, false) => Access::Read,
                (true, true) => Access::ReadWrite,
            },
        }),
    }
}

/// Whoever runs, runs in its address space; while nobody does, no address space that has ended is
/// in use.
pub fn in_use(k: &Kernel, frame: Frame, state: &State) -> Verdict<()> {
    let (root, asid) = k.machine.root();
    let used = root.map(|root| (frame.place(KernelAddress::of(root)), asid));
    let right = match state.current {
        Some(thread) => used == state.runs_in(thread),
        None => used.is_none_or(|(root, asid)| state.asids.get(&asid) == Some(&root)),
    };
    match right {
        true => Ok(()),
        false => Err(format!(
            "{:?} runs in the address space {used:x?}, which is not its own",
            state.current
        )),
    }
}

/// What is in the translation cache is so: no page and no way to one is remembered under an ASID
/// that names nothing, and every page is what the tables say.
pub fn nothing_stale(k: &Kernel, frame: Frame, before: &State, now: &State) -> Verdict<()> {
    for asid in before.asids.keys() {
        if !now.asids.contains_key(asid) && k.machine.caches(*asid) {
            return Err(format!(
                "something of ASID {asid} is cached, which has ended"
            ));
        }
    }
    for (asid, address, cached) in k.machine.cached_pages() {
        let root = now.asids.get(&asid);
        let right = root.and_then(|root| seen(frame, now, *root, address.0));
        if right != Some(cached) {
            return Err(format!(
                "in ASID {asid} {:#x} is remembered as {cached:x?}, and is {right:x?}",
                address.0
            ));
        }
    }
    Ok(())
}

fn seen(frame: Frame, state: &State, root: Place, address: u64) -> Option<Translation> {
    let seen = state.sees(root, address)?;
    let offset = address & ((1 << seen.bits) - 1);
    Some(Translation {
        physical: PhysicalAddress(frame.base.0.wrapping_add_signed(seen.at.0) + offset),
        writable: seen.writable,
        bits: seen.bits,
    })
}

/// User accesses to `addresses` in every address space of the world: each finds what the
/// specification says. They leave everything that can be remembered in the translation cache.
pub fn touch(k: &mut Kernel, frame: Frame, state: &State, addresses: &[u64]) -> Verdict<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    let (current, current_asid) = k.machine.root();
    let mut verdict = Ok(());
    for (&asid, &root) in &state.asids {
        let at = PhysicalAddress(frame.base.0.wrapping_add_signed(root.0));
        if !frame.holds(KernelAddress::of(at)) {
            continue;
        }
        k.machine.set_space(Space::new(at, asid));
        for &address in addresses {
            let found = k.machine.translate(VirtualAddress(address));
            let right = seen(frame, state, root, address);
            if found != right {
                verdict = Err(format!(
                    "in {root:?} {address:#x} leads to {found:x?}, and should to {right:x?}"
                ));
            }
        }
    }
    let before = current.map_or(Space::KERNEL, |root| Space::new(root, current_asid));
    k.machine.set_space(before);
    verdict
}
