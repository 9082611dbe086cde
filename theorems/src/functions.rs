//! What is proved, by the C calling convention. Addresses are words: a prover chooses them.

use abi::rights::CapRights;
use abi::syscall::Syscall;
use core::mem::{offset_of, transmute};
use core::num::NonZeroU64;
use kernel::Kernel;
use kernel::cap::{CNodeCap, Cap, PackedCap};
use kernel::cdt;
use kernel::cspace;
use kernel::error::LookupFailure;
use kernel::object::cnode::Slot;
use kernel::object::store::Ref;
use kernel::object::tcb::{self, Tcb, TcbSlot};
use kernel::queue::Queue;
use kernel::refill::{Limits, Refill, Refills, Ring};
use kernel::syscall;
use machine::{KernelAddress, PhysicalAddress};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// An address that makes the linker keep a function.
struct Kept(#[expect(dead_code, reason = "only the linker looks at it")] *const ());

// SAFETY: nobody follows it.
unsafe impl Sync for Kept {}

/// Keeps all of them: nothing here calls them.
#[used]
static ALL: [Kept; 29] = [
    Kept(packing_keeps as *const ()),
    Kept(wrong_packing_keeps as *const ()),
    Kept(pack_again as *const ()),
    Kept(mask_rights as *const ()),
    Kept(wrong_mask_rights as *const ()),
    Kept(resolve as *const ()),
    Kept(wrong_resolve as *const ()),
    Kept(window as *const ()),
    Kept(cnode_words as *const ()),
    Kept(untyped_parts as *const ()),
    Kept(caller as *const ()),
    Kept(call as *const ()),
    Kept(wrong_call as *const ()),
    Kept(queue_last as *const ()),
    Kept(queue_first as *const ()),
    Kept(queue_without as *const ()),
    Kept(wrong_queue_without as *const ()),
    Kept(queue_after as *const ()),
    Kept(queue_none as *const ()),
    Kept(cdt_insert as *const ()),
    Kept(cdt_move as *const ()),
    Kept(cdt_swap as *const ()),
    Kept(cdt_remove as *const ()),
    Kept(wrong_cdt_remove as *const ()),
    Kept(refill_charge as *const ()),
    Kept(wrong_refill_charge as *const ()),
    Kept(refill_unblock as *const ()),
    Kept(refill_slice as *const ()),
    Kept(wrong_refill_slice as *const ()),
];

/// Where a ring of refills keeps its period, room, first index, and count.
#[unsafe(no_mangle)]
#[used]
static RING_OFFSETS: [usize; 4] = [
    offset_of!(Ring, period),
    offset_of!(Ring, max),
    offset_of!(Ring, head),
    offset_of!(Ring, count),
];

fn object<T>(address: NonZeroU64) -> Ref<T> {
    // SAFETY: a reference is an address that is not 0; the prover puts an object there.
    unsafe { transmute(address) }
}

fn word<T>(object: Option<Ref<T>>) -> u64 {
    object.map_or(0, |object| object.address().bits())
}

// --- Capabilities -------------------------------------------------------------------------

#[inline(never)]
fn unpacked(packed: &PackedCap) -> Cap {
    packed.unpack()
}

#[inline(never)]
fn packed(cap: Cap) -> PackedCap {
    PackedCap::pack(cap)
}

/// What a capability's words mean is what they mean after packing it again.
#[unsafe(no_mangle)]
extern "C" fn packing_keeps(words: &PackedCap) -> bool {
    let cap = unpacked(words);
    unpacked(&packed(cap)) == cap
}

#[unsafe(no_mangle)]
extern "C" fn wrong_packing_keeps(words: &PackedCap) -> bool {
    let cap = unpacked(words);
    let changed = match cap {
        Cap::Endpoint(mut c) => {
            c.badge &= !(1 << 63);
            Cap::Endpoint(c)
        }
        other => other,
    };
    unpacked(&packed(changed)) == cap
}

/// Packing is a function onto one form: what it makes, it makes again.
#[unsafe(no_mangle)]
extern "C" fn pack_again(words: &PackedCap, once: &mut PackedCap, twice: &mut PackedCap) {
    *once = packed(unpacked(words));
    *twice = packed(unpacked(once));
}

/// Rights of an endpoint capability before and after a mask: write, read, grant, grant-reply.
#[unsafe(no_mangle)]
extern "C" fn mask_rights(words: &PackedCap, mask: u64, out: &mut [u64; 2]) {
    if let Cap::Endpoint(c) = unpacked(words) {
        let bits = |r: kernel::cap::Rights| {
            u64::from(r.write())
                | u64::from(r.read()) << 1
                | u64::from(r.grant()) << 2
                | u64::from(r.grant_reply()) << 3
        };
        *out = [bits(c.rights), bits(c.rights.masked(CapRights(mask)))];
    }
}

#[unsafe(no_mangle)]
extern "C" fn wrong_mask_rights(words: &PackedCap, mask: u64, out: &mut [u64; 2]) {
    // The right to reply with capabilities comes with the right to call with them.
    let more = if mask & 4 != 0 { mask | 8 } else { mask };
    mask_rights(words, more, out);
}

// --- Capability spaces --------------------------------------------------------------------

fn tell(result: Result<cspace::Resolved, LookupFailure>, out: &mut [u64; 4]) {
    *out = match result {
        Ok(found) => [0, found.slot.address().bits(), found.bits_left, 0],
        Err(LookupFailure::InvalidRoot) => [1, 0, 0, 0],
        Err(LookupFailure::MissingCapability { bits_left }) => [2, bits_left, 0, 0],
        Err(LookupFailure::DepthMismatch {
            bits_left,
            bits_found,
        }) => [3, bits_left, bits_found, 0],
        Err(LookupFailure::GuardMismatch {
            bits_left,
            guard,
            bits_found,
        }) => [4, bits_left, guard, bits_found],
    };
}

#[unsafe(no_mangle)]
extern "C" fn resolve(k: &Kernel, root: &PackedCap, address: u64, bits: u64, out: &mut [u64; 4]) {
    tell(cspace::resolve(k, unpacked(root), address, bits), out);
}

/// One bit of the guard is not looked at.
#[unsafe(no_mangle)]
extern "C" fn wrong_resolve(
    k: &Kernel,
    root: &PackedCap,
    address: u64,
    bits: u64,
    out: &mut [u64; 4],
) {
    let root = match unpacked(root) {
        Cap::CNode(mut c) if c.guard_bits > 1 => {
            let top = bits.saturating_sub(1) as u32;
            c.guard = c.guard & !(1 << (c.guard_bits - 1))
                | (address.wrapping_shr(top) & 1) << (c.guard_bits - 1);
            Cap::CNode(c)
        }
        other => other,
    };
    tell(cspace::resolve(k, root, address, bits), out);
}

// --- Invocations --------------------------------------------------------------------------

/// Where the kernel sees physical memory.
#[unsafe(no_mangle)]
extern "C" fn window(at: u64) -> u64 {
    KernelAddress::of(PhysicalAddress(at)).bits()
}

/// A CNode without a guard but for `guard_bits` zeros.
#[unsafe(no_mangle)]
extern "C" fn cnode_words(slots: NonZeroU64, radix: u8, guard_bits: u8, out: &mut PackedCap) {
    *out = packed(Cap::CNode(CNodeCap {
        slots: object(slots),
        radix,
        guard: 0,
        guard_bits,
    }));
}

/// Base, size, device, watermark and mark of an untyped capability; nothing of any other.
#[unsafe(no_mangle)]
extern "C" fn untyped_parts(words: &PackedCap, out: &mut [u64; 5]) -> bool {
    let Cap::Untyped(c) = unpacked(words) else {
        return false;
    };
    *out = [
        c.base.0,
        c.bits.into(),
        c.device.into(),
        c.watermark,
        c.cleared.into(),
    ];
    true
}

/// Registers, capability space and IPC buffer of a thread that is about to call the kernel.
#[unsafe(no_mangle)]
extern "C" fn caller(
    k: &mut Kernel,
    thread: NonZeroU64,
    space: &PackedCap,
    buffer: &PackedCap,
    registers: &[u64; 6],
) {
    let thread = object::<Tcb>(thread);
    cdt::update(k, thread.slot(TcbSlot::CSpace), *space);
    cdt::update(k, thread.slot(TcbSlot::Buffer), *buffer);
    k[thread].buffer = 0;
    tcb::remember_buffer(k, thread);
    let [capability, info, words @ ..] = *registers;
    let context = &mut k[thread.context()];
    // The registers that a badge comes in are those that a capability is named in.
    context.set_badge(capability);
    context.set_message_info(info);
    context.set_message_registers(words);
}

/// The thread's Call: capability, message, operation, and answer.
#[unsafe(no_mangle)]
extern "C" fn call(k: &mut Kernel, thread: NonZeroU64) -> bool {
    syscall::handle(k, object(thread), Syscall::Call).is_ok()
}

/// Of the untyped memory in the slot the last 16 bytes that are in use are forgotten.
#[unsafe(no_mangle)]
extern "C" fn wrong_call(k: &mut Kernel, thread: NonZeroU64, untyped: NonZeroU64) -> bool {
    let slot = object::<Slot>(untyped);
    if let Cap::Untyped(mut c) = unpacked(&k[slot].packed()) {
        c.watermark = c.watermark.saturating_sub(16);
        cdt::update(k, slot, packed(Cap::Untyped(c)));
    }
    call(k, thread)
}

// --- Queues -------------------------------------------------------------------------------

fn queue(head: u64) -> Queue {
    // SAFETY: a queue is its head, and 0 is no reference.
    unsafe { transmute(head) }
}

#[unsafe(no_mangle)]
extern "C" fn queue_last(k: &mut Kernel, head: u64, thread: NonZeroU64) -> u64 {
    word(queue(head).with_last(k, object(thread)).first())
}

#[unsafe(no_mangle)]
extern "C" fn queue_first(k: &mut Kernel, head: u64, thread: NonZeroU64) -> u64 {
    word(queue(head).with_first(k, object(thread)).first())
}

#[unsafe(no_mangle)]
extern "C" fn queue_without(k: &mut Kernel, head: u64, thread: NonZeroU64) -> u64 {
    word(queue(head).without(k, object(thread)).first())
}

/// The head of the queue is not changed when it is the head that goes.
#[unsafe(no_mangle)]
extern "C" fn wrong_queue_without(k: &mut Kernel, head: u64, thread: NonZeroU64) -> u64 {
    let next = queue(head).without(k, object(thread)).first();
    if next.is_none() { 0 } else { head }
}

#[unsafe(no_mangle)]
extern "C" fn queue_after(k: &Kernel, head: u64, thread: NonZeroU64) -> u64 {
    word(queue(head).after(k, object::<Tcb>(thread)))
}

/// A thread in no queue.
#[unsafe(no_mangle)]
extern "C" fn queue_none(k: &mut Kernel, thread: NonZeroU64) {
    k[object::<Tcb>(thread)].links = None;
}

// --- The derivation tree ------------------------------------------------------------------

#[unsafe(no_mangle)]
extern "C" fn cdt_insert(k: &mut Kernel, cap: &PackedCap, parent: NonZeroU64, to: NonZeroU64) {
    cdt::insert_child(k, *cap, object(parent), object(to));
}

#[unsafe(no_mangle)]
extern "C" fn cdt_move(k: &mut Kernel, cap: &PackedCap, from: NonZeroU64, to: NonZeroU64) {
    cdt::relocate(k, *cap, object(from), object(to));
}

#[unsafe(no_mangle)]
extern "C" fn cdt_swap(k: &mut Kernel, a: NonZeroU64, b: NonZeroU64) {
    let (a, b) = (object::<Slot>(a), object::<Slot>(b));
    let (cap_a, cap_b) = (k[a].packed(), k[b].packed());
    cdt::swap(k, cap_a, a, cap_b, b);
}

#[unsafe(no_mangle)]
extern "C" fn cdt_remove(k: &mut Kernel, slot: NonZeroU64) {
    cdt::remove(k, object(slot));
}

/// The slot behind keeps its link to the one that went.
#[unsafe(no_mangle)]
extern "C" fn wrong_cdt_remove(k: &mut Kernel, slot: NonZeroU64) {
    let slot = object::<Slot>(slot);
    let next = k[slot].links().next();
    let before = next.map(|next| k[next].links());
    cdt::remove(k, slot);
    if let (Some(next), Some(before)) = (next, before) {
        // SAFETY: a slot lives there; its links are its last two words.
        unsafe {
            *core::ptr::with_exposed_provenance_mut::<cdt::Links>(
                next.address().bits() as usize + 16,
            ) = before;
        }
    }
}

// --- Refills ------------------------------------------------------------------------------

#[unsafe(no_mangle)]
extern "C" fn refill_charge(
    ring: &mut Ring,
    storage: &mut [Refill; 3],
    used: u64,
    min: u64,
    max: u64,
) {
    let limits = Limits {
        min_budget: min,
        max_release_time: max,
    };
    Refills { ring, storage }.charge(used, limits);
}

/// A head that is too small is lost, and not joined with the next refill.
#[unsafe(no_mangle)]
extern "C" fn wrong_refill_charge(
    ring: &mut Ring,
    storage: &mut [Refill; 3],
    used: u64,
    min: u64,
    max: u64,
) {
    refill_charge(ring, storage, used, 0, max);
    let small = storage
        .get(ring.head as usize)
        .is_some_and(|head| head.amount < min);
    if small && ring.count > 1 {
        ring.head = if ring.head < 2 {
            ring.head.wrapping_add(1)
        } else {
            0
        };
        ring.count = ring.count.saturating_sub(1);
    }
}

#[unsafe(no_mangle)]
extern "C" fn refill_unblock(ring: &mut Ring, storage: &mut [Refill; 3], now: u64) {
    Refills { ring, storage }.unblock(now);
}

#[unsafe(no_mangle)]
extern "C" fn refill_slice(ring: &mut Ring, storage: &mut [Refill; 3], used: u64) {
    Refills { ring, storage }.use_slice(used);
}

/// What is more than the head's is lost.
#[unsafe(no_mangle)]
extern "C" fn wrong_refill_slice(ring: &mut Ring, storage: &mut [Refill; 3], used: u64) {
    Refills { ring, storage }.use_slice(used);
    storage[0].amount &= !1;
}
