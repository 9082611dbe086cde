//! Errors, faults, registers and interrupts.

use linchpin_abi::profile::find;
use linchpin_abi::{ErrorCode, FaultType, Flavour, Isa, LookupFailureKind, fault, x86_64};

use super::{number, object, size};
use crate::column::{columns, table};
use crate::constants::constants;

#[test]
fn errors_and_lookup_failures() {
    let Some(theirs) = table("errors.json") else {
        return;
    };
    let errors = theirs["errors"].as_array().unwrap();
    assert_eq!(errors.len(), ErrorCode::ALL.len());
    for error in errors {
        let ours = ErrorCode::from_number(error["number"].as_u64().unwrap()).unwrap();
        assert_eq!(error["name"], ours.name());
        if let Some(length) = error["reply_length"].as_u64() {
            assert_eq!(ours.reply_length() as u64, length, "{}", ours.name());
        }
    }
    for failure in theirs["lookup_failures"].as_array().unwrap() {
        let ours = LookupFailureKind::from_number(failure["number"].as_u64().unwrap()).unwrap();
        assert_eq!(failure["name"], ours.name());
        assert_eq!(
            failure["words_after_type"].as_array().unwrap().len(),
            ours.words()
        );
        let total = ErrorCode::FailedLookup.reply_length() + ours.words();
        assert_eq!(
            size(&theirs["failed_lookup_total_length"][ours.name()]),
            total
        );
    }
}

#[test]
fn faults() {
    let (Some(columns), Some(theirs)) = (columns(), table("faults.json")) else {
        return;
    };
    for column in columns {
        let ours = constants(column.isa, &column.profile);
        for (name, entry) in object(&theirs["faults"]) {
            let type_number = entry
                .get("type_number")
                .filter(|n| !n.is_null())
                .and_then(|n| column.value(n));
            if name != "TimeoutReply" {
                let fault = FaultType::ALL
                    .iter()
                    .find(|fault| fault.name() == name)
                    .unwrap();
                let exists = fault.exists(column.isa, &column.profile);
                assert_eq!(
                    exists.then_some(i128::from(fault.number())),
                    type_number.map(number),
                    "{name}"
                );
                if !exists {
                    continue;
                }
            }
            let layout = ["all", column.isa.name()]
                .into_iter()
                .find_map(|isa| entry["layout"].get(isa))
                .unwrap();
            for (word, index) in object(layout) {
                let found = ours.get(&format!("seL4_{name}_{word}")).flatten();
                assert_eq!(found, Some(number(index)), "{}: {name}.{word}", column.name);
            }
            let length = column.value(&entry["length"]).map(number);
            if length.is_some() {
                assert_eq!(
                    ours.get(&format!("seL4_{name}_Length")).flatten(),
                    length,
                    "{}: {name}",
                    column.name
                );
            }
        }
    }
    assert_eq!(
        fault::CAP_FAULT_DEPTH_BITS_FOUND,
        fault::cap_fault::GUARD_FOUND
    );
}

