//! A little world to test in: a kernel on the model machine, booted as it would be on hardware,
//! and threads that make system calls *as user code does*: by writing registers and IPC
//! buffers, entering the kernel, and reading what came back.
//!
//! # How it works
//! - The root task ([`World::root`]) has the highest priority and makes every object by
//!   invocations ([`objects`]). Between its acts it sleeps on a notification; an
//!   interrupt wakes it ([`World::as_root`]), so that whoever ran continues undisturbed.
//! - All threads share the root task's CSpace, so a [`CPtr`] means the same to each (tests about
//!   CSpaces give a thread its own). They are made with the same priority and round-robin time.
//! - A system call of a thread ([`calls`]) first makes the thread the current one, honestly: others of
//!   its priority yield until it is its turn ([`World::run`]). If something of a higher priority is
//!   in the way, or the thread is blocked, the test stops and says so.
//! - Every program is the same: a `SYSCALL` instruction at [`SYSCALL_AT`]. A thread that is
//!   there when it runs executes it, so calls that the kernel restarts are restarted.
//! - Time stands still, except in [`World::pass`].

pub(crate) mod arch;
pub(crate) mod calls;
pub(crate) mod deep;
pub(crate) mod message;
pub(crate) mod objects;
mod platform;
mod registers;

pub(crate) use message::{CPtr, Error, Message, error, msg};

use abi::Word;
use kernel::Kernel;
use kernel::cap::Cap;
use kernel::entry::{self, Event};
use kernel::object::sched_context::SchedContext;
use kernel::object::store::Ref;
use kernel::object::tcb::{Tcb, TcbSlot, ThreadState};
use machine::model::Config;
use machine::{Irq, KernelAddress, Machine, PhysicalAddress};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Address of the one instruction of all programs.
pub(crate) const SYSCALL_AT: Word = 0x40_0000;
/// Address behind it.
pub(crate) const AFTER_SYSCALL: Word = SYSCALL_AT + registers::SYSCALL_BYTES;
/// Priority of threads, unless the test says otherwise.
pub(crate) const PRIORITY: Word = 100;
/// Budget and period of threads, in microseconds.
pub(crate) const BUDGET_US: Word = 10_000;
const WAKE_LINE: u16 = 60;
/// The line that wakes the root task.
pub(crate) const WAKE: Irq = arch::line(WAKE_LINE);

/// Under Miri, which takes a thousand times as long, one entry in so many is checked.
const MIRI_CHECKS_EVERY: u64 = 200;

/// A thread of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Thread {
    /// Its TCB capability.
    pub tcb: CPtr,
    /// Its scheduling context; null for a passive one.
    pub sc: CPtr,
    /// Its TCB.
    pub object: Ref<Tcb>,
    /// Where its IPC buffer is in physical memory, if it has one.
    pub buffer: Option<PhysicalAddress>,
}

/// A kernel and what the test knows about it.
pub(crate) struct World {
    pub k: Kernel,
    root: Thread,
    /// The next slot of the root CNode that nobody has used.
    next_slot: Word,
    /// What objects are made from: the largest untyped.
    pub untyped: CPtr,
    /// What the root task sleeps on, and the handler of the interrupt that wakes it.
    bell: CPtr,
    bell_handler: CPtr,
    boot_info_at: Word,
    /// How often the kernel was entered; the invariants were checked after each time.
    pub entries: u64,
    /// One in so many system calls is made by the slow path too, and compared.
    pub compare_every: u64,
    /// System calls are made by the slow path.
    pub slow: bool,
}

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            k: self.k.on(self.k.machine.clone()),
            ..*self
        }
    }
}

impl World {
    /// A world with nothing but the root task.
    pub(crate) fn new() -> Self {
        if cfg!(miri) {
            Self::booted_before()
        } else {
            Self::with_memory(16 << 20)
        }
    }

