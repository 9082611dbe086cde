//! The calls of kernels that measure. Elsewhere their numbers are unknown and raise a fault, so
//! ask [`crate::debug::available`] first.

use crate::ipc_buffer;
use crate::isa::Frame;
use crate::object::Tcb;
use crate::sys::{Entry, enter};
use abi::Word;
use abi::benchmark::utilisation;
use abi::syscall::Syscall;

fn with_cap(call: Syscall, cap: Word) -> Word {
    enter(
        call.number(),
        Entry {
            cap,
            ..Entry::default()
        },
    )
    .badge
}

/// Empties the caches.
#[doc(alias = "seL4_BenchmarkFlushCaches")]
pub fn flush_caches() {
    with_cap(Syscall::BenchmarkFlushCaches, 0);
}

/// Starts measuring; answers 0, or an error number without a log buffer where one is needed.
#[doc(alias = "seL4_BenchmarkResetLog")]
pub fn reset_log() -> Word {
    with_cap(Syscall::BenchmarkResetLog, 0)
}

/// Stops measuring; answers the number of entries in the log buffer, where there is one.
#[doc(alias = "seL4_BenchmarkFinalizeLog")]
pub fn finalize_log() -> Word {
    with_cap(Syscall::BenchmarkFinalizeLog, 0)
}

/// Gives the kernel a large frame for its log; answers 0 or an error number.
#[doc(alias = "seL4_BenchmarkSetLogBuffer")]
pub fn set_log_buffer(frame: Frame) -> Word {
    with_cap(Syscall::BenchmarkSetLogBuffer, frame.cptr().bits())
}

/// Enters the kernel and leaves it.
#[doc(alias = "seL4_BenchmarkNullSyscall")]
pub fn null_syscall() {
    with_cap(Syscall::BenchmarkNullSyscall, 0);
}

/// The counters of a thread, in cycles and counts, by the indices of [`utilisation`].
#[doc(alias = "seL4_BenchmarkGetThreadUtilisation")]
pub fn thread_utilisation(thread: Tcb) -> [u64; utilisation::LENGTH] {
    with_cap(Syscall::BenchmarkGetThreadUtilisation, thread.cptr().bits());
    core::array::from_fn(ipc_buffer::word)
}

/// Zeroes the counters of a thread.
#[doc(alias = "seL4_BenchmarkResetThreadUtilisation")]
pub fn reset_thread_utilisation(thread: Tcb) {
    with_cap(
        Syscall::BenchmarkResetThreadUtilisation,
        thread.cptr().bits(),
    );
}

/// Prints the counters of all threads.
#[doc(alias = "seL4_BenchmarkDumpAllThreadsUtilisation")]
pub fn dump_all_thread_utilisation() {
    with_cap(Syscall::BenchmarkDumpAllThreadsUtilisation, 0);
}

/// Zeroes the counters of all threads.
#[doc(alias = "seL4_BenchmarkResetAllThreadsUtilisation")]
pub fn reset_all_thread_utilisation() {
    with_cap(Syscall::BenchmarkResetAllThreadsUtilisation, 0);
}
