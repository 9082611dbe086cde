//! What there is.

use abi::Word;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where an object begins, counted from the beginning of the world's memory. Retype says where
/// objects go and no two live objects overlap, so this names an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub i64);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{:#x}", self.0)
    }
}

/// Slot `index` of the CNode or thread at `holder`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The CNode or thread.
    pub holder: Place,
    /// Which of its slots.
    pub index: u64,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}]", self.holder, self.index)
    }
}

/// A set of rights, as user space writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights(pub Word);

impl Rights {
    /// May send, signal.
    pub const WRITE: Word = 1;
    /// May receive, wait.
    pub const READ: Word = 2;
    /// May send capabilities along.
    pub const GRANT: Word = 4;
    /// May be replied to.
    pub const GRANT_REPLY: Word = 8;
    /// Everything.
    pub const ALL: Self = Self(15);

    /// Whether `right` is in the set.
    pub fn has(self, right: Word) -> bool {
        self.0 & right != 0
    }

    /// What both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            (Self::WRITE, 'w'),
            (Self::READ, 'r'),
            (Self::GRANT, 'g'),
            (Self::GRANT_REPLY, 'y'),
        ];
        let held = letters.iter().filter(|(right, _)| self.has(*right));
        held.map(|(_, letter)| *letter).collect::<String>().fmt(f)
    }
}

/// A capability.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cap {
    /// Memory; everything below `watermark` has been given out.
    Untyped {
        at: Place,
        bits: u32,
        device: bool,
        watermark: u64,
    },
    Endpoint {
        at: Place,
        badge: Word,
        rights: Rights,
    },
    Notification {
        at: Place,
        badge: Word,
        rights: Rights,
    },
    Reply {
        at: Place,
        grant: bool,
    },
    CNode {
        at: Place,
        radix: u32,
        guard: Word,
        guard_bits: u32,
    },
    Thread {
        at: Place,
    },
    SchedContext {
        at: Place,
        bits: u32,
    },
    /// Memory that can be mapped. What may be done with it: none, read, read and write.
    Frame {
        at: Place,
        bits: u32,
        device: bool,
        access: Access,
        mapped: Option<(u16, u64)>,
    },
    /// The root of an address space.
    VSpace {
        at: Place,
        asid: Option<u16>,
    },
    /// A table below a root; `span`: log2 of what it covers, where the capability says so.
    Table {
        at: Place,
        span: Option<u32>,
        mapped: Option<(u16, u64)>,
    },
    /// Pools of ASIDs can be made.
    AsidControl,
    /// The ASIDs from `512 * index` on.
    AsidPool {
        at: Place,
        index: u8,
    },
    /// What remains of a CNode or thread that has ended.
    Zombie {
        at: Place,
    },
    /// Time of the core.
    SchedControl,
    /// Threads can be put into domains, and domains in order.
    DomainSet,
    /// Handlers for interrupts can be made.
    IrqControl,
    /// What is to be done when this line interrupts.
    IrqHandler {
        line: u16,
    },
    /// Whatever else there is: worlds hold it but do not use it.
    Other(u64),
}

/// What a frame capability allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Access {
    None,
    Read,
    ReadWrite,
}

/// A capability in a slot, and its place in the derivation forest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Held {
    pub cap: Cap,
    /// From which capability this one is derived. `None`: from one outside the world.
    pub parent: Option<Slot>,
    /// Whether capabilities can be derived from it: it came with its object, or with its badge.
    pub original: bool,
}

/// An object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// `2^radix` slots.
    CNode {
        radix: u32,
    },
    /// Where threads meet: who waits, the next one first. Their states say for what.
    Endpoint {
        waiting: Vec<Place>,
    },
    Notification(Notification),
    /// Who waits on it is told by the states of threads.
    Reply,
    Thread(Thread),
    SchedContext(SchedContext),
    Frame,
    /// A page table or a root: its entries that lead somewhere.
    Table {
        entries: BTreeMap<u64, Entry>,
    },
    /// What its ASIDs name is in [`State::asids`].
    AsidPool,
    /// A CNode or thread that has ended, but whose first `slots` slots are still to be emptied.
    Remnant {
        slots: u64,
    },
}

/// Where an entry of a page table leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Entry {
    /// To the next table.
    Table(Place),
    /// To memory, as large as the table's level says; how it is cached and whether it is executed,
    /// as the attributes of mapping operations say it.
    Page {
        at: Place,
        access: Access,
        attributes: Word,
    },
}

/// A word of flags to wait for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Notification {
    /// The badges signalled and not yet heard.
    pub active: Option<Word>,
    /// Who waits, the next one first.
    pub waiting: Vec<Place>,
    /// The thread that hears it while it waits on endpoints.
    pub bound: Option<Place>,
    /// Lent to threads that it wakes.
    pub context: Option<Place>,
}

