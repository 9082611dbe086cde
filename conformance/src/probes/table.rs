//! The cases that every ISA has, and where those come in that only one has.

use super::case::Ask::{Beyond, For, Label};
use super::case::Place::{Device, Made, Memory, SchedControl};
use super::case::Thing::{
    CNode, Context, Endpoint, Frame, LargeFrame, Notification, OtherPageTable, PageTable, Reply,
    SmallContext, Thread, Untyped12, Untyped13, VSpace,
};
use super::case::Value::{
    Any, At, DomainsLess, FreeAddress, Is, MaxUntyped, MemoryBits, MemoryBytes, RootGuardBits,
    RootSlots, RootSlotsLess, ScheduleLess, Type, TypeCount,
};
use super::case::{Ask, Case, Place, Value};
use crate::isa;
use crate::isa::probes;
use abi::bootinfo::{
    ASID_CONTROL, DOMAIN, INIT_ASID_POOL, INIT_CNODE, INIT_IPC_BUFFER, INIT_SC, INIT_TCB,
    INIT_VSPACE, IRQ_CONTROL, slot::NULL,
};
use abi::sched::TCB_FLAG_MASK;
use abi::{ErrorCode, Invocation, ObjectType, Word};
use user_api::REGISTER_COUNT;

const REGISTERS: Word = REGISTER_COUNT as Word;
const ATTRIBUTES: Value = Is(user_api::Attributes::DEFAULT.0);

pub(crate) const fn case(
    name: &'static str,
    on: Place,
    ask: Ask,
    caps: &'static [Place],
    words: &'static [Value],
    error: ErrorCode,
    answer: &'static [Value],
) -> Case {
    Case {
        name,
        on,
        ask,
        caps,
        words,
        error,
        answer,
    }
}

pub(crate) const fn fixed(slot: usize) -> Place {
    Place::Fixed(slot)
}

pub(crate) const fn free(number: Word) -> Place {
    Place::Free(number)
}

/// All cases, in the order in which they run.
pub(crate) const CASES: &[&[Case]] = &[
    OBJECTS,
    probes::INTERRUPTS,
    HANDLERS_AND_FRAMES,
    probes::TABLES,
    MAPPINGS,
    probes::OVER,
    COPIES_AND_IDENTIFIERS,
    probes::LAST,
];

