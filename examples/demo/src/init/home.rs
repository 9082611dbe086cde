//! What init has for itself: BootInfo, the slots and the memory that are free, and a corner of its
//! address space to look at other people's frames.

use abi::bootinfo::BootInfo;
use abi::{ObjectType, Word};
use user_alloc::{AddressSpace, AllocError, Allocator, Result, Window};
use user_api::{Attributes, CapRights, Frame, FrameSize, PageTable, SchedControl};
use user_runtime::boot::{self, RESERVED_SLOTS, root};

/// A corner of init's address space that its image does not reach, though the kernel's tables for
/// the image do but for the last: 2 MiB, which one page table spans.
const CORNER: Word = 0x2000_0000;
const CORNER_END: Word = CORNER + (2 << 20);

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
    /// MHz of the time-stamp counter.
    pub(crate) megahertz: Word,
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
        let table: PageTable = allocator.make(ObjectType::X86PageTable, 0)?;
        table.map(root::VSPACE, CORNER, Attributes::DEFAULT)?;
        let mut space = AddressSpace::manage(root::VSPACE, CORNER..CORNER_END);
        let address = space.reserve(1 << FrameSize::Small.bits(), FrameSize::Small)?;
        Ok(Self {
            boot,
            allocator,
            window: Window { space, address },
            time: boot::sched_control(boot, 0).ok_or(AllocError::NoSlots)?,
            megahertz: boot::tsc_mhz(boot).unwrap_or(1).max(1).into(),
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
