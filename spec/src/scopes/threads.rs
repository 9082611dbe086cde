//! What threads can do to threads: change what they are made of, read and write their registers,
//! stop and start them, let them run first.

use crate::alphabet::{self, talk};
use crate::explore::Scope;
use crate::model::{Cap, Request, State};
use crate::world::{AFTER_SYSCALL, World};
use abi::invocation::{Invocation as I, LABELS};
use abi::object::ObjectType as T;
use abi::syscall::Syscall;
use abi::{Word, bootinfo};

// Slots of the CNode of both threads.
const CNODE: Word = 0;
const THREAD: Word = 1;
const CALLER: Word = 2;
const TIME: Word = 3;
const TIME_OF_CALLER: Word = 4;
const ENDPOINT: Word = 5;
const NOTIFICATION: Word = 6;
const REPLY: Word = 7;
const BUFFER: Word = 8;
const BUFFER_TO_READ: Word = 9;
const SPACE: Word = 10;
const NOTHING: Word = 11;
const OTHER_TIME: Word = 12;
const RADIX: Word = 4;

/// Where IPC buffers are.
const BUFFER_AT: Word = 0x10_0000;

/// A thread, and a more important one that operates on it; but each can do what the other can.
pub fn threads(depth: usize) -> Scope {
    let mut world = World::new(14);
    world.resumable = true;
    let cnode = world.make(T::CNode, RADIX);
    let endpoint = world.make(T::Endpoint, 0);
    let notification = world.make(T::Notification, 0);
    let reply = world.make(T::Reply, 0);
    let thread = world.player(cnode, RADIX, 100);
    let caller = world.player(cnode, RADIX, 101);
    let other_time = world.make(T::SchedContext, 8);
    for player in [thread, caller] {
        world.time(player, 10_000, 10_000, 0);
    }
    world.bystander();
    let frame = world.players[thread].frame_cap;
    world.lend(cnode, cnode, RADIX, CNODE, 15, 0);
    world.lend(frame, cnode, RADIX, BUFFER, 15, 0);
    world.lend(frame, cnode, RADIX, BUFFER_TO_READ, 2, 0);
    world.lend(bootinfo::INIT_VSPACE as Word, cnode, RADIX, SPACE, 15, 0);
    [thread, caller]
        .iter()
        .for_each(|player| world.start(*player));
    let (thread, caller) = (world.players[thread], world.players[caller]);
    for (cap, to) in [
        (thread.tcb_cap, THREAD),
        (caller.tcb_cap, CALLER),
        (thread.sc_cap, TIME),
        (caller.sc_cap, TIME_OF_CALLER),
        (endpoint, ENDPOINT),
        (notification, NOTIFICATION),
        (reply, REPLY),
        (other_time, OTHER_TIME),
    ] {
        world.give(cap, cnode, RADIX, to);
    }
    world.leave();
    Scope {
        name: "threads",
        world,
        calls: calls(),
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: registers_of_a_call,
    }
}

/// Registers are not part of a state: those that hold a system call that is still to be made are
/// not written.
fn registers_of_a_call(state: &State, call: &Request) -> bool {
    let writes = [I::TcbWriteRegisters, I::TcbCopyRegisters].map(|label| LABELS.label(label));
    let current = state.current;
    let slot = current.and_then(|current| state.lookup(current, call.cap).ok());
    match slot.and_then(|slot| state.cap(slot)) {
        Some(Cap::Thread { at }) => {
            let says = state.thread(at).is_some_and(|thread| thread.says.is_some());
            writes.contains(&Some(call.label)) && says
        }
        _ => false,
    }
}

