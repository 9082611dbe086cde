//! `threads`: who runs here, and when they may.

use super::console::outln;
use super::task::Task;
use abi::syscall::Syscall;
use user_api::debug;

/// Prints it.
pub(crate) fn show<'a>(tasks: impl Iterator<Item = &'a Task>) {
    outln!("   name      priority   budget / period (us)   what");
    outln!(
        "   init      {:8}   as the kernel gave it   this prompt; made all others",
        super::PRIORITY
    );
    for task in tasks {
        let (name, purpose) = (task.role.name(), task.role.purpose());
        let priority = task.priority;
        match task.time {
            Some((_, budget)) => outln!(
                "   {name:8}  {priority:8}   {:8} / {:<11}   {purpose}",
                budget.budget,
                budget.period
            ),
            None => outln!("   {name:8}  {priority:8}   what callers lend        {purpose}"),
        }
    }
    if debug::available(Syscall::DebugDumpScheduler) {
        outln!("   as the kernel sees them:");
        debug::dump_scheduler();
    }
}
