//! The worlds that are explored, and with what.

use crate::alphabet;
use crate::explore::Scope;
use crate::model::{Cap, Request, State};
use crate::world::World;
use abi::object::ObjectType;

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
