//! Capabilities: copied, moved and deleted at several depths, and taken back by revocation.

use crate::bench::Bench;
use crate::measure;
use abi::{CapRights, ObjectType, Word};
use user_alloc::Result;
use user_api::{CNode, Guard, Notification, SlotPath};

/// log2 of the slots of a CNode here.
const RADIX: usize = 5;
/// Slots that are filled between the marks.
const SLOTS: Word = 16;

/// CNodes in each other's first slots; an address of `depth` levels goes through that many.
struct Nest {
    outermost: CNode,
}

impl Nest {
    fn build(bench: &mut Bench, levels: usize) -> Result<Self> {
        let mut outermost: CNode = bench.allocator.make(ObjectType::CNode, RADIX)?;
        for _ in 1..levels {
            let outer: CNode = bench.allocator.make(ObjectType::CNode, RADIX)?;
            let inner = bench.allocator.slots.path(outermost.cptr().bits());
            outer.slot(0, RADIX as Word).mint_from(
                inner,
                CapRights::ALL,
                Guard::zeros(0).cap_data(),
            )?;
            outermost = outer;
        }
        Ok(Self { outermost })
    }

    /// Slot `index` of the innermost.
    fn slot(&self, index: Word, levels: usize) -> SlotPath {
        self.outermost.slot(index, (levels * RADIX) as Word)
    }
}

pub(crate) fn run(bench: &mut Bench) -> Result {
    if !measure::any_wanted("cnode") {
        return Ok(());
    }
    for levels in 1..=3 {
        at_depth(bench, levels)?;
    }
    Ok(())
}

fn at_depth(bench: &mut Bench, levels: usize) -> Result {
    let nest = Nest::build(bench, levels)?;
    let made: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    let original = bench.allocator.slots.path(made.cptr().bits());
    let first = |index| nest.slot(index, levels);
    let second = |index| nest.slot(SLOTS + index, levels);
    let nothing = || Ok(());
    let copy = || each(|n| first(n).copy_from(original, CapRights::ALL));
    let mint = || each(|n| first(n).mint_from(original, CapRights::ALL, n + 1));
    let forth = || each(|n| second(n).move_from(first(n)));
    let back = || each(|n| first(n).move_from(second(n)));
    let delete = || each(|n| first(n).delete());
    let deep = format_args!("depth={levels}");
    let count = SLOTS as usize;
    measure::prepared("cnode copy", deep, count, nothing, copy, delete)?;
    measure::prepared("cnode mint", deep, count, nothing, mint, delete)?;
    copy()?;
    measure::prepared("cnode move", deep, count, nothing, forth, back)?;
    delete()?;
    measure::prepared("cnode delete", deep, count, copy, delete, nothing)?;
    Ok(())
}

fn each(one: impl FnMut(Word) -> user_api::Result) -> user_api::Result {
    (0..SLOTS).try_for_each(one)
}
