//! The current address space, and forgetting translations.

use super::cpuid::Features;
use super::registers;
use crate::{Space, VirtualAddress};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

const CR4_GLOBAL_PAGES: u64 = 1 << 7;
const CR4_PCID: u64 = 1 << 17;
/// In a value for CR3: keep the translations of its tag.
const NO_FLUSH: u64 = 1 << 63;
/// Tags have twelve bits, as many as ASIDs.
const TAG_BITS: u64 = 0xfff;

/// Which address space is current. ASID 0 is the kernel's own.
#[derive(Clone, Copy, Debug)]
pub struct AddressSpaces {
    kernel_root: u64,
    space: Space,
    /// What of a space's word CR3 is loaded with: all of it, the root without tags, or nothing if it
    /// is not CR3 that has to be written.
    loaded: u64,
    tagged: bool,
    /// Where the entry stubs, which write CR3 because user mode does not see the kernel, find it.
    isolated: Option<&'static AtomicU64>,
}

impl AddressSpaces {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            kernel_root: 0,
            space: Space::KERNEL,
            loaded: 0,
            tagged: false,
            isolated: None,
        }
    }

    /// Takes over with the kernel's own root, which CR3 holds.
    pub fn start(features: &Features, isolated: Option<&'static AtomicU64>) -> Self {
        let root = registers::cr3() & !TAG_BITS;
        let mut cr4 = registers::cr4();
        // Global translations would be visible to user mode.
        if isolated.is_none() {
            cr4 |= CR4_GLOBAL_PAGES;
        }
        if features.pcid {
            cr4 |= CR4_PCID;
        }
        // SAFETY: both features were found by CPUID; CR3's tag is 0, as PCID asks.
        unsafe { registers::set_cr4(cr4) };
        let spaces = Self {
            kernel_root: root,
            space: Space::KERNEL,
            loaded: match (isolated, features.pcid) {
                (Some(_), _) => 0,
                (None, true) => u64::MAX,
                (None, false) => !(NO_FLUSH | TAG_BITS),
            },
            tagged: features.pcid,
            isolated,
        };
        if let Some(place) = isolated {
            place.store(spaces.kernel_cr3(), Ordering::Relaxed);
        }
        spaces
    }

    /// Makes `space` the current one.
    #[inline(always)]
    pub fn set_space(&mut self, space: Space) {
        if self.space != space {
            self.space = space;
            match space.bits() & self.loaded {
                0 => self.load(NO_FLUSH),
                // SAFETY: every root shows the kernel at the same place.
                value => unsafe { registers::set_cr3(value) },
            }
        }
    }

    /// The value of CR3 for the kernel.
    pub fn kernel_cr3(&self) -> u64 {
        self.kernel_root | if self.tagged { NO_FLUSH } else { 0 }
    }

    /// Forgets the translation of `page` in `asid`.
    pub fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        if self.tagged {
            invalidate_tag(One::Page, asid, page.0);
        } else if asid == self.space.asid() && self.isolated.is_none() {
            // SAFETY: forgetting a translation has no other effect.
            unsafe { asm!("invlpg [{}]", in(reg) page.0, options(nostack, preserves_flags)) };
        }
        // Otherwise the next load of CR3 forgets it.
    }

    /// Forgets all translations of `asid`.
    pub fn invalidate_asid(&mut self, asid: u16) {
        if self.tagged {
            invalidate_tag(One::Tag, asid, 0);
        } else if asid == self.space.asid() {
            self.load(0);
        }
    }

    /// Loads the current space as this processor has it; with `NO_FLUSH`, keeps what is remembered
    /// of it, if there are tags.
    #[cold]
    fn load(&self, flush: u64) {
        let root = self.space.root().map_or(self.kernel_root, |root| root.0);
        let value = if self.tagged {
            root | u64::from(self.space.asid()) | flush
        } else {
            root
        };
        match self.isolated {
            // SAFETY: every root shows the kernel at the same place.
            None => unsafe { registers::set_cr3(value) },
            Some(place) => place.store(value, Ordering::Relaxed),
        }
    }
}

impl Default for AddressSpaces {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy)]
enum One {
    Page = 0,
    Tag = 1,
}

fn invalidate_tag(what: One, asid: u16, address: u64) {
    let descriptor = [u64::from(asid) & TAG_BITS, address];
    // SAFETY: INVPCID exists when tags are used; user addresses are canonical.
    unsafe {
        asm!("invpcid {}, [{}]", in(reg) what as u64, in(reg) &descriptor, options(nostack, readonly, preserves_flags));
    }
}
