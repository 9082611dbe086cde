//! The worlds that are explored, and with what.

mod domains;
mod faults;
mod interrupts;
mod large_pages;
mod spaces;
mod threads;

pub use domains::domains;
pub use faults::faults;
pub use interrupts::interrupts;
pub use large_pages::large_pages;
pub use spaces::address_spaces;
pub use threads::threads;

use crate::alphabet::{self, saying, talk};
use crate::explore::Scope;
use crate::model::{Cap, Request, State};
use crate::world::World;
use abi::invocation::Invocation;
use abi::object::ObjectType;
use abi::syscall::Syscall;

/// One thread whose CSpace is a CNode of four slots that holds itself, and 64 bytes of memory.
pub fn derivation(depth: usize) -> Scope {
    let mut world = World::new(13);
    let cnode = world.make(ObjectType::CNode, 2);
    let memory = world.make(ObjectType::Untyped, 6);
    let player = world.player(cnode, 2, 100);
    world.time(player, 10_000, 10_000, 0);
    world.lend(cnode, cnode, 2, 0, 15, 0);
    world.give(memory, cnode, 2, 1);
    world.start(player);
    world.leave();
    let slots = [0, 1, 2, 3];
    let mut calls = alphabet::cnode(0, 2, &slots, &[15, 2], &[0, 1]);
    calls.extend(alphabet::rotate(0, 2, &slots, 0));
    let kinds = [(ObjectType::Endpoint, 0), (ObjectType::Untyped, 5)];
    calls.extend(alphabet::retype(
        &[1, 2, 3],
        0,
        &[1, 2, 3, 4],
        &[1, 2],
        &kinds,
    ));
    Scope {
        name: "derivation",
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: messages,
    }
}

/// Messages to endpoints: the IPC worlds send them.
fn messages(state: &State, call: &Request) -> bool {
    let to = state
        .current
        .and_then(|thread| state.lookup(thread, call.cap).ok());
    matches!(
        to.and_then(|slot| state.cap(slot)),
        Some(Cap::Endpoint { .. })
    )
}

/// Calls that are left out: none.
fn nothing(_: &State, _: &Request) -> bool {
    false
}

/// Two threads with CSpaces of their own: what one grants, the other finds in its receive slot;
/// what one faults on, the other handles; both delete and revoke in their own CNodes.
pub fn capabilities_by_message(depth: usize) -> Scope {
    let mut world = World::new(14);
    let [a, b] = [0; 2].map(|_| world.make(ObjectType::Endpoint, 0));
    let reply = world.make(ObjectType::Reply, 0);
    let [ours, theirs] = [0; 2].map(|_| world.make(ObjectType::CNode, 3));
    let sender = world.player(ours, 3, 100);
    let receiver = world.player(theirs, 3, 100);
    world.handler(sender, ours, 3, a);
    for player in [sender, receiver] {
        world.time(player, 10_000, 10_000, 0);
    }
    world.receives_at(receiver, 0, 3, 3);
    world.receives_at(sender, 0, 3, 3);
    world.bystander();
    world.lend(ours, ours, 3, 0, 15, 0);
    world.lend(theirs, theirs, 3, 0, 15, 0);
    world.lend(a, ours, 3, 1, 15, 5);
    world.lend(a, theirs, 3, 1, 15, 0);
    world.lend(a, ours, 3, 4, 9, 6);
    world.give(b, ours, 3, 2);
    world.give(reply, theirs, 3, 2);
    world.start(sender);
    world.start(receiver);
    world.leave();
    let mut calls = vec![];
    for syscall in [Syscall::Send, Syscall::Call] {
        for caps in [&[][..], &[2], &[1, 2], &[3], &[9]] {
            calls.push(saying(talk(syscall, 1, 0, 0), 5, &[1, 2, 3, 4, 5], caps));
        }
    }
    calls.push(saying(talk(Syscall::Call, 4, 0, 0), 6, &[1], &[2]));
    calls.push(talk(Syscall::Recv, 1, 2, 0));
    calls.push(talk(Syscall::Wait, 1, 0, 0));
    calls.push(saying(talk(Syscall::ReplyRecv, 1, 2, 0), 0, &[7], &[1]));
    calls.push(talk(Syscall::Send, 64, 0, 0));
    calls.push(talk(Syscall::Wait, 3, 0, 0));
    calls.push(talk(Syscall::Yield, 0, 0, 0));
    for slot in [1, 2, 3] {
        calls.push(alphabet::invoke(
            0,
            Invocation::CNodeDelete,
            &[slot, 3],
            &[],
        ));
        calls.push(alphabet::invoke(
            0,
            Invocation::CNodeRevoke,
            &[slot, 3],
            &[],
        ));
    }
    calls.push(alphabet::invoke(
        0,
        Invocation::CNodeMint,
        &[3, 3, 2, 3, 3, 6],
        &[0],
    ));
    calls.push(alphabet::invoke(
        0,
        Invocation::CNodeCancelBadgedSends,
        &[1, 2],
        &[],
    ));
    let name = "capabilities by message";
    Scope {
        name,
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: nothing,
    }
}

