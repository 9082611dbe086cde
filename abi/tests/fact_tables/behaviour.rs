//! What the functions of this crate promise.

use linchpin_abi::cnode::CNodeCapData;
use linchpin_abi::invocation::labels;
use linchpin_abi::object::object_types;
use linchpin_abi::{
    CapRights, ErrorCode, Flavour, Invocation, Isa, LABELS, MessageInfo, OBJECT_TYPES, Syscall,
};
use linchpin_abi::{
    FLAVOUR, ISA, PROFILE, aarch64, ipc_buffer, object, profile, riscv64, sched, x86_64,
};

#[test]
fn a_message_info_returns_its_fields() {
    let info = MessageInfo::new(0xabc, 0b101, 2, 33);
    assert_eq!(
        (
            info.label(),
            info.caps_unwrapped(),
            info.extra_caps(),
            info.length()
        ),
        (0xabc, 0b101, 2, 33)
    );
    assert_eq!(info.clipped(), info);
    let long = MessageInfo::new(7, 1, 3, 127);
    assert_eq!(long.clipped(), MessageInfo::new(7, 1, 3, 120));
}

#[test]
fn rights_are_sets() {
    let rights = CapRights::READ | CapRights::GRANT_REPLY;
    assert!(rights.read() && rights.grant_reply() && !rights.write() && !rights.grant());
    assert_eq!(rights & CapRights::READ_WRITE, CapRights::READ);
    assert_eq!(CapRights::new(u64::MAX), CapRights::ALL);
    assert!(CapRights::ALL.contains(rights) && !rights.contains(CapRights::ALL));
}

#[test]
fn a_guard_keeps_its_size() {
    let data = CNodeCapData::new(0x3_1234, 58);
    assert_eq!((data.guard(), data.guard_size()), (0x3_1234, 58));
}

#[test]
fn the_ipc_buffer_is_128_words() {
    use ipc_buffer::{
        CAPS_OR_BADGES, MSG, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX, TAG, USER_DATA,
    };
    let offsets = [
        TAG,
        MSG,
        USER_DATA,
        CAPS_OR_BADGES,
        RECEIVE_CNODE,
        RECEIVE_INDEX,
        RECEIVE_DEPTH,
    ];
    assert_eq!(offsets, [0, 1, 121, 122, 125, 126, 127]);
}

#[test]
fn numbers_outside_the_tables_name_nothing() {
    for label in [0, LABELS.count() + 1, 125, 126, 255, 256, 1 << 32, u64::MAX] {
        assert!(
            LABELS.invocation(label).is_none() || label <= LABELS.count(),
            "{label}"
        );
    }
    for number in [OBJECT_TYPES.count(), 255, 256, 1 << 32, u64::MAX] {
        assert_eq!(OBJECT_TYPES.decode(number), None, "{number}");
    }
    for number in [0, 1, -34, i64::MIN, i64::MAX] {
        assert_eq!(
            Syscall::from_number(number, &PROFILE, FLAVOUR),
            None,
            "{number}"
        );
    }
    assert_eq!(ErrorCode::from_number(11), None);
}

#[test]
fn every_label_leads_back_to_itself() {
    for (isa, _, profile) in profile::all() {
        let labels = labels(*isa, profile);
        let there = Invocation::ALL
            .iter()
            .filter_map(|i| Some((labels.label(*i)?, *i)));
        assert!(
            there.eq(labels.iter()),
            "{} on {}",
            profile.name,
            isa.name()
        );
        let types = object_types(*isa, profile);
        for number in 0..types.count() {
            assert_eq!(types.number(types.decode(number).unwrap()), Some(number));
        }
    }
}

#[test]
fn the_hardware_debug_api_shifts_labels_by_four() {
    let plain = labels(
        Isa::X86_64,
        profile::find("default", Isa::X86_64, Flavour::Debug).unwrap(),
    );
    let debug = labels(
        Isa::X86_64,
        profile::find("hwdebug", Isa::X86_64, Flavour::Debug).unwrap(),
    );
    assert_eq!(plain.label(Invocation::TcbSetBreakpoint), None);
    assert_eq!(
        debug.label(Invocation::TcbSetBreakpoint),
        plain.label(Invocation::TcbSetTlsBase)
    );
    assert_eq!(
        debug.label(Invocation::X86PageMap),
        plain.label(Invocation::X86PageMap).map(|label| label + 4)
    );
}

#[test]
fn this_build_is_one_of_all() {
    assert_eq!(profile::find(PROFILE.name, ISA, FLAVOUR), Some(&PROFILE));
    assert_eq!(profile::find("no such profile", ISA, FLAVOUR), None);
    for name in ["default", "microkit", "domains", "hwdebug"] {
        assert_eq!(
            profile::all()
                .filter(|(_, _, profile)| profile.name == name)
                .count(),
            9,
            "{name}"
        );
    }
}

