//! A process that reaches for memory of init's, and does not get it.

use super::arena::{Arena, Size};
use super::console::outln;
use super::home::Home;
use super::task::Task;
use abi::Word;
use demo_common::Role;
use user_alloc::Result;
use user_api::{Budget, Endpoint};

/// Above init's: it has come to its end, and the pager has told so, before init goes on.
const PRIORITY: Word = super::PRIORITY + 10;

/// Starts a process that writes to `address`, and ends it.
///
/// # Errors
/// What the kernel answers.
pub(crate) fn attempt(home: &mut Home, address: Word, pager: Endpoint) -> Result {
    let mut arena = Arena::new(home, Role::Trespasser.name(), Size::ONE)?;
    let mut task = Task::load(home, &mut arena, Role::Trespasser, PRIORITY, address)?;
    outln!("   init keeps its own state at {address:#x}; a process tries to write there:");
    task.start(home, &mut arena, Budget::round_robin(5_000), Some(pager))?;
    arena.destroy(home)
}
