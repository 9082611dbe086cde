//! Structures, bit fields and BootInfo.

use linchpin_abi::cnode::CNodeCapData;
use linchpin_abi::{CapRights, Isa, MessageInfo, bootinfo, x86_64};
use serde_json::Value;

use super::{object, size};
use crate::column::{Column, at, columns, table};
use crate::constants::{key, libsel4_slot};
use crate::layouts::{Layout, layouts};

#[test]
fn structures() {
    let (Some(columns), Some(theirs)) = (columns(), table("layouts.json")) else {
        return;
    };
    // Not kept: a boolean is a byte to Rust too; the word of attributes has no structure; a log of kernel entries.
    let not_ours = ["seL4_Bool", "seL4_X86_VMAttributes", "kernel_entry_t"];
    for column in columns {
        let ours = layouts(column.isa);
        for (name, entry) in object(&theirs["structs"]) {
            let Some(expected) = column.value(&entry["size"]) else {
                continue;
            };
            let Some(layout) = ours.iter().find(|layout| layout.name == name) else {
                assert!(
                    not_ours.contains(&name.as_str()),
                    "{}: we have no {name}",
                    column.name
                );
                continue;
            };
            let where_ = format!("{}: {name}", column.name);
            let expected = if name == "seL4_VCPUContext" {
                assert_eq!(
                    x86_64::vcpu_registers(&column.profile) * 8,
                    size(expected),
                    "{where_}"
                );
                120
            } else {
                size(expected)
            };
            assert_eq!(layout.size, expected, "{where_}");
            compare_fields(&column, layout, entry.get("fields"), &where_);
        }
    }
}

fn compare_fields(column: &Column, ours: &Layout, theirs: Option<&Value>, where_: &str) {
    for (name, entry) in theirs.into_iter().flat_map(object) {
        let Some(offset) = column.value(&entry["offset"]) else {
            continue;
        };
        let field = ours.fields.iter().find(|(ours, ..)| ours == name);
        let (_, our_offset, our_size) =
            field.unwrap_or_else(|| panic!("{where_}: no field {name}"));
        assert_eq!(*our_offset, size(offset), "{where_}.{name}: offset");
        assert_eq!(
            *our_size,
            size(column.value(&entry["size"]).unwrap()),
            "{where_}.{name}: size"
        );
    }
}

#[test]
fn boot_information() {
    let Some(theirs) = table("bootinfo.json") else {
        return;
    };
    let ours = layouts(Isa::X86_64);
    let find = |name: &str| ours.iter().find(|layout| layout.name == name).unwrap();
    let structs = [
        ("struct", "seL4_BootInfo"),
        ("untyped_desc", "seL4_UntypedDesc"),
        ("slot_region", "seL4_SlotRegion"),
        ("header", "seL4_BootInfoHeader"),
        ("mmap", "seL4_X86_BootInfo_mmap_t"),
        ("mmap_entry", "seL4_X86_mb_mmap_t"),
        ("vbe", "seL4_X86_BootInfo_VBE"),
        ("vbe_mode_info", "seL4_VBEModeInfoBlock_t"),
    ];
    for (theirs_name, name) in structs {
        let (layout, entry) = (find(name), &theirs[theirs_name]);
        assert_eq!(
            layout.size,
            size(at(&entry["size"], "", Isa::X86_64).unwrap()),
            "{name}"
        );
        for (field, place) in object(&entry["fields"]) {
            let (_, offset, _) = layout
                .fields
                .iter()
                .find(|(ours, ..)| ours == field)
                .unwrap();
            assert_eq!(
                *offset,
                size(at(&place["offset"], "", Isa::X86_64).unwrap()),
                "{name}.{field}"
            );
        }
    }
    let framebuffer = find("framebuffer");
    assert_eq!(framebuffer.size, size(&theirs["framebuffer"]["size"]));
    for (name, place) in object(&theirs["framebuffer"]["fields"]) {
        assert!(
            framebuffer
                .fields
                .contains(&(name.as_str(), size(&place[0]), size(&place[1]))),
            "framebuffer.{name}"
        );
    }
    for cap in theirs["initial_caps"].as_array().unwrap() {
        let ours = libsel4_slot(bootinfo::slot::NAMES[size(&cap["slot"])]).replace("VSPACE", "PD");
        assert_eq!(key(cap["name"].as_str().unwrap()), key(&ours));
    }
    for (name, id) in object(&theirs["extra_headers"])
        .iter()
        .filter(|(name, _)| *name != "NUM")
    {
        assert_eq!(bootinfo::header::NAMES[size(id)], name);
    }
}

#[test]
fn bit_fields() {
    let Some(theirs) = table("layouts.json") else {
        return;
    };
    let ones = u64::MAX;
    let ours: [(&str, &str, &str, u64); 15] = [
        (
            "seL4_MessageInfo",
            "all",
            "label",
            MessageInfo::new(ones, 0, 0, 0).0,
        ),
        (
            "seL4_MessageInfo",
            "all",
            "capsUnwrapped",
            MessageInfo::new(0, ones, 0, 0).0,
        ),
        (
            "seL4_MessageInfo",
            "all",
            "extraCaps",
            MessageInfo::new(0, 0, usize::MAX, 0).0,
        ),
        (
            "seL4_MessageInfo",
            "all",
            "length",
            MessageInfo::new(0, 0, 0, usize::MAX).0,
        ),
        (
            "seL4_CapRights",
            "all",
            "capAllowGrantReply",
            CapRights::GRANT_REPLY.0,
        ),
        ("seL4_CapRights", "all", "capAllowGrant", CapRights::GRANT.0),
        ("seL4_CapRights", "all", "capAllowRead", CapRights::READ.0),
        ("seL4_CapRights", "all", "capAllowWrite", CapRights::WRITE.0),
        (
            "seL4_CNode_CapData",
            "all",
            "guard",
            CNodeCapData::new(ones, 0).0,
        ),
        (
            "seL4_CNode_CapData",
            "all",
            "guardSize",
            CNodeCapData::new(0, usize::MAX).0,
        ),
        (
            "seL4_X86_IOSpace_CapData",
            "x86_64",
            "domainID",
            io_space_field(x86_64::IoSpaceCapData::domain_id),
        ),
        (
            "seL4_X86_IOSpace_CapData",
            "x86_64",
            "pciBus",
            io_space_field(x86_64::IoSpaceCapData::pci_bus),
        ),
        (
            "seL4_X86_IOSpace_CapData",
            "x86_64",
            "pciDev",
            io_space_field(x86_64::IoSpaceCapData::pci_dev),
        ),
        (
            "seL4_X86_IOSpace_CapData",
            "x86_64",
            "pciFun",
            io_space_field(x86_64::IoSpaceCapData::pci_fun),
        ),
        ("seL4_MessageInfo", "all", "length", MessageInfo(0x7f).0),
    ];
    for (structure, isa, name, mask) in ours {
        let fields = theirs["bitfields"][structure][isa]["fields"]
            .as_array()
            .unwrap();
        let field = fields.iter().find(|field| field["name"] == name).unwrap();
        let (low, bits) = (size(&field["low_bit"]), size(&field["bits"]));
        assert_eq!(mask, (ones >> (64 - bits)) << low, "{structure}.{name}");
    }
}

/// The bits of the word that change what an accessor returns.
fn io_space_field(accessor: fn(x86_64::IoSpaceCapData) -> u64) -> u64 {
    (0..64)
        .map(|bit| 1 << bit)
        .filter(|word| accessor(x86_64::IoSpaceCapData(*word)) != 0)
        .sum()
}