/// Three threads and a notification: bound or not, lending time or not; one of the threads is
/// suspended, resumed, made more and less important, and loses its time.
pub fn signals(depth: usize) -> Scope {
    let mut world = World::new(14);
    world.resumable = true;
    let cnode = world.make(ObjectType::CNode, 4);
    let notification = world.make(ObjectType::Notification, 0);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let players = [100, 100, 101].map(|priority| world.player(cnode, 4, priority));
    for player in players {
        world.time(player, 10_000, 10_000, 0);
    }
    world.lend(notification, cnode, 4, 1, 15, 0);
    world.lend(notification, cnode, 4, 2, 1, 4);
    world.lend(endpoint, cnode, 4, 3, 15, 0);
    world.lend(reply, cnode, 4, 4, 15, 0);
    world.lend(notification, cnode, 4, 8, 1, 2);
    let (tcb, sc) = (world.players[1].tcb_cap, world.players[1].sc_cap);
    world.lend(tcb, cnode, 4, 5, 15, 0);
    world.lend(sc, cnode, 4, 6, 15, 0);
    let authority = world.players[2].tcb_cap;
    world.lend(authority, cnode, 4, 7, 15, 0);
    players.iter().for_each(|player| world.start(*player));
    world.leave();
    let mut calls = vec![
        talk(Syscall::Send, 2, 0, 0),
        talk(Syscall::NbSend, 8, 0, 0),
        talk(Syscall::Wait, 1, 0, 0),
        talk(Syscall::NbWait, 1, 0, 0),
        talk(Syscall::Recv, 3, 4, 0),
        saying(talk(Syscall::Call, 3, 0, 0), 6, &[1], &[]),
        talk(Syscall::Send, 4, 0, 0),
        talk(Syscall::Yield, 0, 0, 0),
    ];
    let mut invoke = |cap, invocation, words: &[_], caps: &[_]| {
        calls.push(alphabet::invoke(cap, invocation, words, caps));
    };
    invoke(5, Invocation::TcbSuspend, &[], &[]);
    invoke(5, Invocation::TcbResume, &[], &[]);
    invoke(5, Invocation::TcbSetPriority, &[99], &[7]);
    invoke(5, Invocation::TcbSetPriority, &[101], &[7]);
    invoke(5, Invocation::TcbSetPriority, &[102], &[7]);
    invoke(5, Invocation::TcbBindNotification, &[], &[1]);
    invoke(5, Invocation::TcbUnbindNotification, &[], &[]);
    for object in [1, 5] {
        invoke(6, Invocation::SchedContextBind, &[], &[object]);
        invoke(6, Invocation::SchedContextUnbindObject, &[], &[object]);
    }
    invoke(6, Invocation::SchedContextUnbind, &[], &[]);
    Scope {
        name: "signals",
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: nothing,
    }
}

