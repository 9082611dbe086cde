//! Our numbers under the names that libsel4 gives them.

use std::collections::BTreeMap;

use linchpin_abi::{
    CapRights, ErrorCode, FaultType, Flavour, Isa, LookupFailureKind, Profile, aarch64, benchmark,
    bootinfo, cnode, fault, ipc_buffer, message, object, riscv64, sched, x86_64,
};

/// Name to number; `None` says that the name has no number here.
pub(crate) struct Constants(BTreeMap<String, Option<i128>>);

/// Names are compared without regard to case and underscores: the tables' `s0`, our `S0`.
pub(crate) fn key(name: &str) -> String {
    name.replace('_', "").to_uppercase()
}

/// Everything that libsel4 has a constant for, in one ISA and profile.
pub(crate) fn constants(isa: Isa, profile: &Profile) -> Constants {
    let mut c = Constants(BTreeMap::new());
    common(&mut c);
    errors_and_faults(&mut c, isa, profile);
    objects(&mut c, isa, profile);
    boot(&mut c);
    match isa {
        Isa::X86_64 => x86(&mut c, profile),
        Isa::AArch64 => arm(&mut c, profile),
        Isa::RiscV64 => riscv(&mut c),
    }
    if profile.hardware_debug_api {
        debug(&mut c);
    }
    c
}

impl Constants {
    /// `None`: not known; `Some(None)`: known to be absent here.
    pub(crate) fn get(&self, name: &str) -> Option<Option<i128>> {
        self.0.get(&key(name)).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Option<i128>)> {
        self.0.iter()
    }

    fn put(&mut self, name: &str, number: impl TryInto<i128>) {
        let number = number.try_into().unwrap_or_else(|_| panic!("{name} fits"));
        let before = self.0.insert(key(name), Some(number));
        assert!(
            before.is_none_or(|before| before == Some(number)),
            "{name} is {before:?} and {number}"
        );
    }

    fn all(&mut self, list: &[(&str, usize)]) {
        for (name, number) in list {
            self.put(name, *number as i128);
        }
    }

    /// A message layout: its words and its length.
    fn words(&mut self, prefix: &str, names: &[&str]) {
        for (index, name) in names.iter().enumerate() {
            self.put(&format!("{prefix}_{name}"), index as i128);
        }
        self.put(&format!("{prefix}_Length"), names.len() as i128);
    }
}

fn common(c: &mut Constants) {
    c.all(&[
        ("seL4_MsgMaxLength", message::MSG_MAX_LENGTH),
        ("seL4_MsgMaxExtraCaps", message::MAX_EXTRA_CAPS),
        ("seL4_FastMessageRegisters", message::MESSAGE_REGISTERS),
        ("seL4_MsgLengthBits", message::LENGTH_BITS),
        ("seL4_MsgExtraCapBits", message::EXTRA_CAPS_BITS),
        ("seL4_CapRightsBits", linchpin_abi::rights::CAP_RIGHTS_BITS),
        ("seL4_GuardBits", cnode::GUARD_BITS),
        ("seL4_GuardSizeBits", cnode::GUARD_SIZE_BITS),
        ("seL4_BadgeBits", object::BADGE_BITS),
        ("seL4_IPCBufferSizeBits", ipc_buffer::IPC_BUFFER_BITS),
        ("seL4_WordBits", linchpin_abi::WORD_BITS),
        (
            "seL4_WordSizeBits",
            linchpin_abi::WORD_BITS.ilog2() as usize - 3,
        ),
        (
            "seL4_CoreSchedContextBytes",
            sched::CORE_SCHED_CONTEXT_BYTES,
        ),
        ("seL4_RefillSizeBytes", sched::REFILL_BYTES),
        ("seL4_LogBufferSize", benchmark::LOG_BUFFER_BYTES),
    ]);
    c.put("seL4_SchedContext_NoFlag", sched::SCHED_CONTEXT_NO_FLAG);
    c.put("seL4_SchedContext_Sporadic", sched::SCHED_CONTEXT_SPORADIC);
    c.put("seL4_TCBFlag_NoFlag", sched::TCB_FLAG_NONE);
    c.put("seL4_TCBFlag_fpuDisabled", sched::TCB_FLAG_FPU_DISABLED);
    c.put("seL4_TCBFlag_MASK", sched::TCB_FLAG_MASK);
    c.put("CapRights_All", CapRights::ALL.0);
    for (index, name) in benchmark::utilisation::NAMES.iter().enumerate() {
        c.put(&format!("BENCHMARK_{name}"), index as i128);
    }
    for (index, name) in benchmark::entry::NAMES.iter().enumerate() {
        c.put(&format!("Entry_{name}"), index as i128);
    }
    c.put("Entry_VMExit", benchmark::entry::VIRTUALISATION as i128);
    c.put("Entry_VCPUFault", benchmark::entry::VIRTUALISATION as i128);
}

