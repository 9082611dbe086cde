//! The invocations of all objects, and the labels that name them in a message.
//!
//! A label is the position in one ordered list, counted over those invocations that the ISA and profile have; label 0
//! is no invocation. So one option shifts every label behind it, and the list is written once.

use crate::Word;
use crate::profile::{ISA, Isa, PROFILE, Profile};

/// The condition under which an invocation takes a label.
#[derive(Clone, Copy)]
enum When {
    Always,
    HardwareDebug,
    Vtx,
    Vtx64BitGuests,
    Iommu,
    Hypervisor,
    Smp,
    Uniprocessor,
    Smmu,
}

impl When {
    const fn holds(self, profile: &Profile) -> bool {
        match self {
            Self::Always => true,
            Self::HardwareDebug => profile.hardware_debug_api,
            Self::Vtx => profile.vtx,
            Self::Vtx64BitGuests => profile.vtx_64bit_guests,
            Self::Iommu => profile.iommu,
            Self::Hypervisor => profile.arm_hypervisor,
            Self::Smp => profile.smp(),
            Self::Uniprocessor => !profile.smp(),
            Self::Smmu => profile.arm_smmu,
        }
    }
}

/// The ISAs that have an invocation.
#[derive(Clone, Copy)]
enum On {
    Any,
    X86_64,
    AArch64,
    RiscV64,
}

impl On {
    const fn includes(self, isa: Isa) -> bool {
        match self {
            Self::Any => true,
            Self::X86_64 => isa.is(Isa::X86_64),
            Self::AArch64 => isa.is(Isa::AArch64),
            Self::RiscV64 => isa.is(Isa::RiscV64),
        }
    }
}

/// One line per invocation, in the order of the labels: variant, label name in libsel4, ISA, condition.
macro_rules! invocations {
    ($($variant:ident, $name:literal, $on:ident, $when:ident;)*) => {
        /// An invocation, whatever label it has in a profile.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Invocation {
            $(#[doc = concat!("`", $name, "` in libsel4.")] $variant,)*
        }

        impl Invocation {
            /// All invocations, in the order of their labels.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The label's name in libsel4.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn presence(self) -> (On, When) {
                match self { $(Self::$variant => (On::$on, When::$when),)* }
            }
        }
    };
}

