//! What the root task finds.

use crate::world::World;
use abi::bootinfo::{self, slot};
use abi::{PROFILE, Word};
use kernel::cap::Cap;
use machine::VirtualAddress;
use machine::model::{Config, Model};
use machine::{Machine, PhysicalAddress};

use crate::world::CPtr;

fn at(index: usize) -> CPtr {
    CPtr(index as Word)
}

#[test]
fn the_fixed_slots_hold_what_they_should() {
    let w = World::new();
    let cap = |index| w.cap(at(index));
    assert_eq!(cap(slot::NULL), Cap::Null);
    assert_eq!(cap(slot::INIT_TCB), Cap::Tcb(w.root().object));
    assert!(
        matches!(cap(slot::INIT_CNODE), Cap::CNode(c) if usize::from(c.radix) == PROFILE.root_cnode_size_bits)
    );
    assert!(matches!(cap(slot::INIT_VSPACE), Cap::VSpace(c) if c.asid.is_some()));
    assert_eq!(cap(slot::IRQ_CONTROL), Cap::IrqControl);
    assert_eq!(cap(slot::ASID_CONTROL), Cap::AsidControl);
    assert!(matches!(cap(slot::INIT_ASID_POOL), Cap::AsidPool(c) if c.index == 0));
    assert_eq!(
        cap(slot::IO_PORT_CONTROL) == Cap::Null,
        !cfg!(isa = "x86_64")
    );
    assert!(matches!(cap(slot::BOOT_INFO_FRAME), Cap::Frame(_)));
    assert!(matches!(cap(slot::INIT_IPC_BUFFER), Cap::Frame(_)));
    assert_eq!(cap(slot::DOMAIN), Cap::Domain);
    assert_eq!(cap(slot::SMMU_SID_CONTROL), Cap::Null);
    assert_eq!(cap(slot::SMMU_CB_CONTROL), Cap::Null);
    assert!(matches!(cap(slot::INIT_SC), Cap::SchedContext(_)));
    assert_eq!(cap(slot::SMC), Cap::Null);
}

#[test]
fn boot_info_describes_the_root_cnode() {
    let w = World::new();
    let info = w.boot_info();
    assert_eq!(
        info.init_thread_cnode_size_bits as usize,
        PROFILE.root_cnode_size_bits
    );
    assert_eq!(
        (info.num_nodes, info.node_id, info.init_thread_domain),
        (1, 0, 0)
    );
    for region in [
        info.sched_control,
        info.untyped,
        info.user_image_frames,
        info.user_image_paging,
    ] {
        assert!(region.start < region.end, "{region:?}");
        for n in region.start..region.end {
            assert_ne!(w.cap(CPtr(n)), Cap::Null, "slot {n}");
        }
    }
    assert_eq!(
        info.sched_control.end - info.sched_control.start,
        PROFILE.num_nodes as Word
    );
    assert!(matches!(
        w.cap(CPtr(info.sched_control.start)),
        Cap::SchedControl { core: 0 }
    ));
    let all = 1 << PROFILE.root_cnode_size_bits;
    assert_eq!(info.empty.end, all);
}

#[test]
fn the_untyped_list_says_what_the_capabilities_are() {
    let w = World::new();
    let info = w.boot_info();
    for (n, slot) in (info.untyped.start..info.untyped.end).enumerate() {
        let described = &info.untyped_list[n];
        let Cap::Untyped(cap) = w.cap(CPtr(slot)) else {
            panic!("slot {slot} holds {:?}", w.cap(CPtr(slot)))
        };
        assert_eq!(
            (described.paddr, described.size_bits),
            (cap.base.0, cap.bits)
        );
        assert_eq!(described.is_device != 0, cap.device);
        let window = machine::layout::PHYSICAL_WINDOW;
        let seen_at = described.paddr.wrapping_add(window);
        assert_eq!(
            seen_at % (1 << described.size_bits),
            0,
            "aligned to its size in the kernel's window"
        );
    }
}

#[test]
fn untypeds_of_ram_do_not_overlap_each_other_or_the_kernels_objects() {
    let w = World::new();
    let info = w.boot_info();
    let count = (info.untyped.end - info.untyped.start) as usize;
    let mut regions: Vec<(u64, u64)> = info.untyped_list[..count]
        .iter()
        .map(|u| (u.paddr, u.paddr + (1 << u.size_bits)))
        .collect();
    regions.sort_unstable();
    assert!(
        regions.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{regions:x?}"
    );
    let ram: Vec<_> = w.k.machine.ram().collect();
    for (untyped, region) in info.untyped_list[..count].iter().zip(info.untyped.start..) {
        let in_ram = ram
            .iter()
            .any(|&(base, len)| untyped.paddr >= base.0 && untyped.paddr < base.0 + len);
        assert!(
            !in_ram || untyped.is_device == 0,
            "RAM in slot {region} as a device"
        );
    }
}

#[test]
fn the_root_task_sees_its_image_boot_info_and_ipc_buffer() {
    let w = World::new();
    let info = w.boot_info();
    let (root, _) = w.k.machine.root();
    let root = root.expect("the root task's address space");
    let at = w.ip(w.root());
    let seen = |address| w.k.machine.walk(root, VirtualAddress(address));
    assert!(seen(w.boot_info_address()).is_some());
    let buffer = seen(info.ipc_buffer).expect("the buffer is mapped");
    assert_eq!(Some(buffer.physical), w.root().buffer);
    assert!(buffer.writable);
    assert!(seen(at).is_some());
}

#[test]
fn the_bytes_behind_boot_info_are_zero() {
    let w = World::new();
    let bytes = w.boot_info_page();
    assert!(
        bytes[size_of::<bootinfo::BootInfo>()..]
            .iter()
            .all(|b| *b == 0)
    );
}

#[test]
fn more_memory_means_more_untyped() {
    let of = |mib: u64| {
        let ram = vec![(PhysicalAddress(0x10_0000), mib << 20)];
        let w = World::with(&Config {
            ram,
            ..Config::default()
        });
        let info = w.boot_info();
        let count = (info.untyped.end - info.untyped.start) as usize;
        let ram = info.untyped_list[..count]
            .iter()
            .filter(|u| u.is_device == 0);
        ram.map(|u| 1u64 << u.size_bits).sum::<u64>()
    };
    assert_eq!(of(32) - of(16), 16 << 20);
}

#[test]
fn the_clock_of_the_machine_is_the_clock_of_the_kernel() {
    let mut w = World::new();
    let thread = w.thread();
    w.root_sleeps();
    assert!(w.is_current(thread));
    let before = w.k.machine.now();
    w.pass(7);
    assert_eq!(w.k.machine.now() - before, 7 * w.k.machine.ticks_per_us());
    let _: &Model = &w.k.machine;
}
