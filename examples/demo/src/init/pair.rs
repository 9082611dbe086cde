//! Client and passive server, in one arena, so that one revoke ends both.

use super::arena::{Arena, Size};
use super::console::outln;
use super::home::Home;
use super::task::{CALL, Task};
use abi::{CapRights, ObjectType};
use demo_common::{Role, slot};
use user_alloc::Result;
use user_api::{Budget, Endpoint, Notification};

/// Init's, so that the kernel need not look further for a thread to run than the one that is called.
const SERVER_PRIORITY: u64 = super::PRIORITY;
const CLIENT_PRIORITY: u64 = 100;
const CLIENT_BUDGET: Budget = Budget::round_robin(10_000);
/// What the server gets until it is ready.
const START_BUDGET: Budget = Budget::round_robin(5_000);

/// Both.
pub(crate) struct Pair {
    /// The memory of both.
    pub(crate) arena: Arena,
    /// Asks.
    pub(crate) client: Task,
    /// Answers.
    pub(crate) server: Task,
    /// To call the server.
    pub(crate) endpoint: Endpoint,
    go: Notification,
    done: Notification,
}

impl Pair {
    /// Starts both, and makes the server passive once it waits for callers.
    ///
    /// # Errors
    /// If there is too little of something.
    pub(crate) fn start(home: &mut Home, console: Endpoint, pager: Endpoint) -> Result<Self> {
        let mut arena = Arena::new(home, "client+server", Size::TWO)?;
        let mut server = Task::load(home, &mut arena, Role::Server, SERVER_PRIORITY, 0)?;
        let megahertz = home.clock.megahertz;
        let mut client = Task::load(home, &mut arena, Role::Client, CLIENT_PRIORITY, megahertz)?;
        let endpoint = arena.allocator.make(ObjectType::Endpoint, 0)?;
        let go = arena.allocator.make(ObjectType::Notification, 0)?;
        let done = arena.allocator.make(ObjectType::Notification, 0)?;

        server.grant(home, endpoint, slot::SERVICE, CapRights::READ)?;
        server.own(home, &mut arena, ObjectType::Reply, slot::REPLY)?;
        server.grant(home, done, slot::SIGNAL, CapRights::WRITE)?;
        server.start(home, &mut arena, START_BUDGET, Some(pager))?;
        done.wait();
        server.make_passive(&mut arena)?;

        client.grant_badged(home, console, slot::CONSOLE, CALL, Role::Client.badge())?;
        client.grant(home, endpoint, slot::PEER, CALL)?;
        client.grant(home, go, slot::WAKE, CapRights::READ)?;
        client.grant(home, done, slot::SIGNAL, CapRights::WRITE)?;
        client.start(home, &mut arena, CLIENT_BUDGET, Some(pager))?;
        Ok(Self {
            arena,
            client,
            server,
            endpoint,
            go,
            done,
        })
    }

    /// Lets them talk, and tells whose time it took.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn talk(&self) -> Result {
        let Some((time, _)) = self.client.time else {
            return Ok(());
        };
        time.consumed()?; // forget what was before
        self.go.signal();
        self.done.wait();
        let consumed = time.consumed()?;
        outln!(
            "   the client's scheduling context was charged {consumed} us for all of it; the \
             server has none"
        );
        Ok(())
    }

    /// Ends both by one revoke of the memory that they are made of.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn revoke(self, home: &mut Home) -> Result {
        self.arena.destroy(home)
    }
}
