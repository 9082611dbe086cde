//! Long operations under an interrupt at every point where they may give way: they end, and they
//! end in the same state as without.

use crate::world::objects::CNODE;
use crate::world::{CPtr, World, arch};
use abi::bootinfo::slot;
use abi::rights::CapRights;
use abi::{Invocation, ObjectType, PROFILE, Word};
use machine::model::{Config, TIMER_IRQ};
use machine::{Machine, PhysicalAddress};

const ASID_CONTROL: CPtr = CPtr(slot::ASID_CONTROL as Word);
/// How ASID control is asked for a pool.
#[cfg(isa = "x86_64")]
const MAKE_POOL: Invocation = Invocation::X86AsidControlMakePool;
#[cfg(isa = "aarch64")]
const MAKE_POOL: Invocation = Invocation::ArmAsidControlMakePool;
#[cfg(isa = "riscv64")]
const MAKE_POOL: Invocation = Invocation::RiscvAsidControlMakePool;

/// A machine with little memory: these worlds are cloned often.
fn small() -> World {
    World::with(&Config {
        ram: vec![(PhysicalAddress(0x10_0000), 8 << 20)],
        ..Config::default()
    })
}

/// Runs `operation` on copies of `world`: once undisturbed; then with the n-th look for an
/// interrupt finding one, for every n; and each of these with the looks at other places.
fn at_every_point(world: &World, operation: impl Fn(&mut World)) {
    let mut undisturbed = world.clone();
    operation(&mut undisturbed);
    let mut tried = 0;
    // The kernel looks at every hundredth point; where it starts counting decides at which.
    for start in [
        0,
        1,
        PROFILE.max_work_units as u32 / 2,
        PROFILE.max_work_units as u32 - 1,
    ] {
        for n in 1.. {
            let mut disturbed = world.clone();
            disturbed.k.work = start;
            disturbed.k.machine.raise_at_ask(n, TIMER_IRQ);
            operation(&mut disturbed);
            if disturbed.k.machine.script_waits() {
                assert!(n > 1, "the operation never looks for interrupts");
                break;
            }
            let difference = undisturbed.k.machine.difference(&disturbed.k.machine);
            assert_eq!(difference, None, "interrupted at look {n} from {start}");
            assert!(
                disturbed.k.machine.timer_acknowledged() > world.k.machine.timer_acknowledged()
            );
            tried += 1;
        }
    }
    assert!(tried >= 4, "only {tried} interruptions: not long enough");
}

/// `count` badged copies of an endpoint, in a CNode of their own.
fn many_copies(w: &mut World, count: Word) -> CPtr {
    let (ep, node) = (w.endpoint(), w.cnode(9));
    for n in 0..count {
        let words = [n, 9, ep.0, 64, CapRights::ALL.0, n + 1];
        w.root_invokes(node, Invocation::CNodeMint, &words, &[CNODE])
            .expect("mint");
    }
    ep
}

#[test]
fn revoking_many_copies() {
    let mut w = small();
    let ep = many_copies(&mut w, 330);
    at_every_point(&w, |w| w.revoke(ep));
}

#[test]
fn deleting_a_large_cnode() {
    let mut w = small();
    let node = w.cnode(9);
    let ep = w.endpoint();
    for n in 0..250 {
        w.copy_into(ep, node, n * 2, 9);
    }
    at_every_point(&w, |w| w.delete(node));
}

#[test]
fn revoking_cnodes_inside_each_other() {
    let mut w = small();
    let (untyped, at) = (w.untyped(15), w.free_slots(6));
    w.try_retype(untyped, ObjectType::CNode, 6, at, 6)
        .expect("CNodes");
    let nodes: Vec<CPtr> = (0..6).map(|n| CPtr(at.0 + n)).collect();
    let ep = w.endpoint();
    for node in &nodes {
        for n in 2..64 {
            w.copy_into(ep, *node, n, 6);
        }
    }
    // Each holds the next one's only capability, the last one the first's: nobody outside has any.
    w.copy_into(nodes[0], nodes[5], 0, 6);
    for pair in nodes.windows(2).rev() {
        w.move_into(pair[1], pair[0], 1, 6);
    }
    w.delete(nodes[0]);
    at_every_point(&w, |w| {
        w.revoke(untyped);
        // All memory is free: one object as large as the untyped fits.
        w.try_retype(untyped, ObjectType::Untyped, 15, at, 1)
            .expect("the whole memory");
    });
}

#[test]
fn revoking_memory_with_everything_in_it() {
    let mut w = small();
    let untyped = w.untyped(18);
    let at = w.free_slots(300);
    let objects = [
        (ObjectType::Endpoint, 0, 100),
        (ObjectType::Notification, 0, 50),
        (ObjectType::Reply, 0, 50),
        (ObjectType::Tcb, 0, 10),
        (ObjectType::CNode, 4, 20),
        (ObjectType::SchedContext, 7, 20),
        (arch::SMALL_PAGE, 0, 8),
    ];
    let mut next = at.0;
    for (object, bits, count) in objects {
        w.try_retype(untyped, object, bits, CPtr(next), count)
            .expect("objects");
        next += count;
    }
    at_every_point(&w, |w| w.revoke(untyped));
}

#[test]
fn making_a_large_object() {
    let mut w = World::with(&Config {
        ram: vec![(PhysicalAddress(0x10_0000), 20 << 20)],
        ..Config::default()
    });
    let (untyped, at) = (w.untyped(22), w.free_slot());
    // Memory that was used before and is dirty.
    w.try_retype(untyped, arch::LARGE_PAGE, 0, at, 1)
        .expect("a large page");
    let base = machine::KernelAddress::of(w.frame_address(at));
    for offset in (0..2 << 20).step_by(4096) {
        w.k.machine.store(base.plus(offset), u64::MAX);
    }
    w.delete(at);
    at_every_point(&w, |w| {
        w.try_retype(untyped, arch::LARGE_PAGE, 0, at, 1)
            .expect("a large page");
        for offset in (0..2 << 20).step_by(4096) {
            assert_eq!(
                w.k.machine.load(base.plus(offset)),
                0,
                "dirty at {offset:#x}"
            );
        }
    });
}

#[test]
fn deleting_an_endpoint_that_many_wait_for() {
    let mut w = small();
    let ep = w.endpoint();
    // The senders have less priority than the root task, and more than each other needs.
    for _ in 0..110 {
        let sender = w.thread();
        w.send(sender, ep, [1]);
    }
    w.run(w.root());
    at_every_point(&w, |w| w.delete(ep));
}

#[test]
fn ending_asid_pools() {
    let mut w = small();
    // As many as there can be beside the root task's.
    let (memory, pages, pools) = (w.untyped(15), w.free_slots(7), w.free_slots(7));
    w.try_retype(memory, ObjectType::Untyped, 12, pages, 7)
        .expect("pages");
    for n in 0..7 {
        let (page, pool) = (CPtr(pages.0 + n), CPtr(pools.0 + n));
        w.root_invokes(ASID_CONTROL, MAKE_POOL, &[pool.0, 64], &[page, CNODE])
            .expect("a pool");
    }
    at_every_point(&w, |w| w.revoke(memory));
}
