//! AArch64: from the firmware or a loader to the first thread, and from user mode into the
//! kernel and back.

mod boot;
mod contract;
mod debug;
mod devices;
mod events;
mod memory;
mod paging;
mod root_task;
mod start;
mod symbols;
pub(crate) mod trap;
mod window;

pub(crate) use debug::{end, put};

// A kernel that takes such a profile's word for it would start at the wrong level, and refuse all
// that its images ask for.
const _: () = assert!(
    !(abi::PROFILE.arm_hypervisor || abi::PROFILE.arm_smmu),
    "this profile wants a kernel at EL2, with virtual machines (arm_hypervisor) or an SMMU \
     (arm_smmu): there is none yet. Choose a profile without them; for Microkit's boards at EL1 \
     there is `microkit-el1`"
);

/// Cores that this image drives.
pub(crate) const CORES: usize = 1;
