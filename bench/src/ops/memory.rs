//! Objects made of untyped memory, and unmade.

use crate::bench::Bench;
use crate::measure;
use abi::ObjectType;
use user_alloc::Result;
use user_api::{SlotWindow, Untyped};

pub(crate) fn run(bench: &mut Bench) -> Result {
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
