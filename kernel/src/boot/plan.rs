//! Where everything goes, before anything is done: the root task's virtual layout, its objects in
//! physical memory, its slots, and what is left as untyped memory. Nothing here has an effect.
//! (`abi/bootinfo.md`; every number is visible to user space, and tools predict them.)

use super::region::{Grid, Piece, Region, Regions};
use super::{BootError, Platform};
use abi::bootinfo::{BootInfoHeader, NUM_INITIAL_CAPS, SlotRegion};
use abi::object::{ASID_POOL_BITS, MIN_SCHED_CONTEXT_BITS, PAGE_BITS, PAGE_TABLE_BITS, SLOT_BITS};

/// Bytes of a page.
pub const PAGE: u64 = 1 << PAGE_BITS;
/// Levels of page tables that an ISA can have below the root.
pub const MAX_LEVELS: usize = 3;

/// In which order the first capabilities that have no fixed slot come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotOrder {
    /// SchedControl, page tables, extra BootInfo, image.
    SchedControlFirst,
    /// Page tables, extra BootInfo, SchedControl, image.
    PagingFirst,
}

/// What an ISA and a profile decide about boot.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Order of slots.
    pub order: SlotOrder,
    /// How regions become untypeds.
    pub grid: Grid,
    /// The first physical address that the kernel's window does not show.
    pub window_end: u64,
    /// The first physical address that is not given out as device memory.
    pub device_top: u64,
    /// The first virtual address beyond user space.
    pub user_top: u64,
    /// For each level of tables below the root, from the top: log2 of what a table spans.
    pub table_spans: &'static [u32],
    /// Whether all of the extra region is mapped, or only the pages with content.
    pub extra_mapped_whole: bool,
    /// log2 of the slots of the root CNode.
    pub cnode_bits: u32,
    /// log2 of the bytes of the root of an address space.
    pub vspace_bits: u32,
    /// log2 of the bytes of a TCB.
    pub tcb_bits: u32,
    /// SchedControl capabilities.
    pub nodes: u64,
    /// Entries of the untyped list.
    pub max_untypeds: usize,
}

/// The root task's address space: image, IPC buffer, BootInfo, extra region, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The image.
    pub image: Region,
    /// The page of the IPC buffer.
    pub ipc_buffer: u64,
    /// The page of BootInfo.
    pub boot_info: u64,
    /// The span reserved for extra BootInfo.
    pub extra: Region,
    /// Bytes of content in it.
    pub extra_len: u64,
    /// How many of its pages are mapped.
    pub extra_pages: u64,
}

/// Page tables of one level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// Bytes that a table spans.
    pub span: u64,
    /// The first virtual address that the first table spans.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// Where the root task's objects are in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Objects {
    /// All of them.
    pub all: Region,
    /// The root CNode.
    pub cnode: u64,
    /// The root of the address space.
    pub vspace: u64,
    /// The extra region, if there is one.
    pub extra: u64,
    /// The first ASID pool.
    pub asid_pool: u64,
    /// The page of the IPC buffer.
    pub ipc_buffer: u64,
    /// The page of BootInfo.
    pub boot_info: u64,
    /// The root task's thread.
    pub tcb: u64,
    /// The first page table; the others follow.
    pub tables: u64,
    /// Its scheduling context.
    pub sched_context: u64,
}

/// The slots of the capabilities that have no fixed one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Slots {
    /// Authority over the time of each core.
    pub sched_control: SlotRegion,
    /// Page tables.
    pub paging: SlotRegion,
    /// Frames of extra BootInfo.
    pub extra: SlotRegion,
    /// Frames of the image.
    pub image: SlotRegion,
    /// Untypeds.
    pub untyped: SlotRegion,
    /// What is left.
    pub empty: SlotRegion,
}

/// An untyped of the root task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Untyped {
    /// Where, and how large.
    pub piece: Piece,
    /// Not RAM.
    pub device: bool,
}

/// Where everything goes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The root task's address space.
    pub layout: Layout,
    /// Page tables for it, from the top.
    pub levels: [Level; MAX_LEVELS],
    /// Its objects.
    pub objects: Objects,
    /// Its slots.
    pub slots: Slots,
    /// Untypeds for which there is no entry in the list.
    pub untypeds_lost: u64,
    grid: Grid,
    device_top: u64,
    memory: Memory,
}

impl Plan {
    /// Plans the start of the root task of `platform`.
    #[inline(never)]
    pub fn new(rules: &Rules, platform: &Platform<'_>) -> Result<Self, BootError> {
        let layout = Layout::new(rules, platform)?;
        let levels = levels(rules, Region::new(layout.image.start, layout.extra.end));
        let tables = levels
            .iter()
            .fold(0u64, |sum, level| sum.saturating_add(level.count));
        let mut plan = Self {
            layout,
            levels,
            objects: Objects::default(),
            slots: Slots::default(),
            untypeds_lost: 0,
            grid: rules.grid,
            device_top: rules.device_top,
            memory: Memory::new(rules, platform)?,
        };
        plan.objects = Objects::place(rules, layout.extra.size(), tables, &plan.memory.free)?;
        plan.memory.free.remove(plan.objects.all)?;
        plan.assign_slots(rules, tables)?;
        Ok(plan)
    }

