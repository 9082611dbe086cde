//! What a build is for: an ISA, a profile (numbers that user images bake in) and a flavour.
//!
//! The values come from `profiles.toml`, which describes each key; a build chooses by `LINCHPIN_ISA`,
//! `LINCHPIN_PROFILE` and `LINCHPIN_FLAVOUR`. Code asks these constants and never a `cfg`.

/// An instruction set architecture with its own objects, invocations and registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isa {
    /// Intel and AMD, 64-bit.
    X86_64,
    /// Arm, 64-bit.
    AArch64,
    /// RISC-V, 64-bit, Sv39.
    RiscV64,
}

impl Isa {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::AArch64, Self::RiscV64];

    /// The name that `LINCHPIN_ISA` and the Rust targets use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::AArch64 => "aarch64",
            Self::RiscV64 => "riscv64",
        }
    }

    /// Equality for constants.
    pub const fn is(self, other: Self) -> bool {
        self as u8 == other as u8
    }
}

/// How talkative a kernel is and what it measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavour {
    /// Debug system calls, console output, checks.
    Debug,
    /// Neither debug nor benchmark calls.
    Release,
    /// Release with the benchmark calls and utilisation counters.
    Benchmark,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Debug, Self::Release, Self::Benchmark];

    /// The name that `LINCHPIN_FLAVOUR` uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
            Self::Benchmark => "benchmark",
        }
    }

    /// Whether the debug system calls exist.
    pub const fn debug(self) -> bool {
        matches!(self, Self::Debug)
    }

    /// Whether the kernel prints, and lets user code print.
    pub const fn printing(self) -> bool {
        self.debug()
    }

    /// Whether the benchmark system calls exist.
    pub const fn benchmark(self) -> bool {
        matches!(self, Self::Benchmark)
    }
}

/// The numbers of one profile, for one ISA and flavour. `profiles.toml` describes each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Name in `profiles.toml`.
    pub name: &'static str,
    /// log2 of the slots of the root task's CNode.
    pub root_cnode_size_bits: usize,
    /// Scheduling domains.
    pub num_domains: usize,
    /// Entries of the domain schedule; the last is always an end marker.
    pub num_domain_schedules: usize,
    /// Priorities.
    pub num_priorities: usize,
    /// SchedControl capabilities.
    pub num_nodes: usize,
    /// Length of the untyped list in BootInfo.
    pub max_untyped_caps: usize,
    /// Budget and period of the root task, in milliseconds.
    pub boot_thread_time_slice_ms: u64,
    /// Factor on the assumed worst-case execution time of the kernel.
    pub kernel_wcet_scale: u64,
    /// Longest period in microseconds; 0: what the timer can count.
    pub static_max_period_us: u64,
    /// Most objects that one Retype makes.
    pub retype_fan_out_limit: usize,
    /// Units of work between two preemption points.
    pub max_work_units: usize,
    /// log2 of the bytes that an untyped's reset clears between two preemption points.
    pub reset_chunk_bits: usize,
    /// Processor time is counted per thread, for the benchmark system calls.
    pub track_utilisation: bool,
    /// Breakpoints, watchpoints and single-stepping exist.
    pub hardware_debug_api: bool,
    /// The system call SetTLSBase exists.
    pub set_tls_base_self: bool,
    /// Hz of the timer where software bakes it in; 0: found at boot.
    pub timer_frequency_hz: u64,
    /// x86: frames of 1 GiB exist.
    pub huge_page: bool,
    /// x86: IO address spaces exist.
    pub iommu: bool,
    /// x86: virtual machines by VT-x exist.
    pub vtx: bool,
    /// x86: guests may run 64-bit code.
    pub vtx_64bit_guests: bool,
    /// x86: bytes of FPU state for which a TCB has room.
    pub xsave_size: usize,
    /// x86: XSAVE features that images are told of.
    pub xsave_feature_set: u64,
    /// x86: images write FS and GS bases with instructions.
    pub fsgsbase: bool,
    /// x86: the system calls for model-specific registers exist.
    pub dangerous_msr: bool,
    /// x86: user code may read performance counters.
    pub export_pmc_user: bool,
    /// AArch64: the kernel runs at EL2.
    pub arm_hypervisor: bool,
    /// AArch64: the SMMU invocations exist.
    pub arm_smmu: bool,
    /// AArch64: bits of a physical address.
    pub arm_pa_size_bits: usize,
    /// AArch64: the SMC capability exists.
    pub allow_smc_calls: bool,
    /// AArch64: user code may use the performance monitor.
    pub export_pmu_user: bool,
    /// AArch64: user code may read the physical counter.
    pub export_pcnt_user: bool,
    /// AArch64: user code may read the virtual counter.
    pub export_vcnt_user: bool,
    /// AArch64: user code may use the physical timer.
    pub export_ptmr_user: bool,
    /// AArch64: user code may use the virtual timer.
    pub export_vtmr_user: bool,
}

impl Profile {
    /// Whether this is a multiprocessor ABI.
    pub const fn smp(&self) -> bool {
        self.num_nodes > 1
    }
}

/// Every profile for every ISA and flavour.
pub fn all() -> impl Iterator<Item = &'static (Isa, Flavour, Profile)> {
    ALL.iter()
}

/// The profile of that name for an ISA and flavour.
pub fn find(name: &str, isa: Isa, flavour: Flavour) -> Option<&'static Profile> {
    all()
        .find(|(i, f, profile)| *i == isa && *f == flavour && profile.name == name)
        .map(|(_, _, profile)| profile)
}

include!(concat!(env!("OUT_DIR"), "/profiles.rs"));
