//! What supervisor and attackers agree on: where things lie in an attacker's capability space and
//! address space.

use crate::isa::TABLES;
use abi::{ObjectType, Word};
use user_api::{FrameSize, VSPACE_OBJECT};

/// log2 of the slots of an attacker's root CNode.
pub(crate) const RADIX: usize = 8;

/// A kind of capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Whatever is in whichever slot.
    Any,
    /// The root CNode itself.
    Root,
    SchedControl,
    AsidControl,
    DomainSet,
    IoPort,
    IrqHandler,
    Tcb,
    Endpoint,
    Notification,
    Reply,
    SchedContext,
    CNode,
    Untyped,
    Frame,
    PageTable,
    PageDirectory,
    Pdpt,
    VSpace,
    AsidPool,
}

impl Kind {
    /// Those that have slots for more than what they begin with.
    pub(crate) const MOVING: [Self; 13] = [
        Self::Tcb,
        Self::Endpoint,
        Self::Notification,
        Self::Reply,
        Self::SchedContext,
        Self::CNode,
        Self::Untyped,
        Self::Frame,
        Self::PageTable,
        Self::PageDirectory,
        Self::Pdpt,
        Self::VSpace,
        Self::AsidPool,
    ];

    /// The slots where such capabilities are at first, and where attackers put more: first slot
    /// and how many.
    pub(crate) const fn slots(self) -> (Word, Word) {
        match self {
            Self::Any => (0, 256),
            Self::Root => (1, 1),
            Self::SchedControl => (2, 1),
            Self::AsidControl => (3, 1),
            Self::DomainSet => (4, 1),
            Self::IoPort => (5, 2),
            Self::IrqHandler => (8, 8),
            Self::Tcb => (16, 16),
            Self::Endpoint => (32, 16),
            Self::Notification => (48, 16),
            Self::Reply => (64, 16),
            Self::SchedContext => (80, 16),
            Self::CNode => (96, 16),
            Self::Untyped => (112, 24),
            Self::Frame => (136, 32),
            Self::PageTable => (168, 16),
            Self::PageDirectory => (184, 8),
            Self::Pdpt => (192, 8),
            Self::VSpace => (200, 8),
            Self::AsidPool => (208, 8),
        }
    }

    /// How many of the slots are full at first.
    pub(crate) const fn full(self) -> Word {
        match self {
            Self::CNode | Self::IrqHandler => 4,
            Self::Untyped => 7,
            Self::PageDirectory | Self::Pdpt | Self::IoPort => 2,
            Self::VSpace => 3,
            Self::AsidPool
            | Self::Root
            | Self::SchedControl
            | Self::AsidControl
            | Self::DomainSet => 1,
            _ => 8,
        }
    }

    /// What to retype to, and log2 of sizes that work.
    pub(crate) const fn object(self) -> Option<(ObjectType, [u8; 2])> {
        Some(match self {
            Self::Tcb => (ObjectType::Tcb, [0, 0]),
            Self::Endpoint => (ObjectType::Endpoint, [0, 0]),
            Self::Notification => (ObjectType::Notification, [0, 0]),
            Self::Reply => (ObjectType::Reply, [0, 0]),
            Self::SchedContext => (ObjectType::SchedContext, [7, 8]),
            Self::CNode => (ObjectType::CNode, [1, 4]),
            Self::Untyped => (ObjectType::Untyped, [8, 12]),
            Self::Frame => (FrameSize::Small.object(), [0, 0]),
            Self::PageTable => (TABLES[0], [0, 0]),
            Self::PageDirectory => (TABLES[1], [0, 0]),
            Self::Pdpt => (TABLES[2], [0, 0]),
            Self::VSpace => (VSPACE_OBJECT, [0, 0]),
            _ => return None,
        })
    }
}

/// How many attackers there are.
pub(crate) const ATTACKERS: usize = 6;
/// Bytes of a page.
pub(crate) const PAGE: Word = 4096;
/// Pages that an attacker has for itself: its stack, then its board.
pub(crate) const OWN_PAGES: usize = STACK_PAGES + 1;
/// Pages of a stack.
pub(crate) const STACK_PAGES: usize = 4;
/// Where attackers map and unmap.
pub(crate) const PLAYGROUND: Word = 0x1000_0000;
/// Where the attackers' own pages begin; a page table further on there is nothing.
const OWN: Word = 0x3000_0000;

/// The address of attacker `id`'s stack; its board lies behind it.
pub(crate) const fn stack(id: usize) -> Word {
    OWN + id as Word * 0x1_0000
}

/// The address of the words that attacker `id` shares with the supervisor.
pub(crate) const fn board(id: usize) -> Word {
    stack(id) + STACK_PAGES as Word * PAGE
}

/// The address of attacker `id`'s IPC buffer.
pub(crate) const fn buffer(id: usize) -> Word {
    board(id) + 2 * PAGE
}