    /// A copy of one that is booted once, which takes Miri seconds.
    fn booted_before() -> Self {
        // Miri remembers where every byte's pointers came from: less memory, then.
        static BOOTED: LazyLock<Mutex<World>> =
            LazyLock::new(|| Mutex::new(World::with_memory(3 << 20)));
        BOOTED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn with_memory(bytes: u64) -> Self {
        Self::with(&Config {
            ram: vec![(PhysicalAddress(0x10_0000), bytes)],
            ..Config::default()
        })
    }

    /// The same on another machine.
    pub(crate) fn with(config: &Config) -> Self {
        let mut k = platform::boot(config);
        let root = platform::root_thread(&mut k);
        let boot_info_at = k[root.object.context()].capability();
        let mut w = Self {
            k,
            root,
            next_slot: 0,
            untyped: CPtr(0),
            bell: CPtr(0),
            bell_handler: CPtr(0),
            boot_info_at,
            entries: 0,
            // Comparing walks through all of memory: Miri would take minutes for it.
            compare_every: if cfg!(miri) { u64::MAX } else { 4 },
            slow: false,
        };
        let info = w.boot_info();
        w.next_slot = info.empty.start;
        w.untyped = w.largest_untyped(&info);
        w.bell = w.notification();
        w.bell_handler = w.irq_handler(WAKE_LINE);
        w.set_irq_notification(w.bell_handler, w.bell);
        w
    }

    /// The root task.
    pub(crate) fn root(&self) -> Thread {
        self.root
    }

    // --- Looking ---------------------------------------------------------------------

    /// The thread that runs; `None` if the idle thread does.
    pub(crate) fn current(&self) -> Option<Ref<Tcb>> {
        self.k.current()
    }

    /// Whether `thread` is the one that runs.
    pub(crate) fn is_current(&self, thread: Thread) -> bool {
        self.current() == Some(thread.object)
    }

    /// What `thread` is doing.
    pub(crate) fn state(&self, thread: Thread) -> ThreadState {
        self.k[thread.object].state
    }

    /// Whether it waits to send, to receive, for a reply, or for a signal.
    pub(crate) fn is_blocked(&self, thread: Thread) -> bool {
        !matches!(
            self.state(thread),
            ThreadState::Running | ThreadState::Restart | ThreadState::Inactive
        )
    }

    /// What `thread` runs on now.
    pub(crate) fn sched_context_of(&self, thread: Thread) -> Option<Ref<SchedContext>> {
        self.k[thread.object].sched_context
    }

    /// The capability at `at` in the root CNode.
    pub(crate) fn cap(&self, at: CPtr) -> Cap {
        let Cap::CNode(cnode) = self.k[self.root.object.slot(TcbSlot::CSpace)].cap() else {
            panic!("the root task has no CSpace");
        };
        self.k[cnode.slot(at.0)].cap()
    }

    /// A word of the thread's IPC buffer.
    pub(crate) fn buffer_word(&self, thread: Thread, index: usize) -> Word {
        let base = thread.buffer.expect("the thread has an IPC buffer");
        self.k
            .machine
            .load(KernelAddress::of(base).plus(index as u64 * 8))
    }

    /// The thread writes a word of its IPC buffer.
    pub(crate) fn set_buffer_word(&mut self, thread: Thread, index: usize, value: Word) {
        let base = thread.buffer.expect("the thread has an IPC buffer");
        self.k
            .machine
            .store(KernelAddress::of(base).plus(index as u64 * 8), value);
    }

    // --- Running ---------------------------------------------------------------------

    /// Enters the kernel; afterwards the machine does what it would do by itself.
    pub(crate) fn enter(&mut self, event: Event) {
        self.enter_once(event);
        self.settle();
    }

    fn enter_once(&mut self, event: Event) {
        self.entries += 1;
        let has_fast_way = matches!(
            event,
            Event::Syscall(_) | Event::UserException { .. } | Event::VmFault { .. }
        );
        let compared = has_fast_way && self.entries.is_multiple_of(self.compare_every);
        let mut twin = compared.then(|| self.k.on(self.k.machine.clone()));
        let enter = match self.slow {
            true => entry::enter_slow,
            false => entry::enter,
        };
        let _ = enter(&mut self.k, 0, event);
        if let Some(twin) = &mut twin {
            // The fast paths do what the slow path does, here and in every test.
            let _ = entry::enter_slow(twin, 0, event);
            kernel::check::twins::same(&self.k, twin, &self.k.machine)
                .unwrap_or_else(|violation| panic!("fast and slow after {event:?}: {violation:?}"));
        }
        // Miri looks at accesses; all that these checks access, they access the same way again.
        if !cfg!(miri) || self.entries.is_multiple_of(MIRI_CHECKS_EVERY) {
            kernel::check::all(&self.k, &self.k.machine)
                .unwrap_or_else(|violation| panic!("after {event:?}: {violation:?}"));
        }
    }

    /// Takes interrupts and executes system calls that are to be executed again, until the
    /// current thread is somewhere else in its program.
    pub(crate) fn settle(&mut self) {
        for _ in 0..400 {
            if let Some(irq) = self.k.machine.take_interrupt() {
                if let Some(current) = self.current() {
                    let next = self.k[current.context()].next_ip;
                    self.k[current.context()].fault_ip = next;
                }
                self.enter_once(Event::Interrupt(irq));
                continue;
            }
            match self.current() {
                Some(current) if self.k[current.context()].next_ip == SYSCALL_AT => {
                    self.execute_syscall(current);
                }
                _ => return,
            }
        }
        let current = self.current().map(|c| (self.k[c], self.k[c.context()]));
        panic!("the system never comes to rest: {current:x?} runs again and again");
    }

    /// The processor executes the instruction at [`SYSCALL_AT`].
    fn execute_syscall(&mut self, current: Ref<Tcb>) {
        let number = self.syscall_number(current);
        registers::enter_by_syscall(&mut self.k[current.context()]);
        self.enter_once(Event::Syscall(number));
    }

    /// `thread` executes `SYSCALL` with the registers that it has.
    pub(crate) fn syscall(&mut self, thread: Thread, number: abi::Syscall) {
        self.run(thread);
        self.set_syscall(thread, number.number());
        self.settle();
    }

    /// The current thread, which was prepared for it, executes `SYSCALL` at a time when an interrupt
    /// is already due, and the interrupt arrives after it.
    pub(crate) fn syscall_before_interrupts(&mut self, thread: Thread, number: abi::Syscall) {
        assert!(self.is_current(thread), "it makes the call now");
        self.set_syscall(thread, number.number());
        self.execute_syscall(thread.object);
        self.settle();
    }

    /// Makes `thread` the current one, by nothing but what user code can do: the root task goes to
    /// sleep, and whoever runs instead of `thread` yields.
    pub(crate) fn run(&mut self, thread: Thread) {
        if self.is_current(thread) {
            return;
        }
        if thread == self.root {
            return self.wake_root();
        }
        if self.is_current(self.root) {
            self.root_sleeps();
        }
        for _ in 0..64 {
            match self.current() {
                Some(current) if current == thread.object => return,
                Some(current) => {
                    let other = Thread {
                        object: current,
                        ..thread
                    };
                    let number = self.syscall_number(current);
                    self.set_syscall(other, abi::Syscall::Yield.number());
                    self.settle();
                    self.restore_syscall_number(other, number);
                }
                None => break,
            }
        }
        panic!(
            "{thread:?} cannot run: it is {:?}, and {:?} runs",
            self.k[thread.object],
            self.current()
        );
    }

    /// Does something as the root task, which then goes on with what it did before.
    pub(crate) fn as_root<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.is_current(self.root);
        self.wake_root();
        let result = act(self);
        if !before {
            self.root_sleeps();
        }
        result
    }

