//! The kernel's address space: the image with its permissions, the window on RAM, the device
//! registers that the kernel itself uses. All of it below one entry of the root, which every
//! user root shares.
//!
//! With isolation, user roots share another entry instead, below which only the entry stubs
//! and the cores' areas are mapped.

use super::core_area::{BOOT_STACK, GUARD_BYTES};
use super::symbols;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::address::PHYSICAL_WINDOW;
use machine::firmware::spans::{PAGE, Span, Spans};

/// Where device registers are mapped, a page each.
const DEVICE_WINDOW: u64 = 0xffff_ffff_c000_0000;
/// Physical memory that the boot page tables show.
pub(super) const BOOT_WINDOW: u64 = 4 << 30;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const UNCACHED: u64 = 1 << 3 | 1 << 4;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

const LARGE_PAGE: u64 = 2 << 20;
const HUGE_PAGE: u64 = 1 << 30;

const ENTRIES: usize = 512;
/// The root's entry for the kernel, and the entries below it for image and devices.
const KERNEL_ENTRY: usize = 511;
const IMAGE_ENTRY: usize = 510;
const DEVICE_ENTRY: usize = 511;
/// Page tables for the image: 8 MiB from physical address 0 (the linker script checks it).
const IMAGE_TABLES: usize = 4;

/// A page table of any level.
#[repr(C, align(4096))]
struct Table([AtomicU64; ENTRIES]);

impl Table {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; ENTRIES])
    }

    fn set(&self, index: usize, entry: u64) {
        if let Some(place) = self.0.get(index) {
            place.store(entry, Ordering::Relaxed);
        }
    }

    fn entry(&self, index: usize) -> u64 {
        self.0
            .get(index)
            .map_or(0, |place| place.load(Ordering::Relaxed))
    }

    /// An entry that leads to this table, which is part of the image.
    fn link(&self) -> u64 {
        symbols::physical((&raw const *self).addr() as u64) | PRESENT | WRITABLE
    }
}

/// The tables whose number is known.
struct Fixed {
    root: Table,
    pointers: Table,
    image_directory: Table,
    image: [Table; IMAGE_TABLES],
    device_directory: Table,
    devices: Table,
    isolated_pointers: Table,
    isolated_directory: Table,
    isolated_image: [Table; IMAGE_TABLES],
}

static FIXED: Fixed = Fixed {
    root: Table::new(),
    pointers: Table::new(),
    image_directory: Table::new(),
    image: [const { Table::new() }; IMAGE_TABLES],
    device_directory: Table::new(),
    devices: Table::new(),
    isolated_pointers: Table::new(),
    isolated_directory: Table::new(),
    isolated_image: [const { Table::new() }; IMAGE_TABLES],
};

/// Pages for the tables of the window, whose number depends on the memory, and for what else
/// the kernel keeps outside its image.
pub(super) struct Pool {
    next: u64,
    end: u64,
}

/// There are no pages left for page tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhausted;

impl Pool {
    /// The pages of `span`, free RAM.
    pub(super) fn new(span: Span) -> Self {
        Self {
            next: span.start,
            end: span.end.min(BOOT_WINDOW),
        }
    }

    /// Where the first page is that has not been used.
    pub(super) fn used_end(&self) -> u64 {
        self.next
    }

    /// The first of `count` zeroed pages.
    pub(super) fn pages(&mut self, count: u64) -> Result<u64, Exhausted> {
        let first = self.next;
        if self.end.saturating_sub(first) / PAGE < count {
            return Err(Exhausted);
        }
        self.next = first.saturating_add(count.saturating_mul(PAGE));
        for page in (first..self.next).step_by(PAGE as usize) {
            table(page)
                .0
                .iter()
                .for_each(|entry| entry.store(0, Ordering::Relaxed));
        }
        Ok(first)
    }
}

/// The table at physical address `at`, through the boot page tables' window.
fn table(at: u64) -> &'static Table {
    let table: *const Table =
        core::ptr::with_exposed_provenance(at.wrapping_add(PHYSICAL_WINDOW) as usize);
    // SAFETY: only pages of the pool come here: RAM that is ours, page-aligned, mapped.
    unsafe { &*table }
}

/// The address space, built.
pub(super) struct Built {
    /// CR3 for the kernel.
    pub(super) root: u64,
    /// The entry for user roots.
    pub(super) shared_entry: u64,
}