#[test]
fn registers() {
    use linchpin_abi::{aarch64 as a, riscv64 as r, x86_64 as x};
    let Some(theirs) = table("registers.json") else {
        return;
    };
    let check = |isa: Isa,
                 names: &[&str],
                 frame: usize,
                 convention: [usize; 5],
                 mr: [usize; 4],
                 kept: [usize; 2]| {
        let context = &theirs["user_context"][isa.name()];
        let order: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(context["order"], serde_json::json!(order));
        assert_eq!(
            context["frame_registers"],
            serde_json::json!(order[..frame])
        );
        assert_eq!(
            context["integer_registers"],
            serde_json::json!(order[frame..])
        );
        assert_eq!(size(&context["count"]), names.len());
        let rules = &theirs["syscall_convention"][isa.name()];
        let keys = [
            "number",
            "cap_or_badge",
            "msginfo",
            "reply_cap_mcs",
            "nbsendrecv_dest",
        ];
        for (key, index) in keys.into_iter().zip(convention) {
            assert_eq!(rules[key], order[index].as_str(), "{key}");
        }
        assert_eq!(
            rules["mr"],
            serde_json::json!(mr.map(|index| order[index].clone()))
        );
        let [tls, root_argument] = kept;
        assert!(
            theirs["tls_register"][isa.name()]
                .as_str()
                .unwrap()
                .starts_with(&order[tls])
        );
        assert!(
            theirs["root_thread"][isa.name()]
                .get(&order[root_argument])
                .is_some()
        );
    };
    let x86 = [
        x::SYSCALL_NUMBER,
        x::CAP_REGISTER,
        x::MSG_INFO_REGISTER,
        x::REPLY_REGISTER,
        x::NB_SEND_DEST_REGISTER,
    ];
    let arm = [
        a::SYSCALL_NUMBER,
        a::CAP_REGISTER,
        a::MSG_INFO_REGISTER,
        a::REPLY_REGISTER,
        a::NB_SEND_DEST_REGISTER,
    ];
    let riscv = [
        r::SYSCALL_NUMBER,
        r::CAP_REGISTER,
        r::MSG_INFO_REGISTER,
        r::REPLY_REGISTER,
        r::NB_SEND_DEST_REGISTER,
    ];
    let kept = [x::TLS_REGISTER, x::CAP_REGISTER];
    check(
        Isa::X86_64,
        &x::register::NAMES,
        x::FRAME_REGISTERS,
        x86,
        x::MESSAGE_REGISTERS,
        kept,
    );
    let kept = [a::TLS_REGISTER, a::CAP_REGISTER];
    check(
        Isa::AArch64,
        &a::register::NAMES,
        a::FRAME_REGISTERS,
        arm,
        a::MESSAGE_REGISTERS,
        kept,
    );
    let kept = [r::TLS_REGISTER, r::CAP_REGISTER];
    check(
        Isa::RiscV64,
        &r::register::NAMES,
        r::FRAME_REGISTERS,
        riscv,
        r::MESSAGE_REGISTERS,
        kept,
    );
    for (name, index) in object(&theirs["vcpu_reg_arm"])
        .iter()
        .filter(|(name, _)| *name != "Num")
    {
        assert_eq!(a::vcpu_register::NAMES[size(index)], name);
    }
}

#[test]
fn interrupts_and_timers_of_the_platforms() {
    use x86_64::irq;
    let Some(theirs) = table("platform.json") else {
        return;
    };
    let pc = &theirs["pc99"]["irq_numbers"];
    assert_eq!(number(&pc["user_vectors_min_irq"]), irq::USER_MIN.into());
    assert_eq!(number(&pc["user_vectors_max_irq"]), irq::USER_MAX.into());
    assert_eq!(number(&pc["vector_offset"]), irq::VECTOR_OFFSET.into());
    let range = format!("0..{} -> irq {}+n", irq::VECTOR_ARGUMENT_MAX, irq::USER_MIN);
    assert!(
        pc["getIOAPIC_getMSI_vector_argument"]
            .as_str()
            .unwrap()
            .starts_with(&range)
    );
    assert_eq!(number(&pc["iommu_irq"]), irq::IOMMU.into());
    assert_eq!(number(&pc["timer_irq"]), irq::TIMER.into());
    assert_eq!(
        pc["ipi_irqs_smp"],
        serde_json::json!([irq::REMOTE_CALL_IPI, irq::RESCHEDULE_IPI])
    );
    assert_eq!(number(&pc["spurious"]), irq::SPURIOUS_VECTOR.into());
    let traps = format!("non-SMP {}..{}", irq::TRAP_VECTOR_MIN, irq::TRAP_VECTOR_MAX);
    assert!(pc["trap_vectors"].as_str().unwrap().starts_with(&traps));
    for (board, isa) in [
        ("qemu-arm-virt", Isa::AArch64),
        ("qemu-riscv-virt", Isa::RiscV64),
    ] {
        let ours = find("default", isa, Flavour::Debug).unwrap();
        assert_eq!(
            number(&theirs[board]["timer_hz"]),
            ours.timer_frequency_hz.into()
        );
    }
}
