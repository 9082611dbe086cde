//! Slots, the derivation list through them, and what capabilities name.

use super::{Check, Objects, Population, Violation, expect, expect_of};
use crate::Kernel;
use crate::cap::{Cap, UntypedCap};
use crate::cdt;
use crate::object::cnode::{Slot, slot_at};
use crate::object::store::Ref;
use machine::{KernelAddress, Kind};

/// Bytes of a slot.
const SLOT: u64 = size_of::<Slot>() as u64;
/// Bytes of a page of the model: what it remembers having been looked at.
const PAGE: u64 = 4096;

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    let mut used = 0u64;
    each_slot(objects, |slot| {
        used = used.saturating_add(u64::from(!objects.k[slot].is_empty()));
        links(objects, slot)?;
        named(objects, slot)
    })?;
    // Everything points at live slots; now walks are safe.
    let mut listed = 0u64;
    each_slot(objects, |slot| {
        let state = &objects.k[slot];
        if !state.is_empty() && state.links().previous().is_none() {
            listed = listed.saturating_add(length(objects, slot, used)?);
        }
        if let Cap::Untyped(untyped) = state.cap() {
            children_inside(objects, slot, untyped)?;
        }
        Ok(())
    })?;
    let whole = listed == used;
    let what = "a ring without a first slot";
    if whole {
        Ok(())
    } else {
        Err(Violation {
            rule: "cdt",
            what,
            at: None,
            other: None,
        })
    }
}

/// Shows every slot that holds something to `visit`, by address.
pub fn each_used_slot<P: Population>(k: &Kernel, population: &P, mut visit: impl FnMut(Ref<Slot>)) {
    // The visitor finds nothing wrong, so this cannot fail.
    let _ = each_slot(&Objects { k, population }, |slot| {
        if !k[slot].is_empty() {
            visit(slot);
        }
        Ok(())
    });
}

/// Every slot that may hold something.
fn each_slot<P: Population>(
    objects: &Objects<'_, P>,
    mut check: impl FnMut(Ref<Slot>) -> Check,
) -> Check {
    let mut result = Ok(());
    objects.population.each_live(&mut |at, len, kind| {
        if kind != Kind::Slots || result.is_err() {
            return;
        }
        let mut offset = 0;
        while offset < len {
            let slot: KernelAddress = at.plus(offset);
            if offset > 0
                && slot.bits().is_multiple_of(PAGE)
                && !objects.population.was_reached(slot)
            {
                // Nobody ever wrote here: all of the page's slots are empty.
                offset = offset.saturating_add(PAGE);
                continue;
            }
            result = check(Ref::new(slot));
            if result.is_err() {
                return;
            }
            offset = offset.saturating_add(SLOT);
        }
    });
    result
}

fn links<P: Population>(objects: &Objects<'_, P>, slot: Ref<Slot>) -> Check {
    let (k, at) = (objects.k, slot.address());
    let links = k[slot].links();
    if k[slot].is_empty() {
        let blank = links == cdt::Links::default();
        return expect(blank, "slots", "an empty slot with links or flags", at);
    }
    objects.link(at, links.previous())?;
    objects.link(at, links.next())?;
    let before = links.previous();
    let known = before.is_none_or(|p| !k[p].is_empty() && k[p].links().next() == Some(slot));
    expect_of(
        known,
        "cdt",
        "the slot before points elsewhere",
        at,
        before.map(Ref::address),
    )?;
    let behind = links.next();
    let known = behind.is_none_or(|n| !k[n].is_empty() && k[n].links().previous() == Some(slot));
    expect_of(
        known,
        "cdt",
        "the slot behind points elsewhere",
        at,
        behind.map(Ref::address),
    )
}

/// How many slots follow `head`, with it.
fn length<P: Population>(
    objects: &Objects<'_, P>,
    head: Ref<Slot>,
    limit: u64,
) -> Result<u64, Violation> {
    let (mut count, mut next) = (0u64, Some(head));
    while let Some(slot) = next {
        expect(
            count < limit,
            "cdt",
            "a list that does not end",
            head.address(),
        )?;
        count = count.saturating_add(1);
        next = objects.k[slot].links().next();
    }
    Ok(count)
}

/// What the capability in `slot` names is alive, all of it.
fn named<P: Population>(objects: &Objects<'_, P>, slot: Ref<Slot>) -> Check {
    let at = slot.address();
    match objects.k[slot].cap() {
        Cap::Endpoint(c) => objects.link(at, Some(c.endpoint)),
        Cap::Notification(c) => objects.link(at, Some(c.notification)),
        Cap::Reply(c) => objects.link(at, Some(c.reply)),
        Cap::SchedContext(c) => objects.link(at, Some(c.sched_context)),
        Cap::Tcb(thread) => {
            objects.link(at, Some(thread))?;
            objects.link(at, Some(thread.context()))
        }
        Cap::CNode(c) => {
            let last = 1u64
                .checked_shl(u32::from(c.radix))
                .unwrap_or(0)
                .saturating_sub(1);
            objects.link(at, Some(c.slots))?;
            objects.link(at, Some(c.slot(last)))
        }
        Cap::Zombie(z) => match z.remaining.checked_sub(1) {
            Some(last) => objects.link(at, Some(slot_at(z.slots, last))),
            None => Ok(()),
        },
        Cap::PageTable(c) => lives(objects, at, c.table, Kind::PageTable),
        Cap::VSpace(c) => lives(objects, at, c.root, Kind::PageTable),
        Cap::AsidPool(c) => objects.link(at, Some(c.pool)),
        Cap::Frame(c) if !c.device => lives(objects, at, KernelAddress::of(c.base), Kind::Frame),
        Cap::Null
        | Cap::Untyped(_)
        | Cap::Frame(_)
        | Cap::SchedControl { .. }
        | Cap::IrqControl
        | Cap::IrqHandler(_)
        | Cap::Domain
        | Cap::AsidControl
        | Cap::Isa(_) => Ok(()),
    }
}

fn lives<P: Population>(
    objects: &Objects<'_, P>,
    slot: KernelAddress,
    object: KernelAddress,
    kind: Kind,
) -> Check {
    let what = "a capability to something that is not (any longer) there";
    expect_of(
        objects.lives(object, kind),
        "live",
        what,
        slot,
        Some(object),
    )
}

/// Descendants of an untyped are in its memory, below its watermark.
fn children_inside<P: Population>(
    objects: &Objects<'_, P>,
    slot: Ref<Slot>,
    untyped: UntypedCap,
) -> Check {
    let (k, at) = (objects.k, slot.address());
    let size = 1u64
        .checked_shl(u32::from(untyped.bits))
        .unwrap_or(u64::MAX);
    expect(
        untyped.watermark <= size,
        "untyped",
        "the watermark is above the end",
        at,
    )?;
    expect(
        untyped.watermark.is_multiple_of(16),
        "untyped",
        "the watermark is not a multiple of 16",
        at,
    )?;
    let mut next = cdt::first_child(k, slot);
    while let Some(child) = next {
        if let Some((base, len)) = k[child].cap().region() {
            let end = base
                .0
                .checked_sub(untyped.base.0)
                .and_then(|offset| offset.checked_add(len));
            let below = end.is_some_and(|end| end <= untyped.watermark);
            expect_of(
                below,
                "untyped",
                "a child above the watermark",
                at,
                Some(child.address()),
            )?;
        }
        next = k[child]
            .links()
            .next()
            .filter(|&behind| cdt::is_parent(k, slot, behind));
    }
    Ok(())
}
