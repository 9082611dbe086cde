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

/// What the hardware may have cached.
#[derive(Clone, Debug, Default)]
pub(super) struct Tlb {
    pub(super) root: Option<PhysicalAddress>,
    pub(super) asid: u16,
    pub(super) roots_set: u64,
    /// Pages: (ASID, log2 of the size, number of the page) to where it leads.
    pages: BTreeMap<(u16, u32, u64), Translation>,
    /// Entries that lead to tables: (ASID, level, index of the entry in the whole address space).
    tables: BTreeMap<(u16, u32, u64), u64>,
    pub(super) log: Vec<Invalidation>,
}

fn shift(level: u32) -> u32 {
    PAGE_BITS + LEVEL_BITS * (level - 1)
}

impl Tlb {
    /// Whether both are the same, but for what is only counted or logged.
    pub(super) fn same(&self, other: &Self) -> bool {
        (self.root, self.asid) == (other.root, other.asid)
            && self.pages == other.pages
            && self.tables == other.tables
    }

    /// Forgets the page and, as INVLPG does, every cached table of the address space.
    pub(super) fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        self.pages
            .retain(|&(a, bits, number), _| a != asid || number != page.0 >> bits);
        self.tables.retain(|&(a, ..), _| a != asid);
        self.log.push(Invalidation::Page(asid, page));
    }

    pub(super) fn invalidate_asid(&mut self, asid: u16) {
        self.pages.retain(|&(a, ..), _| a != asid);
        self.tables.retain(|&(a, ..), _| a != asid);
        self.log.push(Invalidation::Asid(asid));
    }

    /// Where `at` leads, believing what is cached, and caching what had to be walked.
    pub(super) fn translate(
        &mut self,
        at: VirtualAddress,
        read: impl Fn(PhysicalAddress) -> Option<u64>,
    ) -> Option<Translation> {
        let (root, asid) = (self.root?, self.asid);
        for level in 1..=LEVELS {
            let bits = shift(level);
            if let Some(page) = self.pages.get(&(asid, bits, at.0 >> bits)) {
                let offset = at.0 & ((1 << bits) - 1);
                return Some(Translation {
                    physical: PhysicalAddress(page.physical.0 | offset),
                    ..*page
                });
            }
        }
        let tables = &mut self.tables;
        let found = walk(root, at, read, |level, index, entry| {
            // Hardware never remembers that something was absent.
            if paging::entry(level, entry) == Entry::Absent {
                *tables.get(&(asid, level, index)).unwrap_or(&entry)
            } else {
                *tables.entry((asid, level, index)).or_insert(entry)
            }
        })?;
        let base = found.physical.0 & !((1 << found.bits) - 1);
        let page = Translation {
            physical: PhysicalAddress(base),
            ..found
        };
        self.pages
            .insert((asid, found.bits, at.0 >> found.bits), page);
        Some(found)
    }

    /// The pages in the cache: ASID, address, and where it leads.
    pub(super) fn cached(&self) -> impl Iterator<Item = (u16, VirtualAddress, Translation)> + '_ {
        self.pages
            .iter()
            .map(|(&(asid, bits, number), page)| (asid, VirtualAddress(number << bits), *page))
    }

    /// Whether anything of `asid` is in the cache.
    pub(super) fn knows(&self, asid: u16) -> bool {
        let all = (asid, 0, 0)..=(asid, u32::MAX, u64::MAX);
        self.pages.range(all.clone()).next().is_some() || self.tables.range(all).next().is_some()
    }
}

/// Walks from `root`. `read` reads a word of physical memory; `through` sees each entry that leads to
/// a table, with its level and index, and may answer with what the cache remembers instead.
pub(super) fn walk(
    root: PhysicalAddress,
    at: VirtualAddress,
    read: impl Fn(PhysicalAddress) -> Option<u64>,
    mut through: impl FnMut(u32, u64, u64) -> u64,
) -> Option<Translation> {
    let mut table = root.0;
    let (mut user, mut writable) = (true, true);
    for level in (1..=LEVELS).rev() {
        let index = at.0 >> shift(level);
        let mut entry = read(PhysicalAddress(table + (index & 0x1ff) * 8))?;
        if !matches!(paging::entry(level, entry), Entry::Page(..)) && level > 1 {
            entry = through(level, index, entry);
        }
        match paging::entry(level, entry) {
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