/// Memory that takes long to clear: it becomes a large CNode, or several pieces of it do, and is taken
/// back, with an interrupt at each point.
pub fn much_memory(depth: usize) -> Scope {
    let mut world = World::new(18);
    let cnode = world.make(ObjectType::CNode, 3);
    let player = world.player(cnode, 3, 100);
    world.time(player, 10_000, 10_000, 0);
    let memory = world.make(ObjectType::Untyped, 17);
    world.give(memory, cnode, 3, 1);
    world.lend(cnode, cnode, 3, 0, 15, 0);
    world.start(player);
    world.leave();
    let kinds = [
        (ObjectType::CNode, 11),
        (ObjectType::Endpoint, 0),
        (ObjectType::Untyped, 16),
    ];
    let mut calls = alphabet::retype(&[1, 4], 0, &[2, 4], &[1, 2], &kinds);
    for slot in [1, 2, 3, 4] {
        for operation in [Invocation::CNodeDelete, Invocation::CNodeRevoke] {
            calls.push(alphabet::invoke(0, operation, &[slot, 3], &[]));
        }
    }
    Scope {
        name: "much memory",
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: true,
        leaves_out: messages,
    }
}

/// A thread that holds everything that it is made of, in a CNode that holds itself, and a second
/// CNode to hide things in: any of it is deleted and revoked, with an interrupt at each point.
pub fn everything_ends(depth: usize) -> Scope {
    let mut world = World::new(14);
    let whole = world.make(ObjectType::Untyped, 13);
    world.bystander();
    world.makes_from(whole);
    let [outer, inner] = [0; 2].map(|_| world.make(ObjectType::CNode, 3));
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let notification = world.make(ObjectType::Notification, 0);
    let player = world.player(outer, 3, 100);
    let other = world.player(inner, 3, 101);
    world.handler(player, outer, 3, endpoint);
    world.time(player, 10_000, 10_000, 0);
    world.time(other, 10_000, 10_000, 0);
    let (tcb, sc) = (world.players[player].tcb_cap, world.players[player].sc_cap);
    let other_tcb = world.players[other].tcb_cap;
    world.start(player);
    world.start(other);
    world.lend(inner, inner, 3, 2, 15, 0);
    world.lend(outer, inner, 3, 1, 15, 0);
    world.lend(endpoint, inner, 3, 3, 15, 0);
    world.lend(reply, inner, 3, 4, 15, 0);
    world.give(other_tcb, inner, 3, 5);
    world.give(notification, inner, 3, 6);
    world.lend(outer, outer, 3, 0, 15, 0);
    world.give(tcb, outer, 3, 1);
    world.give(sc, outer, 3, 2);
    world.give(endpoint, outer, 3, 3);
    world.give(reply, outer, 3, 4);
    world.give(inner, outer, 3, 5);
    world.give(whole, outer, 3, 6);
    world.give(outer, outer, 3, 7);
    world.leave();
    let mut calls = vec![
        talk(Syscall::Call, 3, 0, 0),
        talk(Syscall::Recv, 3, 4, 0),
        talk(Syscall::Send, 4, 0, 0),
        // The one that hides in the inner CNode listens.
        talk(Syscall::Wait, 6, 0, 0),
    ];
    for cnode in [0, 2, 5] {
        for slot in 0..8 {
            for operation in [Invocation::CNodeDelete, Invocation::CNodeRevoke] {
                calls.push(alphabet::invoke(cnode, operation, &[slot, 3], &[]));
            }
        }
    }
    for (to, from) in [(0, 5), (6, 1), (7, 2)] {
        calls.push(alphabet::invoke(
            5,
            Invocation::CNodeMove,
            &[to, 3, from, 3],
            &[0],
        ));
        calls.push(alphabet::invoke(
            2,
            Invocation::CNodeMove,
            &[to, 3, from, 3],
            &[1],
        ));
    }
    Scope {
        name: "everything ends",
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: true,
        leaves_out: nothing,
    }
}

