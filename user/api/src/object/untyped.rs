//! Untyped memory: what all objects are made of.

use crate::cap::{CPtr, capability};
use crate::error::{Error, Result};
use crate::invoke::perform;
use crate::object::CNode;
use abi::Word;
use abi::invocation::Invocation;
use abi::{OBJECT_TYPES, ObjectType};

capability! {
    /// A region of memory that nothing uses yet, or that holds the objects made from it.
    Untyped
}

/// Consecutive slots of one CNode, where new capabilities go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotWindow {
    /// Where the look-up of the CNode starts.
    pub root: CNode,
    /// The address of the CNode from there.
    pub node_index: Word,
    /// Bits of `node_index`; 0 means `root` itself.
    pub node_depth: Word,
    /// First slot in that CNode.
    pub offset: Word,
    /// How many slots.
    pub count: Word,
}

impl SlotWindow {
    /// One slot of `node`.
    pub const fn one(node: CNode, offset: Word) -> Self {
        Self::many(node, offset, 1)
    }

    /// `count` slots of `node`, from `offset` on.
    pub const fn many(node: CNode, offset: Word, count: Word) -> Self {
        Self {
            root: node,
            node_index: 0,
            node_depth: 0,
            offset,
            count,
        }
    }
}

impl Untyped {
    /// Makes as many objects as the window has slots (1 to 256), one capability in each slot.
    ///
    /// `size_bits` matters for untypeds (log2 of the bytes, from 4), CNodes (log2 of the slots,
    /// from 1) and scheduling contexts (log2 of the bytes, from 7).
    ///
    /// # Errors
    /// `InvalidArgument` for a type or size that cannot be, and for kernel objects in device
    /// memory; `RangeError` for too many objects or slots outside the CNode; `DeleteFirst` for a
    /// slot in use; `NotEnoughMemory`; `NotInProfile` for a type that this profile lacks.
    #[doc(alias = "seL4_Untyped_Retype")]
    pub fn retype(self, object: ObjectType, size_bits: usize, slots: SlotWindow) -> Result {
        let number = type_number(object).ok_or(Error::NotInProfile)?;
        let words = [
            number,
            size_bits as Word,
            slots.node_index,
            slots.node_depth,
            slots.offset,
            slots.count,
        ];
        perform(
            self,
            Invocation::UntypedRetype,
            &words,
            &[CPtr::from(slots.root)],
        )
    }
}

/// The number of an object type in this profile; `None` if it has none.
pub fn type_number(object: ObjectType) -> Option<Word> {
    OBJECT_TYPES.number(object)
}