/// Builds the kernel's address space. `isolated` decides what user roots share of it.
pub(super) fn build(
    ram: &Spans,
    huge_pages: bool,
    isolated: bool,
    pool: &mut Pool,
) -> Result<Built, Exhausted> {
    // Global translations outlive a change of CR3.
    let global = if isolated { 0 } else { GLOBAL };
    let text = PRESENT | global;
    let rodata = PRESENT | NO_EXECUTE | global;
    let data = PRESENT | WRITABLE | NO_EXECUTE | global;

    map_image(&FIXED.image, symbols::text(), text);
    map_image(&FIXED.image, symbols::rodata(), rodata);
    map_image(&FIXED.image, symbols::data(), data);
    let guard = BOOT_STACK.bottom();
    map_image(
        &FIXED.image,
        Span {
            start: guard,
            end: guard.saturating_add(GUARD_BYTES as u64),
        },
        0,
    );
    link_image(&FIXED.image, &FIXED.image_directory, &FIXED.pointers);
    FIXED.device_directory.set(0, FIXED.devices.link());
    FIXED
        .pointers
        .set(DEVICE_ENTRY, FIXED.device_directory.link());
    FIXED.root.set(KERNEL_ENTRY, FIXED.pointers.link());

    map_image(&FIXED.isolated_image, symbols::entry_text(), text);
    map_image(&FIXED.isolated_image, symbols::entry_data(), data);
    link_image(
        &FIXED.isolated_image,
        &FIXED.isolated_directory,
        &FIXED.isolated_pointers,
    );

    for span in ram.spans() {
        map_window(*span, huge_pages, data, pool)?;
    }
    let shared = if isolated {
        &FIXED.isolated_pointers
    } else {
        &FIXED.pointers
    };
    Ok(Built {
        root: FIXED.root.link() & ADDRESS,
        shared_entry: shared.link(),
    })
}

/// Maps the registers at physical address `device` as device number `slot`.
pub(super) fn map_device(slot: usize, device: u64) -> u64 {
    let page = device & !(PAGE - 1);
    FIXED
        .devices
        .set(slot, page | PRESENT | WRITABLE | NO_EXECUTE | UNCACHED);
    // A slot is an entry of one table.
    DEVICE_WINDOW | ((slot % ENTRIES) as u64 * PAGE) | (device % PAGE)
}

fn map_image(tables: &[Table; IMAGE_TABLES], span: Span, flags: u64) {
    for page in (span.start..span.end).step_by(PAGE as usize) {
        let physical = symbols::physical(page);
        let number = (physical / PAGE) as usize;
        if let Some(table) = tables.get(number / ENTRIES) {
            table.set(
                number % ENTRIES,
                if flags == 0 { 0 } else { physical | flags },
            );
        }
    }
}

fn link_image(tables: &[Table; IMAGE_TABLES], directory: &Table, pointers: &Table) {
    for (index, table) in tables.iter().enumerate() {
        directory.set(index, table.link());
    }
    pointers.set(IMAGE_ENTRY, directory.link());
}

/// Maps a span of RAM into the window, by the largest pages that hold nothing else.
fn map_window(span: Span, huge_pages: bool, flags: u64, pool: &mut Pool) -> Result<(), Exhausted> {
    let mut at = span.start;
    while at < span.end {
        let fits = |size: u64| at.is_multiple_of(size) && span.end.saturating_sub(at) >= size;
        let (giga, mega, page) = (at / HUGE_PAGE, at / LARGE_PAGE, at / PAGE);
        if huge_pages && fits(HUGE_PAGE) {
            FIXED.pointers.set(giga as usize, at | flags | LARGE);
            at = at.saturating_add(HUGE_PAGE);
            continue;
        }
        let directory = below(&FIXED.pointers, giga as usize, pool)?;
        if fits(LARGE_PAGE) {
            directory.set(mega as usize % ENTRIES, at | flags | LARGE);
            at = at.saturating_add(LARGE_PAGE);
        } else {
            below(directory, mega as usize % ENTRIES, pool)?
                .set(page as usize % ENTRIES, at | flags);
            at = at.saturating_add(PAGE);
        }
    }
    Ok(())
}

/// The table below entry `index`, which is made if it is missing.
fn below(parent: &Table, index: usize, pool: &mut Pool) -> Result<&'static Table, Exhausted> {
    let mut entry = parent.entry(index);
    if entry & PRESENT == 0 {
        entry = pool.pages(1)? | PRESENT | WRITABLE;
        parent.set(index, entry);
    }
    Ok(table(entry & ADDRESS))
}
