//! What the root task is told: the page of BootInfo, and the extra region. Both are zero before.

use super::plan::Plan;
use super::{ExtraChunk, Platform};
use crate::Kernel;
use crate::isa;
use abi::PROFILE;
use abi::bootinfo::{BootInfo, SlotRegion, UntypedDesc};
use core::mem::offset_of;
use machine::{KernelAddress, Machine, PhysicalAddress};

/// Writes all of it.
pub(super) fn write(k: &mut Kernel, plan: &Plan, platform: &Platform<'_>) {
    let page = KernelAddress::of(PhysicalAddress(plan.objects.boot_info));
    let extra = KernelAddress::of(PhysicalAddress(plan.objects.extra));
    write_words(k, page, plan, platform);
    write_regions(k, page, plan);
    write_untypeds(k, page, plan);
    write_bytes(k, extra, platform.extra.iter().flat_map(chunk));
}

// Fields that are always zero (`node_id`, `init_thread_domain`, `shared_frames`,
// `io_space_caps`) are not written.

fn write_words(k: &mut Kernel, page: KernelAddress, plan: &Plan, platform: &Platform<'_>) {
    let words = [
        (offset_of!(BootInfo, extra_len), plan.layout.extra_len),
        (offset_of!(BootInfo, num_nodes), platform.cores),
        (offset_of!(BootInfo, num_iopt_levels), isa::NUM_IOPT_LEVELS),
        (offset_of!(BootInfo, ipc_buffer), plan.layout.ipc_buffer),
        (
            offset_of!(BootInfo, init_thread_cnode_size_bits),
            PROFILE.root_cnode_size_bits as u64,
        ),
    ];
    for (offset, word) in words {
        k.machine.store(page.plus(offset as u64), word);
    }
}

fn write_regions(k: &mut Kernel, page: KernelAddress, plan: &Plan) {
    let slots = &plan.slots;
    let regions = [
        (offset_of!(BootInfo, empty), slots.empty),
        (offset_of!(BootInfo, user_image_frames), slots.image),
        (offset_of!(BootInfo, user_image_paging), slots.paging),
        (offset_of!(BootInfo, extra_bi_pages), slots.extra),
        (offset_of!(BootInfo, sched_control), slots.sched_control),
        (offset_of!(BootInfo, untyped), slots.untyped),
    ];
    for (offset, region) in regions {
        let at = page.plus(offset as u64);
        k.machine
            .store(at.plus(offset_of!(SlotRegion, start) as u64), region.start);
        k.machine
            .store(at.plus(offset_of!(SlotRegion, end) as u64), region.end);
    }
}

fn write_untypeds(k: &mut Kernel, page: KernelAddress, plan: &Plan) {
    let mut at = page.plus(offset_of!(BootInfo, untyped_list) as u64);
    for untyped in plan.untypeds() {
        // `size_bits` and `is_device` share a word.
        let described = u64::from(untyped.piece.bits) | u64::from(untyped.device) << 8;
        k.machine.store(
            at.plus(offset_of!(UntypedDesc, paddr) as u64),
            untyped.piece.start,
        );
        k.machine.store(
            at.plus(offset_of!(UntypedDesc, size_bits) as u64),
            described,
        );
        at = at.plus(size_of::<UntypedDesc>() as u64);
    }
}

const _: () = assert!(offset_of!(UntypedDesc, is_device) - offset_of!(UntypedDesc, size_bits) == 1);

/// A chunk with its header.
fn chunk<'a>(chunk: &'a ExtraChunk<'a>) -> impl Iterator<Item = u8> + 'a {
    let len = (chunk.bytes.len() as u64).saturating_add(16);
    let header = [chunk.id, len].map(u64::to_le_bytes);
    header
        .into_iter()
        .flatten()
        .chain(chunk.bytes.iter().copied())
}

fn write_bytes(k: &mut Kernel, mut at: KernelAddress, mut bytes: impl Iterator<Item = u8>) {
    while let Some(first) = bytes.next() {
        let mut word = [first, 0, 0, 0, 0, 0, 0, 0];
        for place in word.iter_mut().skip(1) {
            *place = bytes.next().unwrap_or(0);
        }
        k.machine.store(at, u64::from_le_bytes(word));
        at = at.plus(8);
    }
}