/// Time to run with. How much is said in [`super::time`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SchedContext {
    /// The reply objects of the calls that it was lent through, the last call last.
    pub calls: Vec<Place>,
    /// Its time, once it is configured.
    pub time: Option<Time>,
    /// Told to timeout handlers.
    pub badge: Word,
}

/// The time of a configured scheduling context: its period (0 for round robin) and what it may
/// use from when, the earliest first. Each is a time and an amount.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time {
    pub period: u64,
    pub most: u64,
    pub refills: Vec<(u64, u64)>,
    pub sporadic: bool,
    /// Used since that was last reported.
    pub consumed: u64,
}

/// What a thread has to say: the registers and the buffer that a system call reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Request {
    /// Which system call.
    pub syscall: i64,
    /// The registers that hold capability addresses.
    pub cap: Word,
    pub reply: Word,
    pub destination: Word,
    /// The message.
    pub label: Word,
    pub words: Vec<Word>,
    pub caps: Vec<Word>,
}

/// What a thread has been told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Heard {
    pub badge: Word,
    /// `None`: only the badge was written.
    pub message: Option<Message>,
}

/// A message as it arrives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Message {
    pub label: Word,
    pub words: Vec<Word>,
    pub extra_caps: usize,
    pub unwrapped: Word,
}

/// A thread.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Thread {
    pub state: ThreadState,
    pub priority: u8,
    pub most_priority: u8,
    /// In whose turns it runs.
    pub domain: u8,
    /// What it runs on.
    pub context: Option<Place>,
    /// The scheduling context whose thread it lets run before it.
    pub yields_to: Option<Place>,
    /// What it may not use.
    pub flags: Word,
    /// What its handler is told, until the reply.
    pub fault: Option<Fault>,
    /// Where capabilities that it receives go: a CNode, and an address and depth in it.
    pub receives: Option<[Word; 3]>,
    /// The system call that it makes again when it goes on where it would be restarted.
    pub says: Option<Request>,
}

impl Thread {
    /// As Retype makes it.
    pub const NEW: Self = Self {
        state: ThreadState::Inactive,
        priority: 0,
        most_priority: 0,
        domain: 0,
        context: None,
        yields_to: None,
        flags: 0,
        fault: None,
        receives: None,
        says: None,
    };

    /// Would run if it had time.
    pub fn runnable(&self) -> bool {
        matches!(self.state, ThreadState::Running | ThreadState::Restart)
    }
}

/// What a thread is doing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ThreadState {
    Inactive,
    Running,
    /// Goes on at its restart address when it runs next: there its system call may be made again.
    Restart,
    Sending {
        to: Place,
        how: Sending,
    },
    Receiving {
        from: Place,
        reply: Option<Place>,
    },
    /// Its call was received.
    Calling {
        reply: Place,
    },
    Waiting {
        on: Place,
    },
}

/// How a sender sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sending {
    pub badge: Word,
    pub grant: bool,
    pub grant_reply: bool,
    pub call: bool,
}

/// Why a thread cannot go on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// A capability address led nowhere: in the receiving part of a call or not, and why, as the
    /// words of a lookup failure.
    Cap {
        address: Word,
        receiving: bool,
        failure: Vec<Word>,
    },
    /// No system call has this number.
    UnknownSyscall { number: Word },
    /// The program does what the processor refuses.
    Trap(Trap),
    /// The budget is used up.
    Timeout { badge: Word },
    /// What the worlds do not do.
    Other,
}

/// Domains take turns, as a schedule says, over and over.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Turns {
    /// The entries that are more than an end: whose turn, and for how long.
    pub schedule: BTreeMap<u64, (u8, u64)>,
    /// Where it begins anew.
    pub start: u64,
    /// The entry whose turn it is. `None`: that of `start` comes next.
    pub entry: Option<u64>,
    /// Whose turn it is, whatever has become of the entry since.
    pub domain: u8,
    /// What is left of it. With one domain it does not count down.
    pub left: u64,
}

/// Why the processor stops a program: with what the handler is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trap {
    /// A memory access is refused.
    Memory {
        address: Word,
        status: Word,
        instruction: bool,
    },
    /// An exception.
    Exception { number: Word, code: Word },
}

