//! Three kinds of address that are easily confused, as three types.

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
        match core::num::NonZeroU64::new(self.0.get().wrapping_add(bytes)) {
            Some(bits) => Self(bits),
            None => self,
        }
    }
}
