//! The kernel's own page tables: the window on RAM by the largest pages that fit, the image by
//! small pages, each with what its part needs and no more, and the devices that the kernel
//! drives. The part that only boot needs, and the page below the stack, are not in the image's
//! part.

use super::symbols;
use super::trap;
use crate::tree::Span;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use machine::aarch64::features::Features;
use machine::address::{PHYSICAL_WINDOW, PHYSICAL_WINDOW_SIZE};
use machine::layout::KERNEL_BASE;

/// The entry of the root that shows all of the kernel's half that is used, and the entry behind
/// the window that shows the last GiB.
const LAST: usize = 511;
/// Tables for the image, each for 2 MiB.
const IMAGE_TABLES: usize = 2;
/// In the last GiB: where the device tree is seen before the window exists, large device
/// areas, small ones.
const FIRST_VIEW: usize = 256;
const FIRST_LARGE_DEVICE: usize = 320;
const SMALL_DEVICES: usize = 511;
/// Tables for the edges of RAM: two for each that is not at a multiple of 1 GiB.
const EDGE_TABLES: usize = 32;

const PAGE: u64 = 1 << 12;
const LARGE: u64 = 1 << 21;
const HUGE: u64 = 1 << 30;

const VALID: u64 = 1;
/// An entry that leads to a table, or that is a page at the last level.
pub(super) const TABLE: u64 = 3;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
const NORMAL: u64 = 4 << 2;
const DEVICE: u64 = 0;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const EXECUTE_NEVER: u64 = 1 << 53;
const USER_EXECUTE_NEVER: u64 = 1 << 54;

const CODE: u64 = NORMAL | READ_ONLY | INNER_SHAREABLE | ACCESSED | USER_EXECUTE_NEVER;
const CONSTANTS: u64 = CODE | EXECUTE_NEVER;
const VARIABLES: u64 = CONSTANTS & !READ_ONLY;
const REGISTERS: u64 = DEVICE | ACCESSED | USER_EXECUTE_NEVER | EXECUTE_NEVER;
/// For the first instructions.
pub(super) const BLOCK_OF_MEMORY: u64 = VALID | NORMAL | INNER_SHAREABLE | ACCESSED;

/// MAIR_EL1: nGnRnE, nGnRE, GRE, not cached, write-back, write-through.
pub(super) const MEMORY_TYPES: u64 = 0x0000_bbff_440c_0400;
/// TCR_EL1 without what depends on the processor: 48-bit addresses, 4 KiB, tables in cached,
/// inner shareable memory, for both halves.
pub(super) const TRANSLATION: u64 = HALF | (HALF << 16) | 2 << 30;
const HALF: u64 = 16 | 1 << 8 | 1 << 10 | 3 << 12;
const WIDE_ASIDS: u64 = 1 << 36;

/// SCTLR_EL1: MMU, caches, stack alignment; user mode may maintain caches that it can reach, read
/// their geometry, clear by block and wait.
const CONTROL: u64 = 0x30d0_0800
    | 1
    | 1 << 2
    | 1 << 3
    | 1 << 4
    | 1 << 12
    | 1 << 14
    | 1 << 15
    | 1 << 16
    | 1 << 18
    | 1 << 26;
/// Exceptions leave PSTATE.PAN as it is.
const KEEP_ACCESS: u64 = 1 << 23;

#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

impl Table {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 512])
    }

    fn get(&self, index: usize) -> u64 {
        self.0
            .get(index)
            .map_or(0, |entry| entry.load(Ordering::Relaxed))
    }

    fn set(&self, index: usize, entry: u64) {
        if let Some(place) = self.0.get(index) {
            place.store(entry, Ordering::Relaxed);
        }
    }

    fn physical(&self) -> u64 {
        symbols::physical((&raw const *self).addr() as u64)
    }

    fn entry(&self) -> u64 {
        self.physical() | TABLE
    }
}

