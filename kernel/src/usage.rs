//! Who used the processor: counters of profiles that track it, and the benchmark calls that
//! read them. (`abi/semantics-irq-misc.md` section 4.)
//!
//! Everything is in counts of [`Machine::cycles`]. Other profiles have none of this: each call
//! here is behind a constant.

use crate::Kernel;
use crate::cap::Cap;
use crate::cspace;
use crate::object::store::{Object, Ref};
use crate::object::tcb::{self, Access, Tcb, USAGE_OFFSET};
use abi::benchmark::utilisation;
use abi::syscall::Syscall;
use abi::{PROFILE, Word};
use machine::{Kind, Machine};

/// Whether this build counts.
pub const TRACKED: bool = PROFILE.track_utilisation;

/// What a benchmark call answers when it has no log.
const NO_LOG: Word = 3;

/// What a thread, or nobody, has used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Usage {
    /// Cycles while it was current, the kernel's on its behalf included.
    cycles: u64,
    /// How often it became current.
    schedules: u64,
    /// Cycles of kernel entries made while it was current.
    kernel_cycles: u64,
    /// Those entries.
    kernel_entries: u64,
}

impl Usage {
    fn add_entry(&mut self, cycles: u64) {
        self.kernel_cycles = self.kernel_cycles.saturating_add(cycles);
        self.kernel_entries = self.kernel_entries.saturating_add(1);
    }
}

/// Whom the kernel interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Who {
    Idle,
    Thread(Ref<Tcb>),
    /// A thread that was deleted since.
    Gone,
}

impl Object for Usage {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = USAGE_OFFSET;
}

/// What a core counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CoreUsage {
    /// Between ResetLog and FinalizeLog.
    running: bool,
    started: u64,
    ended: u64,
    /// Whom the last kernel entry interrupted, when that was, and since when it ran.
    interrupted: Who,
    entered: u64,
    switched: u64,
    idle: Usage,
    total: Usage,
}

impl Default for CoreUsage {
    fn default() -> Self {
        Self::new()
    }
}

impl CoreUsage {
    /// Nothing counted.
    pub const fn new() -> Self {
        const NONE: Usage = Usage {
            cycles: 0,
            schedules: 0,
            kernel_cycles: 0,
            kernel_entries: 0,
        };
        Self {
            running: false,
            started: 0,
            ended: 0,
            interrupted: Who::Idle,
            entered: 0,
            switched: 0,
            idle: NONE,
            total: NONE,
        }
    }
}

/// The counters of a thread, or of nobody; none for one that is gone.
fn usage(k: &mut Kernel, who: Who) -> Option<&mut Usage> {
    match who {
        Who::Thread(thread) => Some(&mut k[thread.sibling::<Usage>()]),
        Who::Idle => Some(&mut k.node_mut().usage.idle),
        Who::Gone => None,
    }
}

fn current(k: &Kernel) -> Who {
    k.current().map_or(Who::Idle, Who::Thread)
}

/// The kernel is entered.
pub(crate) fn entered(k: &mut Kernel) {
    let who = current(k);
    let now = k.machine.cycles();
    let core = &mut k.node_mut().usage;
    core.entered = now;
    core.interrupted = who;
}

/// `thread` is about to lose its memory.
pub(crate) fn thread_gone(k: &mut Kernel, thread: Ref<Tcb>) {
    let core = &mut k.node_mut().usage;
    if core.interrupted == Who::Thread(thread) {
        core.interrupted = Who::Gone;
    }
}

/// The kernel is about to be left.
pub(crate) fn leaving(k: &mut Kernel) {
    let core = k.node().usage;
    if !core.running {
        return;
    }
    let now = k.machine.cycles();
    let spent = now.saturating_sub(core.entered);
    if let Some(used) = usage(k, core.interrupted) {
        used.add_entry(spent);
    }
    k.node_mut().usage.total.add_entry(spent);
    let next = current(k);
    if next == core.interrupted {
        return;
    }
    if let Some(used) = usage(k, core.interrupted) {
        used.cycles = used
            .cycles
            .saturating_add(now.saturating_sub(core.switched));
    }
    if let Some(used) = usage(k, next) {
        used.schedules = used.schedules.saturating_add(1);
    }
    let core = &mut k.node_mut().usage;
    core.total.schedules = core.total.schedules.saturating_add(1);
    core.switched = now;
}