fn errors_and_faults(c: &mut Constants, isa: Isa, profile: &Profile) {
    for code in ErrorCode::ALL {
        c.put(&format!("seL4_{}", code.name()), code.number());
    }
    c.put("seL4_NumErrors", ErrorCode::ALL.len() as i128);
    for kind in LookupFailureKind::ALL {
        c.put(&format!("seL4_{}", kind.name()), kind.number());
    }
    for fault in FaultType::ALL
        .iter()
        .filter(|fault| fault.exists(isa, profile))
    {
        c.put(&format!("seL4_Fault_{}", fault.name()), fault.number());
    }
    c.put("seL4_NoFault", FaultType::NullFault.number());
    c.put("seL4_CapFault", FaultType::CapFault.number());
    c.put("seL4_VMFault", FaultType::VMFault.number());
    c.put("SEL4_PFIPC_LABEL", FaultType::VMFault.number());
    c.put("seL4_UnknownSyscall", FaultType::UnknownSyscall.number());
    c.put("SEL4_EXCEPT_IPC_LABEL", FaultType::UnknownSyscall.number());
    c.put("seL4_UserException", FaultType::UserException.number());
    c.put(
        "SEL4_USER_EXCEPTION_LABEL",
        FaultType::UserException.number(),
    );
    for (index, name) in fault::cap_fault::NAMES
        .iter()
        .enumerate()
        .take(fault::cap_fault::GUARD_FOUND)
    {
        c.put(&format!("seL4_CapFault_{name}"), index as i128);
    }
    c.all(&[
        (
            "seL4_CapFault_DepthMismatch_BitsFound",
            fault::CAP_FAULT_DEPTH_BITS_FOUND,
        ),
        (
            "seL4_CapFault_GuardMismatch_GuardFound",
            fault::cap_fault::GUARD_FOUND,
        ),
        (
            "seL4_CapFault_GuardMismatch_BitsFound",
            fault::cap_fault::GUARD_BITS_FOUND,
        ),
        ("SEL4_PFIPC_FAULT_IP", fault::vm_fault::IP),
        ("SEL4_PFIPC_FAULT_ADDR", fault::vm_fault::ADDR),
        ("SEL4_PFIPC_PREFETCH_FAULT", fault::vm_fault::PREFETCH_FAULT),
        ("SEL4_PFIPC_FSR", fault::vm_fault::FSR),
        ("SEL4_PFIPC_LENGTH", fault::vm_fault::LENGTH),
    ]);
    c.words("seL4_VMFault", &fault::vm_fault::NAMES);
    c.words("seL4_Timeout", &fault::timeout::NAMES);
    let (unknown, exception, reply): (&[&str], &[&str], &[&str]) = match isa {
        Isa::X86_64 => (
            &x86_64::unknown_syscall::NAMES,
            &x86_64::user_exception::NAMES,
            &x86_64::timeout_reply::NAMES,
        ),
        Isa::AArch64 => (
            &aarch64::unknown_syscall::NAMES,
            &aarch64::user_exception::NAMES,
            &aarch64::timeout_reply::NAMES,
        ),
        Isa::RiscV64 => (
            &riscv64::unknown_syscall::NAMES,
            &riscv64::user_exception::NAMES,
            &riscv64::timeout_reply::NAMES,
        ),
    };
    c.words("seL4_UnknownSyscall", unknown);
    c.words("seL4_UserException", exception);
    c.words("seL4_TimeoutReply", reply);
    c.put("seL4_DataFault", fault::DATA_FAULT);
    c.put("seL4_InstructionFault", fault::INSTRUCTION_FAULT);
}

