//! The current address space, and forgetting translations.
//!
//! The kernel core numbers address spaces with 16 bits. Processors with 8-bit ASIDs get the low
//! half; two spaces that share a tag are kept apart by forgetting the tag whenever its owner
//! changes.

use super::features::Features;
use super::registers::{data_barrier, instruction_barrier, store_barrier, write};
use crate::{PhysicalAddress, Space, VirtualAddress};
use core::arch::asm;

const NARROW_TAGS: usize = 256;
const TAG_SHIFT: u32 = 48;
const FIRST_TAGGED: u64 = 1 << TAG_SHIFT;

/// Which address space is current. ASID 0 is the kernel's own, in which nothing is mapped.
#[derive(Clone, Debug)]
pub struct AddressSpaces {
    empty_root: u64,
    current: Space,
    /// The words of spaces are from here on what TTBR0_EL1 is to hold: of all but the kernel's own,
    /// and of none if tags are shared.
    plain: u64,
    wide: bool,
    /// Whose translations each tag has, on processors with 8-bit tags.
    owners: [u16; NARROW_TAGS],
}

impl AddressSpaces {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            empty_root: 0,
            current: Space::KERNEL,
            plain: u64::MAX,
            wide: false,
            owners: [0; NARROW_TAGS],
        }
    }

    /// Takes over: no user memory is mapped, and nothing is remembered from before.
    ///
    /// # Safety
    /// `empty_root` is a page of zeroes that stays one; nobody needs what TTBR0 has mapped.
    pub unsafe fn start(features: &Features, empty_root: PhysicalAddress) -> Self {
        let spaces = Self {
            empty_root: empty_root.0,
            plain: if features.wide_asids {
                FIRST_TAGGED
            } else {
                u64::MAX
            },
            wide: features.wide_asids,
            ..Self::new()
        };
        // SAFETY: the caller's promise.
        unsafe { write!("ttbr0_el1", empty_root.0) };
        instruction_barrier();
        // SAFETY: forgetting translations has no other effect.
        unsafe { asm!("tlbi vmalle1", options(nostack, preserves_flags)) };
        data_barrier();
        instruction_barrier();
        spaces
    }

    /// Makes `space` the current one, at the latest with the next instruction barrier or return to
    /// user mode.
    #[inline(always)]
    pub fn set_space(&mut self, space: Space) {
        if self.current != space {
            self.current = space;
            let value = if space.bits() >= self.plain {
                space.bits()
            } else {
                self.special(space)
            };
            // SAFETY: user addresses are translated by a root that the kernel keeps alive.
            unsafe { write!("ttbr0_el1", value) };
        }
    }

    /// What TTBR0_EL1 is to hold for a space whose word it is not.
    fn special(&mut self, space: Space) -> u64 {
        let asid = space.asid();
        if !self.wide {
            self.take_tag(asid);
        }
        space.root().map_or(self.empty_root, |root| root.0) | self.tag(asid)
    }

    /// Forgets the translation of `page` in `asid`.
    pub fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        let operand = self.tag(asid) | page.0 >> 12 & 0xfff_ffff_ffff;
        store_barrier();
        // SAFETY: forgetting a translation has no other effect.
        unsafe { asm!("tlbi vae1is, {}", in(reg) operand, options(nostack, preserves_flags)) };
        data_barrier();
        instruction_barrier();
    }

    /// Forgets all translations of `asid`.
    pub fn invalidate_asid(&mut self, asid: u16) {
        store_barrier();
        // If it was current until just now, nothing may be walked under it any more.
        instruction_barrier();
        self.forget_tag(asid);
    }

    /// Where a tag goes in TTBR0 and in operands.
    #[inline(always)]
    fn tag(&self, asid: u16) -> u64 {
        if self.wide {
            u64::from(asid) << TAG_SHIFT
        } else {
            // Truncation: the tags that there are.
            u64::from(asid as u8) << TAG_SHIFT
        }
    }

    fn forget_tag(&self, asid: u16) {
        let operand = self.tag(asid);
        // SAFETY: forgetting translations has no other effect.
        unsafe { asm!("tlbi aside1is, {}", in(reg) operand, options(nostack, preserves_flags)) };
        data_barrier();
        instruction_barrier();
    }

    /// Makes `asid` the owner of its tag.
    fn take_tag(&mut self, asid: u16) {
        let Some(owner) = self.owners.get_mut(usize::from(asid) % NARROW_TAGS) else {
            return;
        };
        if core::mem::replace(owner, asid) != asid {
            // Nothing may be walked under the tag from the old root meanwhile.
            // SAFETY: nothing is mapped in the empty root.
            unsafe { write!("ttbr0_el1", self.empty_root) };
            instruction_barrier();
            self.forget_tag(asid);
        }
    }
}

impl Default for AddressSpaces {
    fn default() -> Self {
        Self::new()
    }
}