    /// The root task's untypeds, in the order of their slots: devices, the memory that boot
    /// itself was in, free memory.
    pub fn untypeds(&self) -> impl Iterator<Item = Untyped> + '_ {
        let SlotRegion { start, end } = self.slots.untyped;
        self.all_untypeds().take(end.saturating_sub(start) as usize)
    }

    fn all_untypeds(&self) -> impl Iterator<Item = Untyped> + '_ {
        let grid = self.grid;
        let cut = move |device: bool| {
            move |region: Region| {
                grid.pieces(region)
                    .map(move |piece| Untyped { piece, device })
            }
        };
        let devices = self
            .memory
            .reserved
            .gaps(self.device_top)
            .flat_map(cut(true));
        let memory = [self.memory.boot]
            .into_iter()
            .chain(self.memory.free.as_slice().iter().copied());
        devices.chain(memory.flat_map(cut(false)))
    }

    fn assign_slots(&mut self, rules: &Rules, tables: u64) -> Result<(), BootError> {
        let slots = 1u64 << rules.cnode_bits;
        let mut next = NUM_INITIAL_CAPS as u64;
        let mut some = |count: u64| {
            let start = next;
            next = next.saturating_add(count);
            SlotRegion { start, end: next }
        };
        let sched_first = rules.order == SlotOrder::SchedControlFirst;
        let early = sched_first.then(|| some(rules.nodes));
        let paging = some(tables);
        let extra = some(self.layout.extra_pages);
        let sched_control = early.unwrap_or_else(|| some(rules.nodes));
        let image = some(self.layout.image.size() / PAGE);
        let available = slots.saturating_sub(image.end);
        if available == 0 {
            return Err(BootError::TooFewSlots {
                wanted: image.end,
                available: slots,
            });
        }
        // Not `count`, which would check for an overflow.
        let all = self.all_untypeds().fold(0u64, |n, _| n.saturating_add(1));
        let untyped = some(all.min(rules.max_untypeds as u64).min(available));
        let empty = SlotRegion {
            start: untyped.end,
            end: slots,
        };
        // A region without slots is told as (0, 0).
        let extra = if self.layout.extra_pages == 0 {
            SlotRegion::default()
        } else {
            extra
        };
        self.slots = Slots {
            sched_control,
            paging,
            extra,
            image,
            untyped,
            empty,
        };
        self.untypeds_lost = all.saturating_sub(untyped.end.saturating_sub(untyped.start));
        Ok(())
    }
}

impl Layout {
    fn new(rules: &Rules, platform: &Platform<'_>) -> Result<Self, BootError> {
        let start = platform.user_image.virtual_start;
        let physical = platform.user_image_region();
        let whole = [start, physical.start, physical.end]
            .iter()
            .all(|at| at.is_multiple_of(PAGE));
        if physical.is_empty() || !whole {
            return Err(BootError::ImageNotPages {
                start: physical.start,
                end: physical.end,
            });
        }
        let extra_len = platform.extra.iter().fold(0u64, |sum, chunk| {
            sum.saturating_add(size_of::<BootInfoHeader>() as u64)
                .saturating_add(chunk.bytes.len() as u64)
        });
        let extra_size = match extra_len {
            0 => 0,
            len => len
                .max(PAGE)
                .checked_next_power_of_two()
                .ok_or(BootError::ExtraTooLarge { wanted: len })?,
        };
        // Saturating: an end that does not fit in a word is beyond user space all the same.
        let image = Region::new(start, start.saturating_add(physical.size()));
        let boot_info = image.end.saturating_add(PAGE);
        let extra_start = boot_info.saturating_add(PAGE);
        let extra = Region::new(extra_start, extra_start.saturating_add(extra_size));
        if extra.end > rules.user_top {
            return Err(BootError::ImageOutsideUserSpace {
                end: extra.end,
                top: rules.user_top,
            });
        }
        let entry = platform.user_image.entry;
        if !(image.start..image.end).contains(&entry) {
            return Err(BootError::EntryOutsideImage { entry });
        }
        let mapped = if rules.extra_mapped_whole {
            extra_size
        } else {
            extra_len
        };
        Ok(Self {
            image,
            ipc_buffer: image.end,
            boot_info,
            extra,
            extra_len,
            extra_pages: mapped.div_ceil(PAGE),
        })
    }
}