fn objects(c: &mut Constants, isa: Isa, profile: &Profile) {
    let types = object::object_types(isa, profile);
    for object_type in object::ObjectType::ALL {
        let number = types.number(*object_type).map(i128::from);
        c.0.insert(key(&format!("seL4_{}", object_type.name())), number);
    }
    c.0.insert(key("seL4_ARM_IOPageTableObject"), None);
    c.0.insert(key("seL4_RISCV_Tera_Page"), None);
    c.put("seL4_NonArchObjectTypeCount", object::COMMON_TYPES as i128);
    c.put("seL4_ObjectTypeCount", types.count());
    c.all(&[
        ("seL4_EndpointBits", object::ENDPOINT_BITS),
        ("seL4_NotificationBits", object::NOTIFICATION_BITS),
        ("seL4_ReplyBits", object::REPLY_BITS),
        ("seL4_SlotBits", object::SLOT_BITS),
        ("seL4_MinSchedContextBits", object::MIN_SCHED_CONTEXT_BITS),
        ("seL4_MinUntypedBits", object::MIN_UNTYPED_BITS),
        ("seL4_MaxUntypedBits", object::max_untyped_bits(isa)),
        ("seL4_TCBBits", object::tcb_bits(isa, profile)),
        ("seL4_VSpaceBits", object::vspace_bits(isa, profile)),
        (
            "seL4_VSpaceIndexBits",
            object::vspace_index_bits(isa, profile),
        ),
        ("seL4_VSpaceEntryBits", object::PAGE_TABLE_ENTRY_BITS),
        ("seL4_PageBits", object::PAGE_BITS),
        ("seL4_LargePageBits", object::LARGE_PAGE_BITS),
        ("seL4_HugePageBits", object::HUGE_PAGE_BITS),
        ("seL4_PageTableBits", object::PAGE_TABLE_BITS),
        ("seL4_PageTableIndexBits", object::PAGE_TABLE_INDEX_BITS),
        ("seL4_PageTableEntryBits", object::PAGE_TABLE_ENTRY_BITS),
        ("seL4_ASIDPoolBits", object::ASID_POOL_BITS),
        ("seL4_ASIDPoolIndexBits", object::ASID_POOL_INDEX_BITS),
        ("seL4_NumASIDPoolsBits", object::num_asid_pools_bits(isa)),
        ("seL4_UntypedRetypeMaxObjects", profile.retype_fan_out_limit),
        ("seL4_MaxPrio", profile.num_priorities - 1),
    ]);
    c.put("seL4_MinPrio", object::MIN_PRIO);
    c.put("seL4_InvalidPrio", object::INVALID_PRIO.cast_signed());
}

fn boot(c: &mut Constants) {
    c.put(
        "seL4_BootInfoFrameBits",
        bootinfo::BOOT_INFO_FRAME_BITS as i128,
    );
    c.put(
        "seL4_BootInfoFrameSize",
        1_i128 << bootinfo::BOOT_INFO_FRAME_BITS,
    );
    c.put(
        "SEL4_MULTIBOOT_MAX_MMAP_ENTRIES",
        bootinfo::MULTIBOOT_MAX_MMAP_ENTRIES as i128,
    );
    c.put(
        "SEL4_MULTIBOOT_RAM_REGION_TYPE",
        bootinfo::MULTIBOOT_RAM_REGION_TYPE,
    );
    for (id, name) in bootinfo::header::NAMES.iter().enumerate() {
        c.put(&format!("SEL4_BOOTINFO_HEADER_{name}"), id as i128);
    }
    c.put("SEL4_BOOTINFO_HEADER_NUM", bootinfo::header::LENGTH as i128);
    for (slot, name) in bootinfo::slot::NAMES.iter().enumerate() {
        c.put(&format!("seL4_Cap{}", libsel4_slot(name)), slot as i128);
    }
    c.put("seL4_CapInitThreadPD", bootinfo::INIT_VSPACE as i128);
    c.put("seL4_NumInitialCaps", bootinfo::NUM_INITIAL_CAPS as i128);
}

/// libsel4 says `InitThreadTCB` where we say `INIT_TCB`.
pub(crate) fn libsel4_slot(name: &str) -> String {
    name.replace("INIT_", "INIT_THREAD_")
}

fn debug(c: &mut Constants) {
    c.words("seL4_DebugException", &fault::debug_exception::NAMES);
    for reason in fault::DebugReason::ALL {
        c.put(&format!("seL4_{}", reason.name()), reason.number());
    }
    for access in fault::BreakpointAccess::ALL {
        c.put(&format!("seL4_{}", access.name()), access.number());
    }
    c.put(
        "seL4_MaxBreakpointAccess",
        fault::BreakpointAccess::ALL.len() as i128,
    );
}

