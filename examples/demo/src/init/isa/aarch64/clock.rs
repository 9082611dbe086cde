//! The real-time clock: init may read its page, which belongs to the timer driver. User code has
//! no other clock, as the counters are the kernel's.

use super::devices::TIMER;
use abi::bootinfo::BootInfo;
use abi::{CapRights, Word};
use core::fmt;
use core::ptr::with_exposed_provenance;
use user_alloc::{Allocator, Result};
use user_api::{Attributes, Frame, FrameSize};
use user_runtime::boot::root;

/// Where its page is: behind init's corner, in reach of the same page table.
const PLACE: Word = crate::init::home::CORNER_END - (1 << abi::object::PAGE_BITS);
const SECOND: Word = 1_000_000;

/// The clock.
pub(crate) struct Clock {
    /// Programs without a clock need not know how fast it is.
    pub(crate) megahertz: Word,
    /// The frame of the device's registers.
    pub(crate) frame: Frame,
}

impl Clock {
    /// Maps the device for reading.
    pub(crate) fn new(_: &'static BootInfo, allocator: &mut Allocator) -> Result<Self> {
        let frame: Frame = allocator
            .frame_at(TIMER.registers, FrameSize::Small.object())?
            .cap;
        frame.map(root::VSPACE, PLACE, CapRights::READ, Attributes::UNCACHED)?;
        Ok(Self {
            megahertz: 0,
            frame,
        })
    }

    /// Microseconds, since whenever; whole seconds of them.
    pub(crate) fn micros(&self) -> Word {
        // SAFETY: the device's data register is at the start of the page, mapped for good.
        let seconds = unsafe { with_exposed_provenance::<u32>(PLACE as usize).read_volatile() };
        Word::from(seconds) * SECOND
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the real-time clock, which counts seconds")
    }
}
