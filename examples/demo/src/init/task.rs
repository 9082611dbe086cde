//! Tasks: a process with a role, from its ELF file to its first instruction.

use super::arena::Arena;
use super::home::Home;
use super::image;
use abi::syscall::Syscall;
use abi::{CapRights, ObjectType, Word};
use demo_common::{Role, slot};
use user_alloc::{AllocError, Process, ProcessSpec, Program, Result};
use user_api::{Budget, CPtr, Capability, Endpoint, SchedContext, debug};
use user_runtime::boot::root;

/// Addresses of a process for its IPC buffer and what init maps for it.
const FREE: (Word, Word) = (0x2000_0000, 0x2001_0000);
/// log2 of the bytes of a scheduling context.
const TIME_BITS: usize = 8;
/// To call somebody: send, and be answered.
pub(crate) const CALL: CapRights = CapRights(CapRights::WRITE.0 | CapRights::GRANT_REPLY.0);

/// A process that runs, or could.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    /// What it is for.
    pub(crate) role: Role,
    /// Its parts.
    pub(crate) process: Process,
    /// When it may run.
    pub(crate) priority: Word,
    /// Its time; none for a passive server.
    pub(crate) time: Option<(SchedContext, Budget)>,
}

impl Task {
    /// Loads the role's program into an address space of its own, with an empty capability space.
    ///
    /// # Errors
    /// If the arena has too little of something.
    pub(crate) fn load(
        home: &Home,
        arena: &mut Arena,
        role: Role,
        priority: Word,
        argument: Word,
    ) -> Result<Self> {
        let spec = ProcessSpec {
            program: Program::parse(image::of(role)).map_err(AllocError::NotAProgram)?,
            argument,
            cnode_bits: slot::BITS,
            free: FREE,
        };
        let process = Process::load(&mut arena.allocator, root::ASID_POOL, home.window, &spec)?;
        if debug::available(Syscall::DebugNameThread) {
            debug::name_thread(process.tcb, role.name());
        }
        Ok(Self {
            role,
            process,
            priority,
            time: None,
        })
    }

    /// Gives the process a copy of a capability of init's.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn grant<C: Capability>(
        &self,
        home: &Home,
        cap: C,
        at: C,
        rights: CapRights,
    ) -> Result {
        self.process
            .grant(&home.allocator, cap, at.cptr().bits(), rights)
    }

    /// Gives it one with a badge.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn grant_badged<C: Capability>(
        &self,
        home: &Home,
        cap: C,
        at: C,
        rights: CapRights,
        badge: Word,
    ) -> Result {
        self.process
            .grant_badged(&home.allocator, cap, at.cptr().bits(), rights, badge)
    }

    /// Gives it a new object that nobody else has.
    ///
    /// # Errors
    /// If the arena has too little of something.
    pub(crate) fn own<C: Capability>(
        &self,
        home: &Home,
        arena: &mut Arena,
        object: ObjectType,
        at: C,
    ) -> Result {
        let cap: C = arena.allocator.make(object, 0)?;
        self.grant(home, cap, at, CapRights::ALL)
    }

    /// Gives it time, and the pager (if there is one yet) to tell its faults, and lets it run.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn start(
        &mut self,
        home: &mut Home,
        arena: &mut Arena,
        budget: Budget,
        pager: Option<Endpoint>,
    ) -> Result {
        self.prepare(home, arena, budget, pager)?;
        Ok(self.process.tcb.resume()?)
    }

    /// As [`start`](Self::start), without letting it run; its time.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn prepare(
        &mut self,
        home: &mut Home,
        arena: &mut Arena,
        budget: Budget,
        pager: Option<Endpoint>,
    ) -> Result<SchedContext> {
        let context: SchedContext = arena.allocator.make(ObjectType::SchedContext, TIME_BITS)?;
        home.time.configure(context, budget)?;
        self.time = Some((context, budget));
        let set = |handler: CPtr| {
            self.process
                .tcb
                .set_sched_params(root::TCB, 0, self.priority, context, handler)
        };
        let Some(pager) = pager else {
            set(CPtr::NULL)?;
            return Ok(context);
        };
        // The thread keeps a copy; ours is not needed any more.
        let handler = home
            .allocator
            .mint(pager, CapRights::ALL, self.role.badge())?;
        set(handler.cptr())?;
        home.allocator.forget(handler)?;
        Ok(context)
    }

    /// Takes its time away and deletes it: from now on it runs on what callers lend.
    ///
    /// # Errors
    /// What the kernel answers.
    pub(crate) fn make_passive(&mut self, arena: &mut Arena) -> Result {
        if let Some((context, _)) = self.time.take() {
            context.unbind_object(self.process.tcb.cptr())?;
            arena.allocator.forget(context)?;
        }
        Ok(())
    }
}
