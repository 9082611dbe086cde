//! Invocations with arguments that have a chance to mean something.

use crate::isa::OPERATIONS;
use crate::layout::Kind;
use abi::{Invocation, Word};

/// A kind of message word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arg {
    /// A slot where capabilities of the call's kind are.
    Full,
    /// A slot where capabilities of the call's kind go.
    Empty,
    /// The depth that reaches a slot of the root CNode, mostly.
    Depth,
    /// A depth for a small CNode.
    ShortDepth,
    /// One of these.
    Among(&'static [Word]),
    Badge,
    Small,
    Flag,
    Priority,
    Time,
    Page,
    /// The number of the call's type of object.
    Type,
    /// A size for the call's type of object.
    Size,
    Zero,
    Buffer,
    /// How many registers.
    Registers,
    /// An instruction pointer.
    Code,
    /// Whatever.
    Word,
}

/// Rights, mostly all.
pub(crate) const RIGHTS: Arg = Arg::Among(&[15, 15, 3, 1, 2, 9]);

/// What is asked of which capability, with which words and capabilities.
pub(crate) struct Operation {
    pub(crate) invocation: Invocation,
    pub(crate) service: Kind,
    pub(crate) words: &'static [Arg],
    pub(crate) caps: &'static [Kind],
}

pub(crate) const fn op(
    invocation: Invocation,
    service: Kind,
    words: &'static [Arg],
    caps: &'static [Kind],
) -> Operation {
    Operation {
        invocation,
        service,
        words,
        caps,
    }
}

/// Operation `index`, of those that all have and those that this instruction set has.
pub(crate) fn operation(index: usize) -> Option<&'static Operation> {
    let more = index.checked_sub(COMMON.len());
    match more {
        None => COMMON.get(index),
        Some(more) => OPERATIONS.get(more),
    }
}

/// How many there are.
pub(crate) const fn operations() -> usize {
    COMMON.len() + OPERATIONS.len()
}

use Arg as A;
use Invocation as I;
use Kind as K;

// What is to happen often.

const RETYPE: Operation = op(
    I::UntypedRetype,
    K::Untyped,
    &[A::Type, A::Size, A::Zero, A::Zero, A::Empty, A::Small],
    &[K::Root],
);
const RESUME: Operation = op(I::TcbResume, K::Tcb, &[], &[]);
const DELETE: Operation = op(I::CNodeDelete, K::Root, &[A::Full, A::Depth], &[]);
const COPY: Operation = op(
    I::CNodeCopy,
    K::Root,
    &[A::Empty, A::Depth, A::Full, A::Depth, RIGHTS],
    &[K::Root],
);
const CONFIGURE: Operation = op(
    I::SchedControlConfigureFlags,
    K::SchedControl,
    &[A::Time, A::Time, A::Small, A::Badge, A::Flag],
    &[K::SchedContext],
);
const BIND: Operation = op(I::SchedContextBind, K::SchedContext, &[], &[K::Tcb]);

