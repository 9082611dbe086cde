//! Address spaces: mapping with tables made as needed, and addresses handed out in order.

use crate::allocator::Allocator;
use crate::{AllocError, Result};
use abi::{CapRights, Word};
use user_api::{
    AsidPool, Attributes, CPtr, Frame, FrameSize, MissingTable, VSPACE_OBJECT, VSpaceRoot,
};

/// An address space, and a range of its addresses that nobody uses yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressSpace {
    /// The root.
    pub root: VSpaceRoot,
    next: Word,
    end: Word,
}

impl AddressSpace {
    /// Manages `free` of an address space that exists.
    pub const fn manage(root: VSpaceRoot, free: core::ops::Range<Word>) -> Self {
        Self {
            root,
            next: free.start,
            end: free.end,
        }
    }

    /// A new address space with an ASID from `pool`.
    ///
    /// # Errors
    /// Those of the allocator; `DeleteFirst` if the pool is used up.
    pub fn create<const W: usize, const B: usize>(
        allocator: &mut Allocator<W, B>,
        pool: AsidPool,
        free: core::ops::Range<Word>,
    ) -> Result<Self> {
        let root = allocator.make(VSPACE_OBJECT, 0)?;
        pool.assign(root)?;
        Ok(Self::manage(root, free))
    }

    /// Maps a frame at an address, with the tables that it needs.
    ///
    /// # Errors
    /// Those of the allocator and of [`Frame::map`].
    pub fn map_at<const W: usize, const B: usize>(
        &self,
        allocator: &mut Allocator<W, B>,
        frame: Frame,
        address: Word,
        rights: CapRights,
        attributes: Attributes,
    ) -> Result {
        while let Err(error) = frame.map(self.root, address, rights, attributes) {
            let missing = MissingTable::from_error(error).ok_or(AllocError::Kernel(error))?;
            let table: CPtr = allocator.make(missing.object(), 0)?;
            missing.install(table, self.root, address)?;
        }
        Ok(())
    }

    /// Addresses for `bytes`, aligned to a frame size, that nobody uses.
    ///
    /// # Errors
    /// `NoAddresses`.
    pub fn reserve(&mut self, bytes: Word, alignment: FrameSize) -> Result<Word> {
        let start = self.next.next_multiple_of(1 << alignment.bits());
        let end = start
            .checked_add(bytes)
            .filter(|&end| end <= self.end)
            .ok_or(AllocError::NoAddresses)?;
        self.next = end;
        Ok(start)
    }

    /// Maps a frame somewhere; the address.
    ///
    /// # Errors
    /// `NoAddresses`, and as for [`map_at`](Self::map_at).
    pub fn map<const W: usize, const B: usize>(
        &mut self,
        allocator: &mut Allocator<W, B>,
        frame: Frame,
        size: FrameSize,
        rights: CapRights,
        attributes: Attributes,
    ) -> Result<Word> {
        let address = self.reserve(1 << size.bits(), size)?;
        self.map_at(allocator, frame, address, rights, attributes)?;
        Ok(address)
    }

    /// New memory of whole 4 KiB pages at an address.
    ///
    /// # Errors
    /// As for [`map_at`](Self::map_at).
    pub fn populate<const W: usize, const B: usize>(
        &self,
        allocator: &mut Allocator<W, B>,
        pages: core::ops::Range<Word>,
        rights: CapRights,
    ) -> Result {
        for address in pages.step_by(1 << FrameSize::Small.bits()) {
            let frame = allocator.make(FrameSize::Small.object(), 0)?;
            self.map_at(allocator, frame, address, rights, Attributes::DEFAULT)?;
        }
        Ok(())
    }
}
