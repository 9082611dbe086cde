//! Object types, sizes and every constant of the headers.

use linchpin_abi::object::object_types;
use linchpin_abi::{Isa, ObjectType};

use super::{number, object, size};
use crate::column::{at, columns, table};
use crate::constants::{cap_types, constants};

/// Names that libsel4 keeps for old code, or that only its own headers need.
const NOT_OURS: [&str; 25] = [
    "seL4_True",
    "seL4_False",
    "seL4_Null",
    "seL4_NilData",
    "seL4_ModeObjectTypeCount",
    "seL4_IA32_PDPTObject",
    // Zero where the header only says that old code may use the name.
    "seL4_ARM_PageDirectory_Map",
    "seL4_ARM_PageDirectory_Unmap",
    "seL4_ARM_PageUpperDirectory_Map",
    "seL4_ARM_PageUpperDirectory_Unmap",
    // Old names of AArch64's tables, by level.
    "seL4_ARM_PageDirectoryObject",
    "seL4_ARM_PageUpperDirectoryObject",
    "seL4_ARM_PageGlobalDirectoryObject",
    "seL4_PGDBits",
    "seL4_PGDIndexBits",
    "seL4_PGDEntryBits",
    "seL4_PUDBits",
    "seL4_PUDIndexBits",
    "seL4_PUDEntryBits",
    "seL4_PageDirBits",
    "seL4_PageDirIndexBits",
    "seL4_PageDirEntryBits",
    "seL4_IOPageTableBits",
    // No such page in Sv39.
    "seL4_TeraPageBits",
    // Has the value of write-back.
    "seL4_X86_EPT_Uncached_VMAttributes",
];

/// Values of object type constants that mean "not in this build".
const ABSENT: [i128; 9] = [
    16_777_210,
    16_777_211,
    16_777_212,
    16_777_213,
    16_777_214,
    16_777_215,
    65_534,
    65_535,
    4_294_967_295,
];

#[test]
fn object_type_numbers() {
    let (Some(columns), Some(theirs)) = (columns(), table("objects.json")) else {
        return;
    };
    for column in columns {
        let ours = object_types(column.isa, &column.profile);
        let mut seen = 0;
        for (name, entry) in object(&theirs["type_number"])
            .iter()
            .filter(|(name, _)| !name.ends_with("Count"))
        {
            let expected = column.value(entry).map(number);
            let object_type = ObjectType::ALL
                .iter()
                .find(|t| t.name() == name)
                .unwrap_or_else(|| panic!("{name}"));
            let found = ours.number(*object_type);
            assert_eq!(found.map(i128::from), expected, "{}: {name}", column.name);
            if let Some(number) = found {
                assert_eq!(ours.decode(number), Some(*object_type));
                seen += 1;
            }
        }
        let count = number(
            column
                .value(&theirs["type_number"]["ObjectTypeCount"])
                .unwrap(),
        );
        assert_eq!(i128::from(ours.count()), count, "{}", column.name);
        assert_eq!(seen, ours.count(), "{}", column.name);
        assert_eq!(ours.decode(ours.count()), None);
    }
}

#[test]
fn object_sizes_and_limits() {
    let (Some(columns), Some(theirs)) = (columns(), table("objects.json")) else {
        return;
    };
    use ObjectType as T;
    let types: [(&str, &[T]); 15] = [
        ("TCB", &[T::Tcb]),
        ("Endpoint", &[T::Endpoint]),
        ("Notification", &[T::Notification]),
        ("Reply (MCS)", &[T::Reply]),
        (
            "small page",
            &[T::X86SmallPage, T::ArmSmallPage, T::RiscvSmallPage],
        ),
        (
            "large page",
            &[T::X86LargePage, T::ArmLargePage, T::RiscvMegaPage],
        ),
        (
            "huge page",
            &[T::X86HugePage, T::ArmHugePage, T::RiscvGigaPage],
        ),
        (
            "page table",
            &[T::X86PageTable, T::ArmPageTable, T::RiscvPageTable],
        ),
        ("page directory (x86)", &[T::X86PageDirectory]),
        ("PDPT (x86)", &[T::X86Pdpt]),
        ("PML4 (x86)", &[T::X86Pml4]),
        ("VSpace", &[T::ArmVSpace, T::X86Pml4]),
        ("IO page table", &[T::X86IoPageTable]),
        ("VCPU (ARM)", &[T::ArmVcpu]),
        ("VCPU (x86)", &[T::X86Vcpu]),
    ];
    for column in columns {
        let (isa, profile) = (column.isa, &column.profile);
        for (name, types) in types {
            let expected = column.value(&theirs["size_bits"][name]["bits"]);
            for object_type in types.iter().filter(|t| t.exists(isa, profile)) {
                let found = object_type.size_bits(isa, profile);
                assert_eq!(found, expected.map(size), "{}: {name}", column.name);
            }
        }
        let ours = constants(isa, profile);
        for (name, entry) in object(&theirs["limits"]) {
            let (Some(theirs), Some(Some(ours))) =
                (column.value(entry), ours.get(&format!("seL4_{name}")))
            else {
                continue;
            };
            assert_eq!(ours, number(theirs), "{}: {name}", column.name);
        }
    }
}

#[test]
fn constants_of_the_headers() {
    let (Some(columns), Some(theirs)) = (columns(), table("constants.json")) else {
        return;
    };
    let mut compared = 0;
    for column in columns {
        let ours = constants(column.isa, &column.profile);
        for (name, entry) in object(&theirs["constants"]) {
            let Some(expected) = column.value(entry).map(number) else {
                continue;
            };
            match ours.get(name) {
                Some(Some(ours)) => assert_eq!(ours, expected, "{}: {name}", column.name),
                Some(None) => assert!(
                    ABSENT.contains(&expected),
                    "{}: {name} is {expected}",
                    column.name
                ),
                None => assert!(
                    NOT_OURS.contains(&name.as_str()),
                    "{}: we have no {name}",
                    column.name
                ),
            }
            compared += 1;
        }
    }
    let stale = NOT_OURS
        .iter()
        .find(|name| theirs["constants"].get(**name).is_none());
    assert_eq!(stale, None, "excused, but not in the table");
    println!("{compared} values compared");
    assert!(compared > 5000);
}

#[test]
fn capability_types() {
    let Some(theirs) = table("captypes.json") else {
        return;
    };
    for isa in Isa::ALL {
        let ours = cap_types(isa);
        for (name, entry) in object(&theirs["cap_type_number"]) {
            // Only some configurations have the type; in all of them it has one number.
            let branch = at(entry, "", isa).or_else(|| entry.get(isa.name())?.get(0)?.get("value"));
            let found = ours
                .iter()
                .find(|(ours, _)| ours == name)
                .map(|(_, number)| i128::from(*number));
            assert_eq!(found, branch.map(number), "{}: {name}", isa.name());
        }
    }
}
