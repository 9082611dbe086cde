//! Regions of memory, and how they are cut into untypeds: arithmetic only.

use super::BootError;
use abi::object::MIN_UNTYPED_BITS;

/// From `start` up to, not including, `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Region {
    /// The first byte.
    pub start: u64,
    /// The byte behind the last.
    pub end: u64,
}

impl Region {
    /// From `start` to `end`.
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// Bytes in it; 0 if it ends before it starts.
    pub const fn size(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether some byte is in both.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// What is in both; perhaps nothing.
    #[must_use]
    pub fn clipped(self, to: Self) -> Self {
        Self::new(self.start.max(to.start), self.end.min(to.end))
    }
}

/// How many regions of one sort boot can keep apart.
pub const MAX_REGIONS: usize = 160;

/// Regions in ascending order, none of which overlap. Those that only touch stay apart: what the
/// platform lists as two pieces of memory becomes two rows of untypeds.
#[derive(Clone, Copy, Debug)]
pub struct Regions {
    items: [Region; MAX_REGIONS],
    len: usize,
}

impl Regions {
    /// No regions.
    pub const NONE: Self = Self {
        items: [Region::new(0, 0); MAX_REGIONS],
        len: 0,
    };

    /// All of them.
    pub fn as_slice(&self) -> &[Region] {
        self.items.get(..self.len).unwrap_or(&[])
    }

    /// Adds `new`, joined with those that it overlaps.
    pub fn insert(&mut self, new: Region) -> Result<(), BootError> {
        if new.is_empty() {
            return Ok(());
        }
        let mut joined = new;
        for region in self.as_mut_slice() {
            if region.overlaps(joined) {
                joined.start = joined.start.min(region.start);
                joined.end = joined.end.max(region.end);
                *region = Region::default();
            }
        }
        self.drop_empty();
        let index = self.as_slice().partition_point(|r| r.start < joined.start);
        self.put(index, joined)
    }

    /// Takes `hole` out of all regions.
    pub fn remove(&mut self, hole: Region) -> Result<(), BootError> {
        if hole.is_empty() {
            return Ok(());
        }
        let mut split = None;
        for (region, index) in self.as_mut_slice().iter_mut().zip(0..MAX_REGIONS) {
            let below = Region::new(region.start, region.end.min(hole.start));
            let above = Region::new(region.start.max(hole.end), region.end);
            if !region.overlaps(hole) {
                continue;
            }
            *region = if below.is_empty() { above } else { below };
            if !below.is_empty() && !above.is_empty() {
                // The hole is inside this one, so it touches no other.
                split = Some((index.saturating_add(1), above));
            }
        }
        self.drop_empty();
        split.map_or(Ok(()), |(index, above)| self.put(index, above))
    }

    /// What lies between the regions, from 0 to `top`.
    pub fn gaps(&self, top: u64) -> impl Iterator<Item = Region> + '_ {
        let end = Region::new(top, top);
        let mut reached = 0;
        self.as_slice()
            .iter()
            .copied()
            .chain([end])
            .filter_map(move |region| {
                let gap = Region::new(reached, region.start.min(top));
                reached = reached.max(region.end);
                (!gap.is_empty()).then_some(gap)
            })
    }

    fn as_mut_slice(&mut self) -> &mut [Region] {
        self.items.get_mut(..self.len).unwrap_or(&mut [])
    }

    fn drop_empty(&mut self) {
        let mut kept = 0usize;
        for index in 0..self.len {
            let region = self.items.get(index).copied().unwrap_or_default();
            if !region.is_empty()
                && let Some(place) = self.items.get_mut(kept)
            {
                *place = region;
                kept = kept.saturating_add(1);
            }
        }
        self.len = kept;
    }

    /// Makes `region` the one at `index`; those from there on move up.
    fn put(&mut self, index: usize, region: Region) -> Result<(), BootError> {
        let len = self.len.saturating_add(1);
        let places = self
            .items
            .get_mut(index..len)
            .ok_or(BootError::TooManyRegions)?;
        let mut carried = region;
        places
            .iter_mut()
            .for_each(|place| core::mem::swap(place, &mut carried));
        self.len = len;
        Ok(())
    }
}

/// How regions are cut.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Pieces are aligned to their size in the kernel's window on physical memory, which starts
    /// here: what user space can observe of that is where device memory beyond the window is cut.
    pub window: u64,
    /// log2 of the size of the largest piece.
    pub max_bits: u32,
}

/// A piece of `2^bits` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Physical address.
    pub start: u64,
    /// log2 of the size.
    pub bits: u32,
}

impl Grid {
    /// Cuts `region`: from its start on, each time the largest piece that fits and is aligned.
    /// What is too small to be an untyped, at the edges, is left out.
    pub fn pieces(self, region: Region) -> impl Iterator<Item = Piece> {
        let mut at = region.start;
        core::iter::from_fn(move || {
            let fits = region.end.checked_sub(at)?.checked_ilog2()?;
            // The window is at the top of the kernel's addresses, so the sum wraps.
            let aligned = at.wrapping_add(self.window).trailing_zeros();
            let piece = Piece {
                start: at,
                bits: fits.min(aligned).min(self.max_bits),
            };
            at = at.saturating_add(1 << piece.bits);
            Some(piece)
        })
        .filter(|piece| piece.bits >= MIN_UNTYPED_BITS as u32)
    }
}