/// A benchmark call.
pub(crate) fn call(k: &mut Kernel, thread: Ref<Tcb>, call: Syscall) {
    let argument = k[thread.context()].capability();
    match call {
        Syscall::BenchmarkFlushCaches => k.machine.flush_caches(),
        Syscall::BenchmarkResetLog => {
            start(k);
            k[thread.context()].set_badge(0);
        }
        Syscall::BenchmarkFinalizeLog => {
            finish(k, thread);
            k[thread.context()].set_badge(0);
        }
        // No build writes a log: there is nothing to give a frame for.
        Syscall::BenchmarkSetLogBuffer => k[thread.context()].set_badge(NO_LOG),
        Syscall::BenchmarkGetThreadUtilisation => {
            if let Some(subject) = thread_at(k, thread, argument) {
                report(k, thread, subject);
            }
        }
        Syscall::BenchmarkResetThreadUtilisation => {
            if let Some(subject) = thread_at(k, thread, argument) {
                reset(k, subject);
            }
        }
        Syscall::BenchmarkDumpAllThreadsUtilisation => dump_all(k),
        Syscall::BenchmarkResetAllThreadsUtilisation => {
            let mut next = k.all_threads;
            while let Some(each) = next {
                reset(k, each);
                next = k[each].all_next;
            }
        }
        // `BenchmarkNullSyscall` is there to do nothing.
        _ => {}
    }
}

fn reset(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread.sibling::<Usage>()] = Usage::default();
}

fn thread_at(k: &mut Kernel, caller: Ref<Tcb>, address: Word) -> Option<Ref<Tcb>> {
    match cspace::lookup(k, caller, address).map(|slot| k[slot].cap()) {
        Ok(Cap::Tcb(thread)) => Some(thread),
        _ => {
            k.say(format_args!("benchmark call: {address:#x} is not a thread"));
            None
        }
    }
}

fn start(k: &mut Kernel) {
    let now = k.machine.cycles();
    let interrupted = current(k);
    k.node_mut().usage = CoreUsage {
        running: true,
        started: now,
        interrupted,
        entered: now,
        switched: now,
        ..CoreUsage::new()
    };
}

fn finish(k: &mut Kernel, current: Ref<Tcb>) {
    let now = k.machine.cycles();
    let core = &mut k.node_mut().usage;
    core.ended = now;
    core.running = false;
    let ran = now.saturating_sub(core.switched);
    let used = &mut k[current.sibling::<Usage>()];
    used.cycles = used.cycles.saturating_add(ran);
}

fn report(k: &mut Kernel, caller: Ref<Tcb>, subject: Ref<Tcb>) {
    let Some(buffer) = tcb::buffer(k, caller, Access::ReadWrite) else {
        return;
    };
    let thread = k[subject.sibling::<Usage>()];
    let core = k.node().usage;
    let idle = core.idle;
    let mut words = [0; utilisation::LENGTH];
    for (place, value) in [
        (utilisation::TCB_UTILISATION, thread.cycles),
        (utilisation::TCB_NUMBER_SCHEDULES, thread.schedules),
        (utilisation::TCB_KERNEL_UTILISATION, thread.kernel_cycles),
        (
            utilisation::TCB_NUMBER_KERNEL_ENTRIES,
            thread.kernel_entries,
        ),
        (utilisation::IDLE_LOCALCPU_UTILISATION, idle.cycles),
        (utilisation::IDLE_TCBCPU_UTILISATION, idle.cycles),
        (utilisation::IDLE_NUMBER_SCHEDULES, idle.schedules),
        (utilisation::IDLE_KERNEL_UTILISATION, idle.kernel_cycles),
        (utilisation::IDLE_NUMBER_KERNEL_ENTRIES, idle.kernel_entries),
        (
            utilisation::TOTAL_UTILISATION,
            core.ended.saturating_sub(core.started),
        ),
        (utilisation::TOTAL_NUMBER_SCHEDULES, core.total.schedules),
        (
            utilisation::TOTAL_KERNEL_UTILISATION,
            core.total.kernel_cycles,
        ),
        (
            utilisation::TOTAL_NUMBER_KERNEL_ENTRIES,
            core.total.kernel_entries,
        ),
    ] {
        if let Some(word) = words.get_mut(place) {
            *word = value;
        }
    }
    for (n, word) in (0..utilisation::LENGTH).zip(words) {
        buffer.set_word(k, n, word);
    }
}

fn dump_all(k: &mut Kernel) {
    k.say(format_args!("{{\"threads\": ["));
    let mut next = k.all_threads;
    while let Some(thread) = next {
        let used = k[thread.sibling::<Usage>()];
        let tcb = k[thread];
        next = tcb.all_next;
        let comma = if next.is_some() { "," } else { "" };
        k.say(format_args!(
            "  {{\"name\": {:?}, \"cycles\": {}, \"schedules\": {}, \"kernel_cycles\": {}, \"kernel_entries\": {}}}{comma}",
            tcb.name(),
            used.cycles,
            used.schedules,
            used.kernel_cycles,
            used.kernel_entries,
        ));
    }
    k.say(format_args!("]}}"));
}
