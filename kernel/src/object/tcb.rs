//! Threads: their state and the operations on it. Invocations are in [`invoke`].

pub mod debug;
pub mod invoke;

use crate::Kernel;
use crate::bits;
use crate::fault::Fault;
use crate::isa;
use crate::message::Buffer;
use crate::object::asid::KnownSpace;
use crate::object::cnode::Slot;
use crate::object::endpoint::Endpoint;
use crate::object::notification::Notification;
use crate::object::reply::Reply;
use crate::object::sched_context::SchedContext;
use crate::object::store::{Object, Ref};
use crate::queue::Links;
use crate::ready;
use crate::release::Place;
use crate::sched;
use crate::usage::Usage;
use abi::Word;
use abi::ipc_buffer::IPC_BUFFER_BITS;
use abi::object::SLOT_BITS;
use machine::{KernelAddress, Kind, Machine};

/// Offsets of the four objects in a TCB block: registers (0), control state, slots, FPU area.
/// Each ISA's registers take what they need, in whole cache lines.
const TCB_OFFSET: u64 = (size_of::<isa::Context>() as u64).next_multiple_of(64);
const SLOTS_OFFSET: u64 = 640;
/// Where the floating-point state starts: on a cache line, with room for 832 bytes behind it.
pub const FPU_OFFSET: u64 = 1216;
/// Where the debug state starts.
pub const DEBUG_OFFSET: u64 = 832;
/// Where the usage counters start.
pub const USAGE_OFFSET: u64 = 1152;
/// How many slots a TCB has.
pub const SLOTS: u64 = 5;

const _: () = assert!(TCB_OFFSET + size_of::<Tcb>() as u64 <= SLOTS_OFFSET);
const _: () = assert!(SLOTS_OFFSET + SLOTS * 32 <= DEBUG_OFFSET);
const _: () = assert!(DEBUG_OFFSET + size_of::<isa::debug::State>() as u64 <= USAGE_OFFSET);
const _: () = assert!(USAGE_OFFSET + size_of::<Usage>() as u64 <= FPU_OFFSET);
const _: () = assert!(FPU_OFFSET + isa::FPU_BYTES <= 1 << isa::TCB_BITS);

/// A slot of a TCB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TcbSlot {
    CSpace = 0,
    VSpace = 1,
    Buffer = 2,
    FaultHandler = 3,
    TimeoutHandler = 4,
}

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ThreadState {
    /// Stopped: by Suspend, by a fault without handler, or never started.
    Inactive,
    /// Executes user code, or will when it is scheduled.
    Running,
    /// Will execute again the instruction that entered the kernel.
    Restart,
    /// In the queue of an endpoint that nobody receives from.
    BlockedOnSend {
        endpoint: Ref<Endpoint>,
        sending: Sending,
    },
    /// In the queue of an endpoint that nobody sends to.
    BlockedOnReceive {
        endpoint: Ref<Endpoint>,
        reply: Option<Ref<Reply>>,
    },
    /// Its call (or fault) was received.
    BlockedOnReply { reply: Ref<Reply> },
    /// In the queue of a notification.
    BlockedOnNotification { notification: Ref<Notification> },
}

/// How a blocked sender sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sending {
    /// The badge of the capability it sent through.
    pub badge: Word,
    /// Whether that capability may transfer others.
    pub can_grant: bool,
    /// Whether it may be replied to.
    pub can_grant_reply: bool,
    /// Whether the sender waits for a reply.
    pub call: bool,
}

/// The control state of a thread.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Tcb {
    pub state: ThreadState,
    pub priority: u8,
    /// The highest priority that this thread may give.
    #[doc(alias = "mcp")]
    pub max_controlled_priority: u8,
    pub domain: u8,
    /// The core it runs on.
    pub core: u8,
    /// In the ready queue of its core, domain and priority.
    pub ready_queued: bool,
    /// In the release queue of its core.
    pub release_queued: bool,
    /// How many more times its floating-point state is loaded in advance.
    pub fpu_turns: u8,
    /// Who may use the floating-point registers while it runs: itself, or nobody.
    pub fpu_user: Option<Ref<Tcb>>,
    /// `abi::sched` TCB flags.
    pub flags: Word,
    /// Place in the queue that `state` or `ready_queued` say.
    pub links: Option<Links>,
    pub sched_context: Option<Ref<SchedContext>>,
    /// The scheduling context that this thread's YieldTo waits for.
    pub yield_to: Option<Ref<SchedContext>>,
    pub bound_notification: Option<Ref<Notification>>,
    /// The fault that its handler is told about, until the reply.
    pub fault: Option<Fault>,
    /// The address space that the root in its slot stands for.
    pub space: KnownSpace,
    /// Place in the release queue.
    pub release: Place,
    /// Where the IPC buffer is, as long as its frame is in its slot.
    pub known_buffer: KnownBuffer,
    /// User address of the IPC buffer.
    pub buffer: Word,
    /// Neighbours in the list of all threads (debug flavour).
    pub all_next: Option<Ref<Tcb>>,
    pub all_previous: Option<Ref<Tcb>>,
    /// A name for people, NUL-padded.
    pub name: [u8; 64],
}

