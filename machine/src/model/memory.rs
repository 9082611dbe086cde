//! Physical memory, and what lives in it.
//!
//! Each region is one allocation of the host, reached only through the raw pointer that the
//! allocator returned: nobody ever holds a reference to all of it, so the kernel's references
//! to single objects alias nothing. Beside the bytes stands the liveness map: one byte for
//! each granule, saying which [`Kind`] lives there and where an object starts.
//!
//! Pages that were never reached are known to be zero, so that a clone copies little.

mod saved;

pub(super) use saved::Saved;

use crate::{KernelAddress, Kind, PhysicalAddress};
use core::cell::Cell;
use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// What the liveness map tells apart: the size and alignment of the smallest object.
pub const GRANULE: u64 = 16;
const PAGE: u64 = 4096;
const GRANULES_PER_PAGE: usize = (PAGE / GRANULE) as usize;

/// Marks the first granule of an object in the liveness map.
const START: u8 = 0x80;
/// Page flag: the bytes may differ from zero.
const REACHED: u8 = 1;
/// Page flag: something was born in the page.
const PEOPLED: u8 = 2;

/// Every kind, by its number.
const KINDS: [Kind; 12] = [
    Kind::Free,
    Kind::Slots,
    Kind::Tcb,
    Kind::Context,
    Kind::Fpu,
    Kind::Endpoint,
    Kind::Notification,
    Kind::Reply,
    Kind::SchedContext,
    Kind::PageTable,
    Kind::AsidPool,
    Kind::Frame,
];

/// An object in memory, as it was born (or what a partial end left of it).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Live {
    /// Where it starts.
    pub at: KernelAddress,
    /// How many bytes it has.
    pub len: u64,
    /// What it is.
    pub kind: Kind,
}

/// All regions of physical memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    regions: Vec<Region>,
    /// Device memory that was given out: nothing but frames, and no bytes.
    devices: std::collections::BTreeMap<u64, u64>,
}

struct Region {
    base: u64,
    len: u64,
    /// The allocation, and where in it the RAM begins.
    whole: NonNull<u8>,
    bytes: NonNull<u8>,
    kinds: Vec<u8>,
    pages: Vec<Cell<u8>>,
    /// For saving and restoring; a clone has none.
    tracking: Option<Box<saved::Tracking>>,
}

// SAFETY: a region owns its allocation; nothing else holds pointers into it while it moves.
unsafe impl Send for Region {}