/// Those of all instruction sets; what is to happen often is there several times.
static COMMON: &[Operation] = &[
    RETYPE,
    RETYPE,
    RETYPE,
    op(
        I::UntypedRetype,
        K::Untyped,
        &[A::Type, A::Size, A::Zero, A::Zero, A::Small, A::Small],
        &[K::CNode],
    ),
    op(
        I::UntypedRetype,
        K::Untyped,
        &[A::Type, A::Size, A::Empty, A::Depth, A::Small, A::Small],
        &[K::Root],
    ),
    op(I::TcbReadRegisters, K::Tcb, &[A::Flag, A::Registers], &[]),
    op(
        I::TcbWriteRegisters,
        K::Tcb,
        &[
            A::Flag,
            A::Registers,
            A::Code,
            A::Page,
            A::Word,
            A::Word,
            A::Word,
        ],
        &[],
    ),
    op(
        I::TcbWriteRegisters,
        K::Tcb,
        &[
            A::Flag,
            A::Registers,
            A::Code,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
            A::Word,
        ],
        &[],
    ),
    op(I::TcbCopyRegisters, K::Tcb, &[A::Small], &[K::Tcb]),
    op(
        I::TcbConfigure,
        K::Tcb,
        &[A::Zero, A::Zero, A::Buffer],
        &[K::Root, K::VSpace, K::Frame],
    ),
    op(I::TcbSetPriority, K::Tcb, &[A::Priority], &[K::Tcb]),
    op(I::TcbSetMcPriority, K::Tcb, &[A::Priority], &[K::Tcb]),
    op(
        I::TcbSetSchedParams,
        K::Tcb,
        &[A::Priority, A::Priority],
        &[K::Tcb, K::SchedContext, K::Endpoint],
    ),
    op(I::TcbSetTimeoutEndpoint, K::Tcb, &[], &[K::Endpoint]),
    op(I::TcbSetIpcBuffer, K::Tcb, &[A::Buffer], &[K::Frame]),
    op(
        I::TcbSetSpace,
        K::Tcb,
        &[A::Zero, A::Zero],
        &[K::Endpoint, K::Root, K::VSpace],
    ),
    op(I::TcbSuspend, K::Tcb, &[], &[]),
    RESUME,
    RESUME,
    RESUME,
    op(I::TcbBindNotification, K::Tcb, &[], &[K::Notification]),
    op(I::TcbUnbindNotification, K::Tcb, &[], &[]),
    op(I::TcbSetTlsBase, K::Tcb, &[A::Word], &[]),
    op(I::TcbSetFlags, K::Tcb, &[A::Flag, A::Flag], &[]),
    op(I::CNodeRevoke, K::Root, &[A::Full, A::Depth], &[]),
    DELETE,
    DELETE,
    op(I::CNodeDelete, K::CNode, &[A::Small, A::ShortDepth], &[]),
    op(I::CNodeRevoke, K::CNode, &[A::Small, A::ShortDepth], &[]),
    op(
        I::CNodeCancelBadgedSends,
        K::Root,
        &[A::Full, A::Depth],
        &[],
    ),
    COPY,
    COPY,
    op(
        I::CNodeCopy,
        K::CNode,
        &[A::Small, A::ShortDepth, A::Full, A::Depth, RIGHTS],
        &[K::Root],
    ),
    op(
        I::CNodeMint,
        K::Root,
        &[A::Empty, A::Depth, A::Full, A::Depth, RIGHTS, A::Badge],
        &[K::Root],
    ),
    op(
        I::CNodeMove,
        K::Root,
        &[A::Empty, A::Depth, A::Full, A::Depth],
        &[K::Root],
    ),
    op(
        I::CNodeMove,
        K::CNode,
        &[A::Small, A::ShortDepth, A::Full, A::Depth],
        &[K::Root],
    ),
    op(
        I::CNodeMove,
        K::Root,
        &[A::Empty, A::Depth, A::Small, A::ShortDepth],
        &[K::CNode],
    ),
    op(
        I::CNodeMutate,
        K::Root,
        &[A::Empty, A::Depth, A::Full, A::Depth, A::Badge],
        &[K::Root],
    ),
    op(
        I::CNodeRotate,
        K::Root,
        &[
            A::Full,
            A::Depth,
            A::Badge,
            A::Full,
            A::Depth,
            A::Badge,
            A::Full,
            A::Depth,
        ],
        &[K::Root, K::Root],
    ),
    op(I::IrqAckIrq, K::IrqHandler, &[], &[]),
    op(I::IrqSetIrqHandler, K::IrqHandler, &[], &[K::Notification]),
    op(I::IrqClearIrqHandler, K::IrqHandler, &[], &[]),
    op(I::DomainSetSet, K::DomainSet, &[A::Flag], &[K::Tcb]),
    op(
        I::DomainScheduleConfigure,
        K::DomainSet,
        &[A::Flag, A::Flag, A::Time],
        &[],
    ),
    op(I::DomainScheduleSetStart, K::DomainSet, &[A::Flag], &[]),
    CONFIGURE,
    CONFIGURE,
    BIND,
    BIND,
    op(
        I::SchedContextBind,
        K::SchedContext,
        &[],
        &[K::Notification],
    ),
    op(I::SchedContextUnbind, K::SchedContext, &[], &[]),
    op(I::SchedContextUnbindObject, K::SchedContext, &[], &[K::Tcb]),
    op(
        I::SchedContextUnbindObject,
        K::SchedContext,
        &[],
        &[K::Notification],
    ),
    op(I::SchedContextConsumed, K::SchedContext, &[], &[]),
    op(I::SchedContextYieldTo, K::SchedContext, &[], &[]),
];
