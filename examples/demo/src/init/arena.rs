//! Arenas: a block of untyped memory, and everything that is made from it.
//!
//! Whatever a process consists of (threads, frames, tables, CNodes, endpoints, time) is made from
//! the block of its arena, so one revoke of that block ends all of it. Nothing has to be
//! remembered for that: the kernel knows what was derived from what.

use super::home::Home;
use abi::{ObjectType, Word};
use user_alloc::{Allocator, Block, Memory, Result, Slots};
use user_api::SlotWindow;

/// Slots for the capabilities of an arena: 64 to a word.
const SLOT_WORDS: usize = 16;
const BLOCKS: usize = 48;

/// How large an arena is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size {
    /// log2 of the bytes.
    pub(crate) bits: usize,
    /// Slots.
    pub(crate) slots: usize,
}

impl Size {
    /// Enough for one process.
    pub(crate) const ONE: Self = Self {
        bits: 20,
        slots: 448,
    };
    /// Enough for two.
    pub(crate) const TWO: Self = Self {
        bits: 21,
        slots: 896,
    };
}

/// A block, and an allocator that knows nothing else.
pub(crate) struct Arena {
    /// Whom it is for.
    pub(crate) name: &'static str,
    /// Makes objects from the block.
    pub(crate) allocator: Allocator<SLOT_WORDS, BLOCKS>,
    block: Block,
    window: SlotWindow,
}

impl Arena {
    /// Takes block and slots from init's own.
    ///
    /// # Errors
    /// If init has not that much.
    pub(crate) fn new(home: &mut Home, name: &'static str, size: Size) -> Result<Self> {
        let block = home
            .allocator
            .memory
            .take(&mut home.allocator.slots, size.bits)?;
        let window = home.allocator.slots.take_row(size.slots)?;
        Ok(Self {
            name,
            allocator: fresh(block, window)?,
            block,
            window,
        })
    }

    /// Ends everything that was made from the block, by one revoke, and gives block and slots
    /// back to init.
    ///
    /// # Errors
    /// What the kernel answers: if anything of the block were still in use, this would be found.
    pub(crate) fn destroy(self, home: &mut Home) -> Result {
        let path = home.allocator.slots.path(self.block.untyped.cptr().bits());
        path.revoke()?;
        // The kernel's own word for it: the block can be made one object as large as itself.
        let all = SlotWindow::one(self.window.root, self.window.offset);
        self.block
            .untyped
            .retype(ObjectType::Untyped, self.block.bits, all)?;
        path.revoke()?;
        for slot in 0..self.window.count {
            home.allocator.slots.give(self.window.offset + slot);
        }
        home.allocator.memory.give(self.block)
    }

    /// How many capabilities of init's came from the block.
    pub(crate) fn capabilities(&self) -> usize {
        self.window.count as usize - self.allocator.slots.free()
    }

    /// Bytes of the block.
    pub(crate) const fn bytes(&self) -> Word {
        1 << self.block.bits
    }

    /// The block.
    pub(crate) const fn block(&self) -> Block {
        self.block
    }
}

fn fresh(block: Block, window: SlotWindow) -> Result<Allocator<SLOT_WORDS, BLOCKS>> {
    let mut memory = Memory::new();
    memory.give(block)?;
    let end = window.offset + window.count;
    Ok(Allocator {
        slots: Slots::new(window.root, window.offset, end),
        memory,
    })
}
