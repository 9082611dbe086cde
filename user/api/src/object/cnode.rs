//! CNodes: arrays of slots, of which capability spaces are built.

use crate::cap::{CPtr, SlotPath, capability};
use crate::error::Result;
use crate::invoke::perform;
use abi::Word;
use abi::cnode::CNodeCapData;
use abi::invocation::Invocation;
use abi::rights::CapRights;

capability! {
    /// An array of capability slots.
    CNode
}

/// The guard of a CNode capability: bits that an address must have before the bits that choose
/// the slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Guard {
    /// The bits.
    pub value: Word,
    /// How many: 0 to 58 here; together with the CNode's own bits at most 64.
    pub bits: usize,
}

impl Guard {
    /// A guard of zeros.
    pub const fn zeros(bits: usize) -> Self {
        Self { value: 0, bits }
    }

    /// The word that mint, mutate and the TCB invocations take.
    pub fn cap_data(self) -> Word {
        CNodeCapData::new(self.value, self.bits).0
    }
}

/// Two moves in one step: pivot to destination, source to pivot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// Where the pivot's capability goes; it is empty, or is the source.
    pub destination: (Word, Word),
    /// New data for the pivot's capability (a guard for CNodes).
    pub pivot_data: Word,
    /// The slot that gives one capability and takes another.
    pub pivot: SlotPath,
    /// New data for the source's capability.
    pub source_data: Word,
    /// Where the pivot's next capability comes from.
    pub source: SlotPath,
}

impl CNode {
    /// The slot at `index` of this CNode, resolved to `depth` bits (1 to 64).
    pub const fn slot(self, index: Word, depth: Word) -> SlotPath {
        SlotPath::new(self, index, depth)
    }

    /// The slot at `index`, resolved to all 64 bits: for a CNode that is a thread's root.
    pub const fn absolute(self, index: Word) -> SlotPath {
        self.slot(index, 64)
    }
}

/// Invocations on slots. All answer `RangeError {1, 64}` for a depth that cannot be and
/// `FailedLookup` for a path that leads nowhere.
impl SlotPath {
    /// Copies the capability of `source` here, with no more than `rights`.
    ///
    /// # Errors
    /// `DeleteFirst` if this slot is in use; `FailedLookup` if the source is empty; `RevokeFirst`
    /// for an untyped with children; `IllegalOperation` for what cannot be copied.
    #[doc(alias = "seL4_CNode_Copy")]
    pub fn copy_from(self, source: SlotPath, rights: CapRights) -> Result {
        let words = [self.index, self.depth, source.index, source.depth, rights.0];
        perform(
            self.root,
            Invocation::CNodeCopy,
            &words,
            &[source.root.into()],
        )
    }

    /// As [`copy_from`](Self::copy_from), with a new badge (endpoints and notifications without
    /// one) or guard (CNodes, [`Guard::cap_data`]).
    ///
    /// # Errors
    /// As for the copy; also `IllegalOperation` for a second badge or an impossible guard.
    #[doc(alias = "seL4_CNode_Mint")]
    pub fn mint_from(self, source: SlotPath, rights: CapRights, badge: Word) -> Result {
        let words = [
            self.index,
            self.depth,
            source.index,
            source.depth,
            rights.0,
            badge,
        ];
        perform(
            self.root,
            Invocation::CNodeMint,
            &words,
            &[source.root.into()],
        )
    }

    /// Moves the capability of `source` here.
    ///
    /// # Errors
    /// `DeleteFirst` if this slot is in use; `FailedLookup` if the source is empty.
    #[doc(alias = "seL4_CNode_Move")]
    pub fn move_from(self, source: SlotPath) -> Result {
        let words = [self.index, self.depth, source.index, source.depth];
        perform(
            self.root,
            Invocation::CNodeMove,
            &words,
            &[source.root.into()],
        )
    }

    /// Moves the capability of `source` here and gives it new data.
    ///
    /// # Errors
    /// As for the move; also `IllegalOperation` for endpoints and notifications, always, and for
    /// an impossible guard.
    #[doc(alias = "seL4_CNode_Mutate")]
    pub fn mutate_from(self, source: SlotPath, data: Word) -> Result {
        let words = [self.index, self.depth, source.index, source.depth, data];
        perform(
            self.root,
            Invocation::CNodeMutate,
            &words,
            &[source.root.into()],
        )
    }

    /// Deletes the capability here, and the object with it if this was the last capability to it.
    /// An empty slot stays empty.
    ///
    /// # Errors
    /// Only those of the path.
    #[doc(alias = "seL4_CNode_Delete")]
    pub fn delete(self) -> Result {
        perform(
            self.root,
            Invocation::CNodeDelete,
            &[self.index, self.depth],
            &[],
        )
    }

    /// Deletes all capabilities derived from the one here, which stays.
    ///
    /// # Errors
    /// Only those of the path.
    #[doc(alias = "seL4_CNode_Revoke")]
    pub fn revoke(self) -> Result {
        perform(
            self.root,
            Invocation::CNodeRevoke,
            &[self.index, self.depth],
            &[],
        )
    }

    /// Sends those senders back who wait on the endpoint with exactly the badge of the capability here.
    ///
    /// # Errors
    /// `IllegalOperation` unless it is an endpoint capability with all rights.
    #[doc(alias = "seL4_CNode_CancelBadgedSends")]
    pub fn cancel_badged_sends(self) -> Result {
        perform(
            self.root,
            Invocation::CNodeCancelBadgedSends,
            &[self.index, self.depth],
            &[],
        )
    }
}

impl CNode {
    /// Moves two capabilities in one step.
    ///
    /// # Errors
    /// `IllegalOperation` if the pivot is also the source or the destination, or for data that
    /// cannot be; `DeleteFirst` if the destination is in use; `FailedLookup` if the pivot or the
    /// source is empty.
    #[doc(alias = "seL4_CNode_Rotate")]
    pub fn rotate(self, rotation: &Rotation) -> Result {
        let Rotation {
            destination,
            pivot_data,
            pivot,
            source_data,
            source,
        } = *rotation;
        let words = [
            destination.0,
            destination.1,
            pivot_data,
            pivot.index,
            pivot.depth,
            source_data,
            source.index,
            source.depth,
        ];
        perform(
            self,
            Invocation::CNodeRotate,
            &words,
            &[CPtr::from(pivot.root), CPtr::from(source.root)],
        )
    }
}
