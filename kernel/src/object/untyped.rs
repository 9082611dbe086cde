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
use crate::invocation::Refusal;
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
    MAX_UNTYPED_BITS, MIN_SCHED_CONTEXT_BITS, MIN_UNTYPED_BITS, OBJECT_TYPES, ObjectType, SLOT_BITS,
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
    fn of(object_type: ObjectType) -> Option<Self> {
        Some(match object_type {
            ObjectType::Untyped => Self::Untyped,
            ObjectType::Tcb => Self::Tcb,
            ObjectType::Endpoint => Self::Endpoint,
            ObjectType::Notification => Self::Notification,
            ObjectType::CNode => Self::CNode,
            ObjectType::SchedContext => Self::SchedContext,
            ObjectType::Reply => Self::Reply,
            other => Self::Isa(isa::NewObject::of(other)?),
        })
    }

    /// Whether making one writes all that it is, so that its memory need not be cleared before.
    fn writes_itself(self) -> bool {
        matches!(self, Self::Endpoint | Self::Notification | Self::Reply)
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

/// Objects to be made, and where their capabilities go.
#[derive(Clone, Copy, Debug)]
pub struct Retype {
    untyped: Ref<Slot>,
    cap: UntypedCap,
    object: NewObject,
    /// log2 of the size of one object in bytes.
    bits: u8,
    first_slot: Ref<Slot>,
    count: u64,
}

/// Does what `m` asks of the untyped in `slot`.
#[inline(never)]
pub fn retype(k: &mut Kernel, slot: Ref<Slot>, m: &Message) -> Result<(), Refusal> {
    let Cap::Untyped(cap) = k[slot].cap() else {
        return Err(SyscallError::IllegalOperation.into());
    };
    Ok(Retype::decode(k, slot, cap, m)?.commit(k)?)
}

impl Retype {
    /// Looks at what `m` asks of the untyped in `slot`.
    #[inline(always)]
    pub fn decode(
        k: &Kernel,
        slot: Ref<Slot>,
        mut cap: UntypedCap,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        let (6.., Some(root)) = (m.length, m.cap(0)) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let [number, size_bits, index, depth, offset, count] =
            [0, 1, 2, 3, 4, 5].map(|n| m.word(k, n));
        let object_type = OBJECT_TYPES
            .decode(number)
            .ok_or(SyscallError::InvalidArgument(0))?;
        let bits = object_bits(object_type, size_bits)?;
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
        if cap.watermark != 0 && !cdt::has_children(k, slot) {
            cap.watermark = 0;
            cap.cleared = 0;
        }
        let available = bits::size(cap.bits).saturating_sub(cap.watermark);
        if available.wrapping_shr(bits.into()) < count {
            return Err(SyscallError::NotEnoughMemory { available });
        }
        let object = NewObject::of(object_type).ok_or(SyscallError::InvalidArgument(0))?;
        if cap.device && !object.fits_device() {
            return Err(SyscallError::InvalidArgument(1));
        }
        Ok(Self {
            untyped: slot,
            cap,
            object,
            bits,
            first_slot,
            count,
        })
    }

    /// Does it.
    #[inline(always)]
    pub fn commit(self, k: &mut Kernel) -> Result<(), Preempted> {
        let mut cap = self.cap;
        // Decode has checked that all fits in the untyped: nothing wraps.
        let size = bits::size(self.bits);
        let start = bits::round_up(cap.watermark, self.bits);
        let end = start.wrapping_add(size.wrapping_mul(self.count));
        let as_it_is = cap.device || self.object == NewObject::Untyped;
        if !as_it_is && !self.object.writes_itself() {
            self.clear(k, start, end)?;
        }
        cap.watermark = end;
        cap.cleared = 0;
        cdt::update(k, self.untyped, Cap::Untyped(cap));
        let mut base = cap.base.0.wrapping_add(start);
        let mut slot = self.first_slot;
        for _ in 0..self.count {
            let made = make(k, self.object, PhysicalAddress(base), self.bits, cap.device);
            cdt::insert_child(k, made, self.untyped, slot);
            base = base.wrapping_add(size);
            slot = slot_at(slot, 1);
        }
        Ok(())
    }

    /// Clears the memory from `start` to `end` (offsets in the untyped).
    #[inline(always)]
    fn clear(&self, k: &mut Kernel, start: u64, end: u64) -> Result<(), Preempted> {
        let len = end.wrapping_sub(start);
        if len <= CHUNK {
            let at = self.cap.base.0.wrapping_add(start);
            k.machine.clear(KernelAddress::of(PhysicalAddress(at)), len);
            return Ok(());
        }
        clear_long(k, self.untyped, self.cap, start, end)
    }
}

/// Clears the memory from `start` to `end` (offsets in the untyped) piece by piece.
#[inline(never)]
fn clear_long(
    k: &mut Kernel,
    untyped: Ref<Slot>,
    mut cap: UntypedCap,
    start: u64,
    end: u64,
) -> Result<(), Preempted> {
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
        k.preemption_point_after(CHUNK >> PROFILE.reset_chunk_bits)?;
    }
    if start < first {
        k.machine.clear(at(start), first.wrapping_sub(start));
    }
    Ok(())
}

