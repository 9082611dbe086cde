//! Address spaces: two of them, which share memory, and pools of ASIDs.

use super::nothing;
use crate::alphabet;
use crate::explore::Scope;
use crate::model::Request;
use crate::model::space::last_address;
use crate::world::World;
use abi::invocation::Invocation as I;
use abi::object::{OBJECT_TYPES, ObjectType as T};
use abi::{Isa, Word, bootinfo};

/// What an ISA calls its things.
pub(super) struct Names {
    pub(super) root: T,
    /// Tables, the highest below the root first.
    pub(super) tables: &'static [T],
    pub(super) page: T,
    /// A page where a last table could be.
    pub(super) large: T,
    pub(super) maps: &'static [I],
    pub(super) unmaps: &'static [I],
    pub(super) map_page: I,
    pub(super) unmap_page: I,
    pub(super) address: I,
    make_pool: I,
    pub(super) assign: I,
}

pub(super) const NAMES: Names = match abi::ISA {
    Isa::X86_64 => Names {
        root: T::X86Pml4,
        tables: &[T::X86Pdpt, T::X86PageDirectory, T::X86PageTable],
        page: T::X86SmallPage,
        large: T::X86LargePage,
        maps: &[I::X86PdptMap, I::X86PageDirectoryMap, I::X86PageTableMap],
        unmaps: &[
            I::X86PdptUnmap,
            I::X86PageDirectoryUnmap,
            I::X86PageTableUnmap,
        ],
        map_page: I::X86PageMap,
        unmap_page: I::X86PageUnmap,
        address: I::X86PageGetAddress,
        make_pool: I::X86AsidControlMakePool,
        assign: I::X86AsidPoolAssign,
    },
    Isa::AArch64 => Names {
        root: T::ArmVSpace,
        tables: &[T::ArmPageTable; 3],
        page: T::ArmSmallPage,
        large: T::ArmLargePage,
        maps: &[I::ArmPageTableMap; 3],
        unmaps: &[I::ArmPageTableUnmap; 3],
        map_page: I::ArmPageMap,
        unmap_page: I::ArmPageUnmap,
        address: I::ArmPageGetAddress,
        make_pool: I::ArmAsidControlMakePool,
        assign: I::ArmAsidPoolAssign,
    },
    Isa::RiscV64 => Names {
        root: T::RiscvPageTable,
        tables: &[T::RiscvPageTable; 2],
        page: T::RiscvSmallPage,
        large: T::RiscvMegaPage,
        maps: &[I::RiscvPageTableMap; 2],
        unmaps: &[I::RiscvPageTableUnmap; 2],
        map_page: I::RiscvPageMap,
        unmap_page: I::RiscvPageUnmap,
        address: I::RiscvPageGetAddress,
        make_pool: I::RiscvAsidControlMakePool,
        assign: I::RiscvAsidPoolAssign,
    },
};

// Slots of the player's CNode.
const CNODE: Word = 0;
const SPACES: [Word; 2] = [1, 2];
const LAST_TABLES: [Word; 2] = [3, 4];
const UPPER_TABLES: [Word; 2] = [5, 6];
const PAGE: Word = 7;
/// For a copy of the page, or whatever is made of the memory.
const OTHER: Word = 8;
const POOL: Word = 9;
const MEMORY: Word = 10;
const ASID_CONTROL: Word = 11;
const FIRST_POOL: Word = 12;
/// For a copy of a table or a root.
const COPY: Word = 13;
/// What the first pool of the world is made of: the thread's own address space is in it.
const POOL_MEMORY: Word = 14;
/// A root without an ASID.
const SPARE: Word = 15;
const RADIX: Word = 4;

/// Where pages and tables are mapped: in two neighbouring last tables.
const ADDRESSES: [Word; 2] = [0x1000, 0x20_1000];
const READ_WRITE: Word = 3;
const READ: Word = 2;

/// An address space of `pool` with all tables but the last, the lowest of these, and another of the kind
/// that is missing.
pub(super) fn all_but_last_table(world: &mut World, pool: Word) -> [Word; 3] {
    let Some((last, upper)) = NAMES.tables.split_last() else {
        panic!("there are tables");
    };
    let root = world.make(NAMES.root, 0);
    world.must(pool, NAMES.assign, &[], &[root]);
    let mut table = 0;
    for (kind, map) in upper.iter().zip(NAMES.maps) {
        table = world.make(*kind, 0);
        world.must(table, *map, &[0, 0], &[root]);
    }
    [root, table, world.make(*last, 0)]
}