fn x86(c: &mut Constants, profile: &Profile) {
    use x86_64::{breakpoint, ept_attributes, irq, vm_attributes};
    c.put("seL4_UserTop", x86_64::USER_TOP);
    c.put("seL4_UserVSpaceTop", x86_64::USER_TOP - 1);
    c.put("MSI_MIN", irq::MSI_MIN);
    c.put("MSI_MAX", irq::MSI_MAX);
    c.put("TLS_GDT_ENTRY", x86_64::TLS_GDT_ENTRY);
    c.put("TLS_GDT_SELECTOR", x86_64::TLS_GDT_SELECTOR);
    c.put("seL4_VCPUBits", x86_64::VCPU_BITS as i128);
    c.put("seL4_X86_VCPUBits", x86_64::VCPU_BITS as i128);
    for table in [
        "PDPT",
        "PML4",
        "PageDir",
        "X86_EPTPD",
        "X86_EPTPDPT",
        "X86_EPTPML4",
        "X86_EPTPT",
        "IOPageTable",
    ] {
        let index_bits = if table == "IOPageTable" {
            x86_64::IO_PAGE_TABLE_INDEX_BITS
        } else {
            object::PAGE_TABLE_INDEX_BITS
        };
        c.put(
            &format!("seL4_{table}Bits"),
            object::PAGE_TABLE_BITS as i128,
        );
        c.put(&format!("seL4_{table}IndexBits"), index_bits as i128);
        c.put(
            &format!("seL4_{table}EntryBits"),
            object::PAGE_TABLE_ENTRY_BITS as i128,
        );
    }
    for (name, number) in [
        ("WriteBack", vm_attributes::WRITE_BACK),
        ("WriteThrough", vm_attributes::WRITE_THROUGH),
        ("CacheDisabled", vm_attributes::CACHE_DISABLED),
        ("Uncacheable", vm_attributes::UNCACHEABLE),
        ("WriteCombining", vm_attributes::WRITE_COMBINING),
        ("Default_VMAttributes", vm_attributes::DEFAULT),
        ("EPT_Uncacheable", ept_attributes::UNCACHEABLE),
        ("EPT_WriteCombining", ept_attributes::WRITE_COMBINING),
        ("EPT_WriteThrough", ept_attributes::WRITE_THROUGH),
        ("EPT_WriteProtected", ept_attributes::WRITE_PROTECTED),
        ("EPT_WriteBack", ept_attributes::WRITE_BACK),
        ("EPT_Default_VMAttributes", ept_attributes::DEFAULT),
    ] {
        c.put(&format!("seL4_X86_{name}"), number);
    }
    if profile.hardware_debug_api {
        c.put("seL4_FirstBreakpoint", breakpoint::FIRST_BREAKPOINT);
        c.put("seL4_FirstWatchpoint", breakpoint::FIRST_WATCHPOINT);
        c.put(
            "seL4_FirstDualFunctionMonitor",
            breakpoint::FIRST_DUAL_FUNCTION_MONITOR,
        );
        c.all(&[
            (
                "seL4_NumExclusiveBreakpoints",
                breakpoint::NUM_EXCLUSIVE_BREAKPOINTS,
            ),
            (
                "seL4_NumExclusiveWatchpoints",
                breakpoint::NUM_EXCLUSIVE_WATCHPOINTS,
            ),
            (
                "seL4_NumDualFunctionMonitors",
                breakpoint::NUM_DUAL_FUNCTION_MONITORS,
            ),
            ("seL4_NumHWBreakpoints", breakpoint::NUM_HW_BREAKPOINTS),
        ]);
    }
    vm_enter(c, profile);
}

fn vm_enter(c: &mut Constants, profile: &Profile) {
    use x86_64::vm_enter;
    c.put("SEL4_VMENTER_RESULT_NOTIF", x86_64::VM_ENTER_NOTIFICATION);
    c.put("SEL4_VMENTER_RESULT_FAULT", x86_64::VM_ENTER_FAULT);
    c.put(
        "SEL4_VMENTER_RESULT_NOTIF_LEN",
        x86_64::VM_ENTER_NOTIFICATION_LENGTH as i128,
    );
    if !profile.vtx {
        return;
    }
    let length = x86_64::vm_enter_fault_length(profile);
    c.all(&[
        ("SEL4_VMENTER_RESULT_FAULT_LEN", length),
        ("SEL4_VMENTER_NUM_FAULT_MSGS", length),
        ("SEL4_VMENTER_CALL_EIP_MR", vm_enter::EIP),
        ("SEL4_VMENTER_CALL_CONTROL_PPC_MR", vm_enter::CONTROL_PPC),
        (
            "SEL4_VMENTER_CALL_CONTROL_ENTRY_MR",
            vm_enter::CONTROL_ENTRY,
        ),
        (
            "SEL4_VMENTER_CALL_INTERRUPT_INFO_MR",
            vm_enter::CONTROL_ENTRY,
        ),
    ]);
    for (index, name) in vm_enter::NAMES
        .iter()
        .enumerate()
        .take(length)
        .skip(vm_enter::REASON)
    {
        let suffix = if index < vm_enter::EAX { "_MR" } else { "" };
        c.put(&format!("SEL4_VMENTER_FAULT_{name}{suffix}"), index as i128);
    }
}

