//! Where the image puts what it shares with the core (and what the model's numbers look like).

use crate::address::SpaceLayout;

/// Start of the window through which the kernel sees physical memory: physical address 0 is
/// at this kernel address.
pub const PHYSICAL_WINDOW: u64 = 0xffff_ff80_0000_0000;
/// One past the last physical address that the window can show.
pub const PHYSICAL_WINDOW_SIZE: u64 = 510 << 30;

/// How an address space is packed into a word: as CR3 is loaded, with PCID, and keeping the
/// translations of its tag.
pub const SPACE: SpaceLayout = SpaceLayout {
    root_shift: 0,
    root: 0x000f_ffff_ffff_f000,
    asid_shift: 0,
    asid: 0xfff,
    mode: 1 << 63,
};

/// Number of the kernel's timer interrupt (`abi/tables/platform.json`).
pub const TIMER_IRQ: crate::Irq = crate::Irq(125);

/// What the hardware makes of page tables, for the model's walk.
pub mod paging {
    use crate::population::{Access, Entry};

    /// Levels of tables; the root is at the highest.
    pub const LEVELS: u32 = 4;

    const PRESENT: u64 = 1;
    const WRITABLE: u64 = 1 << 1;
    const USER: u64 = 1 << 2;
    const LARGE: u64 = 1 << 7;
    const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

    /// What an entry of a table at `level` says.
    pub const fn entry(level: u32, bits: u64) -> Entry {
        if bits & PRESENT == 0 {
            return Entry::Absent;
        }
        let access = Access {
            user: bits & USER != 0,
            writable: bits & WRITABLE != 0,
        };
        if level == 1 || (level < 4 && bits & LARGE != 0) {
            Entry::Page(bits & ADDRESS, access)
        } else {
            Entry::Table(bits & ADDRESS, access)
        }
    }

    /// An entry that leads to the table at `address`.
    pub const fn table(address: u64) -> u64 {
        address | PRESENT | WRITABLE | USER
    }

    /// An entry at `level` that maps a page for user mode.
    pub const fn page(level: u32, address: u64, writable: bool) -> u64 {
        let large = if level > 1 { LARGE } else { 0 };
        let write = if writable { WRITABLE } else { 0 };
        address | PRESENT | USER | large | write
    }
}