/// Two address spaces of different pools, with all tables but the last in place, and a last one in the first, in which
/// the thread runs. A page,
/// and a page of memory for a copy, another table, root, page or pool.
pub fn address_spaces(depth: usize) -> Scope {
    let mut world = World::new(16);
    let cnode = world.make(T::CNode, RADIX);
    let player = world.player(cnode, RADIX, 100);
    world.time(player, 10_000, 10_000, 0);
    let pool_memory = world.make(T::Untyped, 12);
    let pool = world.pool(pool_memory, NAMES.make_pool);
    for n in 0..2 {
        let from = [pool, bootinfo::INIT_ASID_POOL as Word][n];
        let [root, upper, table] = all_but_last_table(&mut world, from);
        world.give(upper, cnode, RADIX, UPPER_TABLES[n]);
        if n == 0 {
            let map = NAMES.maps[NAMES.maps.len() - 1];
            world.must(table, map, &[ADDRESSES[0], 0], &[root]);
        }
        world.give(table, cnode, RADIX, LAST_TABLES[n]);
        if n == 0 {
            world.runs_in(player, cnode, RADIX, root);
        }
        world.give(root, cnode, RADIX, SPACES[n]);
    }
    let spare = world.make(NAMES.root, 0);
    for (cap, to) in [(pool, POOL), (pool_memory, POOL_MEMORY), (spare, SPARE)] {
        world.give(cap, cnode, RADIX, to);
    }
    let page = world.make(NAMES.page, 0);
    let memory = world.make(T::Untyped, 12);
    world.give(page, cnode, RADIX, PAGE);
    world.give(memory, cnode, RADIX, MEMORY);
    for (cap, to) in [
        (bootinfo::ASID_CONTROL as Word, ASID_CONTROL),
        (bootinfo::INIT_ASID_POOL as Word, FIRST_POOL),
    ] {
        world.lend(cap, cnode, RADIX, to, 15, 0);
    }
    world.lend(cnode, cnode, RADIX, CNODE, 15, 0);
    world.start(player);
    world.leave();
    world.addresses = ADDRESSES.to_vec();
    Scope {
        name: "address spaces",
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
    let mut calls = tables();
    calls.extend(pages());
    calls.extend(pools());
    calls.extend(slots());
    calls
}

fn tables() -> Vec<Request> {
    let mut calls = vec![];
    let (last, next) = (NAMES.maps.len() - 1, NAMES.maps.len() - 2);
    for table in LAST_TABLES {
        for space in SPACES {
            for address in ADDRESSES {
                let words = [address, 0];
                calls.push(alphabet::invoke(table, NAMES.maps[last], &words, &[space]));
            }
        }
        calls.push(alphabet::invoke(table, NAMES.unmaps[last], &[], &[]));
    }
    let outside = [last_address() + 1, 0];
    calls.push(alphabet::invoke(
        LAST_TABLES[0],
        NAMES.maps[last],
        &outside,
        &[SPACES[0]],
    ));
    for space in [SPACES[0], SPACES[1], SPARE] {
        let map = NAMES.maps[next];
        calls.push(alphabet::invoke(UPPER_TABLES[0], map, &[0, 0], &[space]));
    }
    for table in UPPER_TABLES {
        calls.push(alphabet::invoke(table, NAMES.unmaps[next], &[], &[]));
    }
    calls.push(alphabet::invoke(SPACES[1], NAMES.unmaps[next], &[], &[]));
    calls.push(alphabet::invoke(
        OTHER,
        NAMES.maps[last],
        &[ADDRESSES[0], 0],
        &[SPACES[1]],
    ));
    calls
}

fn pages() -> Vec<Request> {
    let mut calls = vec![];
    let mut map = |page, words: [Word; 3], space| {
        calls.push(alphabet::invoke(page, NAMES.map_page, &words, &[space]));
    };
    for page in [PAGE, OTHER] {
        for space in SPACES {
            for address in ADDRESSES {
                map(page, [address, READ_WRITE, 0], space);
            }
            map(page, [ADDRESSES[0], READ, 0], space);
        }
    }
    // No access: for RISC-V that is so only if nothing may be executed either.
    map(PAGE, [ADDRESSES[0], 0, 1], SPACES[0]);
    map(PAGE, [ADDRESSES[0] + 8, READ, 0], SPACES[0]);
    map(PAGE, [last_address() & !0xfff, READ, 0], SPACES[1]);
    map(
        PAGE,
        [(last_address() & !0xfff) + 0x1000, READ, 0],
        SPACES[1],
    );
    map(PAGE, [ADDRESSES[0], READ, 0], CNODE);
    map(OTHER, [ADDRESSES[0], READ, 0], OTHER);
    for page in [PAGE, OTHER] {
        calls.push(alphabet::invoke(page, NAMES.unmap_page, &[], &[]));
    }
    calls.push(alphabet::invoke(PAGE, NAMES.address, &[], &[]));
    calls
}

fn pools() -> Vec<Request> {
    let mut calls = vec![];
    for pool in [POOL, FIRST_POOL] {
        for root in [SPACES[1], OTHER, SPARE] {
            calls.push(alphabet::invoke(pool, NAMES.assign, &[], &[root]));
        }
    }
    let make = |to: Word, memory| {
        let caps = [memory, CNODE];
        alphabet::invoke(ASID_CONTROL, NAMES.make_pool, &[to, RADIX], &caps)
    };
    calls.extend([MEMORY, POOL_MEMORY, PAGE].map(|memory| make(POOL, memory)));
    calls
}

fn slots() -> Vec<Request> {
    let mut calls = vec![];
    for (to, from, rights) in [
        (OTHER, PAGE, 15),
        (OTHER, PAGE, READ),
        (COPY, LAST_TABLES[0], 15),
        (COPY, SPACES[1], 15),
    ] {
        let words = [to, RADIX, from, RADIX, rights];
        calls.push(alphabet::invoke(CNODE, I::CNodeCopy, &words, &[CNODE]));
    }
    for slot in 1..=SPARE {
        if ![ASID_CONTROL, FIRST_POOL, POOL_MEMORY].contains(&slot) {
            calls.push(alphabet::invoke(CNODE, I::CNodeDelete, &[slot, RADIX], &[]));
        }
    }
    for slot in [SPACES[0], PAGE, MEMORY] {
        calls.push(alphabet::invoke(CNODE, I::CNodeRevoke, &[slot, RADIX], &[]));
    }
    for kind in [NAMES.root, NAMES.tables[NAMES.tables.len() - 1], NAMES.page] {
        let number = OBJECT_TYPES.number(kind).unwrap_or(Word::MAX);
        let words = [number, 0, 0, 0, OTHER, 1];
        calls.push(alphabet::invoke(MEMORY, I::UntypedRetype, &words, &[CNODE]));
    }
    calls
}