invocations! {
    // All ISAs.
    UntypedRetype, "UntypedRetype", Any, Always;
    TcbReadRegisters, "TCBReadRegisters", Any, Always;
    TcbWriteRegisters, "TCBWriteRegisters", Any, Always;
    TcbCopyRegisters, "TCBCopyRegisters", Any, Always;
    TcbConfigure, "TCBConfigure", Any, Always;
    TcbSetPriority, "TCBSetPriority", Any, Always;
    TcbSetMcPriority, "TCBSetMCPriority", Any, Always;
    TcbSetSchedParams, "TCBSetSchedParams", Any, Always;
    TcbSetTimeoutEndpoint, "TCBSetTimeoutEndpoint", Any, Always;
    TcbSetIpcBuffer, "TCBSetIPCBuffer", Any, Always;
    TcbSetSpace, "TCBSetSpace", Any, Always;
    TcbSuspend, "TCBSuspend", Any, Always;
    TcbResume, "TCBResume", Any, Always;
    TcbBindNotification, "TCBBindNotification", Any, Always;
    TcbUnbindNotification, "TCBUnbindNotification", Any, Always;
    TcbSetBreakpoint, "TCBSetBreakpoint", Any, HardwareDebug;
    TcbGetBreakpoint, "TCBGetBreakpoint", Any, HardwareDebug;
    TcbUnsetBreakpoint, "TCBUnsetBreakpoint", Any, HardwareDebug;
    TcbConfigureSingleStepping, "TCBConfigureSingleStepping", Any, HardwareDebug;
    TcbSetTlsBase, "TCBSetTLSBase", Any, Always;
    TcbSetFlags, "TCBSetFlags", Any, Always;
    CNodeRevoke, "CNodeRevoke", Any, Always;
    CNodeDelete, "CNodeDelete", Any, Always;
    CNodeCancelBadgedSends, "CNodeCancelBadgedSends", Any, Always;
    CNodeCopy, "CNodeCopy", Any, Always;
    CNodeMint, "CNodeMint", Any, Always;
    CNodeMove, "CNodeMove", Any, Always;
    CNodeMutate, "CNodeMutate", Any, Always;
    CNodeRotate, "CNodeRotate", Any, Always;
    IrqIssueIrqHandler, "IRQIssueIRQHandler", Any, Always;
    IrqAckIrq, "IRQAckIRQ", Any, Always;
    IrqSetIrqHandler, "IRQSetIRQHandler", Any, Always;
    IrqClearIrqHandler, "IRQClearIRQHandler", Any, Always;
    DomainSetSet, "DomainSetSet", Any, Always;
    DomainScheduleConfigure, "DomainScheduleConfigure", Any, Always;
    DomainScheduleSetStart, "DomainScheduleSetStart", Any, Always;
    SchedControlConfigureFlags, "SchedControlConfigureFlags", Any, Always;
    SchedContextBind, "SchedContextBind", Any, Always;
    SchedContextUnbind, "SchedContextUnbind", Any, Always;
    SchedContextUnbindObject, "SchedContextUnbindObject", Any, Always;
    SchedContextConsumed, "SchedContextConsumed", Any, Always;
    SchedContextYieldTo, "SchedContextYieldTo", Any, Always;
    // x86_64.
    X86PdptMap, "X86PDPTMap", X86_64, Always;
    X86PdptUnmap, "X86PDPTUnmap", X86_64, Always;
    X86VcpuReadMsr, "X86VCPUReadMSR", X86_64, Vtx64BitGuests;
    X86VcpuWriteMsr, "X86VCPUWriteMSR", X86_64, Vtx64BitGuests;
    X86PageDirectoryMap, "X86PageDirectoryMap", X86_64, Always;
    X86PageDirectoryUnmap, "X86PageDirectoryUnmap", X86_64, Always;
    X86PageTableMap, "X86PageTableMap", X86_64, Always;
    X86PageTableUnmap, "X86PageTableUnmap", X86_64, Always;
    X86IoPageTableMap, "X86IOPageTableMap", X86_64, Iommu;
    X86IoPageTableUnmap, "X86IOPageTableUnmap", X86_64, Iommu;
    X86PageMap, "X86PageMap", X86_64, Always;
    X86PageUnmap, "X86PageUnmap", X86_64, Always;
    X86PageMapIo, "X86PageMapIO", X86_64, Iommu;
    X86PageGetAddress, "X86PageGetAddress", X86_64, Always;
    X86PageMapEpt, "X86PageMapEPT", X86_64, Vtx;
    X86AsidControlMakePool, "X86ASIDControlMakePool", X86_64, Always;
    X86AsidPoolAssign, "X86ASIDPoolAssign", X86_64, Always;
    X86IoPortControlIssue, "X86IOPortControlIssue", X86_64, Always;
    X86IoPortIn8, "X86IOPortIn8", X86_64, Always;
    X86IoPortIn16, "X86IOPortIn16", X86_64, Always;
    X86IoPortIn32, "X86IOPortIn32", X86_64, Always;
    X86IoPortOut8, "X86IOPortOut8", X86_64, Always;
    X86IoPortOut16, "X86IOPortOut16", X86_64, Always;
    X86IoPortOut32, "X86IOPortOut32", X86_64, Always;
    X86IrqIssueIrqHandlerIoapic, "X86IRQIssueIRQHandlerIOAPIC", X86_64, Always;
    X86IrqIssueIrqHandlerMsi, "X86IRQIssueIRQHandlerMSI", X86_64, Always;
    TcbSetEptRoot, "TCBSetEPTRoot", X86_64, Vtx;
    X86VcpuSetTcb, "X86VCPUSetTCB", X86_64, Vtx;
    X86VcpuReadVmcs, "X86VCPUReadVMCS", X86_64, Vtx;
    X86VcpuWriteVmcs, "X86VCPUWriteVMCS", X86_64, Vtx;
    X86VcpuEnableIoPort, "X86VCPUEnableIOPort", X86_64, Vtx;
    X86VcpuDisableIoPort, "X86VCPUDisableIOPort", X86_64, Vtx;
    X86VcpuWriteRegisters, "X86VCPUWriteRegisters", X86_64, Vtx;
    X86EptPdptMap, "X86EPTPDPTMap", X86_64, Vtx;
    X86EptPdptUnmap, "X86EPTPDPTUnmap", X86_64, Vtx;
    X86EptPdMap, "X86EPTPDMap", X86_64, Vtx;
    X86EptPdUnmap, "X86EPTPDUnmap", X86_64, Vtx;
    X86EptPtMap, "X86EPTPTMap", X86_64, Vtx;
    X86EptPtUnmap, "X86EPTPTUnmap", X86_64, Vtx;
    // AArch64.
    ArmVSpaceCleanData, "ARMVSpaceClean_Data", AArch64, Always;
    ArmVSpaceInvalidateData, "ARMVSpaceInvalidate_Data", AArch64, Always;
    ArmVSpaceCleanInvalidateData, "ARMVSpaceCleanInvalidate_Data", AArch64, Always;
    ArmVSpaceUnifyInstruction, "ARMVSpaceUnify_Instruction", AArch64, Always;
    ArmSmcCall, "ARMSMCCall", AArch64, Always;
    ArmPageTableMap, "ARMPageTableMap", AArch64, Always;
    ArmPageTableUnmap, "ARMPageTableUnmap", AArch64, Always;
    ArmPageMap, "ARMPageMap", AArch64, Always;
    ArmPageUnmap, "ARMPageUnmap", AArch64, Always;
    ArmPageCleanData, "ARMPageClean_Data", AArch64, Always;
    ArmPageInvalidateData, "ARMPageInvalidate_Data", AArch64, Always;
    ArmPageCleanInvalidateData, "ARMPageCleanInvalidate_Data", AArch64, Always;
    ArmPageUnifyInstruction, "ARMPageUnify_Instruction", AArch64, Always;
    ArmPageGetAddress, "ARMPageGetAddress", AArch64, Always;
    ArmAsidControlMakePool, "ARMASIDControlMakePool", AArch64, Always;
    ArmAsidPoolAssign, "ARMASIDPoolAssign", AArch64, Always;
    ArmVcpuSetTcb, "ARMVCPUSetTCB", AArch64, Hypervisor;
    ArmVcpuInjectIrq, "ARMVCPUInjectIRQ", AArch64, Hypervisor;
    ArmVcpuReadReg, "ARMVCPUReadReg", AArch64, Hypervisor;
    ArmVcpuWriteReg, "ARMVCPUWriteReg", AArch64, Hypervisor;
    ArmVcpuAckVppi, "ARMVCPUAckVPPI", AArch64, Hypervisor;
    ArmIrqIssueIrqHandlerTrigger, "ARMIRQIssueIRQHandlerTrigger", AArch64, Always;
    ArmIrqIssueIrqHandlerTriggerCore, "ARMIRQIssueIRQHandlerTriggerCore", AArch64, Smp;
    ArmIrqIssueSgiSignal, "ARMIRQIssueSGISignal", AArch64, Uniprocessor;
    ArmSidIssueSidManager, "ARMSIDIssueSIDManager", AArch64, Smmu;
    ArmSidGetFault, "ARMSIDGetFault", AArch64, Smmu;
    ArmSidClearFault, "ARMSIDClearFault", AArch64, Smmu;
    ArmSidBindCb, "ARMSIDBindCB", AArch64, Smmu;
    ArmSidUnbindCb, "ARMSIDUnbindCB", AArch64, Smmu;
    ArmCbIssueCbManager, "ARMCBIssueCBManager", AArch64, Smmu;
    ArmCbTlbInvalidateAll, "ARMCBTLBInvalidateAll", AArch64, Smmu;
    ArmCbAssignVSpace, "ARMCBAssignVspace", AArch64, Smmu;
    ArmCbUnassignVSpace, "ARMCBUnassignVspace", AArch64, Smmu;
    ArmCbTlbInvalidate, "ARMCBTLBInvalidate", AArch64, Smmu;
    ArmCbGetFault, "ARMCBGetFault", AArch64, Smmu;
    ArmCbClearFault, "ARMCBClearFault", AArch64, Smmu;
    // RISC-V 64.
    RiscvPageTableMap, "RISCVPageTableMap", RiscV64, Always;
    RiscvPageTableUnmap, "RISCVPageTableUnmap", RiscV64, Always;
    RiscvPageMap, "RISCVPageMap", RiscV64, Always;
    RiscvPageUnmap, "RISCVPageUnmap", RiscV64, Always;
    RiscvPageGetAddress, "RISCVPageGetAddress", RiscV64, Always;
    RiscvAsidControlMakePool, "RISCVASIDControlMakePool", RiscV64, Always;
    RiscvAsidPoolAssign, "RISCVASIDPoolAssign", RiscV64, Always;
    RiscvIrqIssueIrqHandlerTrigger, "RISCVIRQIssueIRQHandlerTrigger", RiscV64, Always;
}

