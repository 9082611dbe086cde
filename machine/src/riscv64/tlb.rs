//! The current address space, and forgetting translations. Fences only where something may be
//! remembered that is no longer true.

use super::csr;
use crate::{Space, VirtualAddress};
use core::arch::asm;

const MODE_SV39: u64 = 8 << 60;
const ROOT_SHIFT: u32 = 12;
const TAG_SHIFT: u32 = 44;
const TAG_BITS: u64 = 0xffff;

/// Which address space is current.
///
/// A tag is an ASID as far as the hart has bits for it; all address spaces for which it has not
/// share tag 0 with the kernel's own, and what is remembered under it is forgotten with each
/// switch to it.
#[derive(Clone, Copy, Debug)]
pub struct AddressSpaces {
    kernel_root: u64,
    space: Space,
    /// The largest tag.
    tags: u64,
    /// The words of spaces with tags of their own, which are what `satp` is to hold, are below, as
    /// signed numbers: their mode's bit is the highest, and the kernel's own is 0.
    tagged: i64,
}

impl AddressSpaces {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            kernel_root: 0,
            space: Space::KERNEL,
            tags: 0,
            tagged: i64::MIN,
        }
    }

    /// Takes over with the kernel's own root, which `satp` holds, and finds out how many tags
    /// the hart has.
    pub fn start() -> Self {
        let root = csr::satp() & !(TAG_BITS << TAG_SHIFT);
        // SAFETY: the address space stays the same; bits that do not exist read as zero.
        unsafe { csr::set_satp(root | TAG_BITS << TAG_SHIFT) };
        let tags = csr::satp() >> TAG_SHIFT & TAG_BITS;
        // SAFETY: as before.
        unsafe { csr::set_satp(root) };
        forget_everything();
        Self {
            kernel_root: root,
            space: Space::KERNEL,
            tags,
            tagged: MODE_SV39.saturating_add(tags.saturating_add(1) << TAG_SHIFT) as i64,
        }
    }

    /// The largest tag that the hart knows; 0: it has none.
    pub fn tags(&self) -> u64 {
        self.tags
    }

    #[inline(always)]
    fn tag(&self, asid: u16) -> u64 {
        let asid = u64::from(asid);
        if asid <= self.tags { asid } else { 0 }
    }

    /// Makes `space` the current one.
    #[inline(always)]
    pub fn set_space(&mut self, space: Space) {
        if self.space != space {
            self.space = space;
            if (space.bits() as i64) < self.tagged {
                // SAFETY: every root shows the kernel at the same place.
                unsafe { csr::set_satp(space.bits()) };
            } else {
                self.load_untagged(space);
            }
        }
    }

    fn load_untagged(&self, space: Space) {
        let value = match space.root() {
            Some(root) => MODE_SV39 | root.0 >> ROOT_SHIFT,
            None => self.kernel_root,
        };
        // SAFETY: every root shows the kernel at the same place.
        unsafe { csr::set_satp(value) };
        if self.tags < TAG_BITS {
            forget_tag(0);
        }
    }

    /// Forgets the translation of `page` in `asid`.
    pub fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        match self.tag(asid) {
            // Forgotten with the next switch, unless it is the current one.
            0 if asid != self.space.asid() => {}
            tag => forget_page(page.0, tag),
        }
    }

    /// Forgets all translations of `asid`.
    pub fn invalidate_asid(&mut self, asid: u16) {
        match self.tag(asid) {
            0 if asid != self.space.asid() => {}
            tag => forget_tag(tag),
        }
    }
}

impl Default for AddressSpaces {
    fn default() -> Self {
        Self::new()
    }
}

fn forget_page(page: u64, tag: u64) {
    // SAFETY: forgetting a translation has no other effect; orders earlier writes to tables.
    unsafe {
        asm!("sfence.vma {}, {}", in(reg) page, in(reg) tag, options(nostack, preserves_flags))
    };
}

/// Keeps what is global: the kernel's own.
fn forget_tag(tag: u64) {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma zero, {}", in(reg) tag, options(nostack, preserves_flags)) };
}

/// Forgets all translations.
pub fn forget_everything() {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma", options(nostack, preserves_flags)) };
}
