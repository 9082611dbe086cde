//! The whole system, and the story of how it comes up.

use super::arena::Arena;
use super::bench::Echo;
use super::budgets::Budgets;
use super::console::{self, outln};
use super::drivers::Driver;
use super::faults::Faults;
use super::home::Home;
use super::isa::{TICK, TICKS};
use super::memory::Bytes;
use super::pair::Pair;
use super::task::Task;
use super::trespass;
use super::trouble::{Result, promise};
use abi::Word;
use abi::bootinfo::BootInfo;
use abi::syscall::Syscall;
use user_api::debug;
use user_runtime::boot::root;

/// Everything that runs.
pub(crate) struct System {
    /// Init's own.
    pub(crate) home: Home,
    /// The serial line.
    pub(crate) serial: Driver,
    /// The timer.
    pub(crate) timer: Driver,
    /// Pager and wanderer.
    pub(crate) faults: Faults,
    /// Client and server; none between a revoke and a restart that failed.
    pub(crate) pair: Option<Pair>,
    /// The spinners.
    pub(crate) budgets: Budgets,
    /// For measurements.
    pub(crate) echo: Echo,
    born: u64,
}

impl System {
    /// Builds it, from BootInfo alone.
    ///
    /// # Errors
    /// If the machine is too small, or something does not work.
    pub(crate) fn start(boot: &'static BootInfo) -> Result<Self> {
        let mut home = Home::new(boot)?;
        let born = home.clock.micros();
        root::TCB.set_priority(root::TCB, super::PRIORITY)?;
        if debug::available(Syscall::DebugNameThread) {
            debug::name_thread(root::TCB, "init");
        }
        let serial = Driver::serial(&mut home)?;
        let console = serial.endpoint;
        console::connect(console);
        outln!("\nLinchpin demo: an init task builds a system from what BootInfo gives it.");
        outln!(
            "1 memory: {} of untyped memory; each process is made from one block of its own \
             (`untyped`)",
            Bytes(home.allocator.memory.free_ram())
        );
        outln!(
            "2 capabilities: init holds all, a process only what it needs, in a CSpace of its own \
             (`caps`)"
        );
        outln!(
            "3 address spaces: each process is loaded from an ELF file into a VSpace of its own \
             (`threads`, `trespass`)"
        );
        let faults = Faults::start(&mut home, console)?;
        let timer = Driver::timer(&mut home, console, faults.handler)?;
        let pair = Pair::start(&mut home, console, faults.handler)?;
        let budgets = Budgets::load(&mut home, faults.handler)?;
        let echo = Echo::start(&mut home)?;
        let system = Self {
            home,
            serial,
            timer,
            faults,
            pair: Some(pair),
            budgets,
            echo,
            born,
        };
        system.introduce()?;
        Ok(system)
    }

    /// Shows everything once.
    fn introduce(&self) -> Result {
        outln!("   a page fault is a message to a pager, which repairs it (`fault`):");
        self.faults.provoke()?;
        outln!("4 interrupts: the drivers of serial line and timer wait for theirs (`time`):");
        self.tick()?;
        outln!(
            "5 messages: a client calls a server that has no time of its own (`talk`, `ipc-bench`):"
        );
        if let Some(pair) = &self.pair {
            pair.talk()?;
        }
        outln!("6 time: who has used up its budget waits for its next period (`throttle`):");
        self.budgets.experiment(&self.timer)?;
        outln!("Type `help` for what else there is.");
        Ok(())
    }

    /// Waits for some ticks of the timer, and compares it with the other clock.
    ///
    /// # Errors
    /// What the timer driver answers.
    pub(crate) fn tick(&self) -> Result {
        let before = self.home.clock.micros();
        self.timer.every(TICK, TICKS, |_| {})?;
        let taken = self.home.clock.micros() - before;
        outln!(
            "   {TICKS} ticks of {TICK} us by the timer's interrupt took {taken} us by {}",
            self.home.clock
        );
        Ok(())
    }

    /// Lets a process try to overwrite this very value.
    ///
    /// # Errors
    /// What the kernel answers; `Broken` if the value changed.
    pub(crate) fn trespass(&mut self) -> Result {
        let address = (&raw const self.born).addr() as Word;
        let before = self.born;
        trespass::attempt(&mut self.home, address, self.faults.handler)?;
        // To the compiler nobody else can have changed it; that is what is to be seen.
        let after = *core::hint::black_box(&self.born);
        outln!("   the process is gone; the value there was {before}, and is {after}");
        promise(before == after, "no process writes to init's memory")
    }

    /// Microseconds since init began.
    pub(crate) fn age(&self) -> Word {
        self.home.clock.micros() - self.born
    }

    /// Ends client and server by one revoke, looks whether all is back, and starts them again.
    ///
    /// # Errors
    /// What the kernel answers; then there may be no pair. `Broken` if less is free than before.
    pub(crate) fn revoke_pair(&mut self) -> Result {
        let (before, had_pair) = (self.free(), self.pair.is_some());
        if let Some(pair) = self.pair.take() {
            let block = pair.arena.block();
            let caps = pair.arena.capabilities();
            pair.revoke(&mut self.home)?;
            let bytes = Bytes(1 << block.bits);
            outln!(
                "   one revoke of the untyped at {:#x} ended client and server and deleted {caps} \
                 capabilities; the {bytes} are whole again",
                block.address
            );
        }
        let (memory, slots) = self.free();
        outln!("   free without them: {} and {slots} slots", Bytes(memory));
        let pair = Pair::start(&mut self.home, self.serial.endpoint, self.faults.handler)?;
        self.pair.insert(pair).talk()?;
        let after = self.free();
        outln!(
            "   started again; free are {} and {} slots, before the revoke {} and {}",
            Bytes(after.0),
            after.1,
            Bytes(before.0),
            before.1
        );
        promise(
            !had_pair || before == after,
            "nothing is lost by a revoke and a restart",
        )
    }

    /// Bytes and slots.
    fn free(&self) -> (Word, usize) {
        let Home { allocator, .. } = &self.home;
        (allocator.memory.free_ram(), allocator.slots.free())
    }

    /// All processes.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Task> {
        let fixed = [
            &self.serial.task,
            &self.timer.task,
            &self.faults.pager,
            &self.faults.wanderer,
        ];
        let pair = self.pair.iter();
        let spinners = [&self.budgets.thrifty.task, &self.budgets.greedy.task];
        fixed
            .into_iter()
            .chain(pair.flat_map(|pair| [&pair.server, &pair.client]))
            .chain(spinners)
    }

    /// All blocks in use.
    pub(crate) fn arenas(&self) -> impl Iterator<Item = &Arena> {
        let fixed = [
            &self.serial.arena,
            &self.timer.arena,
            &self.faults.pager_arena,
            &self.faults.arena,
            &self.budgets.thrifty.arena,
            &self.budgets.greedy.arena,
            &self.echo.arena,
        ];
        fixed
            .into_iter()
            .chain(self.pair.iter().map(|pair| &pair.arena))
    }
}
