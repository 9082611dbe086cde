//! What threads may do: operations with arguments that have a chance to mean something.

use abi::{Invocation, Syscall};
use proptest::prelude::*;

/// A kind of capability to look for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Any,
    Null,
    Untyped,
    Endpoint,
    Notification,
    Reply,
    RootCNode,
    CNode,
    Tcb,
    SchedContext,
    SchedControl,
    Frame,
    Table,
    VSpace,
    AsidPool,
    AsidControl,
    IrqControl,
    IrqHandler,
    Domain,
}

/// A kind of message word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arg {
    /// A slot that holds something.
    Full,
    /// A slot that does not.
    Empty,
    Depth,
    Rights,
    Badge,
    Bits,
    Flag,
    Priority,
    Time,
    Page,
    Type,
    Size,
    Zero,
    One,
    Buffer,
    Register,
    Vector,
    /// What CopyRegisters does; not the frame, for a thread that gets the frame of a system call makes
    /// that call, perhaps this one, for ever.
    Copy,
}

/// One operation: what it asks of which capability, with which words and capabilities.
pub(crate) type Operation = (Invocation, Kind, &'static [Arg], &'static [Kind]);

use Arg as A;
use Kind as K;

/// All of them.
pub(crate) const OPERATIONS: &[Operation] = &[
    (
        Invocation::UntypedRetype,
        K::Untyped,
        &[A::Type, A::Size, A::Zero, A::Zero, A::Empty, A::One],
        &[K::RootCNode],
    ),
    (
        Invocation::UntypedRetype,
        K::Untyped,
        &[A::Type, A::Size, A::Zero, A::Zero, A::Bits, A::Bits],
        &[K::CNode],
    ),
    (
        Invocation::TcbReadRegisters,
        K::Tcb,
        &[A::Flag, A::Register],
        &[],
    ),
    (
        Invocation::TcbWriteRegisters,
        K::Tcb,
        &[A::Flag, A::One, A::Page],
        &[],
    ),
    (Invocation::TcbCopyRegisters, K::Tcb, &[A::Copy], &[K::Tcb]),
    (
        Invocation::TcbConfigure,
        K::Tcb,
        &[A::Zero, A::Zero, A::Buffer],
        &[K::RootCNode, K::VSpace, K::Frame],
    ),
    (
        Invocation::TcbSetPriority,
        K::Tcb,
        &[A::Priority],
        &[K::Tcb],
    ),
    (
        Invocation::TcbSetMcPriority,
        K::Tcb,
        &[A::Priority],
        &[K::Tcb],
    ),
    (
        Invocation::TcbSetSchedParams,
        K::Tcb,
        &[A::Priority, A::Priority],
        &[K::Tcb, K::SchedContext, K::Endpoint],
    ),
    (
        Invocation::TcbSetSchedParams,
        K::Tcb,
        &[A::Priority, A::Priority],
        &[K::Tcb, K::Null, K::Null],
    ),
    (
        Invocation::TcbSetTimeoutEndpoint,
        K::Tcb,
        &[],
        &[K::Endpoint],
    ),
    (
        Invocation::TcbSetIpcBuffer,
        K::Tcb,
        &[A::Buffer],
        &[K::Frame],
    ),
    (
        Invocation::TcbSetSpace,
        K::Tcb,
        &[A::Zero, A::Zero],
        &[K::Endpoint, K::RootCNode, K::VSpace],
    ),
    (Invocation::TcbSuspend, K::Tcb, &[], &[]),
    (Invocation::TcbResume, K::Tcb, &[], &[]),
    (Invocation::TcbResume, K::Tcb, &[], &[]),
    (
        Invocation::TcbBindNotification,
        K::Tcb,
        &[],
        &[K::Notification],
    ),
    (Invocation::TcbUnbindNotification, K::Tcb, &[], &[]),
    (Invocation::TcbSetFlags, K::Tcb, &[A::Flag, A::Flag], &[]),
    (
        Invocation::CNodeRevoke,
        K::RootCNode,
        &[A::Full, A::Depth],
        &[],
    ),
    (
        Invocation::CNodeDelete,
        K::RootCNode,
        &[A::Full, A::Depth],
        &[],
    ),
    (
        Invocation::CNodeDelete,
        K::RootCNode,
        &[A::Full, A::Depth],
        &[],
    ),
    (
        Invocation::CNodeCancelBadgedSends,
        K::RootCNode,
        &[A::Full, A::Depth],
        &[],
    ),
    (
        Invocation::CNodeCopy,
        K::RootCNode,
        &[A::Empty, A::Depth, A::Full, A::Depth, A::Rights],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeCopy,
        K::CNode,
        &[A::Bits, A::Size, A::Full, A::Depth, A::Rights],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeMint,
        K::RootCNode,
        &[A::Empty, A::Depth, A::Full, A::Depth, A::Rights, A::Badge],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeMove,
        K::RootCNode,
        &[A::Empty, A::Depth, A::Full, A::Depth],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeMove,
        K::CNode,
        &[A::Bits, A::Size, A::Full, A::Depth],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeMutate,
        K::RootCNode,
        &[A::Empty, A::Depth, A::Full, A::Depth, A::Zero],
        &[K::RootCNode],
    ),
    (
        Invocation::CNodeRotate,
        K::RootCNode,
        &[
            A::Full,
            A::Depth,
            A::Zero,
            A::Full,
            A::Depth,
            A::Zero,
            A::Full,
            A::Depth,
        ],
        &[K::RootCNode, K::RootCNode],
    ),
    (Invocation::IrqAckIrq, K::IrqHandler, &[], &[]),
    (
        Invocation::IrqSetIrqHandler,
        K::IrqHandler,
        &[],
        &[K::Notification],
    ),
    (Invocation::IrqClearIrqHandler, K::IrqHandler, &[], &[]),
    (Invocation::DomainSetSet, K::Domain, &[A::Zero], &[K::Tcb]),
    (
        Invocation::SchedControlConfigureFlags,
        K::SchedControl,
        &[A::Time, A::Time, A::Flag, A::Badge, A::Flag],
        &[K::SchedContext],
    ),
    (
        Invocation::SchedContextBind,
        K::SchedContext,
        &[],
        &[K::Tcb],
    ),
    (
        Invocation::SchedContextBind,
        K::SchedContext,
        &[],
        &[K::Notification],
    ),
    (Invocation::SchedContextUnbind, K::SchedContext, &[], &[]),
    (
        Invocation::SchedContextUnbindObject,
        K::SchedContext,
        &[],
        &[K::Tcb],
    ),
    (
        Invocation::SchedContextUnbindObject,
        K::SchedContext,
        &[],
        &[K::Notification],
    ),
    (Invocation::SchedContextConsumed, K::SchedContext, &[], &[]),
    (Invocation::SchedContextYieldTo, K::SchedContext, &[], &[]),
    (
        Invocation::X86PageTableMap,
        K::Table,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    (Invocation::X86PageTableUnmap, K::Table, &[], &[]),
    (
        Invocation::X86PageDirectoryMap,
        K::Table,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    (Invocation::X86PageDirectoryUnmap, K::Table, &[], &[]),
    (
        Invocation::X86PdptMap,
        K::Table,
        &[A::Page, A::Zero],
        &[K::VSpace],
    ),
    (
        Invocation::X86PageMap,
        K::Frame,
        &[A::Page, A::Rights, A::Zero],
        &[K::VSpace],
    ),
    (
        Invocation::X86PageMap,
        K::Frame,
        &[A::Page, A::Rights, A::Zero],
        &[K::VSpace],
    ),
    (Invocation::X86PageUnmap, K::Frame, &[], &[]),
    (
        Invocation::X86AsidControlMakePool,
        K::AsidControl,
        &[A::Empty, A::Depth],
        &[K::Untyped, K::RootCNode],
    ),
    (
        Invocation::X86AsidPoolAssign,
        K::AsidPool,
        &[],
        &[K::VSpace],
    ),
    (
        Invocation::X86IrqIssueIrqHandlerMsi,
        K::IrqControl,
        &[
            A::Empty,
            A::Depth,
            A::Zero,
            A::Zero,
            A::Zero,
            A::Zero,
            A::Vector,
        ],
        &[K::RootCNode],
    ),
];

/// One thing that happens. Numbers choose among what there is when it happens.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Whoever runs invokes something; the n-th preemption point finds an interrupt, if n is not 0.
    Invoke {
        operation: usize,
        choices: [u16; 12],
        by: Syscall,
        noise: Option<(u8, u64)>,
        interrupt_at: u64,
    },
    /// Whoever runs talks to somebody.
    Talk {
        syscall: Syscall,
        choices: [u16; 4],
        length: usize,
        caps: usize,
    },
    /// Time passes.
    Pass(u64),
    /// A line interrupts.
    Interrupt(u16),
    /// Whoever runs touches a page.
    Touch(u64),
    /// Whoever runs faults, in one of several ways.
    Fault(u8),
    /// The root task starts some threads again.
    Rescue(u8),
}

const TALK: [Syscall; 10] = [
    Syscall::Call,
    Syscall::Call,
    Syscall::ReplyRecv,
    Syscall::NbSendRecv,
    Syscall::NbSendWait,
    Syscall::Send,
    Syscall::NbSend,
    Syscall::Recv,
    Syscall::Wait,
    Syscall::NbWait,
];

const INVOKE: [Syscall; 6] = [
    Syscall::Call,
    Syscall::Call,
    Syscall::Call,
    Syscall::Call,
    Syscall::Send,
    Syscall::NbSendRecv,
];

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let noise = prop::option::weighted(0.15, (any::<u8>(), any::<u64>()));
    let invoke = (
        0..OPERATIONS.len(),
        any::<[u16; 12]>(),
        prop::sample::select(&INVOKE[..]),
        noise,
        0..8u64,
    );
    let talk = (
        prop::sample::select(&TALK[..]),
        any::<[u16; 4]>(),
        0..8usize,
        0..4usize,
    );
    prop_oneof![
        50 => invoke.prop_map(|(operation, choices, by, noise, n)| {
            Act::Invoke { operation, choices, by, noise, interrupt_at: n.saturating_sub(4) }
        }),
        25 => talk.prop_map(|(syscall, choices, length, caps)| Act::Talk { syscall, choices, length, caps }),
        4 => (0..3000u64).prop_map(Act::Pass),
        2 => (5..8u16).prop_map(Act::Interrupt),
        2 => (0..4u64).prop_map(Act::Touch),
        3 => any::<u8>().prop_map(Act::Fault),
        8 => any::<u8>().prop_map(Act::Rescue),
    ]
}
