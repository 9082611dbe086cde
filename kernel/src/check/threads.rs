//! Threads, the queues that they are in, and what is bound to them.

use super::{Check, Objects, Population, Violation, expect, expect_of};
use crate::Kernel;
use crate::kernel::DOMAINS;
use crate::object::asid;
use crate::object::endpoint::{Endpoint, Waiting};
use crate::object::notification::{Notification, Signal};
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb, TcbSlot, ThreadState};
use crate::queue::Queue;
use crate::ready::PRIORITIES;
use crate::release::{self, ReleaseQueue};

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    let k = objects.k;
    let threads = objects.threads()?;
    let mut linked = 0u64;
    objects.each::<Tcb>(|thread| {
        linked = linked.saturating_add(u64::from(k[thread].links.is_some()));
        thread_links(objects, thread)?;
        place(k, thread)?;
        bindings(k, thread)?;
        remembered_space(k, thread)?;
        remembered_buffer(k, thread)?;
        forgotten(k, thread)
    })?;
    let mut queued = 0u64;
    let mut count = |n: u64| queued = queued.saturating_add(n);
    objects.each::<Endpoint>(|endpoint| {
        count(endpoint_queue(objects, endpoint, threads)?);
        Ok(())
    })?;
    objects.each::<Notification>(|notification| {
        count(notification_queue(objects, notification, threads)?);
        Ok(())
    })?;
    count(scheduler_queues(objects, threads)?);
    // Every member of a queue has links; so if the numbers agree, nobody has links without a queue.
    expect_numbers(queued == linked, "some thread has links and is in no queue")
}

/// What the thread remembers of its address space is still so, or known to be stale.
fn remembered_space(k: &Kernel, thread: Ref<Tcb>) -> Check {
    let known = k[thread].space;
    let right = known
        .get(k)
        .is_none_or(|space| space == asid::space_of(k, thread));
    let what = "a thread remembers another address space than its own";
    expect(right, "space", what, thread.address())
}

/// What the thread remembers of its IPC buffer is so, as long as the buffer's frame is there.
fn remembered_buffer(k: &Kernel, thread: Ref<Tcb>) -> Check {
    let found = tcb::find_buffer(k, thread);
    let right = !k[thread.slot(TcbSlot::Buffer)].is_frame() || k[thread].known_buffer == found;
    let what = "a thread remembers another IPC buffer than its own";
    expect(right, "buffer", what, thread.address())
}

fn expect_numbers(holds: bool, what: &'static str) -> Check {
    if holds {
        Ok(())
    } else {
        Err(Violation {
            rule: "queue",
            what,
            at: None,
            other: None,
        })
    }
}

fn thread_links<P: Population>(objects: &Objects<'_, P>, thread: Ref<Tcb>) -> Check {
    let (tcb, at) = (&objects.k[thread], thread.address());
    objects.link(at, tcb.sched_context)?;
    objects.link(at, tcb.yield_to)?;
    objects.link(at, tcb.bound_notification)?;
    if let Some(links) = tcb.links {
        objects.link(at, Some(links.next))?;
        objects.link(at, Some(links.previous))?;
    }
    match tcb.state {
        ThreadState::BlockedOnSend { endpoint, .. } => objects.link(at, Some(endpoint)),
        ThreadState::BlockedOnReceive { endpoint, reply } => {
            objects.link(at, Some(endpoint))?;
            objects.link(at, reply)
        }
        ThreadState::BlockedOnReply { reply } => objects.link(at, Some(reply)),
        ThreadState::BlockedOnNotification { notification } => objects.link(at, Some(notification)),
        ThreadState::Inactive | ThreadState::Running | ThreadState::Restart => Ok(()),
    }
}

/// In a queue exactly if its state says so.
fn place(k: &Kernel, thread: Ref<Tcb>) -> Check {
    let tcb = &k[thread];
    let waits = matches!(
        tcb.state,
        ThreadState::BlockedOnSend { .. }
            | ThreadState::BlockedOnReceive { .. }
            | ThreadState::BlockedOnNotification { .. }
    );
    let places = [waits, tcb.ready_queued, tcb.release_queued]
        .into_iter()
        .filter(|&is| is)
        .count();
    expect(
        places <= 1,
        "queue",
        "a thread that has to be in two queues",
        thread.address(),
    )?;
    let linked = tcb.links.is_some();
    expect(
        linked == (waits || tcb.ready_queued),
        "queue",
        "a thread's links and its state disagree",
        thread.address(),
    )
}

