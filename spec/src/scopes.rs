//! The worlds that are explored, and with what.

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
    calls.extend(alphabet::retype(&[1, 2, 3], 0, &[1, 2, 3], &[1, 2], &kinds));
    Scope {
        name: "derivation",
        world,
        calls,
        depth: Some(depth),
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
        leaves_out: nothing,
    }
}
