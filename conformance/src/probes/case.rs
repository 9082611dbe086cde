//! What a case is made of, and the objects that the cases are about.

use crate::isa;
use crate::report::Outcome;
use crate::world::{FREE_ADDRESS, MEMORY_BITS, World};
use abi::{ErrorCode, Invocation, OBJECT_TYPES, ObjectType, PROFILE, Word};
use user_api::{CPtr, FrameSize, VSPACE_OBJECT};
use user_runtime::boot;

/// A request and its answer.
pub(crate) struct Case {
    /// Begins with `probe::`.
    pub(crate) name: &'static str,
    /// The invoked capability.
    pub(crate) on: Place,
    /// The label.
    pub(crate) ask: Ask,
    /// Capabilities sent along.
    pub(crate) caps: &'static [Place],
    /// Message words.
    pub(crate) words: &'static [Value],
    /// The label of the answer.
    pub(crate) error: ErrorCode,
    /// Its words.
    pub(crate) answer: &'static [Value],
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// An invocation.
    For(Invocation),
    /// The label after an invocation's.
    Beyond(Invocation),
    /// Any label.
    Label(Word),
}

/// Where a capability is, or is not.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// A fixed slot of the root task.
    Fixed(usize),
    /// A slot of the cases' own, empty at first.
    Free(Word),
    /// An object that was made for the cases.
    Made(Thing),
    /// The untyped that they were made from.
    Memory,
    /// A device untyped of at least 64 KiB.
    Device,
    /// The first core's SchedControl.
    SchedControl,
}

/// The objects of the cases, made before the first that needs one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Endpoint,
    Notification,
    Thread,
    /// 256 bytes: room for eight refills more than the least.
    Context,
    /// 128 bytes: room for no more.
    SmallContext,
    Reply,
    /// 16 slots.
    CNode,
    Frame,
    OtherFrame,
    LargeFrame,
    PageTable,
    OtherPageTable,
    /// A table of the level above, where levels have tables of their own.
    PageDirectory,
    /// And of the one above that.
    Pdpt,
    VSpace,
    Untyped12,
    Untyped13,
}

impl Thing {
    const ALL: [(Self, ObjectType, usize); 17] = [
        (Self::LargeFrame, FrameSize::Large.object(), 0),
        (Self::Endpoint, ObjectType::Endpoint, 0),
        (Self::Notification, ObjectType::Notification, 0),
        (Self::Thread, ObjectType::Tcb, 0),
        (Self::Context, ObjectType::SchedContext, 8),
        (Self::SmallContext, ObjectType::SchedContext, 7),
        (Self::Reply, ObjectType::Reply, 0),
        (Self::CNode, ObjectType::CNode, 4),
        (Self::Frame, FrameSize::Small.object(), 0),
        (Self::OtherFrame, FrameSize::Small.object(), 0),
        (Self::PageTable, isa::TABLES[0], 0),
        (Self::OtherPageTable, isa::TABLES[0], 0),
        (Self::PageDirectory, isa::TABLES[1], 0),
        (Self::Pdpt, isa::TABLES[2], 0),
        (Self::VSpace, VSPACE_OBJECT, 0),
        (Self::Untyped12, ObjectType::Untyped, 12),
        (Self::Untyped13, ObjectType::Untyped, 13),
    ];
}

/// A number in a request or an answer.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    /// As it is.
    Is(Word),
    /// The address of a capability or slot.
    At(Place),
    /// Slots of the root CNode, and something added.
    RootSlots(Word),
    /// Slots of the root CNode, less something.
    RootSlotsLess(Word),
    /// Bits of an address that the root CNode's guard takes.
    RootGuardBits,
    /// log2 of the bytes of the memory, and something added.
    MemoryBits(Word),
    /// The bytes of the memory.
    MemoryBytes,
    /// log2 of the bytes of the largest untyped, and something added.
    MaxUntyped(Word),
    /// The number of an object type.
    Type(ObjectType),
    /// The first number that is no object type.
    TypeCount,
    /// Domains, less something.
    DomainsLess(Word),
    /// Entries of the domain schedule, less something.
    ScheduleLess(Word),
    /// An address where nothing is mapped and no table is, and something added.
    FreeAddress(Word),
    /// In answers: whatever it is.
    Any,
}

/// Where the cases' slots and objects are.
pub(crate) struct Setting {
    free: Word,
    things: Option<Word>,
}

/// Slots that the cases may fill.
const FREE_SLOTS: Word = 32;

impl Setting {
    pub(crate) fn new(world: &mut World) -> Self {
        Self {
            free: world.slots(FREE_SLOTS),
            things: None,
        }
    }

    /// Makes the objects, if the case is the first that needs one.
    pub(crate) fn prepare(&mut self, world: &mut World, case: &Case) -> Outcome {
        let names_one = |value: &Value| matches!(value, Value::At(Place::Made(_)));
        let is_one = |place: &Place| matches!(place, Place::Made(_));
        let needed =
            is_one(&case.on) || case.caps.iter().any(is_one) || case.words.iter().any(names_one);
        if self.things.is_none() && needed {
            let first = world.slots(0);
            for (_, object, size_bits) in Thing::ALL {
                let _: CPtr = world.make(object, size_bits)?;
            }
            self.things = Some(first);
        }
        Ok(())
    }

    pub(crate) fn place(&self, world: &World, place: Place) -> CPtr {
        CPtr::new(match place {
            Place::Fixed(slot) => slot as Word,
            Place::Free(number) => self.free + number,
            Place::Made(thing) => {
                let index = Thing::ALL.iter().position(|(other, ..)| *other == thing);
                self.things.unwrap_or(0) + index.unwrap_or(0) as Word
            }
            Place::Memory => world.memory.cptr().bits(),
            Place::Device => boot::untypeds(world.boot)
                .find(|(_, entry)| entry.is_device == 1 && entry.size_bits >= 16)
                .map_or(0, |(untyped, _)| untyped.cptr().bits()),
            Place::SchedControl => world.sched_control().cptr().bits(),
        })
    }

    pub(crate) fn value(&self, world: &World, value: Value) -> Word {
        let root_bits = world.boot.init_thread_cnode_size_bits;
        match value {
            Value::Is(word) => word,
            Value::At(place) => self.place(world, place).bits(),
            Value::RootSlots(more) => (1 << root_bits) + more,
            Value::RootSlotsLess(less) => (1 << root_bits) - less,
            Value::RootGuardBits => Word::from(Word::BITS) - root_bits,
            Value::MemoryBits(more) => MEMORY_BITS as Word + more,
            Value::MemoryBytes => 1 << MEMORY_BITS,
            Value::MaxUntyped(more) => abi::object::MAX_UNTYPED_BITS as Word + more,
            Value::Type(object) => OBJECT_TYPES.number(object).unwrap_or(Word::MAX),
            Value::TypeCount => OBJECT_TYPES.count(),
            Value::DomainsLess(less) => PROFILE.num_domains as Word - less,
            Value::ScheduleLess(less) => PROFILE.num_domain_schedules as Word - less,
            Value::FreeAddress(more) => FREE_ADDRESS + more,
            Value::Any => 0,
        }
    }
}