/// What has become of the question who runs, in the course of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Decision {
    /// Nobody asks.
    #[default]
    Stay,
    /// This thread could run now.
    Consider(Place),
    /// Whoever comes first is to run.
    Choose,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct State {
    /// The slots that hold something.
    pub slots: BTreeMap<Slot, Held>,
    /// The objects that live in the world's memory.
    pub objects: BTreeMap<Place, Object>,
    /// Where the world's memory is in physical memory.
    pub base: u64,
    /// Which pool has which ASIDs.
    pub pools: BTreeMap<u8, Place>,
    /// Which root each ASID names.
    pub asids: BTreeMap<u16, Place>,
    /// The lines that have handlers, and whether each is quiet until it is acknowledged.
    pub lines: BTreeMap<u16, bool>,
    /// Who runs.
    pub current: Option<Place>,
    /// Who could run, by domain and priority; in each the next one first.
    pub ready: BTreeMap<(u8, u8), Vec<Place>>,
    /// Whose turn it is.
    pub turns: Turns,
    /// Who waits for time, the earliest first.
    pub release: Vec<Place>,
    /// Whose time is being used.
    pub charged: Option<Place>,
    /// Whether stopped threads can be started again.
    pub resumable: bool,
    /// Only in the course of a step: what the API leaves open is decided so that these slots stay
    /// full.
    pub witness: Option<BTreeSet<Slot>>,
    /// Only in the course of a step: what the registers of threads hold, as those who read and
    /// write them number them.
    pub registers: BTreeMap<Place, Vec<Word>>,
    /// Only in the course of a step: what threads are told because something has ended.
    pub told_at_end: super::call::Told,
    /// Only in the course of a step.
    pub decision: Decision,
    /// Only in the course of a step: what has been used is to be charged at its end.
    pub settle: bool,
    /// The time, and how much until then has been used and not yet charged.
    pub now: u64,
    pub uncharged: u64,
}

impl Cap {
    /// The object that it names, if that is one that ends.
    pub fn object(&self) -> Option<Place> {
        match *self {
            Self::Endpoint { at, .. }
            | Self::Notification { at, .. }
            | Self::Reply { at, .. }
            | Self::CNode { at, .. }
            | Self::Thread { at }
            | Self::SchedContext { at, .. }
            | Self::Frame { at, .. }
            | Self::Table { at, .. }
            | Self::AsidPool { at, .. }
            | Self::VSpace { at, .. } => Some(at),
            Self::Untyped { .. }
            | Self::Zombie { .. }
            | Self::SchedControl
            | Self::DomainSet
            | Self::AsidControl
            | Self::IrqControl
            | Self::IrqHandler { .. }
            | Self::Other(_) => None,
        }
    }

    /// The memory that it or its object takes: the first byte and how many.
    pub fn memory(&self) -> Option<(Place, u64)> {
        let bits = match *self {
            Self::Untyped { bits, .. }
            | Self::SchedContext { bits, .. }
            | Self::Frame { bits, .. } => bits,
            Self::Endpoint { .. } => abi::object::ENDPOINT_BITS as u32,
            Self::Notification { .. } => abi::object::NOTIFICATION_BITS as u32,
            Self::Reply { .. } => abi::object::REPLY_BITS as u32,
            Self::CNode { radix, .. } => radix + abi::object::SLOT_BITS as u32,
            Self::Thread { .. } => abi::object::TCB_BITS as u32,
            Self::VSpace { .. } => abi::object::VSPACE_BITS as u32,
            Self::Table { .. } => abi::object::PAGE_TABLE_BITS as u32,
            Self::AsidPool { .. } => abi::object::ASID_POOL_BITS as u32,
            Self::Zombie { .. }
            | Self::SchedControl
            | Self::DomainSet
            | Self::AsidControl
            | Self::IrqControl
            | Self::IrqHandler { .. }
            | Self::Other(_) => return None,
        };
        let at = match *self {
            Self::Untyped { at, .. } => at,
            _ => self.object()?,
        };
        Some((at, 1 << bits))
    }

    /// The badge of a capability that can have one; 0: none yet.
    pub fn badge(&self) -> Option<Word> {
        match *self {
            Self::Endpoint { badge, .. } | Self::Notification { badge, .. } => Some(badge),
            _ => None,
        }
    }
}

/// Slots of a thread.
pub mod thread_slot {
    /// The root of its CSpace.
    pub const CSPACE: u64 = 0;
    /// The root of its address space.
    pub const VSPACE: u64 = 1;
    /// The frame of its IPC buffer.
    pub const BUFFER: u64 = 2;
    /// Who is told of its faults.
    pub const FAULT_HANDLER: u64 = 3;
    /// Who is told of the end of its budget.
    pub const TIMEOUT_HANDLER: u64 = 4;
    /// How many there are.
    pub const COUNT: u64 = 5;
}

impl State {
    /// The capability in `slot`.
    pub fn cap(&self, slot: Slot) -> Option<Cap> {
        self.slots.get(&slot).map(|held| held.cap)
    }

    /// A thread.
    pub fn thread(&self, at: Place) -> Option<&Thread> {
        match self.objects.get(&at) {
            Some(Object::Thread(thread)) => Some(thread),
            _ => None,
        }
    }

    /// A thread, to be changed.
    pub fn thread_mut(&mut self, at: Place) -> Option<&mut Thread> {
        match self.objects.get_mut(&at) {
            Some(Object::Thread(thread)) => Some(thread),
            _ => None,
        }
    }

    /// The capability in one of the slots of a thread.
    pub fn of_thread(&self, thread: Place, slot: u64) -> Option<Cap> {
        self.cap(Slot {
            holder: thread,
            index: slot,
        })
    }
}