/// Name, invoked capability, label, capabilities, words; then label and words of the answer.
#[rustfmt::skip]
const OBJECTS: &[Case] = &[
    case("probe::null", free(0), Label(5), &[], &[], ErrorCode::InvalidCapability, &[Is(0)]),
    case("probe::retype_unknown_label", Memory, Beyond(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::IllegalOperation, &[]),
    case("probe::retype_too_short", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), At(free(0))], ErrorCode::TruncatedMessage, &[]),
    case("probe::retype_no_capability", Memory, For(Invocation::UntypedRetype), &[], &[Is(0), Is(12), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::TruncatedMessage, &[]),
    case("probe::retype_type", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[TypeCount, Is(12), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::retype_size64", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(64), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::RangeError, &[Is(0), MaxUntyped(0)]),
    case("probe::retype_too_large", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), MaxUntyped(1), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::RangeError, &[Is(0), MaxUntyped(0)]),
    case("probe::retype_cap0", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Type(ObjectType::CNode), Is(0), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::retype_ut3", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(3), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::retype_sc6", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Type(ObjectType::SchedContext), Is(6), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::retype_depth65", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(65), At(free(0)), Is(1)], ErrorCode::RangeError, &[Is(1), Is(64)]),
    case("probe::retype_root_tcb_d0", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_TCB)], &[Is(0), Is(12), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(0)]),
    case("probe::retype_root_tcb_d5", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_TCB)], &[Is(0), Is(12), Is(0), Is(5), At(free(0)), Is(1)], ErrorCode::FailedLookup, &[Is(0), Is(1)]),
    case("probe::retype_node_tcb", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(1), Is(64), At(free(0)), Is(1)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(64)]),
    case("probe::retype_offset", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), RootSlots(0), Is(1)], ErrorCode::RangeError, &[Is(0), RootSlotsLess(1)]),
    case("probe::retype_none", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), At(free(0)), Is(0)], ErrorCode::RangeError, &[Is(1), Is(256)]),
    case("probe::retype_too_many", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), At(free(0)), Is(257)], ErrorCode::RangeError, &[Is(1), Is(256)]),
    case("probe::retype_over_the_end", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), RootSlotsLess(3), Is(4)], ErrorCode::RangeError, &[Is(1), Is(3)]),
    case("probe::retype_occupied", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), Is(12), Is(0), Is(0), Is(2), Is(1)], ErrorCode::DeleteFirst, &[]),
    case("probe::retype_no_memory", Memory, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(0), MemoryBits(1), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::NotEnoughMemory, &[MemoryBytes]),
    case("probe::retype_device", Device, For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Type(ObjectType::Tcb), Is(0), Is(0), Is(0), At(free(0)), Is(1)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::cnode_guard", fixed(INIT_CNODE), For(Invocation::CNodeDelete), &[], &[Is(0), Is(10)], ErrorCode::FailedLookup, &[Is(0), Is(4), Is(10), Is(0), RootGuardBits]),
    case("probe::cnode_depth0", fixed(INIT_CNODE), For(Invocation::CNodeDelete), &[], &[Is(0), Is(0)], ErrorCode::RangeError, &[Is(1), Is(64)]),
    case("probe::cnode_depth65", fixed(INIT_CNODE), For(Invocation::CNodeDelete), &[], &[Is(0), Is(65)], ErrorCode::RangeError, &[Is(1), Is(64)]),
    case("probe::cnode_too_short", fixed(INIT_CNODE), For(Invocation::CNodeDelete), &[], &[Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::cnode_unknown_label", fixed(INIT_CNODE), For(Invocation::UntypedRetype), &[], &[Is(0), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::cnode_delete_empty", fixed(INIT_CNODE), For(Invocation::CNodeDelete), &[], &[At(free(0)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::small_cnode_depth3", Made(CNode), For(Invocation::CNodeDelete), &[], &[Is(0), Is(3)], ErrorCode::FailedLookup, &[Is(0), Is(3), Is(3), Is(4)]),
    case("probe::small_cnode_left", Made(CNode), For(Invocation::CNodeDelete), &[], &[Is(0), Is(8)], ErrorCode::FailedLookup, &[Is(0), Is(3), Is(4), Is(0)]),
    case("probe::small_cnode_fine", Made(CNode), For(Invocation::CNodeDelete), &[], &[Is(0), Is(4)], ErrorCode::NoError, &[]),
    case("probe::copy_too_short", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(Made(Endpoint))], ErrorCode::TruncatedMessage, &[]),
    case("probe::copy_no_capability", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[], &[At(free(0)), Is(64), At(Made(Endpoint)), Is(64), Is(15)], ErrorCode::TruncatedMessage, &[]),
    case("probe::copy_dest", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[Is(2), Is(64), At(Made(Endpoint)), Is(64), Is(15)], ErrorCode::DeleteFirst, &[]),
    case("probe::copy_src_empty", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(free(1)), Is(64), Is(15)], ErrorCode::FailedLookup, &[Is(1), Is(2), Is(64)]),
    case("probe::copy_src_notcn", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_TCB)], &[At(free(0)), Is(64), At(free(1)), Is(64), Is(15)], ErrorCode::FailedLookup, &[Is(1), Is(1)]),
    case("probe::copy_src_depth", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(free(1)), Is(0), Is(15)], ErrorCode::RangeError, &[Is(1), Is(64)]),
    case("probe::copy4", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(Made(Endpoint)), Is(64)], ErrorCode::TruncatedMessage, &[]),
    case("probe::copy_ut_kids", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(Memory), Is(64), Is(15)], ErrorCode::RevokeFirst, &[]),
    case("probe::copy_irqctl", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), Is(4), Is(64), Is(15)], ErrorCode::IllegalOperation, &[]),
    case("probe::mint_ep", fixed(INIT_CNODE), For(Invocation::CNodeMint), &[fixed(INIT_CNODE)], &[At(free(0)), Is(64), At(Made(Endpoint)), Is(64), Is(15), Is(0x1234)], ErrorCode::NoError, &[]),
    case("probe::mint_badged", fixed(INIT_CNODE), For(Invocation::CNodeMint), &[fixed(INIT_CNODE)], &[At(free(1)), Is(64), At(free(0)), Is(64), Is(15), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::mutate_ep", fixed(INIT_CNODE), For(Invocation::CNodeMutate), &[fixed(INIT_CNODE)], &[At(free(1)), Is(64), At(Made(Endpoint)), Is(64), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::mutate_badged", fixed(INIT_CNODE), For(Invocation::CNodeMutate), &[fixed(INIT_CNODE)], &[At(free(1)), Is(64), At(free(0)), Is(64), Is(0x1234)], ErrorCode::IllegalOperation, &[]),
    case("probe::mutate_cn_too_big", fixed(INIT_CNODE), For(Invocation::CNodeMutate), &[fixed(INIT_CNODE)], &[At(free(1)), Is(64), At(Made(CNode)), Is(64), Is(61)], ErrorCode::IllegalOperation, &[]),
    case("probe::mutate_cn_fine", fixed(INIT_CNODE), For(Invocation::CNodeMutate), &[fixed(INIT_CNODE)], &[At(free(1)), Is(64), At(Made(CNode)), Is(64), Is(60)], ErrorCode::NoError, &[]),
    case("probe::move_back", fixed(INIT_CNODE), For(Invocation::CNodeMove), &[fixed(INIT_CNODE)], &[At(Made(CNode)), Is(64), At(free(1)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::small_cnode_guarded", Made(CNode), For(Invocation::CNodeDelete), &[], &[Is(0), Is(64)], ErrorCode::NoError, &[]),
    case("probe::cancel_badged_sends_tcb", fixed(INIT_CNODE), For(Invocation::CNodeCancelBadgedSends), &[], &[Is(1), Is(64)], ErrorCode::IllegalOperation, &[]),
    case("probe::cancel_badged_sends_fine", fixed(INIT_CNODE), For(Invocation::CNodeCancelBadgedSends), &[], &[At(free(0)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::rotate_too_short", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(free(0)), Is(64), Is(0), At(Made(Endpoint))], ErrorCode::TruncatedMessage, &[]),
    case("probe::rotate_ep", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(free(0)), Is(64), Is(0), At(Made(Endpoint)), Is(64)], ErrorCode::IllegalOperation, &[]),
    case("probe::rotate_pivot_src", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(Made(Thread)), Is(64), Is(0), At(Made(Thread)), Is(64)], ErrorCode::IllegalOperation, &[]),
    case("probe::rotate_dest", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[Is(1), Is(64), Is(0), At(Made(CNode)), Is(64), Is(0), At(Made(Thread)), Is(64)], ErrorCode::DeleteFirst, &[]),
    case("probe::rotate_src_empty", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(Made(CNode)), Is(64), Is(0), At(free(2)), Is(64)], ErrorCode::FailedLookup, &[Is(1), Is(2), Is(64)]),
    case("probe::rotate_pivot_empty", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(free(2)), Is(64), Is(0), At(Made(CNode)), Is(64)], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(64)]),
    case("probe::rotate_pivot_lookup", fixed(INIT_CNODE), For(Invocation::CNodeRotate), &[fixed(INIT_TCB), fixed(INIT_CNODE)], &[At(free(1)), Is(64), Is(0), At(free(2)), Is(64), Is(0), At(Made(CNode)), Is(64)], ErrorCode::FailedLookup, &[Is(1), Is(1)]),
    case("probe::read_registers_self", fixed(INIT_TCB), For(Invocation::TcbReadRegisters), &[], &[Is(0), Is(1)], ErrorCode::IllegalOperation, &[]),
    case("probe::read_registers_none", Made(Thread), For(Invocation::TcbReadRegisters), &[], &[Is(0), Is(0)], ErrorCode::RangeError, &[Is(1), Is(REGISTERS)]),
    case("probe::read_registers_n_too_big", Made(Thread), For(Invocation::TcbReadRegisters), &[], &[Is(0), Is(100)], ErrorCode::RangeError, &[Is(1), Is(REGISTERS)]),
    case("probe::read_registers_too_short", Made(Thread), For(Invocation::TcbReadRegisters), &[], &[Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::write_registers_too_short", Made(Thread), For(Invocation::TcbWriteRegisters), &[], &[Is(0), Is(1)], ErrorCode::TruncatedMessage, &[]),
    case("probe::write_registers_self", fixed(INIT_TCB), For(Invocation::TcbWriteRegisters), &[], &[Is(0), Is(1), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::copy_registers_no_capability", Made(Thread), For(Invocation::TcbCopyRegisters), &[], &[Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::copy_registers_wrong_capability", Made(Thread), For(Invocation::TcbCopyRegisters), &[fixed(INIT_CNODE)], &[Is(0)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::set_priority_authority", Made(Thread), For(Invocation::TcbSetPriority), &[fixed(INIT_CNODE)], &[Is(1)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::set_priority_too_big", Made(Thread), For(Invocation::TcbSetPriority), &[fixed(INIT_TCB)], &[Is(256)], ErrorCode::RangeError, &[Is(0), Is(255)]),
    case("probe::set_priority_no_capability", Made(Thread), For(Invocation::TcbSetPriority), &[], &[Is(1)], ErrorCode::TruncatedMessage, &[]),
    case("probe::set_mc_priority_too_big", Made(Thread), For(Invocation::TcbSetMcPriority), &[fixed(INIT_TCB)], &[Is(256)], ErrorCode::RangeError, &[Is(0), Is(255)]),
    case("probe::set_ipc_buffer_frame", Made(Thread), For(Invocation::TcbSetIpcBuffer), &[fixed(INIT_CNODE)], &[Is(0x1000)], ErrorCode::IllegalOperation, &[]),
    case("probe::set_ipc_buffer_align", Made(Thread), For(Invocation::TcbSetIpcBuffer), &[fixed(INIT_IPC_BUFFER)], &[Is(0x1200)], ErrorCode::AlignmentError, &[]),
    case("probe::set_ipc_buffer_no_capability", Made(Thread), For(Invocation::TcbSetIpcBuffer), &[], &[Is(0x1000)], ErrorCode::TruncatedMessage, &[]),
    case("probe::bind_notification_none", Made(Thread), For(Invocation::TcbBindNotification), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::bind_notification_wrong_capability", Made(Thread), For(Invocation::TcbBindNotification), &[fixed(INIT_CNODE)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::unbind_notification_none", Made(Thread), For(Invocation::TcbUnbindNotification), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::bind_notification_fine", Made(Thread), For(Invocation::TcbBindNotification), &[Made(Notification)], &[], ErrorCode::NoError, &[]),
    case("probe::bind_notification_again", Made(Thread), For(Invocation::TcbBindNotification), &[Made(Notification)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::bind_notification_other", fixed(INIT_TCB), For(Invocation::TcbBindNotification), &[Made(Notification)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::unbind_notification_fine", Made(Thread), For(Invocation::TcbUnbindNotification), &[], &[], ErrorCode::NoError, &[]),
    case("probe::flags", Made(Thread), For(Invocation::TcbSetFlags), &[], &[Is(0), Is(Word::MAX)], ErrorCode::NoError, &[Is(TCB_FLAG_MASK)]),
    case("probe::flags_clr", Made(Thread), For(Invocation::TcbSetFlags), &[], &[Is(Word::MAX), Is(0)], ErrorCode::NoError, &[Is(0)]),
    case("probe::set_tls_base_too_short", Made(Thread), For(Invocation::TcbSetTlsBase), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::tcb_unknown_label", Made(Thread), For(Invocation::UntypedRetype), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::set_space_cn", Made(Thread), For(Invocation::TcbSetSpace), &[fixed(NULL), fixed(INIT_TCB), fixed(INIT_VSPACE)], &[Is(0), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::set_space_vs", Made(Thread), For(Invocation::TcbSetSpace), &[fixed(NULL), fixed(INIT_CNODE), fixed(INIT_CNODE)], &[Is(0), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::set_space_fh", Made(Thread), For(Invocation::TcbSetSpace), &[fixed(INIT_CNODE), fixed(INIT_CNODE), fixed(INIT_VSPACE)], &[Is(0), Is(0)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::set_space_fine", Made(Thread), For(Invocation::TcbSetSpace), &[Made(Endpoint), fixed(INIT_CNODE), fixed(INIT_VSPACE)], &[Is(0), Is(0)], ErrorCode::NoError, &[]),
    case("probe::configure_too_short", Made(Thread), For(Invocation::TcbConfigure), &[fixed(INIT_CNODE), fixed(INIT_VSPACE), fixed(INIT_IPC_BUFFER)], &[Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::configure_caps", Made(Thread), For(Invocation::TcbConfigure), &[fixed(INIT_CNODE), fixed(INIT_VSPACE)], &[Is(0), Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::configure_cn", Made(Thread), For(Invocation::TcbConfigure), &[fixed(INIT_TCB), fixed(INIT_VSPACE), fixed(INIT_IPC_BUFFER)], &[Is(0), Is(0), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::set_timeout_endpoint_wrong_capability", Made(Thread), For(Invocation::TcbSetTimeoutEndpoint), &[fixed(INIT_CNODE)], &[], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::set_timeout_endpoint_none", Made(Thread), For(Invocation::TcbSetTimeoutEndpoint), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::set_sched_params_authority", Made(Thread), For(Invocation::TcbSetSchedParams), &[fixed(INIT_CNODE), Made(Context), fixed(NULL)], &[Is(1), Is(1)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::set_sched_params_mcp", Made(Thread), For(Invocation::TcbSetSchedParams), &[fixed(INIT_TCB), Made(Context), fixed(NULL)], &[Is(256), Is(1)], ErrorCode::RangeError, &[Is(0), Is(255)]),
    case("probe::set_sched_params_sc", Made(Thread), For(Invocation::TcbSetSchedParams), &[fixed(INIT_TCB), fixed(INIT_CNODE), fixed(NULL)], &[Is(1), Is(1)], ErrorCode::InvalidCapability, &[Is(2)]),
    case("probe::set_sched_params_fh", Made(Thread), For(Invocation::TcbSetSchedParams), &[fixed(INIT_TCB), fixed(NULL), fixed(INIT_CNODE)], &[Is(1), Is(1)], ErrorCode::InvalidCapability, &[Is(3)]),
    case("probe::set_sched_params_self_null", fixed(INIT_TCB), For(Invocation::TcbSetSchedParams), &[fixed(INIT_TCB), fixed(NULL), fixed(NULL)], &[Is(255), Is(255)], ErrorCode::IllegalOperation, &[]),
    case("probe::set_sched_params_own_sc", Made(Thread), For(Invocation::TcbSetSchedParams), &[fixed(INIT_TCB), fixed(INIT_SC), fixed(NULL)], &[Is(1), Is(1)], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_control_no_capability", SchedControl, For(Invocation::SchedControlConfigureFlags), &[], &[Is(1000), Is(1000), Is(0), Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::sched_control_too_short", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(Context)], &[Is(1000), Is(1000), Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::sched_control_b0", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(Context)], &[Is(0), Is(1000), Is(0), Is(0), Is(0)], ErrorCode::RangeError, &[Is(20), Any]),
    case("probe::sched_control_b_p", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(Context)], &[Is(2000), Is(1000), Is(0), Is(0), Is(0)], ErrorCode::RangeError, &[Is(20), Is(1000)]),
    case("probe::sched_control_wrong_capability", SchedControl, For(Invocation::SchedControlConfigureFlags), &[fixed(INIT_CNODE)], &[Is(1000), Is(1000), Is(0), Is(0), Is(0)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::sched_control_refills", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(Context)], &[Is(1000), Is(2000), Is(100), Is(0), Is(0)], ErrorCode::RangeError, &[Is(0), Is(8)]),
    case("probe::sched_control_refills2", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(SmallContext)], &[Is(1000), Is(2000), Is(1), Is(0), Is(0)], ErrorCode::RangeError, &[Is(0), Is(0)]),
    case("probe::sched_control_fine", SchedControl, For(Invocation::SchedControlConfigureFlags), &[Made(Context)], &[Is(1000), Is(2000), Is(8), Is(0), Is(0)], ErrorCode::NoError, &[]),
    case("probe::sched_control_unknown_label", SchedControl, For(Invocation::UntypedRetype), &[Made(Context)], &[Is(1000), Is(2000), Is(8), Is(0), Is(0)], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_bind_none", Made(Context), For(Invocation::SchedContextBind), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::sched_context_bind_wrong_capability", Made(Context), For(Invocation::SchedContextBind), &[fixed(INIT_CNODE)], &[], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::sched_context_bind", Made(Context), For(Invocation::SchedContextBind), &[Made(Thread)], &[], ErrorCode::NoError, &[]),
    case("probe::sched_context_bind_again", Made(Context), For(Invocation::SchedContextBind), &[Made(Thread)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::small_sched_context_bind_tcb", Made(SmallContext), For(Invocation::SchedContextBind), &[Made(Thread)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_bind_nt_too", Made(Context), For(Invocation::SchedContextBind), &[Made(Notification)], &[], ErrorCode::NoError, &[]),
    case("probe::sched_context_ubo_wrong_capability", Made(Context), For(Invocation::SchedContextUnbindObject), &[fixed(INIT_CNODE)], &[], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::sched_context_ubo_other", Made(SmallContext), For(Invocation::SchedContextUnbindObject), &[Made(Thread)], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_ubo_fine", Made(Context), For(Invocation::SchedContextUnbindObject), &[Made(Thread)], &[], ErrorCode::NoError, &[]),
    case("probe::sched_context_unbind_self", fixed(INIT_SC), For(Invocation::SchedContextUnbind), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_yieldto_none", Made(SmallContext), For(Invocation::SchedContextYieldTo), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_yieldto_self", fixed(INIT_SC), For(Invocation::SchedContextYieldTo), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::sched_context_consumed", Made(Context), For(Invocation::SchedContextConsumed), &[], &[], ErrorCode::NoError, &[Is(0)]),
    case("probe::reply_unused", Made(Reply), Label(77), &[], &[Is(1), Is(2)], ErrorCode::NoError, &[]),
    case("probe::domain_set_too_short", fixed(DOMAIN), For(Invocation::DomainSetSet), &[Made(Thread)], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::domain_set_too_big", fixed(DOMAIN), For(Invocation::DomainSetSet), &[Made(Thread)], &[DomainsLess(0)], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::domain_set_no_capability", fixed(DOMAIN), For(Invocation::DomainSetSet), &[], &[Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::domain_set_wrong_capability", fixed(DOMAIN), For(Invocation::DomainSetSet), &[fixed(INIT_CNODE)], &[Is(0)], ErrorCode::InvalidArgument, &[Is(1)]),
    case("probe::domain_set_fine", fixed(DOMAIN), For(Invocation::DomainSetSet), &[Made(Thread)], &[Is(0)], ErrorCode::NoError, &[]),
    case("probe::schedule_configure_too_short", fixed(DOMAIN), For(Invocation::DomainScheduleConfigure), &[], &[Is(0), Is(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::schedule_configure_idx", fixed(DOMAIN), For(Invocation::DomainScheduleConfigure), &[], &[ScheduleLess(1), Is(0), Is(1)], ErrorCode::RangeError, &[Is(0), ScheduleLess(2)]),
    case("probe::schedule_configure_dom", fixed(DOMAIN), For(Invocation::DomainScheduleConfigure), &[], &[Is(0), DomainsLess(0), Is(1)], ErrorCode::RangeError, &[Is(0), DomainsLess(1)]),
    case("probe::schedule_configure_dur", fixed(DOMAIN), For(Invocation::DomainScheduleConfigure), &[], &[Is(0), Is(0), Is(1 << 56)], ErrorCode::InvalidArgument, &[Is(2)]),
    case("probe::schedule_configure_start0", fixed(DOMAIN), For(Invocation::DomainScheduleConfigure), &[], &[Is(0), Is(0), Is(0)], ErrorCode::InvalidArgument, &[Is(2)]),
    case("probe::schedule_set_start_too_short", fixed(DOMAIN), For(Invocation::DomainScheduleSetStart), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::schedule_set_start_idx", fixed(DOMAIN), For(Invocation::DomainScheduleSetStart), &[], &[ScheduleLess(0)], ErrorCode::RangeError, &[Is(0), ScheduleLess(1)]),
    case("probe::schedule_set_start_end", fixed(DOMAIN), For(Invocation::DomainScheduleSetStart), &[], &[ScheduleLess(1)], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::schedule_set_start_fine", fixed(DOMAIN), For(Invocation::DomainScheduleSetStart), &[], &[Is(0)], ErrorCode::NoError, &[]),
];

/// Slot 10 holds a handler.
#[rustfmt::skip]
const HANDLERS_AND_FRAMES: &[Case] = &[
    case("probe::irq_control_unknown_label", fixed(IRQ_CONTROL), For(Invocation::UntypedRetype), &[fixed(INIT_CNODE)], &[Is(1), Is(2), Is(3)], ErrorCode::IllegalOperation, &[]),
    case("probe::irq_handler_ntfn", free(10), For(Invocation::IrqSetIrqHandler), &[fixed(INIT_CNODE)], &[], ErrorCode::InvalidCapability, &[Is(0)]),
    case("probe::irq_handler_none", free(10), For(Invocation::IrqSetIrqHandler), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::irq_handler_fine", free(10), For(Invocation::IrqSetIrqHandler), &[Made(Notification)], &[], ErrorCode::NoError, &[]),
    case("probe::irq_handler_ack", free(10), For(Invocation::IrqAckIrq), &[], &[], ErrorCode::NoError, &[]),
    case("probe::irq_handler_clr", free(10), For(Invocation::IrqClearIrqHandler), &[], &[], ErrorCode::NoError, &[]),
    case("probe::irq_handler_unknown_label", free(10), For(Invocation::UntypedRetype), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::map_too_short", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3)], ErrorCode::TruncatedMessage, &[]),
    case("probe::map_no_capability", Made(Frame), For(isa::MAP), &[], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::TruncatedMessage, &[]),
    case("probe::map_wrong_capability", Made(Frame), For(isa::MAP), &[fixed(INIT_CNODE)], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::map_unassigned_vs", Made(Frame), For(isa::MAP), &[Made(VSpace)], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::map_top", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[Is(0x7fff_ffff_ffff_f000), Is(3), ATTRIBUTES], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::map_align", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(8), Is(3), ATTRIBUTES], ErrorCode::AlignmentError, &[]),
    case("probe::map_missing", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(isa::TOP_BITS)]),
    case("probe::map_large_missing", Made(LargeFrame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::FailedLookup, &[Is(0), Is(2), Is(isa::TOP_BITS)]),
    case("probe::map_large_align", Made(LargeFrame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(4096), Is(3), ATTRIBUTES], ErrorCode::AlignmentError, &[]),
    case("probe::page_table_too_short", Made(PageTable), For(isa::MAP_TABLE), &[fixed(INIT_VSPACE)], &[FreeAddress(0)], ErrorCode::TruncatedMessage, &[]),
    case("probe::page_table_wrong_capability", Made(PageTable), For(isa::MAP_TABLE), &[fixed(INIT_CNODE)], &[FreeAddress(0), ATTRIBUTES], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::page_table_top", Made(PageTable), For(isa::MAP_TABLE), &[fixed(INIT_VSPACE)], &[Is(1 << 62), ATTRIBUTES], ErrorCode::InvalidArgument, &[Is(0)]),
];

/// All tables but the last are there.
#[rustfmt::skip]
const MAPPINGS: &[Case] = &[
    case("probe::page_table_fine", Made(PageTable), For(isa::MAP_TABLE), &[fixed(INIT_VSPACE)], &[FreeAddress(0), ATTRIBUTES], ErrorCode::NoError, &[]),
    case("probe::page_table_again", Made(PageTable), For(isa::MAP_TABLE), &[fixed(INIT_VSPACE)], &[FreeAddress(0), ATTRIBUTES], ErrorCode::InvalidCapability, &[Is(0)]),
    case("probe::page_table_occupied", Made(OtherPageTable), For(isa::MAP_TABLE), &[fixed(INIT_VSPACE)], &[FreeAddress(0), ATTRIBUTES], ErrorCode::DeleteFirst, &[]),
    case("probe::map_fine", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(3), ATTRIBUTES], ErrorCode::NoError, &[]),
    case("probe::map_remap_addr", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(4096), Is(3), ATTRIBUTES], ErrorCode::InvalidArgument, &[Is(0)]),
    case("probe::map_remap_same", Made(Frame), For(isa::MAP), &[fixed(INIT_VSPACE)], &[FreeAddress(0), Is(1), ATTRIBUTES], ErrorCode::NoError, &[]),
];

/// The frame is mapped.
#[rustfmt::skip]
const COPIES_AND_IDENTIFIERS: &[Case] = &[
    case("probe::copy_frame", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(20)), Is(64), At(Made(Frame)), Is(64), Is(15)], ErrorCode::NoError, &[]),
    case("probe::copy_pt", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(21)), Is(64), At(Made(PageTable)), Is(64), Is(15)], ErrorCode::NoError, &[]),
    case("probe::page_table_unmap_notfinal", Made(PageTable), For(isa::UNMAP_TABLE), &[], &[], ErrorCode::RevokeFirst, &[]),
    case("probe::copy_vs_unassigned", fixed(INIT_CNODE), For(Invocation::CNodeCopy), &[fixed(INIT_CNODE)], &[At(free(22)), Is(64), At(Made(VSpace)), Is(64), Is(15)], ErrorCode::IllegalOperation, &[]),
    case("probe::frame_unknown_label", Made(Frame), For(Invocation::UntypedRetype), &[], &[], ErrorCode::IllegalOperation, &[]),
    case("probe::make_pool_too_short", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[Made(Untyped12), fixed(INIT_CNODE)], &[At(free(23))], ErrorCode::TruncatedMessage, &[]),
    case("probe::make_pool_wrong_capability", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[fixed(INIT_CNODE), fixed(INIT_CNODE)], &[At(free(23)), Is(64)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::make_pool_size", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[Made(Untyped13), fixed(INIT_CNODE)], &[At(free(23)), Is(64)], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::make_pool_slot", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[Made(Untyped12), fixed(INIT_CNODE)], &[Is(2), Is(64)], ErrorCode::DeleteFirst, &[]),
    case("probe::make_pool_unknown_label", fixed(ASID_CONTROL), For(Invocation::UntypedRetype), &[Made(Untyped12), fixed(INIT_CNODE)], &[Is(2), Is(64)], ErrorCode::IllegalOperation, &[]),
    case("probe::make_pool_fine", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[Made(Untyped12), fixed(INIT_CNODE)], &[At(free(23)), Is(64)], ErrorCode::NoError, &[]),
    case("probe::make_pool_ut_kids", fixed(ASID_CONTROL), For(isa::MAKE_POOL), &[Made(Untyped12), fixed(INIT_CNODE)], &[At(free(24)), Is(64)], ErrorCode::RevokeFirst, &[]),
    case("probe::assign_none", fixed(INIT_ASID_POOL), For(isa::ASSIGN), &[], &[], ErrorCode::TruncatedMessage, &[]),
    case("probe::assign_wrong_capability", fixed(INIT_ASID_POOL), For(isa::ASSIGN), &[fixed(INIT_CNODE)], &[], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::assign_fine", fixed(INIT_ASID_POOL), For(isa::ASSIGN), &[Made(VSpace)], &[], ErrorCode::NoError, &[]),
    case("probe::assign_again", fixed(INIT_ASID_POOL), For(isa::ASSIGN), &[Made(VSpace)], &[], ErrorCode::InvalidCapability, &[Is(1)]),
    case("probe::assign_unknown_label", fixed(INIT_ASID_POOL), For(Invocation::UntypedRetype), &[Made(VSpace)], &[], ErrorCode::IllegalOperation, &[]),
];
