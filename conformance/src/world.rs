//! What a test is given: fresh memory, empty slots, threads; and how all of it is taken back.

use crate::DRIVER_PRIORITY;
use crate::isa;
use crate::report::{Outcome, check, fail};
use crate::threads::{self, BODY, Board, Body, THREADS};
use abi::ObjectType;
use abi::bootinfo::BootInfo;
use user_alloc::{Allocator, Object};
use user_api::{
    Budget, CNode, CPtr, CapRights, Capability, Endpoint, Error, Frame, FrameSize, Notification,
    Reply, SchedContext, SchedControl, SlotPath, SlotWindow, Tcb, Untyped, Word,
};
use user_runtime::boot::{RESERVED_SLOTS, root};
use user_runtime::thread::Beginning;

/// log2 of the bytes that a test may use.
pub(crate) const MEMORY_BITS: usize = 23;
/// Slots that a test may use.
const SLOTS: Word = 1200;
pub(crate) use isa::FREE_ADDRESS;

/// The driver's time slice in microseconds: long, so that equals run only when it yields, even on
/// a machine that is busy with something else.
const DRIVER_SLICE: u64 = 2_000_000;
/// The time slice of a thread that does not say otherwise.
const THREAD_SLICE: u64 = 20_000;

/// The world of one test at a time.
pub(crate) struct World {
    /// BootInfo.
    pub(crate) boot: &'static BootInfo,
    /// Memory of [`MEMORY_BITS`], without children when a test begins.
    pub(crate) memory: Untyped,
    first_slot: Word,
    next_slot: Word,
    threads: usize,
}

/// How a thread begins.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Its priority.
    pub(crate) priority: Word,
    /// Its time; `None`: it has none of its own.
    pub(crate) budget: Option<Budget>,
    /// Who hears of its faults.
    pub(crate) fault_handler: CPtr,
    /// log2 of the bytes of its scheduling context.
    pub(crate) context_bits: usize,
    /// Whether it runs at once.
    pub(crate) resume: bool,
}

impl Start {
    /// Runs at once with its own time, at this priority.
    pub(crate) const fn at(priority: Word) -> Self {
        Self {
            priority,
            budget: Some(Budget::round_robin(THREAD_SLICE)),
            fault_handler: CPtr::NULL,
            context_bits: 8,
            resume: true,
        }
    }

    /// Below the driver: runs only when the driver waits.
    pub(crate) const fn below() -> Self {
        Self::at(DRIVER_PRIORITY / 2)
    }

    /// Above the driver: runs as soon as it can.
    pub(crate) const fn above() -> Self {
        Self::at(DRIVER_PRIORITY + 50)
    }
}

/// A thread of a test.
#[derive(Clone, Copy)]
pub(crate) struct Thread {
    pub(crate) tcb: Tcb,
    /// Its scheduling context; null if it has none.
    pub(crate) context: SchedContext,
    pub(crate) board: &'static Board,
    number: usize,
}

impl Thread {
    /// Whether its body has returned.
    pub(crate) fn is_done(&self) -> bool {
        self.board.get(BODY) == 1
    }

    /// The addresses of its stack.
    pub(crate) fn stack(&self) -> core::ops::Range<usize> {
        threads::area(self.number).memory()
    }
}

impl World {
    /// Takes memory and slots for all tests to come, and the driver's priority.
    pub(crate) fn new(boot: &'static BootInfo) -> user_alloc::Result<Self> {
        let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
        let memory: Object<Untyped> = allocator.object(ObjectType::Untyped, MEMORY_BITS)?;
        let window = allocator.slots.take_row(SLOTS as usize)?;
        root::TCB.set_priority(root::TCB, DRIVER_PRIORITY)?;
        let control = SchedControl::new(boot.sched_control.start);
        control.configure(root::SCHED_CONTEXT, Budget::round_robin(DRIVER_SLICE))?;
        isa::start_clock(boot, &mut allocator)?;
        Ok(Self {
            boot,
            memory: memory.cap,
            first_slot: window.offset,
            next_slot: window.offset,
            threads: 0,
        })
    }

    /// Takes everything back.
    pub(crate) fn clean(&mut self) -> Outcome {
        self.path(self.memory.cptr()).revoke()?;
        for slot in self.first_slot..self.next_slot {
            root::CNODE.absolute(slot).delete()?;
        }
        for number in 0..self.threads {
            reclaim(number);
        }
        self.next_slot = self.first_slot;
        self.threads = 0;
        root::TCB.set_priority(root::TCB, DRIVER_PRIORITY)?;
        Ok(())
    }

    /// A slot that is empty.
    pub(crate) fn slot(&mut self) -> Word {
        self.slots(1)
    }

    /// The first of `count` slots that are empty.
    pub(crate) fn slots(&mut self, count: Word) -> Word {
        let slot = self.next_slot;
        self.next_slot += count;
        assert!(
            self.next_slot <= self.first_slot + SLOTS,
            "the test needs more slots"
        );
        slot
    }

    /// The path of a capability's slot in the root CNode.
    pub(crate) fn path(&self, cap: impl Capability) -> SlotPath {
        root::CNODE.absolute(cap.cptr().bits())
    }

    /// Fills a fresh slot.
    pub(crate) fn fill<C: Capability>(
        &mut self,
        fill: impl FnOnce(SlotPath) -> Result<(), Error>,
    ) -> Result<C, Error> {
        let slot = self.slot();
        fill(root::CNODE.absolute(slot))?;
        Ok(CPtr::new(slot).cast())
    }

