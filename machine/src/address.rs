//! Three kinds of address that are easily confused, as three types.

use crate::layout::SPACE;
pub use crate::layout::{PHYSICAL_WINDOW, PHYSICAL_WINDOW_SIZE};

/// An address in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct PhysicalAddress(pub u64);

/// An address in a user address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct VirtualAddress(pub u64);

/// An address inside the kernel's window on physical memory. Never a pointer of the host:
/// only a machine turns it into one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct KernelAddress(core::num::NonZeroU64);

impl KernelAddress {
    /// The kernel address with these bits; `None` for 0, which names nothing.
    #[inline(always)]
    pub const fn new(bits: u64) -> Option<Self> {
        match core::num::NonZeroU64::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The window's view of physical address `p`. The caller has checked that `p` is memory
    /// that the window shows.
    #[inline(always)]
    pub const fn of(p: PhysicalAddress) -> Self {
        // The window starts above 2^63, so the `or` cannot be zero.
        match core::num::NonZeroU64::new(p.0.wrapping_add(PHYSICAL_WINDOW) | 1 << 63) {
            Some(bits) => Self(bits),
            None => Self(core::num::NonZeroU64::MAX),
        }
    }

    /// The bits, as they are packed into capabilities and links.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// The physical address behind it.
    #[inline(always)]
    pub const fn physical(self) -> PhysicalAddress {
        // Wrapping: the window is at the top of the address space.
        PhysicalAddress(self.0.get().wrapping_sub(PHYSICAL_WINDOW))
    }

    /// `bytes` further on. Wrapping only on addresses that never named memory.
    #[inline(always)]
    pub const fn plus(self, bytes: u64) -> Self {
        if bytes < SMALL_STEP {
            return self.inside(bytes);
        }
        match core::num::NonZeroU64::new(self.0.get().wrapping_add(bytes)) {
            Some(bits) => Self(bits),
            None => self,
        }
    }

    /// `bytes` further on, in the same object.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "a test in every access to a field costs a tenth of all instructions"
    )]
    pub const fn inside(self, bytes: u64) -> Self {
        let sum = self.0.get().wrapping_add(bytes);
        debug_assert!(sum != 0, "an object at the very top of the address space");
        // SAFETY: what the kernel reaches ends below the top of the address space
        // (docs/invariants.md#window), so the sum has not wrapped to 0.
        Self(unsafe { core::num::NonZeroU64::new_unchecked(sum) })
    }
}

/// A user address space: its root and the ASID that tags its translations, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct Space(u64);

impl Space {
    /// The kernel's own: nothing of any user is mapped.
    pub const KERNEL: Self = Self(0);

    /// The space below `root`, which is a page other than the first, tagged `asid`.
    #[inline(always)]
    pub const fn new(root: PhysicalAddress, asid: u16) -> Self {
        let root = root.0 >> SPACE.root_shift & SPACE.root;
        let asid = asid & SPACE.asid;
        Self(SPACE.mode | (asid as u64) << SPACE.asid_shift | root)
    }

    /// Where its root is; `None` for the kernel's own.
    #[inline(always)]
    pub const fn root(self) -> Option<PhysicalAddress> {
        match self.0 & SPACE.root {
            0 => None,
            root => Some(PhysicalAddress(root << SPACE.root_shift)),
        }
    }

    /// Its tag; 0 for the kernel's own.
    #[inline(always)]
    pub const fn asid(self) -> u16 {
        (self.0 >> SPACE.asid_shift) as u16 & SPACE.asid
    }

    /// The word: what the processor's register for both holds, as far as it has bits for tags. 0
    /// for the kernel's own.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// How a [`Space`] is packed.
pub struct SpaceLayout {
    /// How far a root's address is shifted down.
    pub root_shift: u32,
    /// The bits that a root has then.
    pub root: u64,
    /// Where the tag starts.
    pub asid_shift: u32,
    /// The bits that a tag has.
    pub asid: u16,
    /// Set in all but the kernel's own.
    pub mode: u64,
}

/// Offsets inside objects are smaller, and known when the kernel is compiled: no test is left.
const SMALL_STEP: u64 = 1 << 16;
