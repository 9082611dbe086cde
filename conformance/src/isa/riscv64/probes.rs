//! Errors that only RISC-V has.

use crate::probes::case::Ask::{For, Label};
use crate::probes::case::Case;
use crate::probes::case::Place::Made;
use crate::probes::case::Thing::{LargeFrame, OtherFrame, PageDirectory, VSpace};
use crate::probes::case::Value::{Any, At, FreeAddress, Is};
use crate::probes::table::{case, fixed, free};
use abi::bootinfo::{INIT_CNODE, INIT_VSPACE, IRQ_CONTROL};
use abi::{ErrorCode, Invocation};

/// Interrupts have the controller's numbers.
#[rustfmt::skip]
pub(crate) const INTERRUPTS: &[Case] = &[
    case("probe::irq_get_zero", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(0), At(free(10)), Is(64)], ErrorCode::RangeError, &[Is(1), Any]),
    case("probe::irq_get_big", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(1000), At(free(10)), Is(64)], ErrorCode::RangeError, &[Is(1), Any]),
    case("probe::irq_get_fine", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(5), At(free(10)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::irq_get_again", fixed(IRQ_CONTROL), For(Invocation::IrqIssueIrqHandler), &[fixed(INIT_CNODE)], &[Is(5), At(free(11)), Is(64)], ErrorCode::RevokeFirst, &[]),
    case("probe::irq_trigger_fine", fixed(IRQ_CONTROL), For(Invocation::RiscvIrqIssueIrqHandlerTrigger), &[fixed(INIT_CNODE)], &[Is(6), Is(1), At(free(11)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::irq_trigger_too_short", fixed(IRQ_CONTROL), For(Invocation::RiscvIrqIssueIrqHandlerTrigger), &[fixed(INIT_CNODE)], &[Is(7), Is(1), At(free(12))], ErrorCode::TruncatedMessage, &[]),
    case("probe::irq_trigger_slot", fixed(IRQ_CONTROL), For(Invocation::RiscvIrqIssueIrqHandlerTrigger), &[fixed(INIT_CNODE)], &[Is(7), Is(1), Is(2), Is(64)], ErrorCode::DeleteFirst, &[]),
];

/// There is one kind of table; each goes where one is missing.
#[rustfmt::skip]
pub(crate) const TABLES: &[Case] = &[
    case("probe::second_table_fine", Made(PageDirectory), For(Invocation::RiscvPageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::NoError, &[]),
    case("probe::map_missing21", Made(OtherFrame), For(Invocation::RiscvPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(21)]),
];

/// What is where a frame is to go.
#[rustfmt::skip]
pub(crate) const OVER: &[Case] = &[
    case("probe::map_large_over_a_table", Made(LargeFrame), For(Invocation::RiscvPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(12)]),
    case("probe::map_over_a_page", Made(OtherFrame), For(Invocation::RiscvPageMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), Is(0)], ErrorCode::DeleteFirst, &[]),
];

/// Roots are tables.
#[rustfmt::skip]
pub(crate) const LAST: &[Case] = &[
    case("probe::root_map_too_short", fixed(INIT_VSPACE), For(Invocation::RiscvPageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::root_is_mapped", fixed(INIT_VSPACE), For(Invocation::RiscvPageTableMap), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(0)], ErrorCode::InvalidCapability, &[Is(0)]),
    case("probe::root_is_not_unmapped", fixed(INIT_VSPACE), For(Invocation::RiscvPageTableUnmap), &[], &[], ErrorCode::RevokeFirst, &[]),
    case("probe::root_unknown_label", Made(VSpace), Label(1), &[], &[], ErrorCode::IllegalOperation, &[]),
];
