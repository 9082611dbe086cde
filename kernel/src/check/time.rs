//! Scheduling contexts and their refills.

use super::{Check, Objects, Population, Violation, expect};
use crate::Kernel;
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::refill::Refill;
use crate::release::NEVER;
use crate::timer;
use machine::Machine;

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    let k = objects.k;
    objects.each::<SchedContext>(|sc| {
        bindings(objects, sc)?;
        let ring = k[sc].ring;
        let at = sc.address();
        if !ring.active() {
            return expect(
                ring.count == 0,
                "refill",
                "refills without a configuration",
                at,
            );
        }
        expect(
            (1..=ring.max).contains(&ring.count),
            "refill",
            "no refill, or more than there is room for",
            at,
        )?;
        expect(
            ring.head < ring.max,
            "refill",
            "the head is outside the ring",
            at,
        )?;
        if ring.round_robin() {
            let unturned = ring.count == 2 && ring.head == 0;
            let what = "round robin has two refills, in a ring that never turns";
            return expect(unturned, "refill", what, at);
        }
        apart(objects, sc)
    })
}

fn bindings<P: Population>(objects: &Objects<'_, P>, sc: Ref<SchedContext>) -> Check {
    let (k, at) = (objects.k, sc.address());
    let it = &k[sc];
    objects.link(at, it.tcb)?;
    objects.link(at, it.notification)?;
    objects.link(at, it.yield_from)?;
    let symmetric = |holds, what| expect(holds, "bound", what, at);
    symmetric(
        it.tcb.is_none_or(|tcb| k[tcb].sched_context == Some(sc)),
        "a thread that does not know its scheduling context",
    )?;
    symmetric(
        it.notification
            .is_none_or(|n| k[n].sched_context == Some(sc)),
        "a notification that does not know its scheduling context",
    )?;
    symmetric(
        it.yield_from.is_none_or(|tcb| k[tcb].yield_to == Some(sc)),
        "a thread that does not know whom it yields to",
    )
}

/// Each refill ends before the next begins.
fn apart<P: Population>(objects: &Objects<'_, P>, sc: Ref<SchedContext>) -> Check {
    let k = objects.k;
    let ring = k[sc].ring;
    let mut before: Option<Refill> = None;
    for n in 0..ring.count {
        let index = ring.head.wrapping_add(n).checked_rem(ring.max).unwrap_or(0);
        let refill = k[sched_context::refill_at(sc, index)];
        let apart = before.is_none_or(|b| b.time.saturating_add(b.amount) <= refill.time);
        expect(
            apart,
            "refill",
            "a refill begins before the one before it ends",
            sc.address(),
        )?;
        before = Some(refill);
    }
    Ok(())
}

/// The timer comes in time.
pub(super) fn alarm(k: &Kernel) -> Check {
    let violated = |what| {
        Err(Violation {
            rule: "alarm",
            what,
            at: None,
            other: None,
        })
    };
    let release = k.node().release;
    let first = release.first_due(k).unwrap_or(NEVER);
    let expected = first.saturating_sub(k.machine.timer_precision()).min(NEVER);
    if release.first().is_some() && release.alarm() != expected {
        return violated("the release queue remembers another first moment");
    }
    match timer::in_time(k) {
        true => Ok(()),
        false => violated("the timer is set too late"),
    }
}