fn bindings(k: &Kernel, thread: Ref<Tcb>) -> Check {
    let (tcb, at) = (&k[thread], thread.address());
    let symmetric = |holds, what| expect(holds, "bound", what, at);
    symmetric(
        tcb.sched_context.is_none_or(|sc| k[sc].tcb == Some(thread)),
        "a scheduling context that does not know its thread",
    )?;
    symmetric(
        tcb.yield_to
            .is_none_or(|sc| k[sc].yield_from == Some(thread)),
        "a scheduling context that does not know who yields to it",
    )?;
    symmetric(
        tcb.bound_notification
            .is_none_or(|n| k[n].bound_tcb == Some(thread)),
        "a notification that does not know its thread",
    )?;
    let reply = match tcb.state {
        ThreadState::BlockedOnReply { reply } => Some(reply),
        ThreadState::BlockedOnReceive { reply, .. } => reply,
        _ => None,
    };
    expect(
        reply.is_none_or(|reply| k[reply].tcb == Some(thread)),
        "reply",
        "a reply object that does not know its thread",
        at,
    )
}

/// A thread that could run is current, ready or waiting for time.
fn forgotten(k: &Kernel, thread: Ref<Tcb>) -> Check {
    let tcb = &k[thread];
    let kept = !k.schedulable(thread)
        || tcb.ready_queued
        || k.nodes.iter().any(|n| n.current == Some(thread));
    expect(
        kept,
        "running",
        "a thread that could run and that nobody will run",
        thread.address(),
    )
}

/// Walks `queue`; how many threads it has. `visit` sees each with the one before.
fn walk<P: Population>(
    objects: &Objects<'_, P>,
    queue: Queue,
    limit: u64,
    mut visit: impl FnMut(Option<Ref<Tcb>>, Ref<Tcb>) -> Check,
) -> Result<u64, Violation> {
    let k = objects.k;
    let Some(first) = queue.first() else {
        return Ok(0);
    };
    objects.link(first.address(), Some(first))?;
    let (mut count, mut previous, mut next) = (0u64, None, Some(first));
    while let Some(thread) = next {
        let at = thread.address();
        expect(
            count < limit,
            "queue-links",
            "a queue that does not end",
            at,
        )?;
        let links = k[thread].links;
        expect(
            links.is_some(),
            "queue",
            "a thread in a queue without links",
            at,
        )?;
        let symmetric = links.is_some_and(|links| {
            k[links.next].links.is_some_and(|l| l.previous == thread)
                && k[links.previous].links.is_some_and(|l| l.next == thread)
        });
        expect(symmetric, "queue-links", "next and previous disagree", at)?;
        visit(previous, thread)?;
        count = count.saturating_add(1);
        previous = Some(thread);
        next = queue.after(k, thread);
    }
    Ok(count)
}

fn by_priority(k: &Kernel, previous: Option<Ref<Tcb>>, thread: Ref<Tcb>) -> Check {
    let sorted = previous.is_none_or(|before| k[before].priority >= k[thread].priority);
    expect(
        sorted,
        "queue-sorted",
        "a queue is not sorted by priority",
        thread.address(),
    )
}

fn endpoint_queue<P: Population>(
    objects: &Objects<'_, P>,
    endpoint: Ref<Endpoint>,
    limit: u64,
) -> Result<u64, Violation> {
    let k = objects.k;
    let Endpoint { queue, waiting } = k[endpoint];
    let at = endpoint.address();
    expect(
        (waiting == Waiting::Nobody) == queue.is_empty(),
        "endpoint",
        "state and queue disagree",
        at,
    )?;
    walk(objects, queue, limit, |previous, thread| {
        let belongs = match k[thread].state {
            ThreadState::BlockedOnSend { endpoint: e, .. } => {
                e == endpoint && waiting == Waiting::Senders
            }
            ThreadState::BlockedOnReceive { endpoint: e, .. } => {
                e == endpoint && waiting == Waiting::Receivers
            }
            _ => false,
        };
        expect_of(
            belongs,
            "endpoint",
            "a thread in the wrong queue",
            at,
            Some(thread.address()),
        )?;
        by_priority(k, previous, thread)
    })
}

fn notification_queue<P: Population>(
    objects: &Objects<'_, P>,
    notification: Ref<Notification>,
    limit: u64,
) -> Result<u64, Violation> {
    let k = objects.k;
    let state = &k[notification];
    let at = notification.address();
    objects.link(at, state.bound_tcb)?;
    objects.link(at, state.sched_context)?;
    let waiting = state.signal == Signal::Waiting;
    expect(
        waiting != state.queue.is_empty(),
        "notification",
        "state and queue disagree",
        at,
    )?;
    let bound = state
        .bound_tcb
        .is_none_or(|tcb| k[tcb].bound_notification == Some(notification));
    expect(
        bound,
        "bound",
        "a thread that does not know its notification",
        at,
    )?;
    let lent = state
        .sched_context
        .is_none_or(|sc| k[sc].notification == Some(notification));
    expect(
        lent,
        "bound",
        "a scheduling context that does not know its notification",
        at,
    )?;
    walk(objects, state.queue, limit, |previous, thread| {
        let belongs = k[thread].state == ThreadState::BlockedOnNotification { notification };
        expect_of(
            belongs,
            "notification",
            "a thread in the wrong queue",
            at,
            Some(thread.address()),
        )?;
        by_priority(k, previous, thread)
    })
}

