//! Two kernels that came from one and were asked the same are still the same: what the fast
//! paths are held to.

use super::{Check, Objects, Population, Violation, expect};
use crate::Kernel;
use crate::kernel::Node;
use crate::object::endpoint::Endpoint;
use crate::object::notification::Notification;
use crate::object::reply::Reply;
use crate::object::sched_context::SchedContext;
use crate::object::store::{Object, Ref};
use crate::object::tcb::Tcb;
use machine::{KernelAddress, Kind, Machine, Ticks};

/// Whether `a` and `b` agree in all that a system call between threads can change: threads,
/// registers, endpoints, notifications, reply objects, scheduling contexts, messages in
/// memory, and what the scheduler knows.
pub fn same<P: Population>(a: &Kernel, b: &Kernel, population: &P) -> Check {
    let objects = Objects { k: a, population };
    let alike = a
        .nodes
        .iter()
        .zip(&b.nodes)
        .all(|(node, other)| alike_nodes(node, other, a.machine.now()));
    if !alike {
        return Err(Violation {
            rule: "twins",
            what: "the scheduler knows something else",
            at: None,
            other: None,
        });
    }
    each_alike::<P, Tcb>(&objects, b)?;
    objects.each::<Tcb>(|thread| {
        let alike = a[thread.context()] == b[thread.context()];
        expect(alike, "twins", "registers differ", thread.address())
    })?;
    each_alike::<P, Endpoint>(&objects, b)?;
    each_alike::<P, Notification>(&objects, b)?;
    each_alike::<P, Reply>(&objects, b)?;
    each_alike::<P, SchedContext>(&objects, b)?;
    frames(&objects, b)
}

/// Whether two cores know the same, but for when they last read the clock.
fn alike_nodes(a: &Node, b: &Node, now: Ticks) -> bool {
    let read = |node: &Node| {
        let (now, consumed) = node.at(now);
        Node {
            now,
            consumed,
            ..node.clone()
        }
    };
    read(a) == read(b)
}

fn each_alike<P: Population, T: Object + PartialEq>(objects: &Objects<'_, P>, b: &Kernel) -> Check {
    objects.each::<T>(|r: Ref<T>| {
        let alike = objects.k[r] == b[r];
        expect(alike, "twins", "an object differs", r.address())
    })
}

fn frames<P: Population>(objects: &Objects<'_, P>, b: &Kernel) -> Check {
    let mut result = Ok(());
    objects.population.each_live(&mut |at, len, kind| {
        if kind == Kind::Frame && result.is_ok() {
            result = alike_words(objects, b, at, len);
        }
    });
    result
}

fn alike_words<P: Population>(
    objects: &Objects<'_, P>,
    b: &Kernel,
    at: KernelAddress,
    len: u64,
) -> Check {
    let mut offset = 0;
    while offset < len {
        let page = at.plus(offset);
        if objects.population.was_reached(page) {
            for word in 0..512u64 {
                let place = page.plus(word << 3);
                let alike = objects.k.machine.load(place) == b.machine.load(place);
                expect(alike, "twins", "memory differs", place)?;
            }
        }
        offset = offset.saturating_add(4096);
    }
    Ok(())
}
