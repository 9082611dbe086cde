//! The system calls: numbers as passed in the system call register, negative 64-bit values.
//!
//! The eleven calls of the API come first; debug, benchmark and further calls have fixed numbers behind them whether
//! or not a build has them. A number that a build does not have raises an UnknownSyscall fault.

use crate::profile::{Flavour, Profile};

/// When a call exists.
#[derive(Clone, Copy)]
enum When {
    Always,
    Printing,
    Debug,
    DebugSmp,
    Never,
    Benchmark,
    DebugBenchmark,
    DangerousMsr,
    Vtx,
    SetTlsBase,
}

impl When {
    const fn holds(self, profile: &Profile, flavour: Flavour) -> bool {
        match self {
            Self::Always => true,
            Self::Printing => flavour.printing(),
            Self::Debug => flavour.debug(),
            Self::DebugSmp => flavour.debug() && profile.smp(),
            Self::Never => false,
            Self::Benchmark => flavour.benchmark() || profile.track_utilisation,
            Self::DebugBenchmark => flavour.debug() && profile.track_utilisation,
            Self::DangerousMsr => profile.dangerous_msr,
            Self::Vtx => profile.vtx,
            Self::SetTlsBase => profile.set_tls_base_self,
        }
    }
}

/// One line per call, in the order of the numbers: variant, number, name in libsel4, when it exists, what it does.
macro_rules! syscalls {
    ($($variant:ident = $number:literal, $name:literal, $when:ident, $doc:literal;)*) => {
        /// A system call.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(i64)]
        pub enum Syscall {
            $(#[doc = $doc] $variant = $number,)*
        }

        impl Syscall {
            /// Every call that has a number, in the order -1, -2, ...
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that libsel4 uses, without prefix.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn when(self) -> When {
                match self { $(Self::$variant => When::$when,)* }
            }
        }
    };
}

syscalls! {
    Call = -1, "Call", Always, "Send, and wait for the reply.";
    ReplyRecv = -2, "ReplyRecv", Always, "Reply to one caller, and receive from the next.";
    NbSendRecv = -3, "NBSendRecv", Always, "Send without blocking, then receive, with a reply object.";
    NbSendWait = -4, "NBSendWait", Always, "Send without blocking, then receive, without a reply object.";
    Send = -5, "Send", Always, "Send, blocking.";
    NbSend = -6, "NBSend", Always, "Send if someone is waiting.";
    Recv = -7, "Recv", Always, "Receive, with a reply object.";
    NbRecv = -8, "NBRecv", Always, "Receive if a message is waiting, with a reply object.";
    Wait = -9, "Wait", Always, "Receive, without a reply object.";
    NbWait = -10, "NBWait", Always, "Receive if a message is waiting, without a reply object.";
    Yield = -11, "Yield", Always, "Give up the rest of the current budget.";
    DebugPutChar = -12, "DebugPutChar", Printing, "Write a character to the kernel's console.";
    DebugDumpScheduler = -13, "DebugDumpScheduler", Printing, "List all threads on the console.";
    DebugHalt = -14, "DebugHalt", Debug, "Stop the machine.";
    DebugCapIdentify = -15, "DebugCapIdentify", Debug, "Tell the type number of a capability.";
    DebugSnapshot = -16, "DebugSnapshot", Debug, "Print the capabilities of the whole system.";
    DebugNameThread = -17, "DebugNameThread", Debug, "Name a thread.";
    DebugSendIpi = -18, "DebugSendIPI", DebugSmp, "Raise an interrupt at another core.";
    DebugGetThreadAffinity = -19, "DebugGetThreadAffinity", DebugSmp, "Tell the core of a thread.";
    DebugRun = -20, "DebugRun", Never, "Run user code in the kernel; no build has it.";
    BenchmarkFlushCaches = -21, "BenchmarkFlushCaches", Benchmark, "Empty the caches.";
    BenchmarkResetLog = -22, "BenchmarkResetLog", Benchmark, "Start measuring.";
    BenchmarkFinalizeLog = -23, "BenchmarkFinalizeLog", Benchmark, "Stop measuring.";
    BenchmarkSetLogBuffer = -24, "BenchmarkSetLogBuffer", Benchmark, "Give the frame of the log.";
    BenchmarkNullSyscall = -25, "BenchmarkNullSyscall", Benchmark, "Do nothing.";
    BenchmarkGetThreadUtilisation = -26, "BenchmarkGetThreadUtilisation", Benchmark, "Read a thread's counters.";
    BenchmarkResetThreadUtilisation = -27, "BenchmarkResetThreadUtilisation", Benchmark, "Zero a thread's counters.";
    BenchmarkDumpAllThreadsUtilisation = -28, "BenchmarkDumpAllThreadsUtilisation", DebugBenchmark,
        "Print the counters of all threads.";
    BenchmarkResetAllThreadsUtilisation = -29, "BenchmarkResetAllThreadsUtilisation", DebugBenchmark,
        "Zero the counters of all threads.";
    X86DangerousWrmsr = -30, "X86DangerousWRMSR", DangerousMsr, "Write a model-specific register.";
    X86DangerousRdmsr = -31, "X86DangerousRDMSR", DangerousMsr, "Read a model-specific register.";
    VmEnter = -32, "VMEnter", Vtx, "Run the guest of the thread's VCPU.";
    SetTlsBase = -33, "SetTLSBase", SetTlsBase, "Set the caller's own TLS register.";
}

impl Syscall {
    /// The call of that number, if this profile and flavour have it.
    pub fn from_number(number: i64, profile: &Profile, flavour: Flavour) -> Option<Self> {
        // -1 is index 0: the bitwise complement; other values become indices that are out of range.
        let index = usize::try_from(!number).ok()?;
        Self::ALL
            .get(index)
            .copied()
            .filter(|call| call.exists(profile, flavour))
    }

    /// The value of the system call register.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// Whether this profile and flavour have the call.
    pub const fn exists(self, profile: &Profile, flavour: Flavour) -> bool {
        self.when().holds(profile, flavour)
    }
}

const _: () = {
    let mut index = 0;
    while index < Syscall::ALL.len() {
        assert!(
            Syscall::ALL[index].number() == !(index as i64),
            "a call is out of order"
        );
        index += 1;
    }
};