/// The ready queues and the release queue of every core.
fn scheduler_queues<P: Population>(objects: &Objects<'_, P>, limit: u64) -> Result<u64, Violation> {
    let k = objects.k;
    let mut count = 0u64;
    for (core, node) in k.nodes.iter().enumerate() {
        for (domain, ready) in node.ready.iter().enumerate() {
            for (priority, queue) in ready.queues.iter().enumerate() {
                let n = walk(objects, *queue, limit, |_, thread| {
                    let tcb = &k[thread];
                    let here = (
                        tcb.core as usize,
                        tcb.domain as usize,
                        tcb.priority as usize,
                    );
                    let at = thread.address();
                    expect(
                        tcb.ready_queued,
                        "queue",
                        "in a ready queue and does not know",
                        at,
                    )?;
                    expect(
                        here == (core, domain, priority),
                        "queue",
                        "in the wrong ready queue",
                        at,
                    )?;
                    expect(
                        k.schedulable(thread),
                        "queue-ready",
                        "ready and not schedulable",
                        at,
                    )
                })?;
                count = count.saturating_add(n);
            }
        }
        release_queue(objects, node.release, limit)?;
    }
    Ok(count)
}

fn release_queue<P: Population>(
    objects: &Objects<'_, P>,
    queue: ReleaseQueue,
    limit: u64,
) -> Check {
    let k = objects.k;
    let mut left = limit;
    for thread in queue.members(k) {
        let (tcb, at) = (&k[thread], thread.address());
        objects.link(at, Some(thread))?;
        expect(left > 0, "queue", "the release queue has no end", at)?;
        left = left.saturating_sub(1);
        let knows = tcb.release_queued && tcb.links.is_none();
        expect(knows, "queue", "in the release queue and does not know", at)?;
        let waits = tcb.runnable() && tcb.sched_context.is_some_and(|sc| k[sc].ring.active());
        let what = "waits for time that it cannot get or use";
        expect(waits, "queue-release", what, at)?;
        let due = tcb.sched_context.map(|sc| sched_context::head(k, sc).time);
        let right = due == Some(tcb.release.due()) && release::well_placed(k, thread);
        let what = "the release queue is not a heap by time";
        expect(right, "queue-sorted", what, at)?;
    }
    let queued = limit.saturating_sub(left);
    let mut waiting = 0u64;
    objects.each::<Tcb>(|thread| {
        waiting = waiting.saturating_add(k[thread].release_queued.into());
        Ok(())
    })?;
    expect_numbers(queued == waiting, "some thread waits for time in no queue")
}

/// The bitmaps of the ready queues say which have threads.
pub fn ready_queues(k: &Kernel) -> Check {
    for node in &k.nodes {
        for ready in &node.ready {
            let bits = ready
                .bitmap
                .iter()
                .flat_map(|word| (0..64).map(move |n| word >> n & 1 != 0));
            let agree = ready
                .queues
                .iter()
                .zip(bits)
                .all(|(queue, bit)| bit != queue.is_empty());
            expect_numbers(agree, "queue-bitmap: a bit and its queue disagree")?;
            let measured = ready.height == ready.measure();
            expect_numbers(measured, "queue-bitmap: the height is not that of the bits")?;
        }
    }
    const { assert!(PRIORITIES == 256 && DOMAINS > 0) };
    Ok(())
}

/// The right thread is running.
pub fn running(k: &Kernel) -> Check {
    let node = k.node();
    let domain = k.schedule.current_domain();
    let ready = node.ready.get(domain);
    let best = ready.and_then(|r| {
        (0..PRIORITIES)
            .rev()
            .find(|&p| r.queues.get(p).is_some_and(|q| !q.is_empty()))
    });
    let Some(current) = node.current else {
        let idle = Violation {
            rule: "running",
            what: "idle, while a thread is ready",
            at: None,
            other: None,
        };
        return if best.is_none() { Ok(()) } else { Err(idle) };
    };
    let (tcb, at) = (&k[current], current.address());
    let running = |holds, what| expect(holds, "running", what, at);
    running(
        k.schedulable(current),
        "the current thread is not schedulable",
    )?;
    running(!tcb.ready_queued, "the current thread is in a ready queue")?;
    running(
        tcb.domain as usize == domain,
        "the current thread runs in the turn of another domain",
    )?;
    // Who is put into the domain whose turn it is waits for the next decision, whatever its priority:
    // so the API has it.
    running(
        DOMAINS > 1 || best.is_none_or(|p| p <= tcb.priority as usize),
        "a thread of higher priority is ready",
    )?;
    running(
        node.current_sc == tcb.sched_context,
        "time is charged to somebody else",
    )?;
    running(
        k[current].state == ThreadState::Running,
        "the current thread was not activated",
    )?;
    // Its CSpace is asked for with every system call; the slot has to be there whatever it holds.
    let _ = k[current.slot(TcbSlot::CSpace)].cap();
    Ok(())
}
