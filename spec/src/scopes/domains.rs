//! Domains: threads that run in turns. Only a profile with several domains has this world.

use super::nothing;
use crate::alphabet::{self, talk};
use crate::explore::Scope;
use crate::model::Request;
use crate::world::World;
use abi::invocation::Invocation as I;
use abi::object::ObjectType as T;
use abi::sched::DOMAIN_DURATION_BITS;
use abi::syscall::Syscall;
use abi::{PROFILE, Word, bootinfo};

// Slots of the CNode of all threads.
const NOTIFICATION: Word = 1;
const ENDPOINT: Word = 2;
const REPLY: Word = 3;
const DOMAINS: Word = 4;
const THREADS: [Word; 3] = [5, 6, 7];
const TIME: Word = 8;
const RADIX: Word = 4;

/// How long turns are, in ticks.
const LONG: Word = 1200;
const SHORT: Word = 500;

/// Three threads: two in domain 0, of which the more important waits for time now and then, and one
/// in domain 1. The schedule has a turn for each of both, and becomes longer and shorter.
pub fn domains(depth: usize) -> Scope {
    let mut world = World::new(14);
    let cnode = world.make(T::CNode, RADIX);
    let notification = world.make(T::Notification, 0);
    let endpoint = world.make(T::Endpoint, 0);
    let reply = world.make(T::Reply, 0);
    let players = [100, 101, 100].map(|priority| world.player(cnode, RADIX, priority));
    world.time(players[0], 100, 100, 0);
    world.time(players[1], 60, 200, 0);
    world.time(players[2], 10_000, 10_000, 0);
    let control = bootinfo::DOMAIN as Word;
    for (cap, to) in [
        (notification, NOTIFICATION),
        (endpoint, ENDPOINT),
        (reply, REPLY),
        (control, DOMAINS),
        (world.players[2].sc_cap, TIME),
    ] {
        world.lend(cap, cnode, RADIX, to, 15, 0);
    }
    for (player, to) in players.into_iter().zip(THREADS) {
        let tcb = world.players[player].tcb_cap;
        world.lend(tcb, cnode, RADIX, to, 15, 0);
    }
    let tcb = world.players[players[2]].tcb_cap;
    world.must(control, I::DomainSetSet, &[1], &[tcb]);
    for entry in [[1, 1, SHORT], [0, 0, LONG]] {
        world.must(control, I::DomainScheduleConfigure, &entry, &[]);
    }
    players.iter().for_each(|player| world.start(*player));
    world.must(control, I::DomainScheduleSetStart, &[0], &[]);
    world.leave();
    Scope {
        name: "domains",
        world,
        calls: calls(),
        pauses: vec![50, 450, 900],
        lines: vec![],
        traps: vec![],
        depth: Some(depth),
        interrupted: false,
        leaves_out: nothing,
    }
}

fn calls() -> Vec<Request> {
    let (domains, entries) = (
        PROFILE.num_domains as Word,
        PROFILE.num_domain_schedules as Word,
    );
    let mut calls = vec![
        talk(Syscall::Send, NOTIFICATION, 0, 0),
        talk(Syscall::Wait, NOTIFICATION, 0, 0),
        talk(Syscall::Call, ENDPOINT, 0, 0),
        talk(Syscall::Recv, ENDPOINT, REPLY, 0),
        talk(Syscall::Send, REPLY, 0, 0),
        talk(Syscall::Yield, 0, 0, 0),
        alphabet::invoke(TIME, I::SchedContextYieldTo, &[], &[]),
    ];
    let mut invoke = |invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(DOMAINS, invocation, words, caps));
    };
    for (domain, thread) in [
        (0, THREADS[0]),
        (1, THREADS[0]),
        (1, THREADS[1]),
        (0, THREADS[2]),
        (256, THREADS[2]),
        (domains - 1, THREADS[2]),
        (domains, THREADS[2]),
        (0, NOTIFICATION),
    ] {
        invoke(I::DomainSetSet, &[domain], &[thread]);
    }
    invoke(I::DomainSetSet, &[], &[THREADS[0]]);
    invoke(I::DomainSetSet, &[0], &[]);
    let most = 1 << DOMAIN_DURATION_BITS;
    for words in [
        [1, 0, SHORT],
        [1, 0, 0],
        [2, 1, LONG],
        [0, 1, LONG],
        [0, 0, 0],
        [1, 1, 0],
        [entries - 2, 0, most - 1],
        [entries - 1, 0, SHORT],
        [0, domains, SHORT],
        [0, 0, most],
    ] {
        invoke(I::DomainScheduleConfigure, &words, &[]);
    }
    invoke(I::DomainScheduleConfigure, &[0, 0], &[]);
    for entry in [0, 1, 2, entries - 1, entries] {
        invoke(I::DomainScheduleSetStart, &[entry], &[]);
    }
    invoke(I::DomainScheduleSetStart, &[], &[]);
    invoke(I::CNodeDelete, &[1, RADIX], &[]);
    calls
}