static ROOT: Table = Table::new();
/// Entries of 1 GiB, of which the last is not part of the window.
static GIGABYTES: Table = Table::new();
/// Entries of 2 MiB in the last GiB.
static LAST_GIGABYTE: Table = Table::new();
static IMAGE: [Table; IMAGE_TABLES] = [const { Table::new() }; IMAGE_TABLES];
static DEVICES: Table = Table::new();
static EDGES: [Table; EDGE_TABLES] = [const { Table::new() }; EDGE_TABLES];
static EDGES_USED: AtomicUsize = AtomicUsize::new(0);
static VIEWS_USED: AtomicUsize = AtomicUsize::new(0);
static DEVICES_USED: AtomicUsize = AtomicUsize::new(0);
static LARGE_DEVICES_USED: AtomicUsize = AtomicUsize::new(0);
/// In which nothing is mapped: the user's half when there is no user.
static EMPTY: Table = Table::new();

/// Shows the image where it is, while the real tables replace those of the start.
#[unsafe(link_section = ".boot.data")]
static IDENTITY: [Table; 3] = [const { Table::new() }; 3];

unsafe extern "C" {
    safe static boot_moving: u8;
    /// See `start`.
    fn boot_move(root: u64, identity: u64, translation: u64, types: u64, control: u64, at: u64);
}

/// The root of a half of the address space in which nothing is mapped.
pub(super) fn empty_root() -> u64 {
    EMPTY.physical()
}

/// Makes the tables, as far as they do not depend on the machine, and goes on with them.
pub(super) fn start(features: &Features) {
    ROOT.set(LAST, GIGABYTES.entry());
    GIGABYTES.set(LAST, LAST_GIGABYTE.entry());
    for (index, table) in IMAGE.iter().enumerate() {
        LAST_GIGABYTE.set(index, table.entry());
    }
    LAST_GIGABYTE.set(SMALL_DEVICES, DEVICES.entry());
    // Boot's own part is needed a little longer.
    let [boot_text, boot_data] = symbols::boot();
    map_image(boot_text, CODE);
    map_image(boot_data, VARIABLES);
    map_image(symbols::text(), CODE);
    map_image(symbols::rodata(), CONSTANTS);
    map_image(symbols::data(), VARIABLES);
    set_image(trap::guard_page(), 0);
    move_to(features);
}

/// Boot's own part of the image is memory for others from now on.
pub(super) fn forget_boot() {
    for part in symbols::boot() {
        for address in (part.start..part.end).step_by(PAGE as usize) {
            set_image(address, 0);
        }
    }
    forget_kernel();
}

fn map_image(part: Span, attributes: u64) {
    for address in (part.start..part.end).step_by(PAGE as usize) {
        set_image(address, symbols::physical(address) | attributes | TABLE);
    }
}

/// Sets the last entry on the way to `address`, which is in the image.
fn set_image(address: u64, entry: u64) {
    let (middle, leaf) = (address >> 21 & 511, address >> 12 & 511);
    if let Some(table) = IMAGE.get(middle as usize) {
        table.set(leaf as usize, entry);
    }
}

/// The tables of the start and the real ones show the image by pages of different size, so
/// nothing may be looked up in either while one replaces the other.
fn move_to(features: &Features) {
    let base = symbols::image().start;
    let [root, gigabytes, blocks] = &IDENTITY;
    root.set((base >> 39 & 511) as usize, gigabytes.entry());
    gigabytes.set((base >> 30 & 511) as usize, blocks.entry());
    blocks.set((base >> 21 & 511) as usize, base | BLOCK_OF_MEMORY);
    let translation = TRANSLATION
        | features.physical_address_size << 32
        | if features.wide_asids { WIDE_ASIDS } else { 0 };
    let control = if features.privileged_access_never {
        CONTROL & !KEEP_ACCESS
    } else {
        CONTROL
    };
    let moving = symbols::physical((&raw const boot_moving).addr() as u64);
    // SAFETY: the new tables show the kernel where it runs, its stack included, and the identity
    // tables the few instructions in between.
    unsafe {
        boot_move(
            ROOT.physical(),
            root.physical(),
            translation,
            MEMORY_TYPES,
            control,
            moving,
        );
    }
}

fn forget_kernel() {
    // SAFETY: forgetting translations has no other effect.
    unsafe {
        core::arch::asm!(
            "dsb ishst",
            "tlbi vmalle1",
            "dsb ish",
            "isb",
            options(nostack, preserves_flags)
        );
    }
}

/// Whatever was entered is seen from now on.
fn publish() {
    machine::aarch64::registers::store_barrier();
    machine::aarch64::registers::instruction_barrier();
}