/// Three threads with different time: a round robin one, one whose budget is a third of its
/// period and whose end of budget is told to a handler, and a more important one with little time
/// that waits for signals. Time passes in steps from a microsecond to most of a period.
pub fn budgets(depth: usize, sporadic: u64) -> Scope {
    let mut world = World::new(14);
    let cnode = world.make(ObjectType::CNode, 4);
    let notification = world.make(ObjectType::Notification, 0);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let players = [100, 100, 101].map(|priority| world.player(cnode, 4, priority));
    world.time(players[0], 100, 100, 0);
    world.time(players[1], 100, 300, sporadic);
    world.time(players[2], 40, 200, sporadic);
    world.timeout_handler(players[1], endpoint);
    world.lend(notification, cnode, 4, 1, 15, 0);
    world.lend(endpoint, cnode, 4, 2, 15, 0);
    world.lend(reply, cnode, 4, 3, 15, 0);
    let (sc, control) = (world.players[1].sc_cap, world.sched_control());
    world.lend(sc, cnode, 4, 4, 15, 0);
    world.lend(control, cnode, 4, 5, 15, 0);
    players.iter().for_each(|player| world.start(*player));
    world.leave();
    let mut calls = vec![
        talk(Syscall::Send, 1, 0, 0),
        talk(Syscall::Wait, 1, 0, 0),
        talk(Syscall::Recv, 2, 3, 0),
        talk(Syscall::Send, 3, 0, 0),
        talk(Syscall::Yield, 0, 0, 0),
    ];
    calls.push(alphabet::invoke(
        4,
        Invocation::SchedContextConsumed,
        &[],
        &[],
    ));
    calls.push(alphabet::invoke(
        4,
        Invocation::SchedContextYieldTo,
        &[],
        &[],
    ));
    for words in [
        [60, 300, 1, 9, sporadic],
        [20, 20, 0, 9, 0],
        [19, 300, 0, 9, 0],
    ] {
        let configure = Invocation::SchedControlConfigureFlags;
        calls.push(alphabet::invoke(5, configure, &words, &[4]));
    }
    Scope {
        name: "budgets",
        world,
        calls,
        pauses: vec![10, 300, 900, 2500],
        lines: vec![],
        traps: vec![],
        depth: Some(depth),
        interrupted: false,
        leaves_out: nothing,
    }
}

/// Three threads, two endpoints, two reply objects. The third thread can lose its own time, and
/// run on what callers lend it.
pub fn messages_between_three(depth: usize) -> Scope {
    let mut world = World::new(14);
    let cnode = world.make(ObjectType::CNode, 4);
    let [a, b] = [0; 2].map(|_| world.make(ObjectType::Endpoint, 0));
    let [r, s] = [0; 2].map(|_| world.make(ObjectType::Reply, 0));
    let players = [100, 100, 101].map(|priority| world.player(cnode, 4, priority));
    for player in players {
        world.time(player, 10_000, 10_000, 0);
    }
    world.lend(a, cnode, 4, 1, 15, 0);
    world.lend(a, cnode, 4, 2, 9, 7);
    world.lend(b, cnode, 4, 3, 15, 0);
    world.lend(r, cnode, 4, 4, 15, 0);
    world.lend(s, cnode, 4, 5, 15, 0);
    let (tcb, sc) = (world.players[2].tcb_cap, world.players[2].sc_cap);
    world.lend(tcb, cnode, 4, 6, 15, 0);
    world.lend(sc, cnode, 4, 7, 15, 0);
    players.iter().for_each(|player| world.start(*player));
    world.leave();
    let mut calls = vec![];
    for to in [1, 2, 3] {
        for syscall in [Syscall::Send, Syscall::NbSend, Syscall::Call] {
            calls.push(saying(talk(syscall, to, 0, 0), 5, &[to, 22], &[]));
        }
    }
    for from in [1, 3] {
        for reply in [4, 5] {
            calls.push(talk(Syscall::Recv, from, reply, 0));
        }
    }
    calls.push(talk(Syscall::NbRecv, 1, 4, 0));
    calls.push(talk(Syscall::Wait, 1, 0, 0));
    calls.push(talk(Syscall::NbWait, 3, 0, 0));
    for reply in [4, 5] {
        calls.push(saying(talk(Syscall::Send, reply, 0, 0), 1, &[9], &[]));
        calls.push(saying(talk(Syscall::ReplyRecv, 1, reply, 0), 2, &[8], &[]));
    }
    calls.push(saying(talk(Syscall::NbSendRecv, 1, 4, 3), 3, &[7], &[]));
    calls.push(saying(talk(Syscall::NbSendWait, 1, 3, 0), 4, &[6], &[]));
    calls.push(talk(Syscall::Yield, 0, 0, 0));
    calls.push(alphabet::invoke(
        7,
        Invocation::SchedContextUnbindObject,
        &[],
        &[6],
    ));
    calls.push(alphabet::invoke(7, Invocation::SchedContextBind, &[], &[6]));
    Scope {
        name: "messages between three",
        world,
        calls,
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: nothing,
    }
}
