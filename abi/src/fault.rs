//! Faults: type numbers (the label of the message to a handler) and message layouts.
//!
//! Layouts that differ by ISA are in [`crate::x86_64`], [`crate::aarch64`] and [`crate::riscv64`]. The type numbers are
//! the same everywhere; which types exist depends on ISA and profile.

use crate::Word;
use crate::error::numbered;
use crate::layout::words;
use crate::profile::{Isa, Profile};

numbered! {
    /// A type of fault.
    FaultType {
        /// None: the label of a message that is no fault.
        NullFault = 0,
        /// A capability lookup failed.
        CapFault = 1,
        /// A system call number that does not exist.
        UnknownSyscall = 2,
        /// An exception of the processor.
        UserException = 3,
        /// A breakpoint, watchpoint or single step.
        DebugException = 4,
        /// The budget ran out.
        Timeout = 5,
        /// A memory access failed.
        VMFault = 6,
        /// The virtual interrupt controller wants attention.
        VGICMaintenance = 7,
        /// A guest trapped.
        VCPUFault = 8,
        /// A virtual private interrupt arrived.
        VPPIEvent = 9,
    }
}

impl FaultType {
    /// Whether the ISA and profile have this type.
    pub const fn exists(self, isa: Isa, profile: &Profile) -> bool {
        match self {
            Self::DebugException => profile.hardware_debug_api,
            Self::VGICMaintenance | Self::VCPUFault | Self::VPPIEvent => {
                isa.is(Isa::AArch64) && profile.arm_hypervisor
            }
            _ => true,
        }
    }
}

words! {
    /// A cap fault; the words after `LOOKUP_FAILURE_TYPE` depend on it. `LENGTH` is that of a guard mismatch.
    cap_fault { IP, ADDR, IN_RECV_PHASE, LOOKUP_FAILURE_TYPE, BITS_LEFT, GUARD_FOUND, GUARD_BITS_FOUND }
}

/// Where a depth mismatch tells the bits found: in the word that a guard mismatch uses for the guard.
pub const CAP_FAULT_DEPTH_BITS_FOUND: usize = cap_fault::GUARD_FOUND;

words! {
    /// A failed memory access.
    vm_fault { IP, ADDR, PREFETCH_FAULT, FSR }
}

words! {
    /// A budget that ran out.
    timeout { DATA, CONSUMED }
}

words! {
    /// A breakpoint, watchpoint or single step: the first two words, and all for breakpoints and watchpoints.
    debug_exception { FAULT_IP, EXCEPTION_REASON, TRIGGER_ADDRESS, BREAKPOINT_NUMBER }
}

/// Words of a debug exception that is neither breakpoint nor watchpoint.
pub const DEBUG_EXCEPTION_SHORT_LENGTH: usize = 2;

words! {
    /// The virtual interrupt controller wants attention: the list register, or all ones.
    vgic_maintenance { IDX }
}

words! {
    /// A guest trapped: its syndrome.
    vcpu_fault { HSR }
}

words! {
    /// A virtual private interrupt: its number.
    vppi_event { IRQ }
}

/// Values of `PREFETCH_FAULT`: the access was to data.
pub const DATA_FAULT: Word = 0;
/// The access was an instruction fetch.
pub const INSTRUCTION_FAULT: Word = 1;

numbered! {
    /// Why a debug exception was raised; the first two are also the types of a breakpoint.
    DebugReason {
        /// A watchpoint.
        DataBreakpoint = 0,
        /// A breakpoint.
        InstructionBreakpoint = 1,
        /// A single step.
        SingleStep = 2,
        /// A breakpoint instruction.
        SoftwareBreakRequest = 3,
    }
}

numbered! {
    /// The accesses that trigger a breakpoint.
    BreakpointAccess {
        /// Reading (or executing).
        BreakOnRead = 0,
        /// Writing.
        BreakOnWrite = 1,
        /// Either.
        BreakOnReadWrite = 2,
    }
}