fn calls() -> Vec<Request> {
    let mut calls = vec![
        talk(Syscall::Send, ENDPOINT, 0, 0),
        talk(Syscall::Call, ENDPOINT, 0, 0),
        talk(Syscall::Recv, ENDPOINT, REPLY, 0),
        talk(Syscall::Wait, NOTIFICATION, 0, 0),
        talk(Syscall::Send, NOTIFICATION, 0, 0),
        talk(Syscall::Send, REPLY, 0, 0),
        talk(Syscall::Yield, 0, 0, 0),
    ];
    calls.extend(parts());
    calls.extend(registers());
    let mut invoke = |cap, invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(cap, invocation, words, caps));
    };
    invoke(THREAD, I::TcbSuspend, &[], &[]);
    invoke(THREAD, I::TcbResume, &[], &[]);
    invoke(CALLER, I::TcbSuspend, &[], &[]);
    invoke(CALLER, I::TcbResume, &[], &[]);
    invoke(THREAD, I::TcbSetFlags, &[0, 3], &[]);
    invoke(THREAD, I::TcbSetFlags, &[1, 0], &[]);
    invoke(TIME, I::SchedContextYieldTo, &[], &[]);
    invoke(TIME_OF_CALLER, I::SchedContextYieldTo, &[], &[]);
    for slot in [THREAD, TIME, TIME_OF_CALLER] {
        invoke(CNODE, I::CNodeDelete, &[slot, RADIX], &[]);
    }
    calls
}

/// Spaces, buffer, handlers, priorities, time.
fn parts() -> Vec<Request> {
    let mut calls = vec![];
    let mut invoke = |invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(THREAD, invocation, words, caps));
    };
    let guard = abi::cnode::CNodeCapData::new(0, (64 - RADIX) as _).0;
    for (priority, authority) in [(101, CALLER), (99, THREAD), (102, CALLER), (99, TIME)] {
        invoke(I::TcbSetPriority, &[priority], &[authority]);
    }
    invoke(I::TcbSetMcPriority, &[101], &[CALLER]);
    invoke(I::TcbSetMcPriority, &[102], &[CALLER]);
    for (time, handler) in [
        (TIME, ENDPOINT),
        (OTHER_TIME, NOTHING),
        (NOTHING, NOTHING),
        (TIME_OF_CALLER, NOTHING),
        (ENDPOINT, NOTHING),
        (TIME, NOTIFICATION),
    ] {
        invoke(I::TcbSetSchedParams, &[101, 101], &[CALLER, time, handler]);
    }
    for handler in [ENDPOINT, NOTHING, NOTIFICATION] {
        invoke(I::TcbSetTimeoutEndpoint, &[], &[handler]);
    }
    for (data, caps) in [
        (guard, [ENDPOINT, CNODE, SPACE]),
        (0, [NOTHING, CNODE, SPACE]),
        (guard, [NOTIFICATION, CNODE, SPACE]),
        (guard, [ENDPOINT, CNODE, NOTHING]),
        (guard, [ENDPOINT, ENDPOINT, SPACE]),
    ] {
        invoke(I::TcbSetSpace, &[data, 0], &caps);
    }
    for (address, frame) in [
        (BUFFER_AT, BUFFER),
        (BUFFER_AT, BUFFER_TO_READ),
        (0, BUFFER),
        (BUFFER_AT + 8, BUFFER),
        (BUFFER_AT, ENDPOINT),
    ] {
        invoke(
            I::TcbConfigure,
            &[guard, 0, address],
            &[CNODE, SPACE, frame],
        );
    }
    invoke(I::TcbSetIpcBuffer, &[BUFFER_AT], &[BUFFER_TO_READ]);
    invoke(I::TcbSetIpcBuffer, &[0], &[BUFFER]);
    invoke(I::TcbBindNotification, &[], &[NOTIFICATION]);
    invoke(I::TcbUnbindNotification, &[], &[]);
    calls
}

fn registers() -> Vec<Request> {
    let mut calls = vec![];
    let mut invoke = |invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(THREAD, invocation, words, caps));
    };
    for words in [[0, 2], [1, 2], [0, 0], [0, 99]] {
        invoke(I::TcbReadRegisters, &words, &[]);
    }
    for words in [[0, 2], [1, 2], [1, 3]] {
        let words = [words[0], words[1], AFTER_SYSCALL, 0x5000];
        invoke(I::TcbWriteRegisters, &words, &[]);
    }
    for (flags, source) in [(8, CALLER), (1, CALLER), (10, CALLER), (8, TIME)] {
        invoke(I::TcbCopyRegisters, &[flags], &[source]);
    }
    invoke(I::TcbSetTlsBase, &[0x1000], &[]);
    invoke(I::TcbSetTlsBase, &[], &[]);
    calls
}