impl Memory {
    /// Adds RAM at `base`; both page-aligned, overlapping nothing.
    pub(super) fn add_region(&mut self, base: PhysicalAddress, len: u64) {
        assert!(
            base.0.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) && len > 0,
            "model: RAM is made of pages"
        );
        let clash = self
            .regions
            .iter()
            .find(|r| base.0 < r.base + r.len && r.base < base.0 + len);
        assert!(
            clash.is_none(),
            "model: RAM at {:#x} overlaps other RAM",
            base.0
        );
        self.regions.push(Region::new(base.0, len));
    }

    /// The regions of RAM.
    pub(super) fn regions(&self) -> impl Iterator<Item = (PhysicalAddress, u64)> + '_ {
        self.regions
            .iter()
            .map(|r| (PhysicalAddress(r.base), r.len))
    }

    /// The region that holds all of the `len` bytes at `at`, and where in it.
    #[inline]
    fn find(&self, at: KernelAddress, len: u64) -> Option<(&Region, u64)> {
        let p = at.physical().0;
        let r = self
            .regions
            .iter()
            .find(|r| p.wrapping_sub(r.base) < r.len)?;
        let offset = p - r.base;
        (len <= r.len - offset).then_some((r, offset))
    }

    fn find_mut(&mut self, at: KernelAddress, len: u64) -> Option<(&mut Region, u64)> {
        let p = at.physical().0;
        let r = self
            .regions
            .iter_mut()
            .find(|r| p.wrapping_sub(r.base) < r.len)?;
        let offset = p - r.base;
        (len <= r.len - offset).then_some((r, offset))
    }

    /// A pointer to `len` bytes that hold (part of) one live `kind`.
    #[inline]
    pub(super) fn resolve(&self, at: KernelAddress, len: u64, kind: Kind) -> NonNull<u8> {
        let Some((r, offset)) = self.find(at, len) else {
            panic!(
                "kernel defect: {kind:?} of {len} bytes wanted at {:#x}, which is not RAM",
                at.bits()
            );
        };
        if !r.holds(offset, len, kind) {
            panic!(
                "kernel defect: {kind:?} of {len} bytes wanted at {:#x}, found {}",
                at.bits(),
                r.describe(offset, len),
            );
        }
        r.reach(offset, len);
        r.pointer(offset)
    }

    /// Makes the range a live `kind`. It must have been free.
    pub(super) fn born(&mut self, at: KernelAddress, len: u64, kind: Kind) {
        assert!(
            kind != Kind::Free && len > 0,
            "kernel defect: nothing is born at {:#x}",
            at.bits()
        );
        let Some((r, offset)) = self.find_mut(at, len) else {
            return self.device_born(at, len, kind);
        };
        if !r.holds(offset, len, Kind::Free) {
            panic!(
                "kernel defect: {kind:?} born at {:#x} over {}",
                at.bits(),
                r.describe(offset, len)
            );
        }
        r.people(offset, len, kind);
    }

    /// Ends what lives in the range. Nothing there may be free already.
    pub(super) fn gone(&mut self, at: KernelAddress, len: u64) {
        let Some((r, offset)) = self.find_mut(at, len) else {
            return self.device_gone(at, len);
        };
        if !r.all_live(offset, len) {
            panic!(
                "kernel defect: gone twice, {len} bytes at {:#x}: {}",
                at.bits(),
                r.describe(offset, len)
            );
        }
        r.unpeople(offset, len);
    }

    fn device_born(&mut self, at: KernelAddress, len: u64, kind: Kind) {
        let p = at.physical().0;
        assert!(
            kind == Kind::Frame,
            "kernel defect: {kind:?} born at {:#x}, which is not RAM",
            at.bits()
        );
        let before = self.devices.range(..p + len).next_back();
        assert!(
            before.is_none_or(|(&start, &other)| start + other <= p),
            "kernel defect: device frame at {:#x} over another one",
            at.bits()
        );
        self.devices.insert(p, len);
    }

    fn device_gone(&mut self, at: KernelAddress, len: u64) {
        let p = at.physical().0;
        let ended: Vec<u64> = self
            .devices
            .range(p..p + len)
            .map(|(&start, _)| start)
            .collect();
        assert!(
            !ended.is_empty(),
            "kernel defect: gone twice, {len} bytes of device memory at {:#x}",
            at.bits()
        );
        for start in ended {
            self.devices.remove(&start);
        }
    }

    /// Reads a word of a frame or a page table.
    #[inline]
    pub(super) fn load(&self, at: KernelAddress) -> u64 {
        let (r, offset) = self.plain_word(at, "load");
        // SAFETY: `plain_word` found the aligned word inside the region, all of which is
        // initialised; no reference covers frames and page tables.
        unsafe { r.pointer(offset).cast::<u64>().read() }
    }

    /// Writes a word of a frame or a page table.
    #[inline]
    pub(super) fn store(&mut self, at: KernelAddress, value: u64) {
        let (r, offset) = self.plain_word(at, "store");
        r.reach(offset, 8);
        // SAFETY: as in `load`, and `&mut self` excludes other accesses.
        unsafe { r.pointer(offset).cast::<u64>().write(value) }
    }

    #[inline]
    fn plain_word(&self, at: KernelAddress, doing: &str) -> (&Region, u64) {
        assert!(
            at.bits().is_multiple_of(8),
            "kernel defect: {doing} at {:#x}, which is not aligned",
            at.bits()
        );
        let Some((r, offset)) = self.find(at, 8) else {
            panic!(
                "kernel defect: {doing} at {:#x}, which is not RAM",
                at.bits()
            );
        };
        let kind = r.kind_at(offset);
        assert!(
            matches!(kind, Kind::Frame | Kind::PageTable),
            "kernel defect: {doing} at {:#x} wants Frame or PageTable, found {kind:?}",
            at.bits()
        );
        (r, offset)
    }

    /// Zeroes a range in which nothing but frames and page tables live.
    pub(super) fn clear(&mut self, at: KernelAddress, len: u64) {
        assert!(
            at.bits().is_multiple_of(8) && len.is_multiple_of(8),
            "kernel defect: clear of {len} bytes at {:#x}",
            at.bits()
        );
        let Some((r, offset)) = self.find(at, len) else {
            panic!(
                "kernel defect: clear of {len} bytes at {:#x}, which is not RAM",
                at.bits()
            );
        };
        if !r.is_plain(offset, len) {
            panic!(
                "kernel defect: clear of {len} bytes at {:#x} over {}",
                at.bits(),
                r.describe(offset, len)
            );
        }
        r.clear(offset, len);
    }

    /// Whether the bytes of the page around `at` may differ from zero: false only if nothing
    /// ever looked at it. Lets a walk of large, empty CNodes skip what is known to be null.
    pub(super) fn reached(&self, at: KernelAddress) -> bool {
        self.find(at, 1)
            .is_some_and(|(r, offset)| r.pages[(offset / PAGE) as usize].get() & REACHED != 0)
    }

    /// What lives at `at`; `Free` outside RAM.
    pub(super) fn kind_at(&self, at: KernelAddress) -> Kind {
        self.find(at, 1)
            .map_or(Kind::Free, |(r, offset)| r.kind_at(offset))
    }

    /// Every object in RAM, by address.
    pub(super) fn live(&self) -> impl Iterator<Item = Live> + '_ {
        self.regions.iter().flat_map(|r| LiveIn {
            region: r,
            granule: 0,
        })
    }

    /// Every object that begins in the `len` bytes at `at`, by address.
    pub(super) fn live_in(&self, at: KernelAddress, len: u64) -> impl Iterator<Item = Live> + '_ {
        let found = self.find(at, len).map(|(region, offset)| LiveIn {
            region,
            granule: (offset / GRANULE) as usize,
        });
        let end = at.bits() + len;
        found
            .into_iter()
            .flatten()
            .take_while(move |live| live.at.bits() < end)
    }

    /// The bytes of `len` at `at`, whatever lives there.
    pub(super) fn copy_out(&self, at: KernelAddress, len: u64) -> Vec<u8> {
        let Some((r, offset)) = self.find(at, len) else {
            panic!("model: {len} bytes at {:#x} are not RAM", at.bits());
        };
        // SAFETY: `find` checked that the bytes are in the region, which is initialised; the
        // slice ends with this statement, and `&self` excludes writes meanwhile.
        unsafe { core::slice::from_raw_parts(r.pointer(offset).as_ptr(), len as usize) }.to_vec()
    }

    /// Reads a word as the hardware does: no matter what lives there. `None` outside RAM.
    pub(super) fn peek(&self, at: PhysicalAddress) -> Option<u64> {
        let (r, offset) = self.find(KernelAddress::of(at), 8)?;
        assert!(offset % 8 == 0, "model: the hardware reads aligned words");
        // SAFETY: the aligned word is in the region, which is initialised.
        Some(unsafe { r.pointer(offset).cast::<u64>().read() })
    }
}

