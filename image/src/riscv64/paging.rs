//! The kernel's own page tables: the window on physical memory by pages of 1 GiB, and the image
//! by small pages, each with what its part needs and no more. The part that only boot needs, and
//! the page below the stack, are not there.

use super::symbols;
use super::trap;
use crate::tree::Span;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::KernelAddress;
use machine::PhysicalAddress;
use machine::address::PHYSICAL_WINDOW_SIZE;
use machine::riscv64::{csr, tlb};

/// Where the image is linked.
pub(super) const IMAGE: u64 = 0xffff_ffff_8020_0000;
/// The first entry of a root that is the kernel's.
const WINDOW_ENTRY: usize = 256;
/// The entry that leads to the image.
const IMAGE_ENTRY: usize = 510;
/// Tables for the image, each for 2 MiB; the first one stays empty, for the image starts behind.
const IMAGE_TABLES: usize = 5;

const PAGE: u64 = 4096;
const VALID: u64 = 1;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
const GLOBAL: u64 = 1 << 5;
const ACCESSED_DIRTY: u64 = 0b11 << 6;
const MODE_SV39: u64 = 8 << 60;

#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

impl Table {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 512])
    }

    fn set(&self, index: usize, entry: u64) {
        if let Some(place) = self.0.get(index) {
            place.store(entry, Ordering::Relaxed);
        }
    }

    fn physical(&self) -> u64 {
        symbols::physical((&raw const *self).addr() as u64)
    }
}

static ROOT: Table = Table::new();
static MIDDLE: Table = Table::new();
static LEAVES: [Table; IMAGE_TABLES] = [const { Table::new() }; IMAGE_TABLES];

const fn page(physical: u64, access: u64) -> u64 {
    physical >> 2 | VALID | GLOBAL | ACCESSED_DIRTY | access
}

fn table(table: &Table) -> u64 {
    table.physical() >> 2 | VALID | GLOBAL
}

/// Makes the tables and goes on with them. Answers where the root is.
pub(super) fn start() -> KernelAddress {
    for gigabyte in 0..PHYSICAL_WINDOW_SIZE >> 30 {
        let entry = page(gigabyte << 30, READ | WRITE);
        ROOT.set(WINDOW_ENTRY.saturating_add(gigabyte as usize), entry);
    }
    ROOT.set(IMAGE_ENTRY, table(&MIDDLE));
    for (index, leaves) in LEAVES.iter().enumerate() {
        MIDDLE.set(index, table(leaves));
    }
    map(symbols::text(), READ | EXECUTE);
    map(symbols::rodata(), READ);
    map(symbols::data(), READ | WRITE);
    set(trap::guard_page(), 0);
    let root = ROOT.physical();
    // SAFETY: the new tables show the kernel where it runs, its stack included.
    unsafe { csr::set_satp(MODE_SV39 | root >> 12) };
    tlb::forget_everything();
    KernelAddress::of(PhysicalAddress(root))
}

fn map(part: Span, access: u64) {
    for address in (part.start..part.end).step_by(PAGE as usize) {
        set(address, page(symbols::physical(address), access));
    }
}

/// Sets the last entry on the way to `address`, which is in the image.
fn set(address: u64, entry: u64) {
    let (middle, leaf) = (address >> 21 & 511, address >> 12 & 511);
    if let Some(table) = LEAVES.get(middle as usize) {
        table.set(leaf as usize, entry);
    }
}
