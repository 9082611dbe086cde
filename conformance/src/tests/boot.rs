//! What the root task is told, and what it is given.

use crate::isa;
use crate::report::{Outcome, check, check_eq, skip};
use crate::world::World;
use abi::bootinfo::{self, NUM_INITIAL_CAPS, SlotRegion};
use abi::syscall::Syscall;
use abi::{PROFILE, Word, cap_type};
use user_api::{CPtr, Frame, debug};
use user_runtime::{boot, image};

crate::list!["boot":
    numbers, fixed_slots_hold_what_they_should, slot_regions_do_not_overlap, image_frames_cover_the_image,
    buffers_follow_the_image, untyped_list_is_sound, untyped_list_ends_with_zeros, extra_chunks_fill_their_length,
    empty_slots_are_empty,
];

const PAGE: Word = 1 << abi::object::PAGE_BITS;

fn numbers(world: &mut World) -> Outcome {
    let boot = world.boot;
    check_eq!(boot.node_id, 0);
    check!(boot.num_nodes >= 1);
    check_eq!(boot.init_thread_domain, 0);
    check_eq!(
        boot.init_thread_cnode_size_bits,
        PROFILE.root_cnode_size_bits as Word
    );
    check_eq!(boot.empty.end, 1 << PROFILE.root_cnode_size_bits);
    check_eq!(
        boot.sched_control.end - boot.sched_control.start,
        PROFILE.num_nodes as Word
    );
    if let Some(levels) = isa::IOPT_LEVELS {
        check_eq!(boot.num_iopt_levels, levels);
    }
    check_eq!(boot.shared_frames, SlotRegion::default());
    check_eq!(boot.io_space_caps, SlotRegion::default());
    Ok(())
}

fn fixed_slots_hold_what_they_should(world: &mut World) -> Outcome {
    if !debug::available(Syscall::DebugCapIdentify) {
        skip!("needs DebugCapIdentify");
    }
    let wanted = [
        (bootinfo::slot::NULL, cap_type::NULL),
        (bootinfo::INIT_TCB, cap_type::THREAD),
        (bootinfo::INIT_CNODE, cap_type::CNODE),
        (bootinfo::IRQ_CONTROL, cap_type::IRQ_CONTROL),
        (bootinfo::ASID_CONTROL, cap_type::ASID_CONTROL),
        (bootinfo::INIT_ASID_POOL, cap_type::ASID_POOL),
        (bootinfo::BOOT_INFO_FRAME, cap_type::FRAME),
        (bootinfo::INIT_IPC_BUFFER, cap_type::FRAME),
        (bootinfo::DOMAIN, cap_type::DOMAIN),
        (bootinfo::SMMU_SID_CONTROL, cap_type::NULL),
        (bootinfo::SMMU_CB_CONTROL, cap_type::NULL),
        (bootinfo::INIT_SC, cap_type::SCHED_CONTEXT),
    ];
    for (slot, kind) in wanted.iter().chain(isa::FIXED_SLOTS).copied() {
        check_eq!(
            debug::cap_identify(CPtr::new(slot as Word)),
            kind,
            "slot {slot}"
        );
    }
    let boot = world.boot;
    for slot in boot.sched_control.start..boot.sched_control.end {
        check_eq!(
            debug::cap_identify(CPtr::new(slot)),
            cap_type::SCHED_CONTROL,
            "slot {slot}"
        );
    }
    for slot in boot.user_image_frames.start..boot.user_image_frames.end {
        check_eq!(
            debug::cap_identify(CPtr::new(slot)),
            cap_type::FRAME,
            "slot {slot}"
        );
    }
    for slot in boot.untyped.start..boot.untyped.end {
        check_eq!(
            debug::cap_identify(CPtr::new(slot)),
            cap_type::UNTYPED,
            "slot {slot}"
        );
    }
    for slot in boot.user_image_paging.start..boot.user_image_paging.end {
        let kind = debug::cap_identify(CPtr::new(slot));
        check!(isa::TABLE_KINDS.contains(&kind), "slot {slot} holds {kind}");
    }
    Ok(())
}

