//! Free untyped memory: blocks of powers of two, halved until one fits.
//!
//! A block that is given back is used again as it is; halves are not joined. Physical addresses
//! are known for every block, so that device memory can be had by address.

use crate::slots::Slots;
use crate::{AllocError, Result};
use abi::bootinfo::BootInfo;
use abi::{ObjectType, Word};
use user_api::{CPtr, Untyped};

/// A piece of untyped memory without children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// The capability.
    pub untyped: Untyped,
    /// log2 of the bytes.
    pub bits: usize,
    /// Physical address.
    pub address: Word,
    /// Whether it is device memory.
    pub device: bool,
}

impl Block {
    fn contains(&self, address: Word) -> bool {
        (address ^ self.address) >> self.bits == 0
    }
}

/// Up to `BLOCKS` free blocks.
pub struct Memory<const BLOCKS: usize = 512> {
    free: [Option<Block>; BLOCKS],
}

impl<const BLOCKS: usize> Memory<BLOCKS> {
    /// No memory.
    pub const fn new() -> Self {
        Self {
            free: [None; BLOCKS],
        }
    }

    /// What BootInfo lists.
    ///
    /// # Errors
    /// `TooManyBlocks`.
    pub fn from_boot(boot: &BootInfo) -> Result<Self> {
        let mut memory = Self::new();
        for (slot, description) in (boot.untyped.start..boot.untyped.end).zip(&boot.untyped_list) {
            memory.give(Block {
                untyped: Untyped::new(slot),
                bits: description.size_bits.into(),
                address: description.paddr,
                device: description.is_device != 0,
            })?;
        }
        Ok(memory)
    }

    /// Makes a block free (again). It must have no children: revoke it first.
    ///
    /// # Errors
    /// `TooManyBlocks`; the block is still the caller's then.
    pub fn give(&mut self, block: Block) -> Result {
        let place = self
            .free
            .iter_mut()
            .find(|place| place.is_none())
            .ok_or(AllocError::TooManyBlocks)?;
        *place = Some(block);
        Ok(())
    }

    /// A block of RAM with exactly `bits`.
    ///
    /// # Errors
    /// `NoMemory`, `NoSlots`, `TooManyBlocks`.
    pub fn take<const W: usize>(&mut self, slots: &mut Slots<W>, bits: usize) -> Result<Block> {
        self.carve(
            slots,
            bits,
            |block| !block.device && block.bits >= bits,
            |low, _| low,
        )
    }

    /// The block with exactly `bits` at a physical address (rounded down to its size): device
    /// memory, or RAM if it is free.
    ///
    /// # Errors
    /// `NoMemory`, `NoSlots`, `TooManyBlocks`.
    pub fn take_at<const W: usize>(
        &mut self,
        slots: &mut Slots<W>,
        address: Word,
        bits: usize,
    ) -> Result<Block> {
        let fits = |block: &Block| block.bits >= bits && block.contains(address);
        self.carve(slots, bits, fits, |low, high| {
            if high.contains(address) { high } else { low }
        })
    }

    /// The smallest block around a physical address, whole.
    ///
    /// # Errors
    /// `NoMemory`.
    pub(crate) fn take_around(&mut self, address: Word, bits: usize) -> Result<Block> {
        let around = |place: &&mut Option<Block>| {
            place.is_some_and(|block| block.bits >= bits && block.contains(address))
        };
        let places = self.free.iter_mut().filter(around);
        places
            .min_by_key(|place| place.as_ref().map(|block| block.bits))
            .and_then(Option::take)
            .ok_or(AllocError::NoMemory { bits })
    }

    /// Bytes of free RAM.
    pub fn free_ram(&self) -> Word {
        self.blocks()
            .filter(|block| !block.device)
            .map(|block| 1 << block.bits)
            .sum()
    }

    /// The free blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.free.iter().flatten()
    }

    /// Takes the smallest block that fits and halves it until it has `bits`, going on with the
    /// half that `choose` names.
    fn carve<const W: usize>(
        &mut self,
        slots: &mut Slots<W>,
        bits: usize,
        fits: impl Fn(&Block) -> bool,
        choose: impl Fn(Block, Block) -> Block,
    ) -> Result<Block> {
        let candidates = self
            .free
            .iter_mut()
            .filter(|place| place.as_ref().is_some_and(&fits));
        let place = candidates.min_by_key(|place| place.as_ref().map(|block| block.bits));
        let mut block = place
            .and_then(Option::take)
            .ok_or(AllocError::NoMemory { bits })?;
        while block.bits > bits {
            match Self::halve(slots, block) {
                Ok((low, high)) => {
                    let chosen = choose(low, high);
                    self.give(if chosen == low { high } else { low })?;
                    block = chosen;
                }
                Err(error) => {
                    self.give(block)?;
                    return Err(error);
                }
            }
        }
        Ok(block)
    }

    fn halve<const W: usize>(slots: &mut Slots<W>, block: Block) -> Result<(Block, Block)> {
        let bits = block.bits - 1;
        let window = slots.take_row(2)?;
        if let Err(error) = block.untyped.retype(ObjectType::Untyped, bits, window) {
            slots.give(window.offset);
            slots.give(window.offset + 1);
            return Err(error.into());
        }
        let half = |number: Word| Block {
            untyped: CPtr::new(window.offset + number).cast(),
            bits,
            address: block.address + (number << bits),
            device: block.device,
        };
        Ok((half(0), half(1)))
    }
}

impl<const BLOCKS: usize> Default for Memory<BLOCKS> {
    fn default() -> Self {
        Self::new()
    }
}