/// log2 of the size of an object, for the user's `size_bits`.
fn object_bits(object_type: ObjectType, size_bits: Word) -> Result<u8, SyscallError> {
    let max = MAX_UNTYPED_BITS as u64;
    let too_large = SyscallError::RangeError { min: 0, max };
    if size_bits >= 64 {
        return Err(too_large);
    }
    let bits = match object_type {
        ObjectType::CNode => size_bits.saturating_add(SLOT_BITS as u64),
        _ => object_type
            .size_bits(abi::ISA, &PROFILE)
            .map_or(size_bits, |bits| bits as u64),
    };
    if bits > max {
        return Err(too_large);
    }
    let too_small = match object_type {
        ObjectType::CNode => size_bits == 0,
        ObjectType::Untyped => size_bits < MIN_UNTYPED_BITS as u64,
        ObjectType::SchedContext => size_bits < MIN_SCHED_CONTEXT_BITS as u64,
        _ => false,
    };
    if too_small {
        Err(SyscallError::InvalidArgument(1))
    } else {
        Ok(bits as u8)
    }
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
    make(k, object, base, bits, device)
}

/// As [`create`], of what is not made by the hundred.
#[inline(never)]
fn make_other(
    k: &mut Kernel,
    object: NewObject,
    base: PhysicalAddress,
    bits: u8,
    device: bool,
) -> PackedCap {
    let at = KernelAddress::of(base);
    let cap = match object {
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
        // Made by `make`.
        NewObject::Endpoint | NewObject::Notification | NewObject::Reply => Cap::Null,
    };
    cap.into()
}

/// As [`create`]; what is made by the hundred is made here.
#[inline(always)]
fn make(
    k: &mut Kernel,
    object: NewObject,
    base: PhysicalAddress,
    bits: u8,
    device: bool,
) -> PackedCap {
    let (at, rights) = (KernelAddress::of(base), Rights::ALL);
    let cap = match object {
        NewObject::Endpoint => Cap::Endpoint(EndpointCap {
            endpoint: born(k, at, bits::size(bits), Endpoint::new()),
            badge: 0,
            rights,
        }),
        NewObject::Notification => Cap::Notification(NotificationCap {
            notification: born(k, at, bits::size(bits), Notification::new()),
            badge: 0,
            rights,
        }),
        NewObject::Reply => Cap::Reply(ReplyCap {
            reply: born(k, at, bits::size(bits), Reply::new()),
            can_grant: true,
        }),
        _ => return make_other(k, object, base, bits, device),
    };
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
