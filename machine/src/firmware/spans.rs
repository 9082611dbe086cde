//! Spans of physical memory: which is RAM, which of it is still free, what is kept from user space.

use super::List;
use super::loader::{LoaderInfo, MAX_MEMORY, MemoryEntry};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Below it are the BIOS's memory and holes; user space gets that as device memory.
const LOW_MEMORY: u64 = 1 << 20;

/// Spans of RAM kept: every entry of the loader's map, cut by what is taken from it.
pub const MAX_SPANS: usize = MAX_MEMORY + 16;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// The first.
    pub start: u64,
    /// One past the last.
    pub end: u64,
}

impl Span {
    /// The addresses from `start` up to `end`.
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// The `len` bytes from `start` on, as far as there are addresses.
    pub const fn of(start: u64, len: u64) -> Self {
        Self {
            start,
            end: start.saturating_add(len),
        }
    }

    /// How many bytes it has.
    pub const fn size(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Spans in ascending order, without overlaps; those that touch are one.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    spans: List<Span, MAX_SPANS>,
}

impl Spans {
    /// None.
    pub const fn new() -> Self {
        Self {
            spans: List::new(Span { start: 0, end: 0 }),
        }
    }

    /// Adds the RAM that the loader's map shows, in whole pages: what is above 1 MiB and below
    /// `limit`. What the map shows as anything else, too, is not RAM.
    pub fn insert_ram(&mut self, loader: &LoaderInfo, limit: u64) {
        let entries = || loader.memory.as_slice().iter();
        for entry in entries().filter(|entry| entry.kind == MemoryEntry::RAM) {
            let end = entry.base.saturating_add(entry.length).min(limit) & !(PAGE - 1);
            let start = entry.base.max(LOW_MEMORY).checked_next_multiple_of(PAGE);
            if let Some(start) = start.filter(|start| *start < end) {
                self.insert(Span { start, end });
            }
        }
        for entry in entries().filter(|entry| entry.kind != MemoryEntry::RAM) {
            let end = entry.base.saturating_add(entry.length);
            self.remove(Span {
                start: entry.base,
                end: end.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX),
            });
        }
    }

    /// What there is.
    pub fn spans(&self) -> &[Span] {
        self.spans.as_slice()
    }

    /// The span that all of `wanted` lies in.
    pub fn around(&self, wanted: Span) -> Option<Span> {
        self.spans()
            .iter()
            .copied()
            .find(|span| span.start <= wanted.start && wanted.end <= span.end)
    }

    /// Takes the pages of `taken` away.
    pub fn remove(&mut self, taken: Span) {
        let taken = Span {
            start: taken.start & !(PAGE - 1),
            end: taken.end,
        };
        let before = self.spans;
        self.spans.clear();
        for span in before.as_slice() {
            let below = Span {
                start: span.start,
                end: span.end.min(taken.start),
            };
            let above = Span {
                start: span.start.max(taken.end),
                end: span.end,
            };
            if taken.start >= taken.end || below == above {
                self.push(*span);
                continue;
            }
            self.push(below);
            self.push(above);
        }
    }

    /// Adds a span, at its place, joined with those that it touches.
    pub fn insert(&mut self, new: Span) {
        let before = self.spans;
        self.spans.clear();
        let mut new = Some(new);
        for span in before.as_slice() {
            match new {
                Some(joined) if joined.end < span.start => {
                    self.push(joined);
                    self.push(*span);
                    new = None;
                }
                Some(joined) if joined.start <= span.end => {
                    new = Some(Span {
                        start: joined.start.min(span.start),
                        end: joined.end.max(span.end),
                    });
                }
                _ => self.push(*span),
            }
        }
        if let Some(joined) = new {
            self.push(joined);
        }
    }

    /// Memory beyond the bound is not used.
    fn push(&mut self, span: Span) {
        if span.start < span.end {
            self.spans.push(span);
        }
    }
}

impl Default for Spans {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    /// The same with a set of pages.
    fn model(spans: &Spans) -> BTreeSet<u64> {
        let spans = spans.spans();
        assert!(spans.iter().all(|span| span.start < span.end));
        assert!(
            spans.windows(2).all(|pair| pair[0].end < pair[1].start),
            "{spans:x?}"
        );
        spans
            .iter()
            .flat_map(|span| (span.start / PAGE)..(span.end / PAGE))
            .collect()
    }

    #[test]
    fn spans_behave_as_sets_of_pages() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % bound
        };
        for _ in 0..500 {
            let (mut spans, mut pages) = (Spans::new(), BTreeSet::new());
            for _ in 0..30 {
                let (start, count) = (random(60), random(12));
                let span = Span::of(start * PAGE, count * PAGE);
                if count > 0 && random(2) == 0 {
                    spans.insert(span);
                    pages.extend(start..start + count);
                } else {
                    spans.remove(span);
                    pages.retain(|page| !(start..start + count).contains(page));
                }
                assert_eq!(model(&spans), pages);
                let wanted = Span::of(random(70) * PAGE, PAGE * (1 + random(3)));
                let there =
                    (wanted.start / PAGE..wanted.end / PAGE).all(|page| pages.contains(&page));
                assert_eq!(spans.around(wanted).is_some(), there);
            }
        }
    }

    fn ram(entries: &[(u64, u64, u32)]) -> Vec<Span> {
        let mut loader = LoaderInfo::new();
        for &(base, length, kind) in entries {
            loader.memory.push(MemoryEntry { base, length, kind });
        }
        let mut spans = Spans::new();
        spans.insert_ram(&loader, 1 << 40);
        spans.spans().to_vec()
    }

    #[test]
    fn ram_is_whole_pages_above_one_mib() {
        assert_eq!(
            ram(&[(0, 0x9fc00, 1), (0x10_0000, 0x1234, 1)]),
            [Span::new(0x10_0000, 0x10_1000)]
        );
        assert_eq!(
            ram(&[(0x8_0000, 0x10_0000, 1)]),
            [Span::new(0x10_0000, 0x18_0000)]
        );
        assert_eq!(ram(&[(0x20_0800, 0x1000, 1)]), []);
        assert_eq!(
            ram(&[(0x30_0000, 0x1000, 1), (0x20_0000, 0x1000, 1)]).len(),
            2,
            "in any order"
        );
    }

    #[test]
    fn what_is_also_something_else_is_not_ram() {
        let found = ram(&[
            (0x20_0000, 0x1000, 2),
            (0x10_0000, 0x20_0000, 1),
            (0x2f_f800, 0x10, 3),
        ]);
        let expected = [
            Span::new(0x10_0000, 0x20_0000),
            Span::new(0x20_1000, 0x2f_f000),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn no_map_overflows() {
        assert_eq!(ram(&[(u64::MAX, u64::MAX, 1), (u64::MAX - 1, 1, 2)]), []);
        let found = ram(&[(0x10_0000, u64::MAX, 1), (u64::MAX - 5, u64::MAX, 2)]);
        assert_eq!(found, [Span::new(0x10_0000, 1 << 40)]);
    }
}
