//! Which physical memory is RAM, which of it is still free, and what is kept from user space.

use super::symbols::Span;
use machine::address::PHYSICAL_WINDOW_SIZE;
use machine::firmware::List;
use machine::firmware::loader::{LoaderInfo, MAX_MEMORY, MemoryEntry};

pub(super) const PAGE: u64 = 4096;
/// Below it are the BIOS's memory and holes; user space gets that as device memory.
const LOW_MEMORY: u64 = 1 << 20;

/// Spans of RAM kept: every entry of the loader's map, cut by what is taken from it.
pub(super) const MAX_SPANS: usize = MAX_MEMORY + 16;

/// Spans in ascending order, without overlaps.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    spans: List<Span, MAX_SPANS>,
}

impl Spans {
    /// None.
    pub(super) const fn new() -> Self {
        Self {
            spans: List::new(Span { start: 0, end: 0 }),
        }
    }

    /// Adds the RAM that the loader's map shows, in whole pages: what is above 1 MiB and within
    /// the kernel's window.
    pub(super) fn insert_ram(&mut self, loader: &LoaderInfo) {
        let entries = || loader.memory.as_slice().iter();
        for entry in entries().filter(|entry| entry.kind == MemoryEntry::RAM) {
            let end = entry
                .base
                .saturating_add(entry.length)
                .min(PHYSICAL_WINDOW_SIZE)
                & !(PAGE - 1);
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
    pub(super) fn spans(&self) -> &[Span] {
        self.spans.as_slice()
    }

    /// The span that all of `wanted` lies in.
    pub(super) fn around(&self, wanted: Span) -> Option<Span> {
        self.spans()
            .iter()
            .copied()
            .find(|span| span.start <= wanted.start && wanted.end <= span.end)
    }

    /// Takes the pages of `taken` away.
    pub(super) fn remove(&mut self, taken: Span) {
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
    pub(super) fn insert(&mut self, new: Span) {
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