    /// Rings the bell; the root task runs afterwards, unless something happened to it or the bell.
    pub(crate) fn root_wakes_if_it_can(&mut self) {
        if !self.is_current(self.root) {
            self.k.machine.raise(WAKE);
            self.settle();
        }
        if self.is_current(self.root) {
            let handler = self.bell_handler;
            self.ack_irq(handler);
        }
    }

    fn wake_root(&mut self) {
        if self.is_current(self.root) {
            return;
        }
        self.root_wakes_if_it_can();
        assert!(
            self.is_current(self.root),
            "the root task was woken and does not run: it is {:?} on {:?}, bell {}",
            self.state(self.root),
            self.sched_context_of(self.root),
            if self.k.machine.masked(WAKE) {
                "masked"
            } else {
                "heard"
            },
        );
    }

    /// The root task waits for its bell. Threads that it made ready run now.
    pub(crate) fn root_sleeps(&mut self) {
        let (root, bell) = (self.root, self.bell);
        self.run(root);
        self.set_cap(root, bell);
        self.set_syscall(root, abi::Syscall::Wait.number());
        self.settle();
    }

    /// A line interrupts.
    pub(crate) fn interrupt(&mut self, irq: Irq) {
        self.k.machine.raise(irq);
        self.settle();
    }

    /// Lets `us` microseconds pass. Timer interrupts arrive when they are due.
    pub(crate) fn pass(&mut self, us: u64) {
        let end = self.k.machine.now() + us * self.k.machine.ticks_per_us();
        loop {
            let now = self.k.machine.now();
            let next = self
                .k
                .machine
                .deadline()
                .filter(|d| *d > now)
                .unwrap_or(end)
                .min(end);
            self.k.machine.set_now(next);
            self.settle();
            if next == end {
                return;
            }
        }
    }
}
