//! Deletion: of a capability, of what was derived from it, and of an object with its last
//! capability. (`abi/semantics-core.md` 4.5.)
//!
//! CNodes and threads hold capabilities themselves, so their deletion is long: the capability
//! becomes a zombie, whose slots are emptied from the last to the first, with preemption points
//! in between. A zombie is exposed while a system call names its slot; one that is met while
//! another is being emptied is swapped into its own first slot instead, so that the work stays
//! a loop and never recurses.

use crate::Kernel;
use crate::bits;
use crate::cap::{Cap, ZombieCap, ZombieKind, cnode_bits};
use crate::cdt;
use crate::error::Preempted;
use crate::isa;
use crate::object::cnode::{Slot, slot_at};
use crate::object::irq;
use crate::object::notification::Notification;
use crate::object::store::Ref;
use crate::object::{asid, endpoint, notification, reply, sched_context, tcb};
use abi::object::{ENDPOINT_BITS, NOTIFICATION_BITS, REPLY_BITS};
use machine::{Irq, KernelAddress, Machine};

/// What remains to be undone once a slot is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cleanup {
    Nothing,
    Irq(Irq),
    Isa(isa::IsaCap),
}

/// What finalising a capability left of it.
struct Finalised {
    zombie: Option<ZombieCap>,
    cleanup: Cleanup,
}

impl Finalised {
    const ENTIRELY: Self = Self {
        zombie: None,
        cleanup: Cleanup::Nothing,
    };

    fn with(cleanup: Cleanup) -> Self {
        Self {
            zombie: None,
            cleanup,
        }
    }

    fn to(zombie: ZombieCap) -> Self {
        Self {
            zombie: Some(zombie),
            cleanup: Cleanup::Nothing,
        }
    }
}

/// Whether a slot can be emptied.
enum Outcome {
    Removable(Cleanup),
    /// It holds a zombie that stands for itself: only whoever reduces that zombie empties it.
    Cyclic,
}

/// Deletes the capability in `slot`.
#[doc(alias = "cteDelete")]
pub fn delete(k: &mut Kernel, slot: Ref<Slot>) -> Result<(), Preempted> {
    if k[slot].is_empty() {
        return Ok(());
    }
    if end_at_once(k, slot)? {
        cdt::remove(k, slot);
        return Ok(());
    }
    delete_stepwise(k, slot)
}

/// As [`delete`], of what may leave a zombie, or something to undo once the slot is empty.
#[inline(never)]
fn delete_stepwise(k: &mut Kernel, slot: Ref<Slot>) -> Result<(), Preempted> {
    while !k[slot].is_empty() {
        let finalised = finalise(k, slot)?;
        if removable(finalised.zombie, slot) {
            empty(k, slot, finalised.zombie, finalised.cleanup);
            return Ok(());
        }
        if let Some(zombie) = finalised.zombie {
            cdt::update(k, slot, Cap::Zombie(zombie));
            reduce(k, slot, zombie)?;
        }
        k.preemption_point()?;
    }
    Ok(())
}

/// Deletes everything derived from `slot`.
#[doc(alias = "cteRevoke")]
pub fn revoke(k: &mut Kernel, slot: Ref<Slot>) -> Result<(), Preempted> {
    k.revoking = Some(slot);
    // The slot's own CNode may be derived from the slot, and end with the rest.
    while let Some(child) = k.revoking.and_then(|slot| cdt::first_child(k, slot)) {
        delete(k, child)?;
        k.preemption_point()?;
    }
    Ok(())
}

/// Deletes what the kernel itself keeps for interrupts: a copy of a notification capability, or
/// nothing. Deletion of an interrupt handler comes here, so this must not come back to deletion.
#[doc(alias = "cteDeleteOne")]
pub(crate) fn delete_simple(k: &mut Kernel, slot: Ref<Slot>) {
    if let Cap::Notification(c) = k[slot].cap()
        && cdt::is_final(k, slot)
    {
        // When the kernel's own copy is the last, the waiters are few or the object goes with
        // the next entry that names it.
        while let Err(Preempted) = end_notification(k, c.notification) {}
    }
    if !k[slot].is_empty() {
        cdt::remove(k, slot);
    }
}