    /// A new object.
    pub(crate) fn make<C: Capability>(
        &mut self,
        object: ObjectType,
        size_bits: usize,
    ) -> Result<C, Error> {
        let slot = self.slot();
        self.memory
            .retype(object, size_bits, SlotWindow::one(root::CNODE, slot))?;
        Ok(CPtr::new(slot).cast())
    }

    pub(crate) fn untyped(&mut self, bits: usize) -> Result<Untyped, Error> {
        self.make(ObjectType::Untyped, bits)
    }

    pub(crate) fn endpoint(&mut self) -> Result<Endpoint, Error> {
        self.make(ObjectType::Endpoint, 0)
    }

    pub(crate) fn notification(&mut self) -> Result<Notification, Error> {
        self.make(ObjectType::Notification, 0)
    }

    pub(crate) fn reply(&mut self) -> Result<Reply, Error> {
        self.make(ObjectType::Reply, 0)
    }

    pub(crate) fn cnode(&mut self, bits: usize) -> Result<CNode, Error> {
        self.make(ObjectType::CNode, bits)
    }

    pub(crate) fn tcb(&mut self) -> Result<Tcb, Error> {
        self.make(ObjectType::Tcb, 0)
    }

    pub(crate) fn context(&mut self, bits: usize) -> Result<SchedContext, Error> {
        self.make(ObjectType::SchedContext, bits)
    }

    pub(crate) fn frame(&mut self, size: FrameSize) -> Result<Frame, Error> {
        self.make(size.object(), 0)
    }

    /// A copy.
    pub(crate) fn copy<C: Capability>(&mut self, cap: C, rights: CapRights) -> Result<C, Error> {
        let source = self.path(cap);
        self.fill(|slot| slot.copy_from(source, rights))
    }

    /// A copy with a badge.
    pub(crate) fn mint<C: Capability>(
        &mut self,
        cap: C,
        rights: CapRights,
        badge: Word,
    ) -> Result<C, Error> {
        let source = self.path(cap);
        self.fill(|slot| slot.mint_from(source, rights, badge))
    }

    /// Whether a slot holds a capability: a copy to it is refused then.
    pub(crate) fn occupied(&self, slot: SlotPath) -> Outcome<bool> {
        match slot.copy_from(self.path(root::TCB), CapRights::ALL) {
            Ok(()) => {
                slot.delete()?;
                Ok(false)
            }
            Err(Error::DeleteFirst) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// The authority over time of the core that all tests run on.
    pub(crate) fn sched_control(&self) -> SchedControl {
        SchedControl::new(self.boot.sched_control.start)
    }

    /// A thread that runs `body`, told `words`.
    pub(crate) fn thread(&mut self, start: Start, body: Body, words: &[Word]) -> Outcome<Thread> {
        let number = self.threads;
        check!(number < THREADS, "the test needs more threads");
        self.threads += 1;
        let tcb = self.tcb()?;
        let board = threads::board(number);
        board.fill(words);
        threads::bodies::set(number, body);
        let beginning = Beginning {
            tcb,
            function: threads::begin,
            argument: number as Word,
        };
        threads::area(number).prepare(self.boot, root::SPACE, beginning)?;
        let context = match start.budget {
            None => SchedContext::default(),
            Some(budget) => {
                let context = self.context(start.context_bits)?;
                self.sched_control().configure(context, budget)?;
                context
            }
        };
        tcb.set_sched_params(root::TCB, 254, start.priority, context, start.fault_handler)?;
        if start.resume {
            tcb.resume()?;
        }
        Ok(Thread {
            tcb,
            context,
            board,
            number,
        })
    }

    /// Lets the memory of the last thread be used again; it is deleted.
    pub(crate) fn forget_last_thread(&mut self) {
        self.threads -= 1;
        reclaim(self.threads);
    }

    /// Lets all threads run until none of them can go on.
    pub(crate) fn settle(&self) -> Outcome {
        root::TCB.set_priority(root::TCB, 1)?;
        root::TCB.set_priority(root::TCB, DRIVER_PRIORITY)?;
        Ok(())
    }

    /// Shares the processor with threads that begin [`Start::below`], for at most `millis`, until
    /// `done`.
    pub(crate) fn wait_for(&self, millis: u64, mut done: impl FnMut() -> bool) -> Outcome {
        root::TCB.set_priority(root::TCB, DRIVER_PRIORITY / 2)?;
        let clock = Clock::start(self.boot);
        let mut happened = done();
        while !happened && clock.micros() < millis * 1_000 {
            user_api::syscalls::yield_now();
            happened = done();
        }
        root::TCB.set_priority(root::TCB, DRIVER_PRIORITY)?;
        if happened {
            Ok(())
        } else {
            Err(fail(format_args!("it did not happen in {millis} ms")))
        }
    }
}

#[expect(
    unsafe_code,
    reason = "memory is used again after its thread is deleted"
)]
fn reclaim(number: usize) {
    // SAFETY: the thread's only capabilities were made from the memory that was just revoked.
    unsafe { threads::area(number).reclaim() }
}

/// Time since a moment.
pub(crate) struct Clock {
    start: u64,
    boot: &'static BootInfo,
}

impl Clock {
    /// From now on.
    pub(crate) fn start(boot: &'static BootInfo) -> Self {
        Self {
            start: isa::micros(boot),
            boot,
        }
    }

    /// Microseconds since then.
    pub(crate) fn micros(&self) -> u64 {
        isa::micros(self.boot) - self.start
    }
}
