//! Objects made of untyped memory and unmade, and frames mapped and unmapped.

use crate::bench::Bench;
use crate::measure;
use abi::{CapRights, ObjectType, Word};
use user_alloc::{AddressSpace, Result};
use user_api::{Attributes, Frame, FrameSize, MissingTable, SlotPath, SlotWindow, Untyped};
use user_runtime::boot::root;

/// How many at once.
const COUNTS: [usize; 3] = [1, 16, 256];
const MOST: usize = 256;
/// Addresses that nobody uses.
const FREE: Word = 0x1000_0000;
/// log2 of the bytes of memory for the largest of `COUNTS` of the largest type.
const MEMORY_BITS: usize = 20;

pub(crate) fn run(bench: &mut Bench) -> Result {
    endpoint(bench)?;
    retype(bench)?;
    map(bench)
}

/// The same memory again and again.
fn endpoint(bench: &mut Bench) -> Result {
    let untyped: Untyped = bench.allocator.make(ObjectType::Untyped, 12)?;
    let slot = bench.allocator.slot()?;
    let window = SlotWindow::one(slot.root, slot.index);
    let mut outcome = Ok(());
    measure::steady("retype+delete", "endpoint", || {
        let made = untyped.retype(ObjectType::Endpoint, 0, window);
        outcome = outcome.and(made).and(slot.delete());
    });
    Ok(outcome?)
}

/// Every type, alone and by the dozen. Memory that was used before is cleared in passing.
fn retype(bench: &mut Bench) -> Result {
    if !["retype", "revoke"].into_iter().any(measure::any_wanted) {
        return Ok(());
    }
    let untyped: Untyped = bench.allocator.make(ObjectType::Untyped, MEMORY_BITS)?;
    let parent = bench.allocator.slots.path(untyped.cptr().bits());
    let row = bench.allocator.slots.take_row(MOST)?;
    let types = [
        (ObjectType::Untyped, 12, "untyped of 4 KiB"),
        (ObjectType::Endpoint, 0, "endpoint"),
        (ObjectType::Notification, 0, "notification"),
        (ObjectType::Reply, 0, "reply"),
        (ObjectType::Tcb, 0, "tcb"),
        (ObjectType::SchedContext, 8, "scheduling context"),
        (ObjectType::CNode, 4, "cnode of 16"),
        (FrameSize::Small.object(), 0, "frame of 4 KiB"),
        (
            MissingTable::DOWNWARDS[MissingTable::DOWNWARDS.len() - 1].object(),
            0,
            "page table",
        ),
    ];
    for (object, bits, name) in types {
        for count in COUNTS {
            let window = SlotWindow {
                count: count as Word,
                ..row
            };
            let parameter = format_args!("{name} count={count}");
            let make = || untyped.retype(object, bits, window);
            let nothing = || Ok(());
            let revoke = || parent.revoke();
            measure::prepared("retype", parameter, 1, nothing, make, revoke)?;
            measure::prepared("revoke objects", parameter, 1, make, revoke, nothing)?;
        }
    }
    Ok(())
}

/// Frames in tables that are there already.
fn map(bench: &mut Bench) -> Result {
    if !["map", "unmap"].into_iter().any(measure::any_wanted) {
        return Ok(());
    }
    let untyped: Untyped = bench.allocator.make(ObjectType::Untyped, MEMORY_BITS)?;
    let row = bench.allocator.slots.take_row(MOST)?;
    untyped.retype(FrameSize::Small.object(), 0, row)?;
    let space = AddressSpace::manage(root::VSPACE, 0..0);
    let frame = |n: usize| Frame::new(row.offset + n as Word);
    let address = |n: usize| FREE + (n << FrameSize::Small.bits()) as Word;
    space.map_at(
        &mut bench.allocator,
        frame(0),
        FREE,
        CapRights::READ_WRITE,
        Attributes::DEFAULT,
    )?;
    frame(0).unmap()?;
    for count in COUNTS {
        let map = || {
            (0..count).try_for_each(|n| {
                let rights = CapRights::READ_WRITE;
                frame(n).map(root::VSPACE, address(n), rights, Attributes::DEFAULT)
            })
        };
        let unmap = || (0..count).try_for_each(|n| frame(n).unmap());
        let nothing = || Ok(());
        let parameter = format_args!("pages={count}, per page");
        measure::prepared("map", parameter, count, nothing, map, unmap)?;
        measure::prepared("unmap", parameter, count, map, unmap, nothing)?;
    }
    let parent: SlotPath = bench.allocator.slots.path(untyped.cptr().bits());
    Ok(parent.revoke()?)
}