/// The last capability to `notification` goes.
fn end_notification(k: &mut Kernel, notification: Ref<Notification>) -> Result<(), Preempted> {
    notification::finalise(k, notification)?;
    k.machine
        .gone(notification.address(), 1 << NOTIFICATION_BITS);
    Ok(())
}

/// Empties the last slot of the exposed zombie in `slot`.
fn reduce(k: &mut Kernel, slot: Ref<Slot>, zombie: ZombieCap) -> Result<(), Preempted> {
    let Some(last) = zombie.remaining.checked_sub(1) else {
        return Ok(());
    };
    let end = slot_at(zombie.slots, last);
    // The zombie itself may be moved by emptying the slot, if it is in its own slots.
    if k[end].is_empty() || {
        delete_inner(k, end)?;
        k[slot].cap() == Cap::Zombie(zombie) && k[end].is_empty()
    } {
        cdt::update(
            k,
            slot,
            Cap::Zombie(ZombieCap {
                remaining: last,
                ..zombie
            }),
        );
    }
    Ok(())
}

/// As [`delete`], of a slot inside a zombie: a zombie found there is not worked off here but
/// swapped out of the way.
fn delete_inner(k: &mut Kernel, slot: Ref<Slot>) -> Result<(), Preempted> {
    match finalise_inner(k, slot)? {
        Outcome::Removable(cleanup) => {
            let zombie = zombie_in(k, slot);
            empty(k, slot, zombie, cleanup);
        }
        Outcome::Cyclic => {}
    }
    Ok(())
}

fn finalise_inner(k: &mut Kernel, slot: Ref<Slot>) -> Result<Outcome, Preempted> {
    while !k[slot].is_empty() {
        let finalised = finalise(k, slot)?;
        if let Some(zombie) = finalised.zombie {
            cdt::update(k, slot, Cap::Zombie(zombie));
        }
        if removable(finalised.zombie, slot) {
            return Ok(Outcome::Removable(finalised.cleanup));
        }
        if let Some(zombie) = finalised.zombie {
            if zombie.slots == slot {
                return Ok(Outcome::Cyclic);
            }
            swap_out(k, slot, zombie);
        }
        k.preemption_point()?;
    }
    Ok(Outcome::Removable(Cleanup::Nothing))
}

/// Swaps the zombie in `slot` with what is in its own first slot.
#[doc(alias = "capSwapForDelete")]
fn swap_out(k: &mut Kernel, slot: Ref<Slot>, zombie: ZombieCap) {
    if zombie.slots != slot {
        let (a, b) = (k[slot].packed(), k[zombie.slots].packed());
        cdt::swap(k, a, slot, b, zombie.slots);
    }
}

/// Whether nothing, or nothing but its own slot, is left of `zombie` in `slot`.
fn removable(zombie: Option<ZombieCap>, slot: Ref<Slot>) -> bool {
    zombie.is_none_or(|z| z.remaining == 0 || z.remaining == 1 && z.slots == slot)
}

/// The zombie in `slot`, if that is what it holds.
fn zombie_in(k: &Kernel, slot: Ref<Slot>) -> Option<ZombieCap> {
    match k[slot].cap() {
        Cap::Zombie(zombie) => Some(zombie),
        _ => None,
    }
}

