//! Reply objects, and the stacks of calls that scheduling contexts are lent through.

use super::{Check, Objects, Population, expect, expect_of};
use crate::object::reply::{Next, Reply};
use crate::object::sched_context::SchedContext;
use crate::object::store::Ref;
use crate::object::tcb::ThreadState;

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    let mut count = 0u64;
    objects.each::<Reply>(|reply| {
        count = count.saturating_add(1);
        reply_object(objects, reply)
    })?;
    objects.each::<SchedContext>(|sc| stack(objects, sc, count))
}

fn reply_object<P: Population>(objects: &Objects<'_, P>, reply: Ref<Reply>) -> Check {
    let (k, at) = (objects.k, reply.address());
    let Reply {
        tcb,
        previous,
        next,
    } = k[reply];
    objects.link(at, tcb)?;
    objects.link(at, previous)?;
    let state = tcb.map(|tcb| k[tcb].state);
    let waits = state == Some(ThreadState::BlockedOnReply { reply });
    let receives = matches!(state, Some(ThreadState::BlockedOnReceive { reply: Some(with), .. }) if with == reply);
    expect_of(
        tcb.is_none() || waits || receives,
        "reply",
        "its thread does not wait with it",
        at,
        tcb.map(Ref::address),
    )?;
    let stacked = previous.is_some() || next != Next::None;
    expect(
        !stacked || waits,
        "reply",
        "in a stack of calls, and nobody waits for it",
        at,
    )?;
    let below = previous.is_none_or(|below| k[below].next == Next::Reply(reply));
    expect_of(
        below,
        "reply",
        "the call below does not know the one above",
        at,
        previous.map(Ref::address),
    )?;
    match next {
        Next::None => Ok(()),
        Next::Reply(above) => {
            objects.link(at, Some(above))?;
            expect_of(
                k[above].previous == Some(reply),
                "reply",
                "the call above does not know the one below",
                at,
                Some(above.address()),
            )
        }
        Next::Head(sc) => {
            objects.link(at, Some(sc))?;
            let known = k[sc].reply == Some(reply);
            expect_of(
                known,
                "reply",
                "the scheduling context has another last call",
                at,
                Some(sc.address()),
            )
        }
    }
}

/// The stack of `sc` ends.
fn stack<P: Population>(objects: &Objects<'_, P>, sc: Ref<SchedContext>, limit: u64) -> Check {
    let (k, at) = (objects.k, sc.address());
    objects.link(at, k[sc].reply)?;
    let head = k[sc].reply;
    let known = head.is_none_or(|reply| k[reply].next == Next::Head(sc));
    expect_of(
        known,
        "reply",
        "the last call does not know its scheduling context",
        at,
        head.map(Ref::address),
    )?;
    let (mut next, mut count) = (head, 0u64);
    while let Some(reply) = next {
        expect(
            count < limit,
            "reply",
            "a stack of calls that does not end",
            at,
        )?;
        count = count.saturating_add(1);
        next = k[reply].previous;
    }
    Ok(())
}