impl Region {
    fn new(base: u64, len: u64) -> Self {
        let layout = Self::layout(len);
        // SAFETY: `add_region` refused an empty region, so the layout has a size.
        let Some(whole) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the layout has a page more than `len`, so the next page boundary is inside.
        let bytes = unsafe { whole.add(whole.align_offset(PAGE as usize)) };
        let kinds = vec![0; (len / GRANULE) as usize];
        let pages = vec![Cell::new(0); (len / PAGE) as usize];
        Self {
            base,
            len,
            whole,
            bytes,
            kinds,
            pages,
            tracking: None,
        }
    }

    /// What is allocated: a page more than the RAM, which begins at the first page boundary. Memory of
    /// small alignment comes zeroed from the host only when it is touched.
    fn layout(len: u64) -> Layout {
        match Layout::from_size_align((len + PAGE) as usize, GRANULE as usize) {
            Ok(layout) => layout,
            Err(_) => panic!("model: {len} bytes of RAM are more than the host has"),
        }
    }

    /// The pointer to `offset`, with the provenance of the whole allocation.
    #[inline]
    fn pointer(&self, offset: u64) -> NonNull<u8> {
        // SAFETY: every caller's `offset` lies inside the allocation (`Memory::find`).
        unsafe { self.bytes.add(offset as usize) }
    }

