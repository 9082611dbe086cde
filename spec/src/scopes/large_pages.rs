//! Pages as large as what a table covers, where tables would be, and the other way round.

use super::nothing;
use super::spaces::{NAMES, all_but_last_table};
use crate::alphabet;
use crate::explore::Scope;
use crate::model::Request;
use crate::model::space::last_address;
use crate::world::World;
use abi::Word;
use abi::bootinfo;
use abi::invocation::Invocation as I;
use abi::object::ObjectType as T;

// Slots of the player's CNode.
const CNODE: Word = 0;
const SPACE: Word = 1;
const LAST_TABLE: Word = 2;
const UPPER_TABLE: Word = 3;
const LARGE: Word = 4;
/// For a copy of the large page.
const COPY: Word = 5;
const PAGE: Word = 6;
const RADIX: Word = 3;

/// Where large pages and last tables go.
const PLACES: [Word; 2] = [0, 0x20_0000];
const READ_WRITE: Word = 3;
const READ: Word = 2;

/// An address space with all tables but the last, which a large page of memory and a last table
/// compete for.
pub fn large_pages(depth: usize) -> Scope {
    let mut world = World::new(22);
    let cnode = world.make(T::CNode, RADIX);
    let player = world.player(cnode, RADIX, 100);
    world.time(player, 10_000, 10_000, 0);
    let pool = bootinfo::INIT_ASID_POOL as Word;
    let [root, table, last] = all_but_last_table(&mut world, pool);
    let page = world.make(NAMES.page, 0);
    let large = world.make(NAMES.large, 0);
    world.runs_in(player, cnode, RADIX, root);
    for (cap, to) in [
        (root, SPACE),
        (last, LAST_TABLE),
        (table, UPPER_TABLE),
        (large, LARGE),
        (page, PAGE),
    ] {
        world.give(cap, cnode, RADIX, to);
    }
    world.lend(cnode, cnode, RADIX, CNODE, 15, 0);
    world.start(player);
    world.leave();
    world.addresses = vec![0x1000, 0x20_1000, 0x21_5000];
    Scope {
        name: "large pages",
        world,
        calls: calls(),
        depth: Some(depth),
        pauses: vec![],
        lines: vec![],
        traps: vec![],
        interrupted: false,
        leaves_out: nothing,
    }
}

fn calls() -> Vec<Request> {
    let mut calls = vec![];
    let mut invoke = |cap, invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(cap, invocation, words, caps));
    };
    let map = NAMES.map_page;
    for page in [LARGE, COPY] {
        for at in PLACES {
            invoke(page, map, &[at, READ_WRITE, 0], &[SPACE]);
            // Other attributes, as far as there are any.
            invoke(page, map, &[at, READ, 7], &[SPACE]);
        }
        invoke(page, NAMES.unmap_page, &[], &[]);
    }
    // For nothing, not even to execute: that alone would be something on RISC-V.
    invoke(LARGE, map, &[PLACES[0], 0, 5], &[SPACE]);
    let top = last_address() & !0x1f_ffff;
    for at in [
        0x1000,
        1 << 30,
        top,
        top + 0x20_0000,
        Word::MAX & !0x1f_ffff,
    ] {
        invoke(LARGE, map, &[at, READ_WRITE, 0], &[SPACE]);
    }
    for at in PLACES {
        invoke(PAGE, map, &[at + 0x1000, READ_WRITE, 0], &[SPACE]);
        invoke(PAGE, map, &[at + 0x1000, READ, 2], &[SPACE]);
    }
    invoke(PAGE, NAMES.unmap_page, &[], &[]);
    invoke(LARGE, NAMES.address, &[], &[]);
    let (last, next) = (NAMES.maps.len() - 1, NAMES.maps.len() - 2);
    for at in PLACES {
        invoke(LAST_TABLE, NAMES.maps[last], &[at, 0], &[SPACE]);
    }
    invoke(UPPER_TABLE, NAMES.maps[next], &[0, 0], &[SPACE]);
    invoke(LAST_TABLE, NAMES.unmaps[last], &[], &[]);
    invoke(UPPER_TABLE, NAMES.unmaps[next], &[], &[]);
    for rights in [15, READ] {
        let words = [COPY, RADIX, LARGE, RADIX, rights];
        invoke(CNODE, I::CNodeCopy, &words, &[CNODE]);
    }
    for slot in [LAST_TABLE, UPPER_TABLE, LARGE, COPY, SPACE] {
        invoke(CNODE, I::CNodeDelete, &[slot, RADIX], &[]);
    }
    invoke(CNODE, I::CNodeRevoke, &[LARGE, RADIX], &[]);
    calls
}
