//! What only RISC-V machines have, as data.

use super::Model;
use crate::RiscvMachine;

/// Marks an entry of the model's shared kernel half: global, readable, not for user mode.
const SHARED: u64 = 1 << 5 | 1 << 1 | 1;

impl RiscvMachine for Model {
    fn kernel_root_entry(&self, index: u64) -> u64 {
        // A different page for each, so that a test sees which is where.
        index << 28 | SHARED
    }
}
