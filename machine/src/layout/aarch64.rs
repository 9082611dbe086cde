//! Where the image puts what it shares with the core (and what the model's numbers look like).

use crate::address::SpaceLayout;

/// Start of the window through which the kernel sees physical memory: physical address 0 is
/// at this kernel address.
pub const PHYSICAL_WINDOW: u64 = 0xffff_ff80_0000_0000;
/// One past the last physical address that the window can show.
pub const PHYSICAL_WINDOW_SIZE: u64 = 511 << 30;
/// Where the kernel is linked: the GiB behind the window.
pub const KERNEL_BASE: u64 = 0xffff_ffff_c000_0000;

/// How an address space is packed into a word: as TTBR0_EL1 holds it.
pub const SPACE: SpaceLayout = SpaceLayout {
    root_shift: 0,
    root: (1 << 48) - 1,
    asid_shift: 48,
    asid: u16::MAX,
    mode: 0,
};

/// Number of the kernel's timer interrupt (`abi/tables/platform.json`): the virtual timer's.
pub const TIMER_IRQ: crate::Irq = crate::Irq(27);

/// What the hardware makes of page tables, for the model's walk.
pub mod paging {
    use crate::population::{Access, Entry};

    /// Levels of tables; the root is at the highest.
    pub const LEVELS: u32 = 4;

    const VALID: u64 = 1;
    const TABLE_OR_PAGE: u64 = 1 << 1;
    const USER: u64 = 1 << 6;
    const READ_ONLY: u64 = 1 << 7;
    const ACCESSED: u64 = 1 << 10;
    const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
    const ANY: Access = Access {
        user: true,
        writable: true,
    };

    /// What an entry of a table at `level` (1 is the last) says.
    pub const fn entry(level: u32, bits: u64) -> Entry {
        let address = bits & ADDRESS;
        let access = Access {
            user: bits & USER != 0 && bits & ACCESSED != 0,
            writable: bits & READ_ONLY == 0,
        };
        match (level, bits & (VALID | TABLE_OR_PAGE)) {
            (1, 3) => Entry::Page(address, access),
            (2.., 3) => Entry::Table(address, ANY),
            (2 | 3, 1) => Entry::Page(address, access),
            _ => Entry::Absent,
        }
    }

    /// An entry that leads to the table at `address`.
    pub const fn table(address: u64) -> u64 {
        address | VALID | TABLE_OR_PAGE
    }

    /// An entry at `level` that maps a page for user mode.
    pub const fn page(level: u32, address: u64, writable: bool) -> u64 {
        let kind = if level == 1 {
            VALID | TABLE_OR_PAGE
        } else {
            VALID
        };
        let write = if writable { 0 } else { READ_ONLY };
        address | kind | USER | ACCESSED | write
    }
}
