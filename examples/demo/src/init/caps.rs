//! `caps`: what init holds.

use super::console::{out, outln};
use super::home::Home;
use super::isa;
use abi::bootinfo::{self, SlotRegion};
use abi::syscall::Syscall;
use abi::{Word, cap_type};
use user_api::{CPtr, debug};

/// The slots that are the same for every root task, on every ISA.
const FIXED: [(usize, &str); 10] = [
    (bootinfo::INIT_TCB, "TCB"),
    (bootinfo::INIT_CNODE, "CNode"),
    (bootinfo::INIT_VSPACE, "VSpace"),
    (bootinfo::IRQ_CONTROL, "IRQ control"),
    (bootinfo::ASID_CONTROL, "ASID control"),
    (bootinfo::INIT_ASID_POOL, "ASID pool"),
    (bootinfo::BOOT_INFO_FRAME, "BootInfo frame"),
    (bootinfo::INIT_IPC_BUFFER, "IPC buffer frame"),
    (bootinfo::DOMAIN, "domain set"),
    (bootinfo::INIT_SC, "scheduling context"),
];

/// The types of capabilities that every ISA has, with their numbers.
const TYPES: [(Word, &str); 15] = [
    (cap_type::UNTYPED, "untyped"),
    (cap_type::ENDPOINT, "endpoint"),
    (cap_type::NOTIFICATION, "notification"),
    (cap_type::REPLY, "reply"),
    (cap_type::CNODE, "CNode"),
    (cap_type::THREAD, "TCB"),
    (cap_type::SCHED_CONTEXT, "scheduling context"),
    (cap_type::SCHED_CONTROL, "sched control"),
    (cap_type::IRQ_CONTROL, "IRQ control"),
    (cap_type::IRQ_HANDLER, "IRQ handler"),
    (cap_type::DOMAIN, "domain set"),
    (cap_type::FRAME, "frame"),
    (cap_type::PAGE_TABLE, "page table"),
    (cap_type::ASID_CONTROL, "ASID control"),
    (cap_type::ASID_POOL, "ASID pool"),
];

fn types() -> impl Iterator<Item = &'static (Word, &'static str)> {
    TYPES.iter().chain(isa::caps::TYPES)
}

/// Prints it.
pub(crate) fn show(home: &Home) {
    outln!("   from BootInfo, by slot:");
    for (index, (slot, name)) in FIXED.iter().chain(isa::caps::FIXED).enumerate() {
        let start = match index {
            0 => "  ",
            _ if index % 4 == 0 => "\n  ",
            _ => "",
        };
        out!("{start} {slot:3} {name:18}");
    }
    outln!("");
    let boot = home.boot;
    for (name, region) in [
        ("frames of init's image", boot.user_image_frames),
        ("page tables of init", boot.user_image_paging),
        ("frames behind BootInfo", boot.extra_bi_pages),
        ("scheduling control", boot.sched_control),
        ("untyped memory", boot.untyped),
    ] {
        show_region(name, region);
    }
    let all = boot.empty.end - boot.empty.start;
    let free = home.allocator.slots.free();
    outln!("   {all} slots were free at the start, {free} are not given away yet");
    if debug::available(Syscall::DebugCapIdentify) {
        count_by_type(1 << boot.init_thread_cnode_size_bits);
    }
}

fn show_region(name: &str, region: SlotRegion) {
    let SlotRegion { start, end } = region;
    if start < end {
        outln!(
            "   {:4} in slots {start} to {}: {name}",
            end - start,
            end - 1
        );
    }
}

/// Asks the kernel about every slot. Kernels that do not debug do not tell.
fn count_by_type(slots: Word) {
    let mut counts = [0_usize; TYPES.len() + isa::caps::TYPES.len()];
    let mut others = 0;
    for slot in 0..slots {
        let number = debug::cap_identify(CPtr::new(slot));
        match types().position(|(known, _)| *known == number) {
            Some(index) => counts[index] += 1,
            None if number == cap_type::NULL => {}
            None => others += 1,
        }
    }
    let total = counts.iter().sum::<usize>() + others;
    outln!("   now init holds {total}, as the kernel tells:");
    let held = || types().zip(counts).filter(|(_, count)| *count > 0);
    for (index, ((_, name), count)) in held().enumerate() {
        let end = if index % 4 == 3 { "\n" } else { "" };
        out!("   {count:4} {name:18}{end}");
    }
    if !held().count().is_multiple_of(4) {
        outln!("");
    }
    if others > 0 {
        outln!("   {others} of other types");
    }
}