/// The tables that are needed to map all of `span`, which is not empty.
fn levels(rules: &Rules, span: Region) -> [Level; MAX_LEVELS] {
    let mut levels = [Level::default(); MAX_LEVELS];
    for (level, &span_bits) in levels.iter_mut().zip(rules.table_spans) {
        let number = |at: u64| at.unbounded_shr(span_bits);
        let (first, last) = (number(span.start), number(span.end.saturating_sub(1)));
        *level = Level {
            span: 1u64.unbounded_shl(span_bits),
            first: first.unbounded_shl(span_bits),
            count: last.saturating_sub(first).saturating_add(1),
        };
    }
    levels
}

/// What physical memory is for.
#[derive(Clone, Debug)]
struct Memory {
    /// Neither device memory for user space nor anything else that has an address for it.
    reserved: Regions,
    /// What boot itself was in.
    boot: Region,
    free: Regions,
}

impl Memory {
    fn new(rules: &Rules, platform: &Platform<'_>) -> Result<Self, BootError> {
        let window = Region::new(0, rules.window_end);
        let kernel = platform.kernel_region();
        let image = platform.user_image_region();
        if image.overlaps(kernel) {
            return Err(BootError::ImageInKernel {
                start: image.start,
                kernel_end: kernel.end,
            });
        }
        if image.end > window.end {
            return Err(BootError::ImageOutsideWindow {
                end: image.end,
                window: window.end,
            });
        }
        let boot = Region::new(kernel.start, platform.boot_memory_end.0).clipped(kernel);
        let mut memory = Self {
            reserved: Regions::NONE,
            boot,
            free: Regions::NONE,
        };
        for region in platform.memory_regions() {
            memory.free.insert(region.clipped(window))?;
            memory.reserved.insert(region)?;
        }
        for taken in [kernel, image].into_iter().chain(platform.device_regions()) {
            memory.free.remove(taken)?;
            memory.reserved.insert(taken)?;
        }
        Ok(memory)
    }
}

/// Gives out memory, upwards. Everything is aligned because sizes descend.
struct Cursor(u64);

impl Cursor {
    fn take(&mut self, size: u64) -> u64 {
        let at = self.0;
        self.0 = at.saturating_add(size);
        at
    }
}

impl Objects {
    /// Places all objects in the highest region of `free` that holds them.
    fn place(rules: &Rules, extra: u64, tables: u64, free: &Regions) -> Result<Self, BootError> {
        let wanted = Self::at(rules, extra, tables, 0).all.end;
        let largest = extra
            .max(1 << rules.cnode_size_bits())
            .max(1 << rules.vspace_bits);
        let start = free.as_slice().iter().rev().find_map(|region| {
            // All sizes are powers of two.
            let start = region.end.checked_sub(wanted)? & !largest.saturating_sub(1);
            (start >= region.start).then_some(start)
        });
        match start {
            Some(start) => Ok(Self::at(rules, extra, tables, start)),
            None => {
                let sizes = free.as_slice().iter().map(|region| region.size());
                Err(BootError::TooLittleMemory {
                    wanted,
                    largest: sizes.max().unwrap_or(0),
                })
            }
        }
    }

    /// Places all objects from `start` on: descending by size, the extra region in front of the
    /// first that is not larger.
    fn at(rules: &Rules, extra: u64, tables: u64, start: u64) -> Self {
        let (cnode, vspace) = (1u64 << rules.cnode_size_bits(), 1u64 << rules.vspace_bits);
        let (page, tcb) = (PAGE, 1u64 << rules.tcb_bits);
        let mut next = Cursor(start);
        let mut objects = Self::default();
        let (larger, smaller) = (cnode.max(vspace), cnode.min(vspace));

        if extra >= larger {
            objects.extra = next.take(extra);
        }
        let first = next.take(larger);
        if (smaller..larger).contains(&extra) {
            objects.extra = next.take(extra);
        }
        let second = next.take(smaller);
        if extra < smaller {
            objects.extra = next.take(extra);
        }
        (objects.cnode, objects.vspace) = if cnode > vspace {
            (first, second)
        } else {
            (second, first)
        };
        objects.asid_pool = next.take(1 << ASID_POOL_BITS);
        objects.ipc_buffer = next.take(page);
        objects.boot_info = next.take(page);
        if tcb >= page {
            objects.tcb = next.take(tcb);
        }
        objects.tables = next.take(tables.saturating_mul(1 << PAGE_TABLE_BITS));
        if tcb < page {
            objects.tcb = next.take(tcb);
        }
        objects.sched_context = next.take(1 << MIN_SCHED_CONTEXT_BITS);
        objects.all = Region::new(start, next.0);
        objects
    }
}

impl Rules {
    fn cnode_size_bits(&self) -> u32 {
        self.cnode_bits.saturating_add(SLOT_BITS as u32)
    }
}
