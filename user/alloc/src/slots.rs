//! Free slots of a CNode: a bit for each.

use crate::{AllocError, Result};
use abi::Word;
use abi::bootinfo::BootInfo;
use user_api::{CNode, SlotPath, SlotWindow};

const BITS: usize = u64::BITS as usize;

/// Slots of a thread's root CNode, up to `64 * WORDS` of them. A set bit is a slot in use.
pub struct Slots<const WORDS: usize = 128> {
    node: CNode,
    first: Word,
    count: usize,
    used: [u64; WORDS],
    /// Below this word there is no free slot.
    hint: usize,
}

impl<const WORDS: usize> Slots<WORDS> {
    /// The slots `first` to, not including, `end` of `node`; if there are more than fit, the first ones.
    pub const fn new(node: CNode, first: Word, end: Word) -> Self {
        let wanted = (end - first) as usize;
        let room = WORDS * BITS;
        let count = if wanted < room { wanted } else { room };
        Self {
            node,
            first,
            count,
            used: [0; WORDS],
            hint: 0,
        }
    }

    /// What BootInfo leaves free, without the last `keep` slots (the run-time system wants two).
    pub const fn from_boot(boot: &BootInfo, keep: Word) -> Self {
        Self::new(
            CNode::new(abi::bootinfo::INIT_CNODE as Word),
            boot.empty.start,
            boot.empty.end - keep,
        )
    }

    fn is_free(&self, index: usize) -> bool {
        index < self.count && self.used[index / BITS] & (1 << (index % BITS)) == 0
    }

    fn mark(&mut self, index: usize) {
        self.used[index / BITS] |= 1 << (index % BITS);
    }

    /// A free slot, from now on in use.
    ///
    /// # Errors
    /// `NoSlots`.
    pub fn take(&mut self) -> Result<Word> {
        while self.hint < WORDS && self.used[self.hint] == u64::MAX {
            self.hint += 1;
        }
        let index = self.hint * BITS
            + self
                .used
                .get(self.hint)
                .map_or(0, |word| word.trailing_ones() as usize);
        if !self.is_free(index) {
            return Err(AllocError::NoSlots);
        }
        self.mark(index);
        Ok(self.first + index as Word)
    }

    /// `count` free slots in a row, from now on in use; the first of them.
    ///
    /// # Errors
    /// `NoSlots`.
    pub fn take_row(&mut self, count: usize) -> Result<SlotWindow> {
        let mut start = self.hint * BITS;
        while start + count <= self.count {
            match (start..start + count).rfind(|&index| !self.is_free(index)) {
                Some(used) => start = used + 1,
                None => {
                    (start..start + count).for_each(|index| self.mark(index));
                    let first = self.first + start as Word;
                    return Ok(SlotWindow::many(self.node, first, count as Word));
                }
            }
        }
        Err(AllocError::NoSlots)
    }

    /// Makes a slot free again. It must be empty by now. Slots that never were ours are ignored.
    pub fn give(&mut self, slot: Word) {
        let Some(index) = slot.checked_sub(self.first).map(|index| index as usize) else {
            return;
        };
        if index < self.count {
            self.used[index / BITS] &= !(1 << (index % BITS));
            self.hint = self.hint.min(index / BITS);
        }
    }

    /// How many slots are free.
    pub fn free(&self) -> usize {
        self.count
            - self
                .used
                .iter()
                .map(|word| word.count_ones() as usize)
                .sum::<usize>()
    }

    /// The CNode.
    pub const fn node(&self) -> CNode {
        self.node
    }

    /// The path of a slot.
    pub const fn path(&self, slot: Word) -> SlotPath {
        self.node.absolute(slot)
    }
}