/// Shows `span` of memory somewhere, before the window exists. Answers where, if there is room.
pub(super) fn view(span: Span) -> Option<u64> {
    let start = span.start & !(LARGE - 1);
    let blocks = span.end.saturating_sub(start).div_ceil(LARGE) as usize;
    let first = VIEWS_USED.fetch_add(blocks, Ordering::Relaxed);
    let index = FIRST_VIEW.checked_add(first)?;
    index
        .checked_add(blocks)
        .filter(|end| *end <= FIRST_LARGE_DEVICE)?;
    for n in 0..blocks {
        let at = start.saturating_add((n as u64) << 21);
        LAST_GIGABYTE.set(index.saturating_add(n), at | VARIABLES | VALID);
    }
    publish();
    let offset = span.start.saturating_sub(start);
    Some(large_address(index).saturating_add(offset))
}

fn large_address(index: usize) -> u64 {
    KERNEL_BASE.saturating_add((index as u64) << 21)
}

/// Shows the registers of a device. Answers where, if there is room.
pub(super) fn map_device(span: Span) -> Option<u64> {
    let (unit, used, first, room): (u64, _, usize, usize) = if span.size() <= 1 << 16 {
        (PAGE, &DEVICES_USED, 0, 512)
    } else {
        (
            LARGE,
            &LARGE_DEVICES_USED,
            FIRST_LARGE_DEVICE,
            SMALL_DEVICES,
        )
    };
    let start = span.start & !unit.saturating_sub(1);
    let count = span.end.saturating_sub(start).div_ceil(unit) as usize;
    let index = first.checked_add(used.fetch_add(count, Ordering::Relaxed))?;
    index.checked_add(count).filter(|end| *end <= room)?;
    for n in 0..count {
        let at = start.saturating_add(unit.saturating_mul(n as u64));
        let place = index.saturating_add(n);
        if unit == PAGE {
            DEVICES.set(place, at | REGISTERS | TABLE);
        } else {
            LAST_GIGABYTE.set(place, at | REGISTERS | VALID);
        }
    }
    publish();
    let base = if unit == PAGE {
        large_address(SMALL_DEVICES).saturating_add((index as u64) << 12)
    } else {
        large_address(index)
    };
    Some(base.saturating_add(span.start.saturating_sub(start)))
}

/// Shows `span`, whole pages of RAM, in the window; `false` if there are not enough tables.
pub(super) fn show(span: Span) -> bool {
    let mut at = span.start;
    let end = span.end.min(PHYSICAL_WINDOW_SIZE);
    while at < end {
        let left = end.saturating_sub(at);
        let fits = |size: u64| at & size.saturating_sub(1) == 0 && left >= size;
        let gigabyte = (at >> 30) as usize;
        if fits(HUGE) {
            GIGABYTES.set(gigabyte, at | VARIABLES | VALID);
            at = at.saturating_add(HUGE);
            continue;
        }
        let Some(blocks) = table_at(&GIGABYTES, gigabyte) else {
            return false;
        };
        let block = (at >> 21 & 511) as usize;
        if fits(LARGE) {
            blocks.set(block, at | VARIABLES | VALID);
            at = at.saturating_add(LARGE);
            continue;
        }
        let Some(pages) = table_at(blocks, block) else {
            return false;
        };
        pages.set((at >> 12 & 511) as usize, at | VARIABLES | TABLE);
        at = at.saturating_add(PAGE);
    }
    publish();
    true
}

/// The table that entry `index` leads to; a new one if it leads nowhere.
fn table_at(above: &Table, index: usize) -> Option<&'static Table> {
    let entry = above.get(index);
    if entry & TABLE == TABLE {
        let wanted = entry & ADDRESS;
        return EDGES.iter().find(|table| table.physical() == wanted);
    }
    let table = EDGES.get(EDGES_USED.fetch_add(1, Ordering::Relaxed))?;
    above.set(index, table.entry());
    Some(table)
}

/// Where the window shows physical address `at`.
pub(super) const fn window(at: u64) -> u64 {
    // The window is at the top of the address space: wrapping for addresses that it does not show.
    at.wrapping_add(PHYSICAL_WINDOW)
}
