//! What the benchmark calls report.

use crate::layout::words;

words! {
    /// BenchmarkGetThreadUtilisation: the words of the caller's message.
    utilisation {
        TCB_UTILISATION, TCB_NUMBER_SCHEDULES, TCB_KERNEL_UTILISATION, TCB_NUMBER_KERNEL_ENTRIES,
        IDLE_LOCALCPU_UTILISATION, IDLE_TCBCPU_UTILISATION, IDLE_NUMBER_SCHEDULES, IDLE_KERNEL_UTILISATION,
        IDLE_NUMBER_KERNEL_ENTRIES, TOTAL_UTILISATION, TOTAL_NUMBER_SCHEDULES, TOTAL_KERNEL_UTILISATION,
        TOTAL_NUMBER_KERNEL_ENTRIES,
    }
}

words! {
    /// Ways into the kernel, as logs number them. 7 is a virtual machine's.
    entry { UNKNOWN, INTERRUPT, UNKNOWN_SYSCALL, USER_LEVEL_FAULT, DEBUG_FAULT, VM_FAULT, SYSCALL, VIRTUALISATION }
}

/// Bytes of the log buffer that libsel4 names on AArch64 and RISC-V (on x86_64 it names none).
pub const LOG_BUFFER_BYTES: usize = 1 << 20;