    #[inline]
    fn granules(offset: u64, len: u64) -> core::ops::Range<usize> {
        (offset / GRANULE) as usize..(offset + len).div_ceil(GRANULE) as usize
    }

    #[inline]
    fn pages(offset: u64, len: u64) -> core::ops::RangeInclusive<usize> {
        (offset / PAGE) as usize..=((offset + len.max(1) - 1) / PAGE) as usize
    }

    /// Whether the range holds one piece of one `kind`: only its first granule may be a start.
    #[inline]
    fn holds(&self, offset: u64, len: u64, kind: Kind) -> bool {
        match &self.kinds[Self::granules(offset, len)] {
            [] => true,
            [first, rest @ ..] => first & !START == kind as u8 && all_are(rest, kind as u8),
        }
    }

    fn all_live(&self, offset: u64, len: u64) -> bool {
        self.kinds[Self::granules(offset, len)]
            .iter()
            .all(|&k| k != 0)
    }

    fn is_plain(&self, offset: u64, len: u64) -> bool {
        let plain = [Kind::Free as u8, Kind::Frame as u8, Kind::PageTable as u8];
        // Whole pages in which nothing was ever born are free: resets of large untypeds are quick.
        Self::pages(offset, len).all(|page| {
            let start = (page as u64 * PAGE).max(offset);
            let end = ((page as u64 + 1) * PAGE).min(offset + len);
            self.pages[page].get() & PEOPLED == 0
                || self.kinds[Self::granules(start, end - start)]
                    .iter()
                    .all(|k| plain.contains(&(k & !START)))
        })
    }

    fn kind_at(&self, offset: u64) -> Kind {
        KINDS[(self.kinds[(offset / GRANULE) as usize] & !START) as usize]
    }

    #[inline]
    fn flag(&self, offset: u64, len: u64, flag: u8) {
        for page in &self.pages[Self::pages(offset, len)] {
            page.set(page.get() | flag);
        }
    }

    #[inline]
    fn reach(&self, offset: u64, len: u64) {
        self.flag(offset, len, REACHED);
        self.touch(offset, len);
    }

    fn people(&mut self, offset: u64, len: u64, kind: Kind) {
        self.flag(offset, len, PEOPLED);
        self.touch(offset, len);
        let granules = Self::granules(offset, len);
        let first = granules.start;
        self.kinds[granules].fill(kind as u8);
        self.kinds[first] |= START;
    }

    fn unpeople(&mut self, offset: u64, len: u64) {
        self.touch(offset, len);
        let granules = Self::granules(offset, len);
        let next = granules.end;
        if (next as u64) < self.len / GRANULE {
            self.touch(next as u64 * GRANULE, GRANULE);
        }
        self.kinds[granules].fill(0);
        // What is left of a range whose beginning went is an object of its own.
        if let Some(rest) = self.kinds.get_mut(next).filter(|k| **k != 0) {
            *rest |= START;
        }
    }

