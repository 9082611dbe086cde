//! What all measurements start from: free memory and slots, and the authority to give time.

use crate::isa::Loop;
use abi::{ObjectType, Word};
use user_alloc::{Allocator, Result};
use user_api::{
    Budget, CPtr, Error, SchedContext, SchedControl, Space, Tcb, TcbFlags, UserContext,
    starting_context,
};
use user_runtime::boot::{self, RESERVED_SLOTS, root};
use user_runtime::prelude::BootInfo;
use user_runtime::thread::{Beginning, ThreadArea};

/// The priorities: who measures, who comes before, and who only waits for the processor.
pub(crate) const OURS: Word = 200;
pub(crate) const HIGHER: Word = 201;
pub(crate) const LOWER: Word = 100;
/// Nobody's time ends while something is measured.
pub(crate) const LONG: Budget = Budget::round_robin(60_000_000);
/// log2 of the bytes of a scheduling context.
pub(crate) const CONTEXT_BITS: usize = 8;

/// Stack, storage and IPC buffer of a thread.
pub(crate) type Area = ThreadArea<8192>;

/// The program's means.
pub(crate) struct Bench {
    pub(crate) boot: &'static BootInfo,
    pub(crate) allocator: Allocator,
    pub(crate) control: SchedControl,
}

/// A thread and its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    pub(crate) tcb: Tcb,
    pub(crate) context: SchedContext,
}

impl Bench {
    pub(crate) fn new(boot: &'static BootInfo) -> Result<Self> {
        let allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
        let control = boot::sched_control(boot, 0).ok_or(Error::IllegalOperation)?;
        control.configure(root::SCHED_CONTEXT, LONG)?;
        root::TCB.set_priority(root::TCB, OURS)?;
        without_fpu(root::TCB)?;
        Ok(Self {
            boot,
            allocator,
            control,
        })
    }

    /// A thread that runs `function`, with time of its own. It waits to be resumed.
    pub(crate) fn thread(
        &mut self,
        area: &'static Area,
        space: Space,
        function: extern "C" fn(Word),
        argument: Word,
        priority: Word,
    ) -> Result<Thread> {
        let thread = self.bare_thread(priority)?;
        let beginning = Beginning {
            tcb: thread.tcb,
            function,
            argument,
        };
        area.prepare(self.boot, space, beginning)?;
        Ok(thread)
    }

    /// A thread that runs a loop without a stack in our own space. It waits to be resumed.
    pub(crate) fn looping(&mut self, what: Loop, argument: Word, priority: Word) -> Result<Thread> {
        let thread = self.bare_thread(priority)?;
        start_at(thread.tcb, what, argument)?;
        Ok(thread)
    }

    fn bare_thread(&mut self, priority: Word) -> Result<Thread> {
        let tcb: Tcb = self.allocator.make(ObjectType::Tcb, 0)?;
        let context: SchedContext = self
            .allocator
            .make(ObjectType::SchedContext, CONTEXT_BITS)?;
        self.control.configure(context, LONG)?;
        tcb.set_sched_params(root::TCB, 0, priority, context, CPtr::NULL)?;
        without_fpu(tcb)?;
        Ok(Thread { tcb, context })
    }
}

/// Hardly any thread here uses the FPU, and kernels may make use of knowing that.
pub(crate) fn without_fpu(tcb: Tcb) -> user_api::Result {
    tcb.set_flags(TcbFlags(0), TcbFlags::FPU_DISABLED)
        .map(|_| ())
}

/// This one will use it.
pub(crate) fn with_fpu(tcb: Tcb) -> user_api::Result {
    tcb.set_flags(TcbFlags::FPU_DISABLED, TcbFlags(0))
        .map(|_| ())
}

/// Gives a thread our space and lets it begin with a loop.
pub(crate) fn start_at(tcb: Tcb, what: Loop, argument: Word) -> user_api::Result {
    let registers: UserContext = starting_context(what.address(), [argument, 0, 0], 0, 0);
    tcb.configure(root::SPACE, 0, user_api::Frame::default())?;
    tcb.write_registers(&registers, false)
}
