//! Why the system cannot start.

use super::region::MAX_REGIONS;
use core::fmt;

/// What was wrong with a [`Platform`](super::Platform): what was wanted, and what there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// Memory and devices are in more pieces than boot can keep apart.
    TooManyRegions,
    /// The root task's image has no pages, or does not consist of whole pages.
    ImageNotPages { start: u64, end: u64 },
    /// The root task's image is where the kernel is.
    ImageInKernel { start: u64, kernel_end: u64 },
    /// The root task's image lies where the kernel cannot see it.
    ImageOutsideWindow { end: u64, window: u64 },
    /// The root task's image, and what is mapped behind it, leave user space.
    ImageOutsideUserSpace { end: u64, top: u64 },
    /// The root task does not start in its image.
    EntryOutsideImage { entry: u64 },
    /// The extra BootInfo is too large to be a region of memory.
    ExtraTooLarge { wanted: u64 },
    /// The first capabilities do not fit into the root CNode.
    TooFewSlots { wanted: u64, available: u64 },
    /// No piece of free memory holds the root task's objects.
    TooLittleMemory { wanted: u64, largest: u64 },
}

impl BootError {
    /// What was wrong, without the numbers.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::TooManyRegions => "the memory map has too many regions",
            Self::ImageNotPages { .. } => "the root task's image does not consist of whole pages",
            Self::ImageInKernel { .. } => "the root task's image overlaps the kernel",
            Self::ImageOutsideWindow { .. } => "the root task's image is beyond the kernel's window on memory",
            Self::ImageOutsideUserSpace { .. } => "the root task does not fit into user space",
            Self::EntryOutsideImage { .. } => "the root task's entry is not in its image",
            Self::ExtraTooLarge { .. } => "the extra boot information is too large",
            Self::TooFewSlots { .. } => "the root task has more pages than the root CNode has slots for",
            Self::TooLittleMemory { .. } => "too little memory for the root task's objects",
        }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())?;
        match *self {
            Self::TooManyRegions => write!(f, ": at most {MAX_REGIONS}"),
            Self::ImageNotPages { start, end } => write!(f, ": {start:#x} to {end:#x}"),
            Self::ImageInKernel { start, kernel_end } => {
                write!(f, ": it starts at {start:#x}, the kernel ends at {kernel_end:#x}")
            }
            Self::ImageOutsideWindow { end, window } => {
                write!(f, ": it ends at {end:#x}, the window at {window:#x}")
            }
            Self::ImageOutsideUserSpace { end, top } => {
                write!(f, ": it ends at {end:#x}, user space at {top:#x}")
            }
            Self::EntryOutsideImage { entry } => write!(f, ": {entry:#x}"),
            Self::ExtraTooLarge { wanted } => write!(f, ": {wanted:#x} bytes"),
            Self::TooFewSlots { wanted, available } => {
                write!(f, ": {wanted} wanted, {available} available")
            }
            Self::TooLittleMemory { wanted, largest } => {
                write!(f, ": {wanted:#x} bytes wanted, the largest free region has {largest:#x}")
            }
        }
    }
}

impl core::error::Error for BootError {}
