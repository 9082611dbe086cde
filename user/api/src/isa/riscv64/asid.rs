//! Address space identifiers: an address space needs one before anything can be mapped in it.

use super::vspace::PageTable;
use crate::cap::{CPtr, SlotPath, capability};
use crate::error::Result;
use crate::invoke::perform;
use crate::object::Untyped;
use abi::Invocation;

capability! {
    /// The authority to make pools.
    AsidControl
}

capability! {
    /// 512 identifiers.
    AsidPool
}

impl AsidControl {
    /// Makes a pool from a 4 KiB untyped without children; its capability goes to an empty slot.
    ///
    /// # Errors
    /// `DeleteFirst` if there are no more pools or the slot is in use; `InvalidCapability {1}` for
    /// an untyped of another size or of device memory; `RevokeFirst` if it has children.
    #[doc(alias = "seL4_RISCV_ASIDControl_MakePool")]
    pub fn make_pool(self, memory: Untyped, slot: SlotPath) -> Result {
        let caps = [CPtr::from(memory), slot.root.into()];
        perform(
            self,
            Invocation::RiscvAsidControlMakePool,
            &[slot.index, slot.depth],
            &caps,
        )
    }
}

impl AsidPool {
    /// Gives an address space an identifier.
    ///
    /// # Errors
    /// `InvalidCapability {1}` if it has one already or is mapped as a table; `DeleteFirst` if the
    /// pool is used up; `FailedLookup` or `InvalidCapability {0}` if the pool itself is gone.
    #[doc(alias = "seL4_RISCV_ASIDPool_Assign")]
    pub fn assign(self, vspace: PageTable) -> Result {
        perform(self, Invocation::RiscvAsidPoolAssign, &[], &[vspace.into()])
    }
}
