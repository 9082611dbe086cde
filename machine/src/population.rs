//! What only a machine that is data can tell: every object that lives in its memory.

use crate::{KernelAddress, Kind};

/// Knows every live object. The model does; hardware does not.
pub trait Population {
    /// Shows each live object to `visit`, by address: where, how long, what.
    fn each_live(&self, visit: &mut dyn FnMut(KernelAddress, u64, Kind));
    /// What lives at `at`.
    fn live_at(&self, at: KernelAddress) -> Kind;
    /// Whether the page around `at` was ever looked at; if not, its bytes are zero.
    fn was_reached(&self, at: KernelAddress) -> bool;
}
