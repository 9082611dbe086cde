//! Where the image puts what it shares with the core (and what the model's numbers look like).

/// Start of the window through which the kernel sees physical memory: physical address 0 is
/// at this kernel address.
pub const PHYSICAL_WINDOW: u64 = 0xffff_ff80_0000_0000;
/// One past the last physical address that the window can show.
pub const PHYSICAL_WINDOW_SIZE: u64 = 510 << 30;
