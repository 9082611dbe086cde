//! Errors that only AArch64 has.

use crate::probes::case::Ask::For;
use crate::probes::case::Case;
use crate::probes::case::Place::Made;
use crate::probes::case::Thing::{Frame, LargeFrame, OtherFrame, PageDirectory, Pdpt};
use crate::probes::case::Value::{At, FreeAddress, Is};
use crate::probes::table::{case, fixed, free};
use abi::bootinfo::{INIT_CNODE, INIT_VSPACE, IRQ_CONTROL};
use abi::{ErrorCode, Invocation};

/// Interrupts have the controller's numbers.
#[rustfmt::skip]
pub(crate) const INTERRUPTS: &[Case] = &[
    case("probe::irq_get_big", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(160), At(free(10)), Is(64)], ErrorCode::RangeError, &[Is(0), Is(159)]),
    case("probe::irq_get_fine", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(50), At(free(10)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::irq_get_again", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(50), At(free(11)), Is(64)], ErrorCode::RevokeFirst, &[]),
    case("probe::irq_trigger_slot", fixed(IRQ_CONTROL), For(Invocation::ArmIrqIssueIrqHandlerTrigger), &[fixed(INIT_CNODE)], &[Is(51), Is(1), Is(2), Is(64)], ErrorCode::DeleteFirst, &[]),
    case("probe::irq_timer", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(27), At(free(11)), Is(64)], ErrorCode::RevokeFirst, &[]),
    case("probe::sgi_irq", fixed(IRQ_CONTROL), For(Invocation::ArmIrqIssueSgiSignal), &[fixed(INIT_CNODE)], &[Is(16), Is(0), At(free(11)), Is(64)], ErrorCode::RangeError, &[Is(0), Is(15)]),
    case("probe::sgi_target", fixed(IRQ_CONTROL), For(Invocation::ArmIrqIssueSgiSignal), &[fixed(INIT_CNODE)], &[Is(1), Is(1 << 32), At(free(11)), Is(64)], ErrorCode::InvalidArgument, &[Is(1)]),
];

/// There is one kind of table; each goes where one is missing.
#[rustfmt::skip]
pub(crate) const TABLES: &[Case] = &[
    case("probe::second_table_fine", Made(Pdpt), For(Invocation::ArmPageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3)], ErrorCode::NoError, &[]),
    case("probe::map_missing30", Made(Frame), For(Invocation::ArmPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(3)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(30)]),
    case("probe::third_table_fine", Made(PageDirectory), For(Invocation::ArmPageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3)], ErrorCode::NoError, &[]),
    case("probe::map_missing21", Made(Frame), For(Invocation::ArmPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(3)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(21)]),
];

/// What is where a frame is to go.
#[rustfmt::skip]
pub(crate) const OVER: &[Case] = &[
    case("probe::map_large_over_a_table", Made(LargeFrame), For(Invocation::ArmPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(3)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(12)]),
    case("probe::map_over_a_page", Made(OtherFrame), For(Invocation::ArmPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(3)], ErrorCode::NoError, &[]),
    case("probe::unmap_stale", Made(Frame), For(Invocation::ArmPageUnmap), &[], &[], ErrorCode::NoError, &[]),
];

/// Cache maintenance.
#[rustfmt::skip]
pub(crate) const LAST: &[Case] = &[
    case("probe::vspace_clean_too_short", fixed(INIT_VSPACE), For(Invocation::ArmVSpaceCleanData), &[], &[FreeAddress(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::vspace_clean_order", fixed(INIT_VSPACE), For(Invocation::ArmVSpaceCleanData), &[], &[FreeAddress(0), FreeAddress(0)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::vspace_clean_top", fixed(INIT_VSPACE), For(Invocation::ArmVSpaceCleanData), &[], &[FreeAddress(0), Is(1 << 62)], ErrorCode::IllegalOperation, &[]),
    case("probe::vspace_clean_cross", fixed(INIT_VSPACE), For(Invocation::ArmVSpaceCleanData), &[], &[FreeAddress(0), FreeAddress(4097)], ErrorCode::RangeError, &[FreeAddress(0), FreeAddress(4095)]),
    case("probe::vspace_clean_unmapped", fixed(INIT_VSPACE), For(Invocation::ArmVSpaceCleanData), &[], &[FreeAddress(0x10_0000), FreeAddress(0x10_0010)], ErrorCode::NoError, &[]),
    case("probe::vspace_unknown_label", fixed(INIT_VSPACE), For(Invocation::UntypedRetype), &[], &[Is(0), Is(1)], ErrorCode::IllegalOperation, &[]),
    case("probe::page_clean_unmapped", free(20), For(Invocation::ArmPageCleanData), &[], &[Is(0), Is(16)], ErrorCode::IllegalOperation, &[]),
    case("probe::page_clean_too_short", Made(OtherFrame), For(Invocation::ArmPageCleanData), &[], &[Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::page_clean_order", Made(OtherFrame), For(Invocation::ArmPageCleanData), &[], &[Is(16), Is(16)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::page_clean_outside", Made(OtherFrame), For(Invocation::ArmPageCleanData), &[], &[Is(0), Is(4097)], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::page_clean_fine", Made(OtherFrame), For(Invocation::ArmPageCleanData), &[], &[Is(0), Is(4096)], ErrorCode::NoError, &[]),
    case("probe::page_clean_stale", Made(Frame), For(Invocation::ArmPageCleanData), &[], &[Is(0), Is(4096)], ErrorCode::IllegalOperation, &[]),
];