fn arm(c: &mut Constants, profile: &Profile) {
    use aarch64::{breakpoint, cache, vm_attributes};
    c.put("seL4_UserTop", aarch64::user_top(profile));
    c.put("seL4_UserVSpaceTop", aarch64::user_top(profile));
    c.put("seL4_VCPUBits", aarch64::VCPU_BITS as i128);
    c.put("seL4_ARM_VCPUBits", aarch64::VCPU_BITS as i128);
    c.put("seL4_ARM_CacheI", cache::INSTRUCTION);
    c.put("seL4_ARM_CacheD", cache::DATA);
    c.put("seL4_ARM_CacheID", cache::BOTH);
    c.put("seL4_ARM_PageCacheable", vm_attributes::PAGE_CACHEABLE);
    c.put("seL4_ARM_ParityEnabled", vm_attributes::PARITY_ENABLED);
    c.put("seL4_ARM_ExecuteNever", vm_attributes::EXECUTE_NEVER);
    c.put("seL4_ARM_Default_VMAttributes", vm_attributes::DEFAULT);
    for (index, name) in aarch64::vcpu_register::NAMES.iter().enumerate() {
        c.put(&format!("seL4_VCPUReg_{name}"), index as i128);
    }
    c.all(&[
        ("seL4_VCPUReg_Num", aarch64::vcpu_register::LENGTH),
        (
            "seL4_VCPURegSaveRange_start",
            aarch64::VCPU_SAVE_RANGE_START,
        ),
        ("seL4_VCPURegSaveRange_end", aarch64::VCPU_SAVE_RANGE_END),
        (
            "seL4_NumExclusiveBreakpoints",
            breakpoint::NUM_EXCLUSIVE_BREAKPOINTS,
        ),
        (
            "seL4_NumExclusiveWatchpoints",
            breakpoint::NUM_EXCLUSIVE_WATCHPOINTS,
        ),
        ("seL4_NumHWBreakpoints", breakpoint::NUM_HW_BREAKPOINTS),
        (
            "seL4_NumDualFunctionMonitors",
            breakpoint::NUM_DUAL_FUNCTION_MONITORS,
        ),
    ]);
    c.put("seL4_FirstBreakpoint", breakpoint::FIRST_BREAKPOINT);
    c.put("seL4_FirstWatchpoint", breakpoint::FIRST_WATCHPOINT);
    c.put(
        "seL4_FirstDualFunctionMonitor",
        breakpoint::FIRST_DUAL_FUNCTION_MONITOR,
    );
    c.words("seL4_VGICMaintenance", &fault::vgic_maintenance::NAMES);
    c.words("seL4_VCPUFault", &fault::vcpu_fault::NAMES);
    c.words("seL4_VPPIEvent", &fault::vppi_event::NAMES);
    if profile.arm_hypervisor {
        c.put(
            "SEL4_VGIC_MAINTENANCE_LABEL",
            FaultType::VGICMaintenance.number(),
        );
        c.put("SEL4_VCPU_FAULT_LABEL", FaultType::VCPUFault.number());
        c.put(
            "SEL4_VGIC_MAINTENANCE_LENGTH",
            fault::vgic_maintenance::LENGTH as i128,
        );
        c.put("SEL4_VCPU_FAULT_LENGTH", fault::vcpu_fault::LENGTH as i128);
    }
}

fn riscv(c: &mut Constants) {
    use riscv64::vm_attributes;
    c.put("seL4_UserTop", riscv64::USER_TOP);
    c.put("seL4_UserVSpaceTop", riscv64::USER_TOP - 1);
    c.put("seL4_RISCV_ExecuteNever", vm_attributes::EXECUTE_NEVER);
    c.put("seL4_RISCV_Default_VMAttributes", vm_attributes::DEFAULT);
}