fn slot_regions_do_not_overlap(world: &mut World) -> Outcome {
    let boot = world.boot;
    let (paging, extra, time) = (
        boot.user_image_paging,
        boot.extra_bi_pages,
        boot.sched_control,
    );
    let [first, second, third] = if isa::SCHED_CONTROL_FIRST {
        [time, paging, extra]
    } else {
        [paging, extra, time]
    };
    let regions = [
        first,
        second,
        third,
        boot.user_image_frames,
        boot.untyped,
        boot.empty,
    ];
    let mut next = NUM_INITIAL_CAPS as Word;
    for (number, region) in regions.iter().enumerate() {
        check!(region.start <= region.end, "region {number} is {region:?}");
        if region.start != region.end {
            check_eq!(region.start, next, "region {number}");
            next = region.end;
        }
    }
    check_eq!(next, 1 << boot.init_thread_cnode_size_bits);
    Ok(())
}

fn image_frames_cover_the_image(world: &mut World) -> Outcome {
    let boot = world.boot;
    let pages = (boot.user_image_frames.end - boot.user_image_frames.start) as usize;
    // Loaders may add to it, before and behind.
    check!(
        pages >= image::range().len() / PAGE as usize,
        "{pages} pages"
    );
    check!(boot.ipc_buffer as usize >= image::range().end);
    let mut seen = 0;
    for slot in boot.user_image_frames.start..boot.user_image_frames.end {
        let address = Frame::new(slot).physical_address()?;
        check!(
            address.is_multiple_of(PAGE) && address != seen,
            "slot {slot} is at {address:#x}"
        );
        seen = address;
    }
    Ok(())
}

fn buffers_follow_the_image(world: &mut World) -> Outcome {
    let boot = world.boot;
    let end = image::range().end as Word;
    check_eq!(boot.ipc_buffer, end);
    check_eq!((&raw const *boot).addr() as Word, end + PAGE);
    check_eq!(
        user_runtime::block::ipc_buffer().addr() as Word,
        boot.ipc_buffer
    );
    Ok(())
}

fn untyped_list_is_sound(world: &mut World) -> Outcome {
    let boot = world.boot;
    let count = (boot.untyped.end - boot.untyped.start) as usize;
    check!(count > 0 && count <= PROFILE.max_untyped_caps);
    let mut ram = 0_u64;
    for (index, entry) in boot.untyped_list.iter().take(count).enumerate() {
        let bits: usize = entry.size_bits.into();
        check!(
            (abi::object::MIN_UNTYPED_BITS..=abi::object::MAX_UNTYPED_BITS).contains(&bits),
            "entry {index}"
        );
        // Device memory above the kernel's window may be aligned less.
        check!(
            entry.is_device == 1 || entry.paddr.is_multiple_of(1 << bits),
            "entry {index} at {:#x} has {bits} bits",
            entry.paddr
        );
        check!(entry.is_device <= 1);
        check_eq!(entry.padding, [0; 6]);
        for (other_index, other) in boot
            .untyped_list
            .iter()
            .take(count)
            .enumerate()
            .skip(index + 1)
        {
            let apart = entry.paddr + (1 << bits) <= other.paddr
                || other.paddr + (1 << other.size_bits) <= entry.paddr;
            check!(apart, "entries {index} and {other_index} overlap");
        }
        if entry.is_device == 0 {
            ram += 1 << bits;
        }
    }
    check!(ram > 16 << 20, "{ram} bytes of RAM");
    Ok(())
}

fn untyped_list_ends_with_zeros(world: &mut World) -> Outcome {
    let boot = world.boot;
    let count = (boot.untyped.end - boot.untyped.start) as usize;
    check!(
        boot.untyped_list
            .iter()
            .skip(count)
            .all(|entry| *entry == Default::default())
    );
    Ok(())
}

fn extra_chunks_fill_their_length(world: &mut World) -> Outcome {
    let boot = world.boot;
    let header = size_of::<bootinfo::BootInfoHeader>();
    let used: usize = boot::extra(boot)
        .map(|chunk| chunk.contents.len() + header)
        .sum();
    check_eq!(used as Word, boot.extra_len);
    let pages = boot.extra_bi_pages.end - boot.extra_bi_pages.start;
    check!(pages * PAGE >= boot.extra_len);
    Ok(())
}

fn empty_slots_are_empty(world: &mut World) -> Outcome {
    let end = world.boot.empty.end - user_runtime::boot::RESERVED_SLOTS;
    for slot in [
        end - 1,
        end - 2,
        end - 100,
        (world.boot.empty.start + end) / 2 + 1_500,
    ] {
        let path = user_runtime::boot::root::CNODE.absolute(slot);
        check!(!world.occupied(path)?, "slot {slot} is in use");
    }
    Ok(())
}
