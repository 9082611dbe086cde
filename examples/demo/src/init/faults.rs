//! The pager, and the wanderer whose faults it repairs.

use super::arena::{Arena, Size};
use super::console::outln;
use super::home::Home;
use super::task::{CALL, Task};
use super::trouble::{self, promise};
use abi::{CapRights, ObjectType, Word};
use demo_common::protocol::{pager, wanderer};
use demo_common::{Role, slot};
use user_alloc::Result;
use user_api::{Budget, Endpoint, Frame, FrameSize, Message};

const BUDGET: Budget = Budget::round_robin(5_000);
const PAGER_PRIORITY: u64 = 230;
const WANDERER_PRIORITY: u64 = 100;

/// Pager and wanderer.
pub(crate) struct Faults {
    /// The pager's memory.
    pub(crate) pager_arena: Arena,
    /// The wanderer's memory.
    pub(crate) arena: Arena,
    /// Handles faults.
    pub(crate) pager: Task,
    /// Makes them.
    pub(crate) wanderer: Task,
    /// Where faults are told.
    pub(crate) handler: Endpoint,
    walk: Endpoint,
}

impl Faults {
    /// Starts both.
    ///
    /// # Errors
    /// If there is too little of something.
    pub(crate) fn start(home: &mut Home, console: Endpoint) -> Result<Self> {
        let mut pager_arena = Arena::new(home, "pager", Size::ONE)?;
        let mut arena = Arena::new(home, "wanderer", Size::ONE)?;
        let mut pager = Task::load(home, &mut pager_arena, Role::Pager, PAGER_PRIORITY, 0)?;
        let mut wanderer = Task::load(home, &mut arena, Role::Wanderer, WANDERER_PRIORITY, 0)?;
        let handler = pager_arena.allocator.make(ObjectType::Endpoint, 0)?;
        let walk = arena.allocator.make(ObjectType::Endpoint, 0)?;

        pager.grant_badged(home, console, slot::CONSOLE, CALL, Role::Pager.badge())?;
        pager.grant(home, handler, slot::SERVICE, CapRights::READ)?;
        pager.own(home, &mut pager_arena, ObjectType::Reply, slot::REPLY)?;
        pager.grant(home, wanderer.process.vspace(), slot::SPACE, CapRights::ALL)?;
        for number in 0..slot::FRAME_COUNT {
            let frame: Frame = arena.allocator.make(FrameSize::Small.object(), 0)?;
            pager.grant(home, frame, slot::frame(number), CapRights::READ_WRITE)?;
        }
        pager.start(home, &mut pager_arena, BUDGET, None)?;

        wanderer.grant(home, walk, slot::SERVICE, CapRights::READ)?;
        wanderer.own(home, &mut arena, ObjectType::Reply, slot::REPLY)?;
        wanderer.start(home, &mut arena, BUDGET, Some(handler))?;
        Ok(Self {
            pager_arena,
            arena,
            pager,
            wanderer,
            handler,
            walk,
        })
    }

    /// Sends the wanderer for a walk, and takes the pages back after it.
    ///
    /// # Errors
    /// `Broken` if not every page was missed, and repaired.
    pub(crate) fn provoke(&self) -> trouble::Result {
        let pages = wanderer::BEACH.step_by(1 << abi::object::PAGE_BITS).count() as Word;
        let kept = self.walk.call(Message::new(wanderer::WALK)).words[0];
        let repaired = self.handler.call(Message::new(pager::RECLAIM)).words[0];
        outln!(
            "   the wanderer wrote to {pages} pages where nothing was mapped; the pager repaired \
             {repaired} faults; {kept} pages kept what was written"
        );
        promise(
            (repaired, kept) == (pages, pages),
            "each page faults once and keeps what is written",
        )
    }
}
