//! Errors that only x86_64 has.

use crate::probes::case::Ask::{For, Label};
use crate::probes::case::Case;
use crate::probes::case::Place::Made;
use crate::probes::case::Thing::{
    Frame, LargeFrame, OtherFrame, PageDirectory, PageTable, Pdpt, VSpace,
};
use crate::probes::case::Value::{At, FreeAddress, Is};
use crate::probes::table::{case, fixed, free};
use abi::bootinfo::{INIT_CNODE, INIT_VSPACE, IO_PORT_CONTROL, IO_SPACE, IRQ_CONTROL};
use abi::{ErrorCode, Invocation};

/// Handlers come by pins and messages. IO ports.
#[rustfmt::skip]
pub(crate) const INTERRUPTS: &[Case] = &[
    case("probe::irq_get_get", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(1), At(free(10)), Is(64)], ErrorCode::IllegalOperation, &[]),
    case("probe::irq_pin_too_short", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(0), Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::irq_pin_vec", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(0), Is(0), Is(0), Is(108)], ErrorCode::RangeError, &[Is(0), Is(107)]),
    case("probe::irq_pin_slot", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[Is(2), Is(64), Is(0), Is(0), Is(0), Is(0), Is(5)], ErrorCode::DeleteFirst, &[]),
    case("probe::irq_pin_id", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(9), Is(0), Is(0), Is(0), Is(5)], ErrorCode::RangeError, &[Is(0), Is(0)]),
    case("probe::irq_pin_pin", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(24), Is(0), Is(0), Is(5)], ErrorCode::RangeError, &[Is(0), Is(23)]),
    case("probe::irq_pin_level", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(4), Is(2), Is(0), Is(5)], ErrorCode::RangeError, &[Is(0), Is(1)]),
    case("probe::irq_pin_pol", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(4), Is(0), Is(2), Is(5)], ErrorCode::RangeError, &[Is(0), Is(1)]),
    case("probe::irq_pin_fine", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(10)), Is(64), Is(0), Is(4), Is(0), Is(0), Is(5)], ErrorCode::NoError, &[]),
    case("probe::irq_pin_again", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerIoapic), &[fixed(INIT_CNODE)], &[At(free(11)), Is(64), Is(0), Is(4), Is(0), Is(0), Is(5)], ErrorCode::RevokeFirst, &[]),
    case("probe::irq_msi_bus", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerMsi), &[fixed(INIT_CNODE)], &[At(free(11)), Is(64), Is(256), Is(0), Is(0), Is(0), Is(6)], ErrorCode::RangeError, &[Is(0), Is(255)]),
    case("probe::irq_msi_device", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerMsi), &[fixed(INIT_CNODE)], &[At(free(11)), Is(64), Is(0), Is(32), Is(0), Is(0), Is(6)], ErrorCode::RangeError, &[Is(0), Is(31)]),
    case("probe::irq_msi_fun", fixed(IRQ_CONTROL), For(Invocation::X86IrqIssueIrqHandlerMsi), &[fixed(INIT_CNODE)], &[At(free(11)), Is(64), Is(0), Is(0), Is(8), Is(0), Is(6)], ErrorCode::RangeError, &[Is(0), Is(7)]),
    case("probe::io_port_too_short", fixed(IO_PORT_CONTROL), For(Invocation::X86IoPortControlIssue), &[fixed(INIT_CNODE)], &[Is(0x3f8), Is(0x3ff), At(free(12))], ErrorCode::TruncatedMessage, &[]),
    case("probe::io_port_order", fixed(IO_PORT_CONTROL), For(Invocation::X86IoPortControlIssue), &[fixed(INIT_CNODE)], &[Is(0x3ff), Is(0x3f8), At(free(12)), Is(64)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::io_port_fine", fixed(IO_PORT_CONTROL), For(Invocation::X86IoPortControlIssue), &[fixed(INIT_CNODE)], &[Is(0x70), Is(0x77), At(free(12)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::io_port_used", fixed(IO_PORT_CONTROL), For(Invocation::X86IoPortControlIssue), &[fixed(INIT_CNODE)], &[Is(0x77), Is(0x80), At(free(13)), Is(64)], ErrorCode::RevokeFirst, &[]),
    case("probe::io_port_in_range", free(12), For(Invocation::X86IoPortIn16), &[], &[Is(0x77)], ErrorCode::IllegalOperation, &[]),
    case("probe::io_port_in_too_short", free(12), For(Invocation::X86IoPortIn8), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::io_port_out_too_short", free(12), For(Invocation::X86IoPortOut8), &[], &[Is(0x70)], ErrorCode::TruncatedMessage, &[]),
    case("probe::io_port_unknown_label", free(12), For(Invocation::UntypedRetype), &[], &[Is(0x70)], ErrorCode::IllegalOperation, &[]),
];

/// From the top.
#[rustfmt::skip]
pub(crate) const TABLES: &[Case] = &[
    case("probe::page_table_missing", Made(PageTable), For(Invocation::X86PageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(39)]),
    case("probe::page_directory_missing", Made(PageDirectory), For(Invocation::X86PageDirectoryMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(39)]),
    case("probe::pdpt_fine", Made(Pdpt), For(Invocation::X86PdptMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::NoError, &[]),
    case("probe::pdpt_again", Made(Pdpt), For(Invocation::X86PdptMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::InvalidCapability, &[Is(0)]),
    case("probe::page_table_missing30", Made(PageTable), For(Invocation::X86PageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(30)]),
    case("probe::page_directory_fine", Made(PageDirectory), For(Invocation::X86PageDirectoryMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::NoError, &[]),
    case("probe::map_missing21", Made(Frame), For(Invocation::X86PageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(21)]),
];

/// What is where a frame is to go.
#[rustfmt::skip]
pub(crate) const OVER: &[Case] = &[
    case("probe::map_large_over_a_table", Made(LargeFrame), For(Invocation::X86PageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::DeleteFirst, &[]),
    case("probe::map_over_a_page", Made(OtherFrame), For(Invocation::X86PageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::NoError, &[]),
    case("probe::unmap_stale", Made(Frame), For(Invocation::X86PageUnmap), &[], &[], ErrorCode::NoError, &[]),
];

/// What has no invocations.
#[rustfmt::skip]
pub(crate) const LAST: &[Case] = &[
    case("probe::pml4_unknown_label", Made(VSpace), Label(1), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::io_space_unknown_label", fixed(IO_SPACE), Label(1), &[], &[], ErrorCode::InvalidCapability, &[Is(0)]),
];
