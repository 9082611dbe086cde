//! Spans of physical memory.

use core::ops::Range;
use machine::PhysicalAddress;
use machine::firmware::List;

/// Spans kept: memory, or what is kept out of it.
pub(crate) const MAX_SPANS: usize = 64;
const PAGE: u64 = 4096;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// The `size` bytes from `start` on, as far as there are addresses.
    pub(crate) const fn of(start: u64, size: u64) -> Self {
        Self::new(start, start.saturating_add(size))
    }

    /// The pages that it touches.
    pub(crate) fn pages(self) -> Self {
        let end = self.end.checked_next_multiple_of(PAGE);
        Self::new(self.start & !(PAGE - 1), end.unwrap_or(u64::MAX))
    }

    /// Whether some byte is in both.
    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether all of `other` is in it.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Bytes in it.
    pub(crate) const fn size(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Spans, up to a bound; whether some were left out.
pub(crate) struct Spans {
    list: List<Span, MAX_SPANS>,
    pub(crate) truncated: bool,
}

impl Spans {
    pub(crate) const fn new() -> Self {
        Self {
            list: List::new(Span::new(0, 0)),
            truncated: false,
        }
    }

    pub(crate) fn push(&mut self, span: Span) {
        if span.size() > 0 {
            self.truncated |= !self.list.push(span);
        }
    }

    pub(crate) fn as_slice(&self) -> &[Span] {
        self.list.as_slice()
    }

    /// Takes `taken` away.
    pub(crate) fn remove(&mut self, taken: Span) {
        let before = self.list;
        self.list.clear();
        for &span in before.as_slice() {
            if span.overlaps(taken) {
                self.push(Span::new(span.start, taken.start.max(span.start)));
                self.push(Span::new(taken.end.min(span.end), span.end));
            } else {
                self.push(span);
            }
        }
    }

    /// Takes so many bytes away, from the top of a span, where they are none of `others`.
    pub(crate) fn take(&mut self, bytes: u64, others: &[Span]) -> Option<Span> {
        let top = |span: &Span| {
            let start = span.end.checked_sub(bytes)? & !(PAGE - 1);
            Some(Span::of(start, bytes).pages()).filter(|top| span.contains(*top))
        };
        let is_free = |top: &Span| !others.iter().any(|other| other.overlaps(*top));
        let taken = self.as_slice().iter().filter_map(top).find(is_free)?;
        self.remove(taken);
        Some(taken)
    }

    /// In the kernel core's terms.
    pub(crate) fn ranges<'a>(
        &self,
        into: &'a mut [Range<PhysicalAddress>; MAX_SPANS],
    ) -> &'a [Range<PhysicalAddress>] {
        for (range, span) in into.iter_mut().zip(self.as_slice()) {
            *range = PhysicalAddress(span.start)..PhysicalAddress(span.end);
        }
        into.get(..self.as_slice().len()).unwrap_or(&[])
    }
}