impl Invocation {
    /// Whether the ISA and profile have this invocation.
    pub const fn exists(self, isa: Isa, profile: &Profile) -> bool {
        let (on, when) = self.presence();
        on.includes(isa) && when.holds(profile)
    }
}

/// Invocations that exist on some ISA; also more than the largest label.
const COUNT: usize = Invocation::ALL.len();

/// The labels of one ISA and profile, in both directions.
#[derive(Clone, Debug)]
pub struct Labels {
    by_label: [Option<Invocation>; COUNT + 1],
    by_invocation: [u8; COUNT],
    count: u8,
}

/// Counts the labels of an ISA and profile.
pub const fn labels(isa: Isa, profile: &Profile) -> Labels {
    let mut labels = Labels {
        by_label: [None; COUNT + 1],
        by_invocation: [0; COUNT],
        count: 0,
    };
    let mut index = 0;
    while index < COUNT {
        let invocation = Invocation::ALL[index];
        if invocation.exists(isa, profile) {
            labels.count += 1;
            labels.by_label[labels.count as usize] = Some(invocation);
            labels.by_invocation[index] = labels.count;
        }
        index += 1;
    }
    labels
}

impl Labels {
    /// The invocation that a label names. Never panics, whatever the label.
    #[inline]
    pub const fn invocation(&self, label: Word) -> Option<Invocation> {
        if label <= COUNT as Word {
            self.by_label[label as usize]
        } else {
            None
        }
    }

    /// The label of an invocation, if it exists here.
    #[inline]
    pub const fn label(&self, invocation: Invocation) -> Option<Word> {
        match self.by_invocation[invocation as usize] {
            0 => None,
            label => Some(label as Word),
        }
    }

    /// The largest label.
    pub const fn count(&self) -> Word {
        self.count as Word
    }

    /// All labels with what they name, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Word, Invocation)> + '_ {
        (1..=self.count()).filter_map(|label| Some((label, self.invocation(label)?)))
    }
}

/// The labels of this build.
pub static LABELS: Labels = labels(ISA, &PROFILE);

const _: () = {
    assert!(
        COUNT < u8::MAX as usize,
        "labels no longer fit the table's bytes"
    );
    let mut index = 0;
    while index < COUNT {
        assert!(
            Invocation::ALL[index] as usize == index,
            "the discriminant is the index"
        );
        index += 1;
    }
};
