//! `threads`: who runs here, and when they may.

use super::console::outln;
use super::task::Task;
use abi::syscall::Syscall;
use user_api::{Budget, debug};

/// The time of a passive server.
const LENT: &str = "what callers lend";

/// Prints it.
pub(crate) fn show<'a>(tasks: impl Iterator<Item = &'a Task>) {
    outln!("   name      priority  budget / period (us)  what");
    let own = [
        ("init", "as the kernel gave", "this prompt; made all others"),
        ("echo", LENT, "a second thread of init, for `ipc-bench`"),
    ];
    for (name, time, purpose) in own {
        outln!("   {name:8}  {:8}  {time:20}  {purpose}", super::PRIORITY);
    }
    for task in tasks {
        let (name, purpose) = (task.role.name(), task.role.purpose());
        let priority = task.priority;
        match task.time {
            Some((_, Budget { budget, period, .. })) => {
                outln!("   {name:8}  {priority:8}  {budget:8} / {period:<9}  {purpose}");
            }
            None => outln!("   {name:8}  {priority:8}  {LENT:20}  {purpose}"),
        }
    }
    if debug::available(Syscall::DebugDumpScheduler) {
        outln!("   as the kernel sees them:");
        debug::dump_scheduler();
    }
}
