//! Untyped memory, and the birth of objects in it. (`abi/semantics-core.md` 5.)
//!
//! The watermark says how much is in use; objects are carved above it. Memory is cleared when
//! an object is made of it, not when it comes back: a short-lived endpoint costs 16 bytes of
//! clearing, not its whole untyped. Large areas are cleared with preemption points, and how far
//! that got is kept in the capability.

use crate::Kernel;
use crate::bits;
use crate::cap::*;
use crate::cdt;
use crate::console;
use crate::cspace;
use crate::error::{Lookup, LookupFailure, Preempted, SyscallError};
use crate::invocation::{Done, Refusal};
use crate::isa;
use crate::message::Message;
use crate::object::cnode::{Slot, slot_at};
use crate::object::endpoint::Endpoint;
use crate::object::notification::Notification;
use crate::object::reply::Reply;
use crate::object::sched_context::SchedContext;
use crate::object::store::{Object, Ref};
use crate::object::tcb::{self, Tcb};
use crate::usage::Usage;
use abi::PROFILE;
use abi::Word;
use abi::object::{
    ENDPOINT_BITS, MAX_UNTYPED_BITS, MIN_SCHED_CONTEXT_BITS, MIN_UNTYPED_BITS, NOTIFICATION_BITS,
    OBJECT_TYPES, ObjectType, REPLY_BITS, SLOT_BITS,
};
use machine::{KernelAddress, Kind, Machine, PhysicalAddress};

/// Memory is cleared in pieces of this size, with a preemption point after each.
pub const CHUNK: u64 = bits::size(CHUNK_BITS);
const CHUNK_BITS: u8 = 15;

/// What kind of object is to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewObject {
    Untyped,
    Tcb,
    Endpoint,
    Notification,
    CNode,
    SchedContext,
    Reply,
    Isa(isa::NewObject),
}

impl NewObject {
    const fn of(object_type: ObjectType) -> Option<Self> {
        Some(match object_type {
            ObjectType::Untyped => Self::Untyped,
            ObjectType::Tcb => Self::Tcb,
            ObjectType::Endpoint => Self::Endpoint,
            ObjectType::Notification => Self::Notification,
            ObjectType::CNode => Self::CNode,
            ObjectType::SchedContext => Self::SchedContext,
            ObjectType::Reply => Self::Reply,
            other => match isa::NewObject::of(other) {
                Some(object) => Self::Isa(object),
                None => return None,
            },
        })
    }

    /// Whether device memory can become this.
    fn fits_device(self) -> bool {
        match self {
            Self::Untyped => true,
            Self::Isa(object) => object.is_frame(),
            _ => false,
        }
    }
}

/// What is known of a type before anything is asked of it.
#[derive(Clone, Copy)]
struct TypeRow {
    /// `None` for what exists and is not implemented.
    object: Option<NewObject>,
    /// log2 of the object's size in bytes; 0 if that is the caller's choice.
    bits: u8,
    /// What is added to the caller's choice, and the least that it may be.
    added: u8,
    least: u8,
}

/// By the number that user space calls the type by.
static TYPES: [Option<TypeRow>; ObjectType::ALL.len()] = {
    let mut rows = [None; ObjectType::ALL.len()];
    let mut number = 0;
    while number < rows.len() {
        if let Some(object_type) = OBJECT_TYPES.decode(number as Word) {
            #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
            {
                rows[number] = Some(TypeRow::of(object_type));
            }
        }
        number += 1;
    }
    rows
};

impl TypeRow {
    const fn of(object_type: ObjectType) -> Self {
        let (added, least) = match object_type {
            ObjectType::CNode => (SLOT_BITS, 1),
            ObjectType::Untyped => (0, MIN_UNTYPED_BITS),
            ObjectType::SchedContext => (0, MIN_SCHED_CONTEXT_BITS),
            _ => (0, 0),
        };
        let bits = match object_type.size_bits(abi::ISA, &PROFILE) {
            Some(bits) => bits,
            None => 0,
        };
        Self {
            object: NewObject::of(object_type),
            bits: bits as u8,
            added: added as u8,
            least: least as u8,
        }
    }