impl Object for Tcb {
    const KIND: Kind = Kind::Tcb;
    const OFFSET: u64 = TCB_OFFSET;
}

impl Tcb {
    /// A thread as Retype makes it.
    pub fn new(domain: u8, core: u8) -> Self {
        Self {
            state: ThreadState::Inactive,
            priority: 0,
            max_controlled_priority: 0,
            domain,
            core,
            ready_queued: false,
            release_queued: false,
            fpu_turns: 0,
            fpu_user: None,
            flags: 0,
            links: None,
            sched_context: None,
            yield_to: None,
            bound_notification: None,
            fault: None,
            space: KnownSpace::NONE,
            release: Place::NONE,
            known_buffer: KnownBuffer::NONE,
            buffer: 0,
            all_next: None,
            all_previous: None,
            name: [0; 64],
        }
    }

    /// Running, or will be when it has time.
    #[inline(always)]
    pub fn runnable(&self) -> bool {
        matches!(self.state, ThreadState::Running | ThreadState::Restart)
    }

    /// Stopped or waiting: what Resume acts on.
    pub fn stopped(&self) -> bool {
        !self.runnable()
    }

    /// The name, if it has one.
    pub fn name(&self) -> &str {
        let len = self
            .name
            .iter()
            .position(|&b| b == 0)
            .unwrap_or(self.name.len());
        core::str::from_utf8(self.name.get(..len).unwrap_or_default()).unwrap_or("?")
    }
}

impl Ref<Tcb> {
    /// The thread's registers.
    #[inline(always)]
    pub fn context(self) -> Ref<isa::Context> {
        self.sibling()
    }

    /// One of its slots.
    #[inline(always)]
    pub fn slot(self, slot: TcbSlot) -> Ref<Slot> {
        Ref::new(
            self.address()
                .plus(SLOTS_OFFSET)
                .inside((slot as u64) << SLOT_BITS),
        )
    }

    /// Its floating-point area.
    #[inline(always)]
    pub fn fpu(self) -> KernelAddress {
        self.address().plus(FPU_OFFSET)
    }
}

/// The thread whose first slot is `slots`.
pub(crate) fn block_of_slots(slots: Ref<Slot>) -> Ref<Tcb> {
    Ref::new(slots.address().plus(SLOTS_OFFSET.wrapping_neg()))
}

/// Pieces of a TCB block, for the liveness map: offset, length, kind.
pub(crate) const PIECES: [(u64, u64, Kind); 6] = [
    (0, size_of::<isa::Context>() as u64, Kind::Context),
    (TCB_OFFSET, size_of::<Tcb>() as u64, Kind::Tcb),
    (SLOTS_OFFSET, SLOTS * 32, Kind::Slots),
    (
        DEBUG_OFFSET,
        size_of::<isa::debug::State>() as u64,
        Kind::Context,
    ),
    (USAGE_OFFSET, size_of::<Usage>() as u64, Kind::Context),
    (FPU_OFFSET, isa::FPU_BYTES, Kind::Fpu),
];

/// What the kernel wants to do with an IPC buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Read,
    ReadWrite,
}

/// Where the kernel accesses the IPC buffer of a thread, so that not each message looks it up.
///
/// Invariant (docs/invariants.md#buffer): while there is a frame in the thread's slot for it, this is
/// what [`find_buffer`] would find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct KnownBuffer {
    /// To read from.
    readable: Option<Buffer>,
    /// To read from and write to.
    writable: Option<Buffer>,
}

impl KnownBuffer {
    /// There is no buffer.
    pub const NONE: Self = Self {
        readable: None,
        writable: None,
    };
}

/// The IPC buffer of `thread`, if it has one that may be accessed so.
#[doc(alias = "lookupIPCBuffer")]
#[inline(always)]
pub fn buffer(k: &Kernel, thread: Ref<Tcb>, access: Access) -> Option<Buffer> {
    let known = k[thread].known_buffer;
    let buffer = match access {
        Access::Read => known.readable,
        Access::ReadWrite => known.writable,
    };
    // The frame may have been deleted; no other comes into the slot without being remembered.
    k[thread.slot(TcbSlot::Buffer)]
        .is_frame()
        .then_some(buffer?)
}

/// Remembers where the IPC buffer of `thread` is, after its slot or address has changed.
pub fn remember_buffer(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].known_buffer = find_buffer(k, thread);
}

