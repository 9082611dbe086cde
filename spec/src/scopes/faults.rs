//! Faults of programs: a thread that traps or makes unknown system calls, its handler, and what the
//! handler answers.

use crate::alphabet::{self, saying, talk};
use crate::explore::Scope;
use crate::model::state::Trap;
use crate::model::{Cap, Request, State};
use crate::world::{AFTER_SYSCALL, World};
use abi::invocation::{Invocation as I, LABELS};
use abi::message::MESSAGE_REGISTERS;
use abi::object::ObjectType as T;
use abi::syscall::Syscall;
use abi::{Isa, Word};

// Slots of the CNode of both threads.
const CNODE: Word = 0;
const HANDLES: Word = 1;
const REPLY: Word = 2;
const THREAD: Word = 3;
const HANDLER: Word = 4;
const NOTIFICATION: Word = 5;
const TIME: Word = 6;
const RADIX: Word = 4;

/// A thread whose faults a more important one hears of, and that one, whose faults nobody hears of.
pub fn faults(depth: usize) -> Scope {
    let mut world = World::new(14);
    world.resumable = true;
    let cnode = world.make(T::CNode, RADIX);
    let endpoint = world.make(T::Endpoint, 0);
    let reply = world.make(T::Reply, 0);
    let notification = world.make(T::Notification, 0);
    let players = [100, 101].map(|priority| world.player(cnode, RADIX, priority));
    world.time(players[0], 10_000, 10_000, 0);
    world.time(players[1], 10_000, 10_000, 0);
    // The handler's capability: it may be answered, and gives no more.
    let badged = world.badged(endpoint, 9, 6);
    world.handler(players[0], cnode, RADIX, badged);
    let [thread, handler] = players.map(|player| world.players[player].tcb_cap);
    let time = world.players[players[1]].sc_cap;
    for (cap, to) in [
        (endpoint, HANDLES),
        (reply, REPLY),
        (thread, THREAD),
        (handler, HANDLER),
        (notification, NOTIFICATION),
        (time, TIME),
    ] {
        world.lend(cap, cnode, RADIX, to, 15, 0);
    }
    world.lend(cnode, cnode, RADIX, CNODE, 15, 0);
    players.iter().for_each(|player| world.start(*player));
    world.leave();
    Scope {
        name: "faults",
        world,
        calls: calls(),
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: traps(),
        interrupted: false,
        leaves_out: buffer_in_use,
    }
}

/// What is in a buffer is part of the system call that is still to be made: such buffers stay.
fn buffer_in_use(state: &State, call: &Request) -> bool {
    let current = state.current;
    let slot = current.and_then(|current| state.lookup(current, call.cap).ok());
    match slot.and_then(|slot| state.cap(slot)) {
        Some(Cap::Thread { at }) if LABELS.label(I::TcbSetIpcBuffer) == Some(call.label) => {
            let says = state.thread(at).and_then(|thread| thread.says.as_ref());
            says.is_some_and(|says| says.words.len() > MESSAGE_REGISTERS || !says.caps.is_empty())
        }
        _ => false,
    }
}

/// A write to where nothing is, a jump there, and an exception, as each processor tells them.
fn traps() -> Vec<Trap> {
    let address = 0xdead_b000;
    let (write, fetch, number, code) = match abi::ISA {
        Isa::X86_64 => (6, 0x14, 13, 0x18),
        Isa::AArch64 => (0x9200_0046, 0x8200_0006, 0x0200_0000, 0),
        Isa::RiscV64 => (7, 1, 2, 0),
    };
    let memory = |status, instruction| Trap::Memory {
        address,
        status,
        instruction,
    };
    vec![
        memory(write, false),
        memory(fetch, true),
        Trap::Exception { number, code },
    ]
}

/// An answer of `length` words to an unknown system call, that sends the thread on behind it.
fn goes_on(length: usize) -> Vec<Word> {
    use abi::{aarch64, riscv64, x86_64};
    let place = match abi::ISA {
        Isa::X86_64 => x86_64::unknown_syscall::FAULT_IP,
        Isa::AArch64 => aarch64::unknown_syscall::FAULT_IP,
        Isa::RiscV64 => riscv64::unknown_syscall::FAULT_IP,
    };
    let mut words: Vec<Word> = (0..).map(|n| 0xf_0000 + n * 0x1008).take(length).collect();
    if let Some(ip) = words.get_mut(place) {
        *ip = AFTER_SYSCALL;
    }
    words
}

/// An answer that makes of an unknown system call a Yield.
fn becomes_a_yield() -> Vec<Word> {
    use abi::{aarch64, riscv64, x86_64};
    let (place, ip) = match abi::ISA {
        Isa::X86_64 => (x86_64::unknown_syscall::RDX, 0),
        Isa::AArch64 => (aarch64::unknown_syscall::X7, 0),
        // The number is no register that an answer sets: it stays unknown.
        Isa::RiscV64 => (riscv64::unknown_syscall::A6, AFTER_SYSCALL - 2),
    };
    let mut words = vec![0; place + 1];
    words[0] = ip;
    words[place] = Syscall::Yield.number() as Word;
    words
}

fn calls() -> Vec<Request> {
    let all = goes_on(20);
    let mut calls = vec![
        talk(Syscall::Recv, HANDLES, REPLY, 0),
        talk(Syscall::NbRecv, HANDLES, REPLY, 0),
        talk(Syscall::Wait, HANDLES, 0, 0),
        talk(Syscall::Wait, NOTIFICATION, 0, 0),
        talk(Syscall::Send, NOTIFICATION, 0, 0),
        talk(Syscall::Call, HANDLES, 0, 0),
        talk(Syscall::Send, REPLY, 0, 0),
        saying(talk(Syscall::Send, REPLY, 0, 0), 1, &[], &[]),
        saying(talk(Syscall::Send, REPLY, 0, 0), 0, &all, &[]),
        saying(talk(Syscall::Send, REPLY, 0, 0), 0, &all[..2], &[]),
        saying(talk(Syscall::Send, REPLY, 0, 0), 7, &all[..3], &[]),
        saying(
            talk(Syscall::ReplyRecv, HANDLES, REPLY, 0),
            0,
            &becomes_a_yield(),
            &[],
        ),
    ];
    // System calls that there are not.
    for number in [1, 99, i64::MIN] {
        let unknown = Request {
            syscall: number,
            ..talk(Syscall::Yield, 7, 8, 9)
        };
        calls.push(saying(unknown, 3, &[1, 2, 3], &[]));
    }
    let mut invoke = |cap, invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(cap, invocation, words, caps));
    };
    invoke(THREAD, I::TcbSuspend, &[], &[]);
    invoke(THREAD, I::TcbResume, &[], &[]);
    invoke(THREAD, I::TcbReadRegisters, &[0, 20], &[]);
    invoke(HANDLER, I::TcbSetIpcBuffer, &[0], &[CNODE]);
    invoke(THREAD, I::TcbSetIpcBuffer, &[0], &[CNODE]);
    invoke(TIME, I::SchedContextUnbindObject, &[], &[HANDLER]);
    invoke(TIME, I::SchedContextBind, &[], &[HANDLER]);
    for slot in [HANDLES, REPLY] {
        invoke(CNODE, I::CNodeDelete, &[slot, RADIX], &[]);
    }
    calls
}