    fn clear(&self, offset: u64, len: u64) {
        if len == 0 {
            return;
        }
        for page in Self::pages(offset, len) {
            if self.pages[page].get() & REACHED == 0 {
                continue;
            }
            let start = (page as u64 * PAGE).max(offset);
            let end = ((page as u64 + 1) * PAGE).min(offset + len);
            self.touch(start, end - start);
            // SAFETY: the range is inside the region, and the caller's `&mut Memory` excludes
            // other accesses.
            unsafe { self.pointer(start).write_bytes(0, (end - start) as usize) };
        }
    }

    /// What a range holds, for messages.
    fn describe(&self, offset: u64, len: u64) -> String {
        let found: Vec<String> = self.kinds[Self::granules(offset, len)]
            .chunk_by(|a, b| *b == *a & !START)
            .map(|run| {
                format!(
                    "{:?} ({} bytes)",
                    KINDS[(run[0] & !START) as usize],
                    run.len() as u64 * GRANULE
                )
            })
            .collect();
        found.join(", ")
    }
}

impl Clone for Region {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.base, self.len);
        for (page, flags) in self.pages.iter().enumerate() {
            if flags.get() & REACHED != 0 {
                let offset = page as u64 * PAGE;
                let from = self.pointer(offset);
                // SAFETY: two allocations of the same length, and the page lies inside both.
                unsafe {
                    copy.pointer(offset)
                        .copy_from_nonoverlapping(from, PAGE as usize)
                };
            }
            if flags.get() & PEOPLED != 0 {
                let granules = page * GRANULES_PER_PAGE..(page + 1) * GRANULES_PER_PAGE;
                copy.kinds[granules.clone()].copy_from_slice(&self.kinds[granules]);
            }
            copy.pages[page].set(flags.get());
        }
        copy
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout, and freed only here.
        unsafe { dealloc(self.whole.as_ptr(), Self::layout(self.len)) };
    }
}

impl core::fmt::Debug for Region {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RAM {:#x}..{:#x}", self.base, self.base + self.len)
    }
}

/// Walks the liveness map of one region, start mark by start mark.
struct LiveIn<'a> {
    region: &'a Region,
    granule: usize,
}

impl Iterator for LiveIn<'_> {
    type Item = Live;

    fn next(&mut self) -> Option<Live> {
        let kinds = &self.region.kinds;
        while *kinds.get(self.granule)? == 0 {
            // Skip pages in which nothing was ever born.
            let page = self.granule / GRANULES_PER_PAGE;
            let end = (page + 1) * GRANULES_PER_PAGE;
            let empty = self.region.pages[page].get() & PEOPLED == 0;
            self.granule = if empty {
                end
            } else {
                self.granule + run_length(&kinds[self.granule..end], 0)
            };
        }
        let start = self.granule;
        let kind = kinds[start] & !START;
        let len = 1 + run_length(&kinds[start + 1..], kind);
        self.granule = start + len;
        Some(Live {
            at: KernelAddress::of(PhysicalAddress(self.region.base + start as u64 * GRANULE)),
            len: len as u64 * GRANULE,
            kind: KINDS[kind as usize],
        })
    }
}

/// Whether each of `kinds` is `kind`. A comparison of the slice with itself, one further, is one call
/// for the host, and one step for Miri.
fn all_are(kinds: &[u8], kind: u8) -> bool {
    match kinds {
        [] => true,
        [first, rest @ ..] => *first == kind && rest == &kinds[..rest.len()],
    }
}

/// How many of `kinds` from the first on are `kind`. Looks at sixteen at a time: these walks are
/// what the invariants spend their time on.
fn run_length(kinds: &[u8], kind: u8) -> usize {
    let wanted = u128::from_ne_bytes([kind; 16]);
    let (chunks, _) = kinds.as_chunks::<16>();
    let whole = 16
        * chunks
            .iter()
            .take_while(|chunk| u128::from_ne_bytes(**chunk) == wanted)
            .count();
    whole + kinds[whole..].iter().take_while(|&&k| k == kind).count()
}
