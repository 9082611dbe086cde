//! The project's own record of the ABI, for checkouts without the fact tables.

use std::{env, fs};

use linchpin_abi::invocation::labels;
use linchpin_abi::object::{ObjectType, object_types};
use linchpin_abi::{Flavour, Invocation, Isa, Profile, Syscall, aarch64, profile, riscv64, x86_64};
use serde_json::{Map, Value, json};

use crate::constants::{cap_types, constants, unnamed};
use crate::layouts::layouts;

/// Calls that every build has.
const API_CALLS: usize = 11;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshot.json");

#[test]
fn the_abi_is_as_recorded() {
    let ours = record();
    if env::var("LINCHPIN_SNAPSHOT").is_ok_and(|what| what == "write") {
        fs::write(FILE, serde_json::to_string_pretty(&ours).unwrap() + "\n").unwrap();
    }
    let recorded: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
    let mut differences = Vec::new();
    compare("", &recorded, &ours, &mut differences);
    assert!(
        differences.is_empty(),
        "the ABI differs from its record:\n{}",
        differences.join("\n")
    );
}

fn compare(path: &str, recorded: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a
                .keys()
                .chain(b.keys().filter(|name| !a.contains_key(*name)))
            {
                let [a, b] = [a, b].map(|map| map.get(name).unwrap_or(&Value::Null));
                compare(&format!("{path}/{name}"), a, b, differences);
            }
        }
        (a, b) if a != b => differences.push(format!("{path}: recorded {a}, is {b}")),
        _ => {}
    }
}

/// Everything, as JSON. Lists of names are one string each: the position is the number.
fn record() -> Value {
    let mut builds = Map::new();
    let mut isas = Map::new();
    for isa in Isa::ALL {
        isas.insert(isa.name().into(), record_isa(isa));
    }
    for (isa, flavour, profile) in profile::all() {
        let name = format!("{} {} {}", profile.name, isa.name(), flavour.name());
        builds.insert(name, record_build(*isa, *flavour, profile));
    }
    let calls: Vec<_> = Syscall::ALL.iter().map(|call| call.name()).collect();
    json!({ "syscalls": calls.join(" "), "isas": isas, "builds": builds })
}

/// `default` with all options of the ISA on.
fn everything(isa: Isa) -> Profile {
    Profile {
        hardware_debug_api: isa != Isa::RiscV64,
        iommu: isa == Isa::X86_64,
        vtx: isa == Isa::X86_64,
        vtx_64bit_guests: isa == Isa::X86_64,
        arm_hypervisor: isa == Isa::AArch64,
        arm_smmu: isa == Isa::AArch64,
        ..*profile::find("default", isa, Flavour::Debug).unwrap()
    }
}

/// What does not depend on the profile, and the constants with all options on.
fn record_isa(isa: Isa) -> Value {
    let everything = everything(isa);
    let structs = layouts(isa).into_iter().map(|layout| {
        let fields = layout
            .fields
            .iter()
            .map(|(name, offset, size)| format!("{name}@{offset}+{size}"));
        let fields: Vec<_> = fields.collect();
        // The length of the untyped list belongs to the profile.
        let size = if layout.name == "seL4_BootInfo" {
            0
        } else {
            layout.size
        };
        let fields = fields
            .join(" ")
            .split(" untypedList")
            .next()
            .unwrap_or_default()
            .to_owned();
        (
            layout.name.to_owned(),
            json!({ "size": size, "fields": fields }),
        )
    });
    let all = constants(isa, &everything);
    let numbers = all
        .iter()
        .map(|(name, number)| (name.clone(), json!(number.map(|n| n.to_string()))));
    json!({
        "constants": numbers.collect::<Map<_, _>>(),
        "unnamed": unnamed(isa, &everything, Flavour::Debug).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "cap_types": cap_types(isa).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "structs": structs.collect::<Map<_, _>>(),
        "registers": registers(isa),
        "all_options": numbered(isa, &everything),
    })
}

fn registers(isa: Isa) -> Value {
    macro_rules! of {
        ($isa:ident) => {
            json!({
                "order": $isa::register::NAMES.join(" "),
                "frame": $isa::FRAME_REGISTERS,
                "message": $isa::MESSAGE_REGISTERS,
                "number": $isa::SYSCALL_NUMBER,
                "cap": $isa::CAP_REGISTER,
                "info": $isa::MSG_INFO_REGISTER,
                "reply": $isa::REPLY_REGISTER,
                "destination": $isa::NB_SEND_DEST_REGISTER,
                "tls": $isa::TLS_REGISTER,
                "level_bits": $isa::LEVEL_BITS,
            })
        };
    }
    match isa {
        Isa::X86_64 => of!(x86_64),
        Isa::AArch64 => of!(aarch64),
        Isa::RiscV64 => of!(riscv64),
    }
}

/// Labels (from 1) and object types (from 0), in order.
fn numbered(isa: Isa, profile: &Profile) -> Value {
    let labels: Vec<_> = labels(isa, profile)
        .iter()
        .map(|(_, invocation)| invocation.name())
        .collect();
    let types = object_types(isa, profile);
    let types: Vec<_> = (0..types.count())
        .filter_map(|n| types.decode(n))
        .map(ObjectType::name)
        .collect();
    json!({ "labels": labels.join(" "), "types": types.join(" ") })
}

/// What depends on the profile: labels and types by those that are absent, numbers by those that
/// differ from `default`.
fn record_build(isa: Isa, flavour: Flavour, profile: &Profile) -> Value {
    let absent_labels = Invocation::ALL
        .iter()
        .filter(|i| i.exists(isa, &everything(isa)));
    let absent_labels = absent_labels
        .filter(|i| !i.exists(isa, profile))
        .map(|i| i.name());
    let absent_types = ObjectType::ALL
        .iter()
        .filter(|t| t.exists(isa, &everything(isa)));
    let absent_types = absent_types
        .filter(|t| !t.exists(isa, profile))
        .map(|t| t.name());
    let calls = Syscall::ALL
        .iter()
        .filter(|call| call.exists(profile, flavour))
        .skip(API_CALLS);
    let sizes = ObjectType::ALL.iter().filter(|t| t.exists(isa, profile));
    let sizes = sizes
        .filter_map(|t| t.size_bits(isa, profile))
        .map(|bits| bits.to_string());
    let debug = profile::find("default", isa, Flavour::Debug).unwrap();
    let (ours, default) = (settings(profile), settings(debug));
    let changed = ours
        .into_iter()
        .filter(|entry| profile == debug || !default.contains(entry));
    json!({
        "absent_labels": join(absent_labels),
        "absent_types": join(absent_types),
        "calls": join(calls.map(|call| call.name())),
        "size_bits": join(sizes),
        "settings": join(changed),
    })
}

/// Every key of a profile with its value.
fn settings(profile: &Profile) -> Vec<String> {
    let text = format!("{profile:?}");
    let inside = text.trim_start_matches("Profile { ").trim_end_matches(" }");
    inside
        .split(", ")
        .map(|entry| entry.replace(": ", "="))
        .collect()
}

fn join(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    names
        .map(|name| name.as_ref().to_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
