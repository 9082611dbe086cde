//! What the image was started with, and what it starts the kernel with: the loader's contract
//! (`abi/boot.md` section 2).

use crate::tree::Span;
use core::sync::atomic::{AtomicU64, Ordering};

/// Room for the device tree of a board whose loader passes none.
pub(super) const BOARD_TREE_BYTES: usize = 16 << 10;

/// Registers a0 to a7 at the first instruction, and whether a loader had been there.
#[unsafe(link_section = ".boot.data")]
pub(super) static ARGUMENTS: [AtomicU64; 9] = [const { AtomicU64::new(0) }; 9];

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
    /// The hart that runs this.
    pub(super) hart: u64,
}

/// Who started the image.
#[derive(Clone, Copy, Debug)]
pub(super) enum Starter {
    /// Firmware, as it starts a Linux kernel: the tree names the user image.
    Firmware { hart: u64, tree: u64 },
    /// A loader that has done all that.
    Loader(Contract),
}

/// What the first instructions found.
pub(super) fn starter() -> Starter {
    let [a0, a1, a2, a3, a4, a5, a6, _, loader] = ARGUMENTS
        .each_ref()
        .map(|word| word.load(Ordering::Relaxed));
    if loader == 0 {
        return Starter::Firmware { hart: a0, tree: a1 };
    }
    Starter::Loader(Contract {
        image: Span::new(a0, a1),
        offset: a2,
        entry: a3,
        tree: Span::new(a4, a4.saturating_add(a5)),
        hart: a6,
    })
}
