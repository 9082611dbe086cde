//! What the image was started with, and what it starts the kernel with: the loader's contract
//! (`abi/boot.md` section 2).

use crate::tree::Span;
use core::sync::atomic::{AtomicU64, Ordering};

/// Room for the device tree of a board whose loader passes none.
pub(super) const BOARD_TREE_BYTES: usize = 16 << 10;

/// Registers x0 to x5 at the first instruction, and whether a loader had been there.
#[unsafe(link_section = ".boot.data")]
pub(super) static ARGUMENTS: [AtomicU64; 7] = [const { AtomicU64::new(0) }; 7];

/// A user image in memory, and the device tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contract {
    /// The user image.
    pub(super) image: Span,
    /// Physical minus virtual addresses of it.
    pub(super) offset: u64,
    /// Where it starts, virtually.
    pub(super) entry: u64,
    /// The device tree; empty if none was passed.
    pub(super) tree: Span,
}

/// Who started the image.
#[derive(Clone, Copy, Debug)]
pub(super) enum Starter {
    /// Firmware, as it starts a Linux kernel: the tree names the user image.
    Firmware { tree: u64 },
    /// A loader that has done all that.
    Loader(Contract),
}

/// What the first instructions found.
pub(super) fn starter() -> Starter {
    let [x0, x1, x2, x3, x4, x5, loader] = ARGUMENTS
        .each_ref()
        .map(|word| word.load(Ordering::Relaxed));
    if loader == 0 {
        return Starter::Firmware { tree: x0 };
    }
    Starter::Loader(Contract {
        image: Span::new(x0, x1),
        offset: x2,
        entry: x3,
        tree: Span::new(x4, x4.saturating_add(x5)),
    })
}