    /// log2 of the size of an object, for the caller's `size_bits`.
    #[inline(always)]
    fn object_bits(self, size_bits: Word) -> Result<u8, SyscallError> {
        let max = MAX_UNTYPED_BITS as u64;
        let too_large = SyscallError::RangeError { min: 0, max };
        if size_bits >= 64 {
            return Err(too_large);
        }
        let bits = match self.bits {
            0 => size_bits.saturating_add(self.added.into()),
            bits => bits.into(),
        };
        if bits > max {
            Err(too_large)
        } else if size_bits < self.least.into() {
            Err(SyscallError::InvalidArgument(1))
        } else {
            Ok(bits as u8)
        }
    }
}

/// Objects to be made, and where their capabilities go.
#[derive(Clone, Copy, Debug)]
pub struct Retype {
    untyped: Ref<Slot>,
    base: PhysicalAddress,
    untyped_bits: u8,
    device: bool,
    /// Where the untyped has room: its own watermark, or 0 if nothing is left of what was below.
    watermark: u64,
    object: NewObject,
    /// log2 of the size of one object in bytes.
    bits: u8,
    first_slot: Ref<Slot>,
    count: u64,
}

/// Does what `m` asks of the untyped in `slot`.
#[inline(never)]
pub fn retype(k: &mut Kernel, slot: Ref<Slot>, m: &Message) -> Result<Done, Refusal> {
    let Cap::Untyped(cap) = k[slot].cap() else {
        return Err(SyscallError::IllegalOperation.into());
    };
    Retype::decode(k, slot, cap, m)?.commit(k)?;
    Ok(Done::Empty)
}

impl Retype {
    /// Looks at what `m` asks of the untyped in `slot`.
    #[inline(always)]
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        cap: UntypedCap,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let (6.., Some(root)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let [number, size_bits, index, depth, offset, count] =
            [0, 1, 2, 3, 4, 5].map(|n| m.word(k, n));
        let row = usize::try_from(number).ok().and_then(|n| TYPES.get(n));
        let row = row
            .copied()
            .flatten()
            .ok_or(SyscallError::InvalidArgument(0))?;
        let bits = row.object_bits(size_bits)?;
        let node = target_node(k, root, index, depth)?;
        let slots = bits::size(node.radix);
        if offset >= slots {
            return Err(SyscallError::RangeError {
                min: 0,
                max: bits::mask(node.radix),
            });
        }
        let fan_out = PROFILE.retype_fan_out_limit as u64;
        if !(1..=fan_out).contains(&count) {
            return Err(SyscallError::RangeError {
                min: 1,
                max: fan_out,
            });
        }
        let room = slots.saturating_sub(offset);
        if count > room {
            return Err(SyscallError::RangeError { min: 1, max: room });
        }
        let first_slot = node.slot(offset);
        if (0..count).any(|n| !k[slot_at(first_slot, n)].is_empty()) {
            return Err(SyscallError::DeleteFirst);
        }
        let watermark = match cap.watermark {
            0 => 0,
            used => {
                if cdt::untyped_has_children(k, slot) {
                    used
                } else {
                    0
                }
            }
        };
        let available = bits::size(cap.bits).saturating_sub(watermark);
        if available.wrapping_shr(bits.into()) < count {
            return Err(SyscallError::NotEnoughMemory { available });
        }
        let object = row.object.ok_or(SyscallError::InvalidArgument(0))?;
        if cap.device && !object.fits_device() {
            return Err(SyscallError::InvalidArgument(1));
        }
        Ok(Self {
            untyped: slot,
            base: cap.base,
            untyped_bits: cap.bits,
            device: cap.device,
            watermark,
            object,
            bits,
            first_slot,
            count,
        })
    }