/// Takes the capability out of `slot`, and does what that allows.
fn empty(k: &mut Kernel, slot: Ref<Slot>, zombie: Option<ZombieCap>, cleanup: Cleanup) {
    if !k[slot].is_empty() {
        cdt::remove(k, slot);
    }
    if let Some(zombie) = zombie {
        match zombie.kind {
            ZombieKind::CNode { radix } => {
                let (first, len) = (zombie.slots.address(), bits::size(cnode_bits(radix)));
                k.revoking = k.revoking.filter(|slot| {
                    // An address below the first slot wraps to far above the last.
                    slot.address().bits().wrapping_sub(first.bits()) >= len
                });
                k.machine.gone(first, len);
            }
            ZombieKind::Tcb => tcb::memory_gone(k, tcb::block_of_slots(zombie.slots)),
        }
    }
    match cleanup {
        Cleanup::Nothing => {}
        Cleanup::Irq(irq) => irq::release(k, irq),
        Cleanup::Isa(cap) => cap.release(k),
    }
}

/// Undoes what the capability in `slot` stands for: its own part always, the object's if it is
/// the last one.
#[doc(alias = "finaliseCap")]
fn finalise(k: &mut Kernel, slot: Ref<Slot>) -> Result<Finalised, Preempted> {
    if let Some(zombie) = zombie_in(k, slot) {
        return Ok(Finalised::to(zombie));
    }
    if end_at_once(k, slot)? {
        return Ok(Finalised::ENTIRELY);
    }
    Ok(match k[slot].cap() {
        Cap::CNode(c) => {
            let kind = ZombieKind::CNode { radix: c.radix };
            zombie(c.slots, kind, bits::size(c.radix))
        }
        Cap::Tcb(thread) => {
            tcb::finalise(k, thread);
            let slots = thread.slot(tcb::TcbSlot::CSpace);
            zombie(slots, ZombieKind::Tcb, tcb::SLOTS)
        }
        Cap::IrqHandler(irq) => {
            irq::forget_notification(k, irq);
            Finalised::with(Cleanup::Irq(irq))
        }
        Cap::Isa(c) => Finalised::with(Cleanup::Isa(c)),
        // Everything else ends at once.
        _ => Finalised::ENTIRELY,
    })
}

/// As [`finalise`], of what leaves nothing: false, and nothing is done, for anything else.
#[inline(never)]
fn end_at_once(k: &mut Kernel, slot: Ref<Slot>) -> Result<bool, Preempted> {
    let last = cdt::is_final(k, slot);
    if !last && !k[slot].packed().has_own_end() {
        return Ok(true);
    }
    match k[slot].cap() {
        Cap::VSpace(_) if !last => k.asids.spaces_changed(),
        Cap::Frame(c) => {
            isa::vspace::unmap_frame(k, c);
            if last && !c.device {
                k.machine
                    .gone(KernelAddress::of(c.base), bits::size(c.size.bits()));
            }
        }
        Cap::Endpoint(c) => {
            endpoint::finalise(k, c.endpoint)?;
            k.machine.gone(c.endpoint.address(), 1 << ENDPOINT_BITS);
        }
        Cap::Notification(c) => end_notification(k, c.notification)?,
        Cap::Reply(c) => {
            reply::finalise(k, c.reply);
            k.machine.gone(c.reply.address(), 1 << REPLY_BITS);
        }
        Cap::SchedContext(c) => {
            sched_context::finalise(k, c.sched_context);
            k.machine
                .gone(c.sched_context.address(), bits::size(c.bits));
        }
        Cap::PageTable(c) => isa::vspace::finalise_table(k, c),
        Cap::VSpace(c) => isa::vspace::finalise_root(k, c),
        Cap::AsidPool(c) => asid::finalise_pool(k, c),
        Cap::Null
        | Cap::Untyped(_)
        | Cap::SchedControl { .. }
        | Cap::IrqControl
        | Cap::Domain
        | Cap::AsidControl => {}
        Cap::CNode(_) | Cap::Tcb(_) | Cap::IrqHandler(_) | Cap::Isa(_) | Cap::Zombie(_) => {
            return Ok(false);
        }
    }
    Ok(true)
}

fn zombie(slots: Ref<Slot>, kind: ZombieKind, remaining: u64) -> Finalised {
    Finalised::to(ZombieCap {
        slots,
        kind,
        remaining,
    })
}