/// Where the IPC buffer of `thread` is, by what is in its slot.
pub(crate) fn find_buffer(k: &Kernel, thread: Ref<Tcb>) -> KnownBuffer {
    let frame = k[thread.slot(TcbSlot::Buffer)].packed();
    // `buffer` was checked for alignment when it was set.
    let place = k[thread].buffer & !bits::mask(IPC_BUFFER_BITS as u8);
    let at = |write| {
        let (base, mask) = frame.memory(write)?;
        Some(Buffer::new(KernelAddress::of(base).inside(place & mask)))
    };
    KnownBuffer {
        readable: at(false),
        writable: at(true),
    }
}

/// Puts `thread` in `state` and tells the scheduler if it was the one running.
#[inline(always)]
pub fn set_state(k: &mut Kernel, thread: Ref<Tcb>, state: ThreadState) {
    k[thread].state = state;
    sched::state_changed(k, thread);
}

/// Sets the register that names the thread-local storage of `thread`, which may be the current
/// one.
pub fn set_tls_base(k: &mut Kernel, thread: Ref<Tcb>, base: Word) {
    k[thread.context()].set_tls_base(base);
    if k.current() == Some(thread) {
        let base = k[thread.context()].tls_base();
        k.machine.set_tls_base(base);
    }
}

/// Ends whatever IPC `thread` is blocked in; afterwards it is Inactive, or was not blocked.
#[doc(alias = "cancelIPC")]
pub fn cancel_ipc(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].fault = None;
    match k[thread].state {
        ThreadState::BlockedOnSend { endpoint, .. }
        | ThreadState::BlockedOnReceive { endpoint, .. } => {
            crate::object::endpoint::cancel_wait(k, thread, endpoint);
        }
        ThreadState::BlockedOnNotification { notification } => {
            crate::object::notification::cancel_wait(k, thread, notification);
        }
        ThreadState::BlockedOnReply { reply } => {
            crate::object::reply::abandon(k, reply, thread);
        }
        ThreadState::Inactive | ThreadState::Running | ThreadState::Restart => {}
    }
}

/// Stops `thread`.
pub fn suspend(k: &mut Kernel, thread: Ref<Tcb>) {
    cancel_ipc(k, thread);
    if k[thread].yield_to.is_some() {
        crate::object::sched_context::cancel_yield(k, thread);
    }
    if k[thread].state == ThreadState::Running {
        // It has finished its system call: it must not do it again when it is resumed.
        let next = k[thread.context()].next_ip();
        k[thread.context()].set_fault_ip(next);
    }
    set_state(k, thread, ThreadState::Inactive);
    ready::dequeue(k, thread);
    sched::release_remove(k, thread);
}

/// Restarts `thread` at its restart PC, if it is stopped or blocked.
#[doc(alias = "restart")]
pub fn resume(k: &mut Kernel, thread: Ref<Tcb>) {
    if !k[thread].stopped() {
        return;
    }
    cancel_ipc(k, thread);
    set_state(k, thread, ThreadState::Restart);
    if let Some(sc) = k[thread].sched_context {
        crate::object::sched_context::unblock_and_resume(k, sc);
    }
    if k.schedulable(thread) {
        sched::possible_switch_to(k, thread);
    }
}

/// Changes the priority; queues follow.
pub fn set_priority(k: &mut Kernel, thread: Ref<Tcb>, priority: u8) {
    match k[thread].state {
        ThreadState::Running | ThreadState::Restart => {
            if k[thread].ready_queued || k.current() == Some(thread) {
                ready::dequeue(k, thread);
                k[thread].priority = priority;
                ready::enqueue_first(k, thread);
                sched::reschedule(k);
            } else {
                k[thread].priority = priority;
            }
        }
        ThreadState::BlockedOnSend { endpoint, .. }
        | ThreadState::BlockedOnReceive { endpoint, .. } => {
            k[thread].priority = priority;
            crate::object::endpoint::reorder(k, endpoint, thread);
        }
        ThreadState::BlockedOnNotification { notification } => {
            k[thread].priority = priority;
            crate::object::notification::reorder(k, notification, thread);
        }
        ThreadState::Inactive | ThreadState::BlockedOnReply { .. } => k[thread].priority = priority,
    }
}

/// What has to be undone before a TCB's memory is given back. Its slots are emptied
/// afterwards, like a CNode's.
pub(crate) fn finalise(k: &mut Kernel, thread: Ref<Tcb>) {
    crate::object::notification::unbind_tcb(k, thread);
    if let Some(sc) = k[thread].sched_context {
        crate::object::sched_context::end_yields_to(k, sc);
        crate::object::sched_context::unbind_tcb(k, sc);
    }
    suspend(k, thread);
    sched::thread_gone(k, thread);
    crate::console::thread_gone(k, thread);
}

/// Clears the slots' liveness and the rest once the zombie is gone.
pub(crate) fn memory_gone(k: &mut Kernel, thread: Ref<Tcb>) {
    for (offset, len, _) in PIECES {
        k.machine.gone(thread.address().plus(offset), len);
    }
}