    /// Does it.
    #[inline(always)]
    pub fn commit(self, k: &mut Kernel) -> Result<(), Preempted> {
        // Decode has checked that all fits in the untyped: nothing wraps.
        let size = bits::size(self.bits);
        let start = bits::round_up(self.watermark, self.bits);
        let end = start.wrapping_add(size.wrapping_mul(self.count));
        let base = PhysicalAddress(self.base.0.wrapping_add(start));
        let untyped = UntypedCap {
            base: self.base,
            bits: self.untyped_bits,
            device: self.device,
            watermark: end,
            cleared: 0,
        };
        // What is made by the hundred is told apart once, and not for each. These write all that they
        // are: their memory need not be cleared before.
        match self.object {
            NewObject::Endpoint => {
                cdt::update(k, self.untyped, Cap::Untyped(untyped));
                self.make_each(k, base, endpoint_at);
            }
            NewObject::Notification => {
                cdt::update(k, self.untyped, Cap::Untyped(untyped));
                self.make_each(k, base, notification_at);
            }
            NewObject::Reply => {
                cdt::update(k, self.untyped, Cap::Untyped(untyped));
                self.make_each(k, base, reply_at);
            }
            object => {
                if !self.device && object != NewObject::Untyped {
                    self.clear(k, start, end)?;
                }
                cdt::update(k, self.untyped, Cap::Untyped(untyped));
                let (bits, device) = (self.bits, self.device);
                self.make_each(k, base, |k, base| create(k, object, base, bits, device));
            }
        }
        Ok(())
    }

    /// Makes the objects from `base` on by `make`, and puts the capabilities to them in their slots.
    #[inline(always)]
    fn make_each(
        self,
        k: &mut Kernel,
        base: PhysicalAddress,
        make: impl Fn(&mut Kernel, PhysicalAddress) -> PackedCap,
    ) {
        let size = bits::size(self.bits);
        let (mut base, mut slot) = (base.0, self.first_slot);
        for _ in 0..self.count {
            let made = make(k, PhysicalAddress(base));
            cdt::insert_child(k, made, self.untyped, slot);
            base = base.wrapping_add(size);
            slot = slot_at(slot, 1);
        }
    }

    /// Clears the memory from `start` to `end` (offsets in the untyped).
    #[inline(always)]
    fn clear(&self, k: &mut Kernel, start: u64, end: u64) -> Result<(), Preempted> {
        let len = end.wrapping_sub(start);
        if len <= CHUNK {
            let at = self.base.0.wrapping_add(start);
            k.machine.clear(KernelAddress::of(PhysicalAddress(at)), len);
            return Ok(());
        }
        clear_long(k, self.untyped, self.watermark, start, end)
    }
}

/// Clears the memory from `start` to `end` (offsets in the untyped, which has room from `watermark` on)
/// piece by piece.
#[inline(never)]
fn clear_long(
    k: &mut Kernel,
    untyped: Ref<Slot>,
    watermark: u64,
    start: u64,
    end: u64,
) -> Result<(), Preempted> {
    let Cap::Untyped(mut cap) = k[untyped].cap() else {
        return Ok(());
    };
    if cap.watermark != watermark {
        // It begins anew.
        cap.watermark = watermark;
        cap.cleared = 0;
    }
    let at = |offset: u64| KernelAddress::of(PhysicalAddress(cap.base.0.wrapping_add(offset)));
    // In whole chunks from the first above the watermark, so that the progress is a number
    // that any later retype can trust; what lies before the first chunk is cleared last.
    let first = bits::round_up(cap.watermark, CHUNK_BITS);
    loop {
        let done = u64::from(cap.cleared).wrapping_shl(CHUNK_BITS.into());
        let next = first.wrapping_add(done);
        if next >= end {
            break;
        }
        let left = end.wrapping_sub(next);
        k.machine.clear(at(next), CHUNK.min(left));
        if left < CHUNK {
            break;
        }
        cap.cleared = cap.cleared.wrapping_add(1);
        cdt::update(k, untyped, Cap::Untyped(cap));
        k.preemption_point_after((CHUNK >> PROFILE.reset_chunk_bits) as u32)?;
    }
    if start < first {
        k.machine.clear(at(start), first.wrapping_sub(start));
    }
    Ok(())
}

/// The CNode that the new capabilities go to.
#[inline(always)]
fn target_node(
    k: &Kernel,
    root: Ref<Slot>,
    index: Word,
    depth: Word,
) -> Result<CNodeCap, SyscallError> {
    let slot = match depth {
        0 => root,
        depth => cspace::target_slot(k, root, index, depth, Lookup::Destination)?,
    };
    k[slot].cnode().ok_or(SyscallError::FailedLookup(
        Lookup::Destination,
        LookupFailure::MissingCapability { bits_left: depth },
    ))
}