#[test]
fn constants_of_this_build_are_those_of_its_profile() {
    assert_eq!(object::TCB_BITS, object::tcb_bits(ISA, &PROFILE));
    assert_eq!(object::VSPACE_BITS, object::vspace_bits(ISA, &PROFILE));
    assert_eq!(object::MAX_UNTYPED_BITS, object::max_untyped_bits(ISA));
    assert_eq!(object::MAX_PRIO, PROFILE.num_priorities as u64 - 1);
    assert_eq!(object::RETYPE_MAX_OBJECTS, PROFILE.retype_fan_out_limit);
    assert_eq!(
        (sched::WCET_US, sched::MIN_BUDGET_US),
        (sched::wcet_us(&PROFILE), sched::min_budget_us(&PROFILE))
    );
}

#[test]
fn flavours_differ_in_what_they_let_user_code_do() {
    let has =
        |call: Syscall, flavour| Syscall::from_number(call.number(), &PROFILE, flavour).is_some();
    assert!(
        has(Syscall::DebugPutChar, Flavour::Debug) && !has(Syscall::DebugPutChar, Flavour::Release)
    );
    assert!(has(Syscall::BenchmarkNullSyscall, Flavour::Benchmark));
    assert!(!has(Syscall::BenchmarkNullSyscall, Flavour::Debug));
    assert!(
        Flavour::ALL
            .iter()
            .all(|flavour| has(Syscall::Yield, *flavour) && !has(Syscall::DebugRun, *flavour))
    );
}

#[test]
fn wishes_for_machine_state_are_made_safe() {
    assert_eq!(x86_64::sanitised_rflags(u64::MAX), 0xed7 | 1 << 9);
    assert_eq!(x86_64::sanitised_rflags(0), x86_64::INITIAL_RFLAGS);
    assert_eq!(
        x86_64::sanitised_rflags(1 << 8 | 1 << 3 | 1 << 5 | 3 << 12),
        x86_64::INITIAL_RFLAGS
    );
    for kept in [0, 0x7fff_ffff_ffff, 0xffff_8000_0000_0000, u64::MAX] {
        assert_eq!(x86_64::sanitised_address(kept), kept);
    }
    for dropped in [0x8000_0000_0000, 0xffff_7fff_ffff_ffff, 1 << 63] {
        assert_eq!(x86_64::sanitised_address(dropped), 0);
    }
    assert_eq!(
        aarch64::sanitised_spsr(u64::MAX, Flavour::Debug),
        0xf000_0040
    );
    assert_eq!(aarch64::sanitised_spsr(0, Flavour::Release), 0x140);
    assert_eq!(
        aarch64::sanitised_guest_spsr(0x2000_0005, Flavour::Debug),
        0x2000_0005
    );
    assert_eq!(
        aarch64::sanitised_guest_spsr(0x2000_0009, Flavour::Debug),
        0x2000_0040
    );
}

#[test]
fn fault_messages_name_registers_in_order() {
    let x86: Vec<_> = x86_64::UNKNOWN_SYSCALL_REGISTERS
        .map(|index| x86_64::register::NAMES[index])
        .into();
    assert_eq!(x86[..15], x86_64::unknown_syscall::NAMES[..15]);
    assert_eq!(x86[15..], ["RIP", "RSP", "RFLAGS"]);
    assert_eq!(
        x86_64::USER_EXCEPTION_REGISTERS.map(|index| x86_64::register::NAMES[index]),
        ["RIP", "RSP", "RFLAGS"]
    );
    let riscv: Vec<_> = riscv64::UNKNOWN_SYSCALL_REGISTERS
        .map(|index| riscv64::register::NAMES[index])
        .into();
    assert_eq!(riscv[1..], riscv64::unknown_syscall::NAMES[1..10]);
    assert_eq!(
        riscv64::timeout_reply::NAMES[2..],
        riscv64::register::NAMES[2..]
    );
    assert_eq!(
        aarch64::timeout_reply::NAMES[3..],
        aarch64::register::NAMES[3..34]
    );
    assert_eq!(
        x86_64::timeout_reply::NAMES[3..18],
        x86_64::register::NAMES[3..18]
    );
}

#[test]
fn refills_fill_a_scheduling_context() {
    assert_eq!(sched::max_refills(7), 2);
    assert_eq!(sched::max_refills(8), 10);
    assert_eq!(sched::max_refills(12), 2 + (4096 - 128) / 16);
}
