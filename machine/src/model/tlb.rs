//! The translation cache, as data, and the walk that fills it.
//!
//! Hardware may keep any entry it has walked until it is told to forget it. The model always
//! keeps them, tables as well as pages, so a missing invalidation is seen at the next access.

use crate::layout::paging::{self, LEVELS};
use crate::population::Entry;
use crate::{PhysicalAddress, VirtualAddress};
use std::collections::BTreeMap;

/// Bits of address below the page tables' lowest level.
const PAGE_BITS: u32 = 12;
/// Bits of address that one level resolves.
const LEVEL_BITS: u32 = 9;

/// An invalidation that the kernel asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Invalidation {
    /// One page of one address space (and the walks to it).
    Page(u16, VirtualAddress),
    /// All of one address space.
    Asid(u16),
}

/// Where a user address leads, and what user mode may do there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Translation {
    /// The byte behind the address.
    pub physical: PhysicalAddress,
    /// Whether user mode may write it.
    pub writable: bool,
    /// log2 of the page's size.
    pub bits: u32,
}

/// Entries that the hardware may have cached: (ASID, level, index of the entry in the whole
/// address space) to the entry. Level 1 is the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Tlb {
    pub(super) root: Option<PhysicalAddress>,
    pub(super) asid: u16,
    pub(super) roots_set: u64,
    pub(super) entries: BTreeMap<(u16, u32, u64), u64>,
    pub(super) log: Vec<Invalidation>,
}

fn shift(level: u32) -> u32 {
    PAGE_BITS + LEVEL_BITS * (level - 1)
}

impl Tlb {
    /// Forgets the page and, as INVLPG does, every cached table of the address space.
    pub(super) fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        self.entries.retain(|&(a, level, index), entry| {
            let leaf = matches!(paging::entry(level, *entry), Entry::Page(..));
            a != asid || (leaf && index != page.0 >> shift(level))
        });
        self.log.push(Invalidation::Page(asid, page));
    }

    pub(super) fn invalidate_asid(&mut self, asid: u16) {
        self.entries.retain(|&(a, ..), _| a != asid);
        self.log.push(Invalidation::Asid(asid));
    }
}

/// Walks from `root`. `read` reads a word of physical memory; `visit` sees each entry that was
/// used, with its level and index, and may answer with what the cache remembers instead.
pub(super) fn walk(
    root: PhysicalAddress,
    at: VirtualAddress,
    read: impl Fn(PhysicalAddress) -> Option<u64>,
    mut visit: impl FnMut(u32, u64, u64) -> u64,
) -> Option<Translation> {
    let mut table = root.0;
    let (mut user, mut writable) = (true, true);
    for level in (1..=LEVELS).rev() {
        let index = at.0 >> shift(level);
        let entry = read(PhysicalAddress(table + (index & 0x1ff) * 8))?;
        match paging::entry(level, visit(level, index, entry)) {
            Entry::Absent => return None,
            Entry::Table(next, access) => {
                user &= access.user;
                writable &= access.writable;
                table = next;
            }
            Entry::Page(base, access) => {
                let mask = (1u64 << shift(level)) - 1;
                return (user && access.user).then_some(Translation {
                    physical: PhysicalAddress(base & !mask | at.0 & mask),
                    writable: writable && access.writable,
                    bits: shift(level),
                });
            }
        }
    }
    None
}