/// Makes an object of `2^bits` bytes of cleared memory at `base`. The first capability to it.
#[inline(never)]
pub(crate) fn create(
    k: &mut Kernel,
    object: NewObject,
    base: PhysicalAddress,
    bits: u8,
    device: bool,
) -> PackedCap {
    let at = KernelAddress::of(base);
    let cap = match object {
        NewObject::Endpoint => return endpoint_at(k, base),
        NewObject::Notification => return notification_at(k, base),
        NewObject::Reply => return reply_at(k, base),
        NewObject::Untyped => Cap::Untyped(UntypedCap {
            base,
            bits,
            device,
            watermark: 0,
            cleared: 0,
        }),
        NewObject::Tcb => Cap::Tcb(create_tcb(k, at)),
        NewObject::SchedContext => Cap::SchedContext(SchedContextCap {
            sched_context: born(k, at, bits::size(bits), SchedContext::new()),
            bits,
        }),
        NewObject::CNode => {
            // All zero is an array of empty slots.
            k.machine.born(at, bits::size(bits), Kind::Slots);
            let radix = bits.saturating_sub(SLOT_BITS as u8);
            Cap::CNode(CNodeCap {
                slots: Ref::new(at),
                radix,
                guard: 0,
                guard_bits: 0,
            })
        }
        NewObject::Isa(object) => isa::create(k, object, base, device),
    };
    cap.into()
}

#[inline(always)]
fn endpoint_at(k: &mut Kernel, base: PhysicalAddress) -> PackedCap {
    let (at, len) = (KernelAddress::of(base), 1 << ENDPOINT_BITS);
    let cap = Cap::Endpoint(EndpointCap {
        endpoint: born(k, at, len, Endpoint::new()),
        badge: 0,
        rights: Rights::ALL,
    });
    cap.into()
}

#[inline(always)]
fn notification_at(k: &mut Kernel, base: PhysicalAddress) -> PackedCap {
    let (at, len) = (KernelAddress::of(base), 1 << NOTIFICATION_BITS);
    let cap = Cap::Notification(NotificationCap {
        notification: born(k, at, len, Notification::new()),
        badge: 0,
        rights: Rights::ALL,
    });
    cap.into()
}

#[inline(always)]
fn reply_at(k: &mut Kernel, base: PhysicalAddress) -> PackedCap {
    let (at, len) = (KernelAddress::of(base), 1 << REPLY_BITS);
    let cap = Cap::Reply(ReplyCap {
        reply: born(k, at, len, Reply::new()),
        can_grant: true,
    });
    cap.into()
}

#[inline(never)]
fn create_tcb(k: &mut Kernel, at: KernelAddress) -> Ref<Tcb> {
    for (offset, len, kind) in tcb::PIECES {
        k.machine.born(at.plus(offset), len, kind);
    }
    let thread = Ref::new(at);
    let (domain, core) = (k.schedule.current_domain() as u8, k.core as u8);
    write(k, thread, Tcb::new(domain, core));
    write(k, thread.context(), isa::Context::new());
    write(k, thread.sibling(), isa::debug::State::default());
    write(k, thread.sibling(), Usage::default());
    k.machine.fpu_initialise(thread.fpu());
    console::thread_born(k, thread);
    thread
}

/// Brings an object to life in the `len` bytes at `at`.
#[inline(always)]
fn born<T: Object>(k: &mut Kernel, at: KernelAddress, len: u64, value: T) -> Ref<T> {
    k.machine.born(at, len, T::KIND);
    let object = Ref::new(at);
    write(k, object, value);
    object
}

/// The first value of an object.
fn write<T: Object>(k: &mut Kernel, object: Ref<T>, value: T) {
    let at = object.address().plus(T::OFFSET);
    let place = k
        .machine
        .resolve(at, size_of::<T>() as u64, T::KIND)
        .cast::<T>();
    // SAFETY: the memory has just become this object (`Machine::born` above), is aligned because
    // objects are aligned to their size, and `&mut Kernel` excludes any other access.
    unsafe { place.write(value) };
}
