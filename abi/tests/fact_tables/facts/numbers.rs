//! Labels, system calls and the settings of profiles.

use linchpin_abi::invocation::labels;
use linchpin_abi::profile::find;
use linchpin_abi::{Flavour, Isa, Profile, Syscall};
use serde_json::{Map, Value};

use super::{number, object};
use crate::column::{Column, columns, suite, table};

#[test]
fn labels_of_every_configuration() {
    let (Some(columns), Some(theirs)) = (columns(), table("labels_by_config.json")) else {
        return;
    };
    for column in columns {
        compare_labels(&column, object(&theirs["labels"][&column.name]));
    }
}

#[test]
fn labels_and_settings_of_the_public_suite() {
    let Some(images) = suite() else { return };
    for (column, theirs) in images {
        compare_labels(&column, object(&theirs));
        let ours = find("default", column.isa, Flavour::Debug).unwrap();
        assert_eq!(
            *ours,
            Profile {
                name: "default",
                ..column.profile
            },
            "{}",
            column.name
        );
        let debug = find("hwdebug", column.isa, Flavour::Debug).unwrap();
        let hardware_debug_api = column.isa != Isa::RiscV64;
        assert_eq!(
            *debug,
            Profile {
                name: "hwdebug",
                hardware_debug_api,
                ..column.profile
            },
            "{}",
            column.name
        );
    }
}

#[test]
fn settings_of_microkit() {
    let Some(columns) = columns() else { return };
    let boards = [
        ("x64_mcs_mk", "microkit", Isa::X86_64),
        ("a64_hyp_mcs_mk", "microkit", Isa::AArch64),
        ("a64_el1_mcs_mk", "microkit-el1", Isa::AArch64),
        ("rv_mcs_mk", "microkit", Isa::RiscV64),
    ];
    for (name, profile, isa) in boards {
        let theirs = columns.iter().find(|column| column.name == name).unwrap();
        let ours = find(profile, isa, Flavour::Debug).unwrap();
        assert_eq!(
            *ours,
            Profile {
                name: profile,
                ..theirs.profile
            },
            "{name}"
        );
    }
}

fn compare_labels(column: &Column, theirs: &Map<String, Value>) {
    let ours = labels(column.isa, &column.profile);
    assert_eq!(
        ours.count() as usize,
        theirs.len(),
        "{}: how many labels",
        column.name
    );
    for (label, invocation) in ours.iter() {
        let name = invocation.name();
        assert_eq!(
            theirs.get(name).map(number),
            Some(label.into()),
            "{}: {name}",
            column.name
        );
        assert_eq!(ours.label(invocation), Some(label));
    }
    for outside in [0, ours.count() + 1, u64::MAX] {
        assert_eq!(
            ours.invocation(outside),
            None,
            "{}: label {outside}",
            column.name
        );
    }
}

#[test]
fn counts_of_labels() {
    let (Some(columns), Some(theirs)) = (columns(), table("constants.json")) else {
        return;
    };
    for column in columns {
        let count = number(
            column
                .value(&theirs["label_counts"]["nArchInvocationLabels"])
                .unwrap(),
        );
        assert_eq!(
            i128::from(labels(column.isa, &column.profile).count()) + 1,
            count,
            "{}",
            column.name
        );
    }
}

#[test]
fn system_calls() {
    let (Some(columns), Some(theirs)) = (columns(), table("syscalls.json")) else {
        return;
    };
    let theirs: Vec<_> = theirs["syscalls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| !call["mcs"].is_null())
        .collect();
    assert_eq!(theirs.len(), Syscall::ALL.len());
    for (call, ours) in theirs.iter().zip(Syscall::ALL) {
        assert_eq!(call["name"], ours.name());
        assert_eq!(
            number(&call["mcs"]),
            ours.number().into(),
            "{}",
            ours.name()
        );
        for column in &columns {
            let expected = column
                .holds(call["present_when"].as_str().unwrap())
                .then_some(*ours);
            let found = Syscall::from_number(ours.number(), &column.profile, column.flavour);
            assert_eq!(found, expected, "{}: {}", column.name, ours.name());
        }
    }
}

#[test]
fn user_device_top() {
    let Some(columns) = columns() else { return };
    for column in columns {
        let theirs = column.symbols["PADDR_USER_DEVICE_TOP"].as_str().unwrap();
        let ours = linchpin_abi::object::user_device_top(column.isa, &column.profile);
        assert_eq!(ours.to_string(), theirs, "{}", column.name);
    }
}
