//! Where the image puts what it shares with the core (and what the model's numbers look like).

use crate::address::SpaceLayout;

/// Start of the window through which the kernel sees physical memory: physical address 0 is
/// at this kernel address.
pub const PHYSICAL_WINDOW: u64 = 0xffff_ffc0_0000_0000;
/// One past the last physical address that the window can show: the upper half of an Sv39
/// address space but for the kernel's image and what lies above it.
pub const PHYSICAL_WINDOW_SIZE: u64 = 254 << 30;

/// How an address space is packed into a word: as `satp` holds it, in Sv39.
pub const SPACE: SpaceLayout = SpaceLayout {
    root_shift: 12,
    root: (1 << 44) - 1,
    asid_shift: 44,
    asid: u16::MAX,
    mode: 8 << 60,
};

/// Number of the kernel's timer interrupt (`abi/tables/platform.json`): the first that no line
/// of the interrupt controller has.
pub const TIMER_IRQ: crate::Irq = crate::Irq(96);

/// What the hardware makes of page tables (Sv39), for the model's walk.
pub mod paging {
    use crate::population::{Access, Entry};

    /// Levels of tables; the root is at the highest.
    pub const LEVELS: u32 = 3;

    const VALID: u64 = 1;
    const READ: u64 = 1 << 1;
    const WRITE: u64 = 1 << 2;
    const EXECUTE: u64 = 1 << 3;
    const USER: u64 = 1 << 4;
    const ACCESSED_AND_DIRTY: u64 = 0b11 << 6;
    /// The page number of a physical address starts at bit 10.
    const NUMBER: u64 = ((1 << 44) - 1) << 10;

    /// What an entry of a table at `level` says.
    pub const fn entry(level: u32, bits: u64) -> Entry {
        let address = (bits & NUMBER) << 2;
        if bits & VALID == 0 {
            return Entry::Absent;
        }
        if bits & (READ | WRITE | EXECUTE) == 0 {
            // The access is what the page at the end of the walk says.
            let all = Access {
                user: true,
                writable: true,
            };
            return if level == 1 {
                Entry::Absent
            } else {
                Entry::Table(address, all)
            };
        }
        let access = Access {
            user: bits & USER != 0,
            writable: bits & WRITE != 0,
        };
        Entry::Page(address, access)
    }

    /// An entry that leads to the table at `address`.
    pub const fn table(address: u64) -> u64 {
        address >> 2 | VALID
    }

    /// An entry that maps a page for user mode; its level does not show in it.
    pub const fn page(_level: u32, address: u64, writable: bool) -> u64 {
        let write = if writable { WRITE } else { 0 };
        address >> 2 | VALID | READ | EXECUTE | USER | ACCESSED_AND_DIRTY | write
    }
}