/// Capability type numbers under the tables' names.
pub(crate) fn cap_types(isa: Isa) -> Vec<(&'static str, u64)> {
    use linchpin_abi::cap_type as t;
    let mut types = vec![
        ("null", t::NULL),
        ("untyped", t::UNTYPED),
        ("endpoint", t::ENDPOINT),
        ("notification", t::NOTIFICATION),
        ("reply", t::REPLY),
        ("cnode", t::CNODE),
        ("thread", t::THREAD),
        ("irq_control", t::IRQ_CONTROL),
        ("irq_handler", t::IRQ_HANDLER),
        ("zombie", t::ZOMBIE),
        ("domain", t::DOMAIN),
        ("sched_context", t::SCHED_CONTEXT),
        ("sched_control", t::SCHED_CONTROL),
        ("frame", t::FRAME),
        ("page_table", t::PAGE_TABLE),
        ("asid_control", t::ASID_CONTROL),
        ("asid_pool", t::ASID_POOL),
    ];
    match isa {
        Isa::X86_64 => types.extend([
            ("page_directory", t::x86_64::PAGE_DIRECTORY),
            ("pdpt", t::x86_64::PDPT),
            ("pml4", t::x86_64::PML4),
            ("io_space", t::x86_64::IO_SPACE),
            ("io_page_table", t::x86_64::IO_PAGE_TABLE),
            ("io_port", t::x86_64::IO_PORT),
            ("vcpu", t::x86_64::VCPU),
            ("ept_pt", t::x86_64::EPT_PT),
            ("ept_pd", t::x86_64::EPT_PD),
            ("ept_pdpt", t::x86_64::EPT_PDPT),
            ("ept_pml4", t::x86_64::EPT_PML4),
            ("io_port_control", t::x86_64::IO_PORT_CONTROL),
        ]),
        Isa::AArch64 => types.extend([
            ("vspace", t::aarch64::VSPACE),
            ("vcpu", t::aarch64::VCPU),
            ("sid_control", t::aarch64::SID_CONTROL),
            ("sid", t::aarch64::SID),
            ("cb_control", t::aarch64::CB_CONTROL),
            ("cb", t::aarch64::CB),
            ("smc", t::aarch64::SMC),
            ("sgi_signal", t::aarch64::SGI_SIGNAL),
        ]),
        Isa::RiscV64 => {}
    }
    types
}

/// Numbers that the libsel4 headers do not name, but that user space sees.
pub(crate) fn unnamed(isa: Isa, profile: &Profile, flavour: Flavour) -> Vec<(&'static str, u64)> {
    let mut list = vec![
        ("user_device_top", object::user_device_top(isa, profile)),
        ("wcet_us", sched::wcet_us(profile)),
        ("min_budget_us", sched::min_budget_us(profile)),
        ("max_refills_8", sched::max_refills(8) as u64),
        ("domain_duration_bits", sched::DOMAIN_DURATION_BITS as u64),
        ("no_iopt_levels", bootinfo::NO_IOPT_LEVELS),
        ("acpi_rsdp_bytes", bootinfo::ACPI_RSDP_BYTES as u64),
        (
            "report_text_word",
            linchpin_abi::error::REPORT_TEXT_WORD as u64,
        ),
        (
            "debug_exception_short_length",
            fault::DEBUG_EXCEPTION_SHORT_LENGTH as u64,
        ),
    ];
    match isa {
        Isa::X86_64 => {
            use x86_64::irq;
            list.extend([
                ("user_max", x86_64::USER_MAX),
                ("initial_rflags", x86_64::INITIAL_RFLAGS),
                ("syscall_bytes", x86_64::SYSCALL_BYTES),
                ("vector_offset", irq::VECTOR_OFFSET),
                ("user_irq_min", irq::USER_MIN),
                ("user_irq_max", irq::USER_MAX),
                ("vector_argument_max", irq::VECTOR_ARGUMENT_MAX),
                ("iommu_irq", irq::IOMMU),
                ("timer_irq", irq::TIMER),
                ("remote_call_ipi", irq::REMOTE_CALL_IPI),
                ("reschedule_ipi", irq::RESCHEDULE_IPI),
                ("spurious_vector", irq::SPURIOUS_VECTOR),
                ("trap_vector_min", irq::TRAP_VECTOR_MIN),
                ("trap_vector_max", irq::TRAP_VECTOR_MAX),
            ]);
        }
        Isa::AArch64 => list.extend([
            ("initial_spsr", aarch64::initial_spsr(flavour)),
            ("syscall_bytes", aarch64::SYSCALL_BYTES),
        ]),
        Isa::RiscV64 => list.push(("syscall_bytes", riscv64::SYSCALL_BYTES)),
    }
    list
}
