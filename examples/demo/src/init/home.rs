//! What init has for itself: BootInfo, the slots and the memory that are free, and a corner of its
//! address space to look at other people's frames.

use super::isa::clock::Clock;
use abi::Word;
use abi::bootinfo::BootInfo;
use user_alloc::{AddressSpace, AllocError, Allocator, Result, Window};
use user_api::{Attributes, CPtr, CapRights, Frame, FrameSize, MissingTable, SchedControl};
use user_runtime::boot::{self, RESERVED_SLOTS, root};

/// A corner of init's address space that its image does not reach, though the kernel's tables for
/// the image do but for the last: 2 MiB, which one page table spans.
const CORNER: Word = 0x2000_0000;
pub(crate) const CORNER_END: Word = CORNER + (2 << 20);
/// The last page of it is for the clock, where that has one.
const FREE_END: Word = CORNER_END - (1 << abi::object::PAGE_BITS);

/// Init's own.
pub(crate) struct Home {
    /// What the kernel told.
    pub(crate) boot: &'static BootInfo,
    /// Free slots and memory.
    pub(crate) allocator: Allocator,
    /// Where programs are copied into frames.
    pub(crate) window: Window,
    /// The authority to give time.
    pub(crate) time: SchedControl,
    /// What time it is.
    pub(crate) clock: Clock,
    space: AddressSpace,
}

impl Home {
    /// From BootInfo alone.
    ///
    /// # Errors
    /// If there is too little of something.
    pub(crate) fn new(boot: &'static BootInfo) -> Result<Self> {
        let mut allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
        // Made from init's own memory, so that the corner does not vanish with an arena.
        let [.., last] = MissingTable::DOWNWARDS;
        let table: CPtr = allocator.make(last.object(), 0)?;
        last.install(table, root::VSPACE, CORNER)?;
        let clock = Clock::new(boot, &mut allocator)?;
        let mut space = AddressSpace::manage(root::VSPACE, CORNER..FREE_END);
        let address = space.reserve(1 << FrameSize::Small.bits(), FrameSize::Small)?;
        Ok(Self {
            boot,
            allocator,
            window: Window { space, address },
            time: boot::sched_control(boot, 0).ok_or(AllocError::NoSlots)?,
            clock,
            space,
        })
    }

    /// Maps a frame in init's corner; the address.
    ///
    /// # Errors
    /// `NoAddresses`, and those of mapping.
    pub(crate) fn look_at(&mut self, frame: Frame) -> Result<Word> {
        self.space.map(
            &mut self.allocator,
            frame,
            FrameSize::Small,
            CapRights::READ,
            Attributes::DEFAULT,
        )
    }
}
