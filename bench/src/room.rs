//! Room for ten thousand objects: memory and slots, and capability addresses for these.
//!
//! The root task's own CNode has fewer slots than that. So there is a new root with two branches: the old
//! CNode, whose addresses stay what they are, and a large one behind them.

use crate::bench::{Bench, Thread};
use abi::{CapRights, ObjectType, Word};
use user_alloc::Result;
use user_api::{CNode, CPtr, Guard, SchedContext, SlotPath, SlotWindow, Space, Tcb, Untyped};
use user_runtime::boot::root;

/// log2 of the slots: two for each of ten thousand threads.
const RADIX: usize = 15;
/// log2 of the branches of the new root.
const ROOT_RADIX: usize = 2;
/// log2 of the bytes: ten thousand TCBs of 2 KiB, each with a scheduling context behind it.
const MEMORY_BITS: usize = 26;
/// Most objects of one retype.
const AT_ONCE: usize = 256;

/// The slots and the memory. Capabilities in it can be invoked.
pub(crate) struct Room {
    node: CNode,
    pub(crate) memory: Untyped,
    parent: SlotPath,
}

impl Room {
    /// Makes one, and puts the calling thread into the new capability space.
    pub(crate) fn open(bench: &mut Bench) -> Result<Self> {
        let memory: Untyped = bench.allocator.make(ObjectType::Untyped, MEMORY_BITS)?;
        let node: CNode = bench.allocator.make(ObjectType::CNode, RADIX)?;
        let top: CNode = bench.allocator.make(ObjectType::CNode, ROOT_RADIX)?;
        let path = |cap: CNode| bench.allocator.slots.path(cap.cptr().bits());
        let old_radix = abi::PROFILE.root_cnode_size_bits;
        top.slot(0, ROOT_RADIX as Word).mint_from(
            path(root::CNODE),
            CapRights::ALL,
            Guard::zeros(RADIX - old_radix).cap_data(),
        )?;
        top.slot(1, ROOT_RADIX as Word).mint_from(
            path(node),
            CapRights::ALL,
            Guard::zeros(0).cap_data(),
        )?;
        let space = Space {
            cspace: top,
            guard: Some(Guard::zeros(64 - ROOT_RADIX - RADIX)),
            vspace: root::VSPACE,
        };
        root::TCB.set_space(CPtr::NULL, space)?;
        Ok(Self {
            node,
            memory,
            parent: bench.allocator.slots.path(memory.cptr().bits()),
        })
    }

    /// Unmakes all that was made of the memory.
    pub(crate) fn clear(&self) -> user_api::Result {
        self.parent.revoke()
    }

    /// Slot `n`, for invocations on slots.
    pub(crate) fn path(&self, n: Word) -> SlotPath {
        self.node.slot(n, RADIX as Word)
    }

    /// Slots from `first` on, for new objects.
    pub(crate) fn window(&self, first: usize, count: usize) -> SlotWindow {
        SlotWindow::many(self.node, first as Word, count as Word)
    }

    /// The address of slot `n`.
    fn cptr(n: usize) -> Word {
        (1 << RADIX) + n as Word
    }

    pub(crate) fn tcb(&self, n: usize) -> Tcb {
        Tcb::new(Self::cptr(2 * n))
    }

    /// Makes thread `n`, in two slots.
    pub(crate) fn thread(&self, n: usize, context_bits: usize) -> user_api::Result<Thread> {
        let (first, second) = (self.window(2 * n, 1), self.window(2 * n + 1, 1));
        self.memory.retype(ObjectType::Tcb, 0, first)?;
        self.memory
            .retype(ObjectType::SchedContext, context_bits, second)?;
        Ok(Thread {
            tcb: self.tcb(n),
            context: SchedContext::new(Self::cptr(2 * n + 1)),
        })
    }

    /// Makes objects in the slots from `alive` to, not including, `number`.
    pub(crate) fn fill(
        &self,
        object: ObjectType,
        alive: &mut usize,
        number: usize,
    ) -> user_api::Result {
        while *alive < number {
            let count = (number - *alive).min(AT_ONCE);
            self.memory.retype(object, 0, self.window(*alive, count))?;
            *alive += count;
        }
        Ok(())
    }
}
