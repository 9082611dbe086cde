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
            Self::ImageOutsideWindow { .. } => {
                "the root task's image is beyond the kernel's window on memory"
            }
            Self::ImageOutsideUserSpace { .. } => "the root task does not fit into user space",
            Self::EntryOutsideImage { .. } => "the root task's entry is not in its image",
            Self::ExtraTooLarge { .. } => "the extra boot information is too large",
            Self::TooFewSlots { .. } => {
                "the root task has more pages than the root CNode has slots for"
            }
            Self::TooLittleMemory { .. } => "too little memory for the root task's objects",
        }
    }

    /// The numbers that [`Self::text`] is about, each behind the words that introduce it.
    pub const fn details(&self) -> [Option<(&'static str, u64)>; 2] {
        match *self {
            Self::TooManyRegions => [Some((": more than ", MAX_REGIONS as u64)), None],
            Self::ImageNotPages { start, end } => [Some((": ", start)), Some((" to ", end))],
            Self::ImageInKernel { start, kernel_end } => [
                Some((": it starts at ", start)),
                Some((", the kernel ends at ", kernel_end)),
            ],
            Self::ImageOutsideWindow { end, window } => [
                Some((": it ends at ", end)),
                Some((", the window at ", window)),
            ],
            Self::ImageOutsideUserSpace { end, top } => [
                Some((": it ends at ", end)),
                Some((", user space at ", top)),
            ],
            Self::EntryOutsideImage { entry } => [Some((": ", entry)), None],
            Self::ExtraTooLarge { wanted } => [Some((": bytes: ", wanted)), None],
            Self::TooFewSlots { wanted, available } => [
                Some((": wanted ", wanted)),
                Some((", available ", available)),
            ],
            Self::TooLittleMemory { wanted, largest } => [
                Some((": wanted bytes: ", wanted)),
                Some((", largest free region: ", largest)),
            ],
        }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())?;
        let details = self.details();
        let mut details = details.iter().flatten();
        details.try_for_each(|(what, number)| write!(f, "{what}{number:#x}"))
    }
}

impl core::error::Error for BootError {}
