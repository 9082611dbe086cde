//! Objects and capabilities on demand.

use crate::memory::{Block, Memory};
use crate::slots::Slots;
use crate::{AllocError, Result};
use abi::bootinfo::BootInfo;
use abi::{CapRights, ISA, ObjectType, PROFILE, Word};
use user_api::{CPtr, Capability, Error, SlotPath, SlotWindow};

/// Slots and memory together.
pub struct Allocator<const WORDS: usize = 128, const BLOCKS: usize = 512> {
    /// Free slots.
    pub slots: Slots<WORDS>,
    /// Free memory.
    pub memory: Memory<BLOCKS>,
}

/// An object, and the memory it was made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object<C> {
    /// The object.
    pub cap: C,
    /// Its memory, which becomes free when the object is deleted.
    pub block: Block,
}

/// log2 of the bytes of an object of this type.
fn bytes(object: ObjectType, size_bits: usize) -> usize {
    object.size_bits(ISA, &PROFILE).unwrap_or(match object {
        ObjectType::CNode => size_bits + abi::object::SLOT_BITS,
        _ => size_bits,
    })
}

impl<const WORDS: usize, const BLOCKS: usize> Allocator<WORDS, BLOCKS> {
    /// Of all that BootInfo says is free, without the last `keep` slots.
    ///
    /// # Errors
    /// `TooManyBlocks`.
    pub fn from_boot(boot: &BootInfo, keep: Word) -> Result<Self> {
        Ok(Self {
            slots: Slots::from_boot(boot, keep),
            memory: Memory::from_boot(boot)?,
        })
    }

    /// A new object that may be given back. `size_bits` as for [`user_api::Untyped::retype`].
    ///
    /// # Errors
    /// `NoMemory`, `NoSlots`, `TooManyBlocks`, and what the kernel answers.
    pub fn object<C: Capability>(
        &mut self,
        object: ObjectType,
        size_bits: usize,
    ) -> Result<Object<C>> {
        let block = self
            .memory
            .take(&mut self.slots, bytes(object, size_bits))?;
        self.retype(block, object, size_bits)
    }

    /// A new object for good.
    ///
    /// # Errors
    /// As for [`object`](Self::object).
    pub fn make<C: Capability>(&mut self, object: ObjectType, size_bits: usize) -> Result<C> {
        self.object(object, size_bits).map(|object| object.cap)
    }

    /// A new frame over the memory at a physical address: a device's registers, for example.
    ///
    /// # Errors
    /// `NoMemory` if that memory is not ours, and as for [`object`](Self::object).
    pub fn frame_at<C: Capability>(
        &mut self,
        address: Word,
        frame: ObjectType,
    ) -> Result<Object<C>> {
        match self
            .memory
            .take_at(&mut self.slots, address, bytes(frame, 0))
        {
            Ok(block) => self.retype(block, frame, 0),
            Err(AllocError::Kernel(Error::NotEnoughMemory { available })) => {
                self.frame_behind(available, address, frame)
            }
            Err(error) => Err(error),
        }
    }

    /// A frame of a block that somebody (the run-time system, for its console) has begun to use,
    /// so that it cannot be halved any more: `available` bytes are left at its end. The kernel
    /// makes frames one after the other, so those before the wanted one are made too.
    fn frame_behind<C: Capability>(
        &mut self,
        available: Word,
        address: Word,
        frame: ObjectType,
    ) -> Result<Object<C>> {
        const MOST: Word = 64;
        let bits = bytes(frame, 0);
        let block = self.memory.take_around(address, bits)?;
        let start = block.address + (1 << block.bits) - available;
        let before = address
            .checked_sub(start)
            .map(|distance| distance >> bits)
            .filter(|&before| before < MOST);
        let made = before
            .ok_or(AllocError::NoMemory { bits })
            .and_then(|before| {
                let window = self.slots.take_row(before as usize + 1)?;
                block.untyped.retype(frame, 0, window)?;
                Ok(window.offset + before)
            });
        match made {
            Ok(slot) => Ok(Object {
                cap: C::at(CPtr::new(slot)),
                block,
            }),
            Err(error) => {
                self.memory.give(block)?;
                Err(error)
            }
        }
    }

    fn retype<C: Capability>(
        &mut self,
        block: Block,
        object: ObjectType,
        size_bits: usize,
    ) -> Result<Object<C>> {
        let slot = match self.slots.take() {
            Ok(slot) => slot,
            Err(error) => {
                self.memory.give(block)?;
                return Err(error);
            }
        };
        if let Err(error) =
            block
                .untyped
                .retype(object, size_bits, SlotWindow::one(self.slots.node(), slot))
        {
            self.slots.give(slot);
            self.memory.give(block)?;
            return Err(error.into());
        }
        Ok(Object {
            cap: C::at(CPtr::new(slot)),
            block,
        })
    }

    /// Deletes an object and all capabilities to it; slot and memory become free. (Copies in
    /// further slots of ours stay marked as used: [`forget`](Self::forget) them.)
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn destroy<C: Capability>(&mut self, object: Object<C>) -> Result {
        self.slots
            .path(object.block.untyped.cptr().bits())
            .revoke()?;
        self.slots.give(object.cap.cptr().bits());
        self.memory.give(object.block)
    }

    /// A free slot.
    ///
    /// # Errors
    /// `NoSlots`.
    pub fn slot(&mut self) -> Result<SlotPath> {
        let slot = self.slots.take()?;
        Ok(self.slots.path(slot))
    }

    /// A copy of a capability, with no more than `rights`.
    ///
    /// # Errors
    /// `NoSlots` and what the kernel answers.
    pub fn copy<C: Capability>(&mut self, cap: C, rights: CapRights) -> Result<C> {
        let source = self.slots.path(cap.cptr().bits());
        self.derive(|slot| slot.copy_from(source, rights))
    }

    /// A copy of a capability, with a badge (or guard).
    ///
    /// # Errors
    /// `NoSlots` and what the kernel answers.
    pub fn mint<C: Capability>(&mut self, cap: C, rights: CapRights, badge: Word) -> Result<C> {
        let source = self.slots.path(cap.cptr().bits());
        self.derive(|slot| slot.mint_from(source, rights, badge))
    }

    /// Whatever `fill` puts into a free slot.
    ///
    /// # Errors
    /// `NoSlots` and what `fill` answers.
    pub fn derive<C: Capability>(
        &mut self,
        fill: impl FnOnce(SlotPath) -> user_api::Result,
    ) -> Result<C> {
        let slot = self.slots.take()?;
        match fill(self.slots.path(slot)) {
            Ok(()) => Ok(C::at(CPtr::new(slot))),
            Err(error) => {
                self.slots.give(slot);
                Err(AllocError::Kernel(error))
            }
        }
    }

    /// Deletes one capability; its slot becomes free.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn forget<C: Capability>(&mut self, cap: C) -> Result {
        let slot = cap.cptr().bits();
        self.slots.path(slot).delete()?;
        self.slots.give(slot);
        Ok(())
    }
}
