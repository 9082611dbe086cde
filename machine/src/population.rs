//! What only a machine that is data can tell: every object that lives in its memory.

use crate::{KernelAddress, Kind};

/// Knows every live object. The model does; on hardware they have to be looked for.
pub trait Population {
    /// Shows each live object to `visit`, by address: where, how long, what.
    fn each_live(&self, visit: &mut dyn FnMut(KernelAddress, u64, Kind));
    /// What lives at `at`.
    fn live_at(&self, at: KernelAddress) -> Kind;
    /// Whether the page around `at` was ever looked at; if not, its bytes are zero.
    fn was_reached(&self, at: KernelAddress) -> bool;
}

/// What an entry of a page table says. An ISA's layout reads them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// The next table is there, with at most this access.
    Table(u64, Access),
    /// A page is there; low bits that the page's size does not need may be set.
    Page(u64, Access),
}

/// What user mode may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Anything at all.
    pub user: bool,
    /// Write.
    pub writable: bool,
}
