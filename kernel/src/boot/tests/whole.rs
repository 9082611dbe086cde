//! A whole boot on the model machine, read back as the root task would see it.

use super::super::plan::SlotOrder;
use super::super::region::Region;
use super::super::{BootError, boot};
use super::{World, physical};
use crate::Kernel;
use crate::cap::{Cap, VmRights};
use crate::console::cap_number;
use crate::entry::Resume;
use crate::isa::{self, BOOT_RULES, Context};
use crate::object::cnode::{Slot, slot_at};
use crate::object::irq::{IrqState, IrqTable};
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, TcbSlot, ThreadState};
use abi::{FLAVOUR, PROFILE, cap_type};
use machine::model::{Config, Model};
use machine::{KernelAddress, Kind, Machine, PhysicalAddress, VirtualAddress};

/// Where the slots of the interrupts are: in the kernel's image.
const IRQ_SLOTS: u64 = 0x20_0000;
const TICKS_PER_US: u64 = 10;
/// What the root task's pages hold.
const IMAGE_WORD: u64 = 0xfeed_0000;

fn at(physical: u64) -> KernelAddress {
    KernelAddress::of(PhysicalAddress(physical))
}

fn new_kernel() -> Kernel {
    let ram = vec![(PhysicalAddress(0x10_0000), 16 << 20)];
    let mut machine = Model::new(&Config {
        ram,
        ticks_per_us: TICKS_PER_US,
        ..Config::default()
    });
    // RAM is not zero when a machine is switched on.
    for page in (0x30_0000..0x110_0000u64).step_by(4096) {
        machine.born(at(page), 4096, Kind::Frame);
        let word = if page < 0x30_3000 {
            IMAGE_WORD + page
        } else {
            u64::MAX
        };
        (0..512).for_each(|n| machine.store(at(page + n * 8), word));
        machine.gone(at(page), 4096);
    }
    machine.set_now(777);
    Kernel::new(machine, at(IRQ_SLOTS))
}

struct Booted {
    k: Kernel,
    resume: Resume,
    plan: super::super::plan::Plan,
}

fn booted(world: &World) -> Booted {
    let mut k = new_kernel();
    let resume = world
        .with(|platform| boot(&mut k, platform))
        .expect("it starts");
    Booted {
        k,
        resume,
        plan: world.plan(&BOOT_RULES).expect("it starts"),
    }
}

impl Booted {
    fn slot(&self, index: u64) -> Ref<Slot> {
        slot_at(Ref::new(at(self.plan.objects.cnode)), index)
    }

    fn cap(&self, index: u64) -> Cap {
        self.k[self.slot(index)].cap()
    }

    fn thread(&self) -> Ref<Tcb> {
        Ref::new(at(self.plan.objects.tcb))
    }

    /// What the root task sees at a virtual address of a page.
    fn page(&self, address: u64) -> Vec<u8> {
        let root = PhysicalAddress(self.plan.objects.vspace);
        let found = self
            .k
            .machine
            .walk(root, VirtualAddress(address))
            .expect("mapped");
        assert!(found.writable);
        self.k
            .machine
            .bytes(KernelAddress::of(found.physical), 4096)
    }
}

fn word(page: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(page[offset..offset + 8].try_into().expect("eight bytes"))
}

#[test]
fn boot_info_is_what_the_root_task_expects() {
    let world = World::small();
    let b = booted(&world);
    let page = b.page(0x40_0000 + 3 * 4096 + 4096);
    let words = |offset: usize| [word(&page, offset), word(&page, offset + 8)];
    let nodes = PROFILE.num_nodes as u64;
    let slots = 1u64 << PROFILE.root_cnode_size_bits;
    let tables = BOOT_RULES.table_spans.len() as u64;
    // What comes first is the ISA's.
    let (sched_control, paging, extra) = match BOOT_RULES.order {
        SlotOrder::SchedControlFirst => (16, 16 + nodes, 16 + nodes + tables),
        SlotOrder::PagingFirst => (16 + tables + 1, 16, 16 + tables),
    };
    let image = 16 + nodes + tables + 1;
    let untyped = image + 3;

    assert_eq!(word(&page, 0), 20, "bytes of extra information");
    assert_eq!(word(&page, 8), 0, "node");
    assert_eq!(word(&page, 16), 1, "nodes");
    assert_eq!(word(&page, 24), isa::NUM_IOPT_LEVELS);
    assert_eq!(word(&page, 32), 0x40_3000, "IPC buffer");
    assert_eq!(words(56), [0, 0], "shared frames");
    assert_eq!(words(72), [image, untyped]);
    assert_eq!(words(88), [paging, paging + tables]);
    assert_eq!(words(104), [0, 0], "IO spaces");
    assert_eq!(words(120), [extra, extra + 1]);
    assert_eq!(word(&page, 136), PROFILE.root_cnode_size_bits as u64);
    assert_eq!(word(&page, 144), 0, "domain");
    assert_eq!(words(152), [sched_control, sched_control + nodes]);
    let [first, end] = words(168);
    assert_eq!(first, untyped);
    assert_eq!(words(40), [end, slots], "empty slots");

    let mut devices_are_over = false;
    for n in 0..end - first {
        let entry = 184 + n as usize * 16;
        let Cap::Untyped(cap) = b.cap(first + n) else {
            panic!("no untyped at {n}")
        };
        assert_eq!(word(&page, entry), cap.base.0);
        assert_eq!(page[entry + 8], cap.bits);
        assert_eq!(page[entry + 9], u8::from(cap.device));
        assert_eq!(page[entry + 10..entry + 16], [0; 6]);
        assert_eq!((cap.watermark, cap.cleared), (0, 0));
        assert!(!(devices_are_over && cap.device), "devices come first");
        devices_are_over |= !cap.device;
    }
    assert!(
        page[184 + (end - first) as usize * 16..]
            .iter()
            .all(|byte| *byte == 0)
    );
}

#[test]
fn extra_information_is_readable_chunk_by_chunk() {
    let mut world = World::small();
    world.extra = vec![
        (3, (0..36).collect()),
        (2, vec![9; 5000]),
        (5, vec![0xaa, 0xbb, 0xcc, 0xdd]),
    ];
    let b = booted(&world);
    assert_eq!(b.plan.layout.extra.size(), 8192);
    let start = b.plan.layout.extra.start;
    let bytes = [b.page(start), b.page(start + 4096)].concat();
    let mut rest = &bytes[..b.plan.layout.extra_len as usize];
    for (id, content) in &world.extra {
        let len = word(rest, 8) as usize;
        assert_eq!((word(rest, 0), len), (*id, content.len() + 16));
        assert_eq!(rest[16..len], content[..]);
        rest = &rest[len..];
    }
    assert!(rest.is_empty());
    assert!(
        bytes[b.plan.layout.extra_len as usize..]
            .iter()
            .all(|byte| *byte == 0)
    );
}

#[test]
fn the_first_slots_hold_what_their_numbers_say() {
    let b = booted(&World::small());
    use cap_type as t;
    // What is the ISA's alone.
    let isa_cap = |slot: usize| {
        let mut own = isa::BOOT_CAPS.iter();
        own.find(|(at, _)| *at == slot)
            .map_or(t::NULL, |(_, cap)| cap_number(cap))
    };
    let expected = [
        t::NULL,
        t::THREAD,
        t::CNODE,
        isa::VSPACE_CAP_NUMBER,
        t::IRQ_CONTROL,
        t::ASID_CONTROL,
        t::ASID_POOL,
        isa_cap(7),
        t::NULL,
        t::FRAME,
        t::FRAME,
        t::DOMAIN,
        t::NULL,
        t::NULL,
        t::SCHED_CONTEXT,
        isa_cap(15),
    ];
    let found: Vec<_> = (0..16).map(|n| cap_number(&b.cap(n))).collect();
    assert_eq!(found, expected);

    let Cap::CNode(node) = b.cap(2) else {
        panic!("no CNode")
    };
    assert_eq!(usize::from(node.radix), PROFILE.root_cnode_size_bits);
    assert_eq!((node.guard, node.guard_bits), (0, 64 - node.radix));
    assert_eq!(node.slots, b.slot(0));
    let sched_control = b.plan.slots.sched_control;
    for (n, core) in (sched_control.start..sched_control.end).zip(0..) {
        assert_eq!(b.cap(n), Cap::SchedControl { core });
    }
    let empty = b.plan.slots.empty;
    assert!((empty.start..empty.end).all(|n| b.cap(n).is_null()));
    // Each was derived from nothing, and may be revoked.
    for n in (1..empty.start).filter(|n| !b.cap(*n).is_null()) {
        let links = b.k[b.slot(n)].links();
        assert!(
            links.previous().is_none() && links.revocable() && links.first_badged(),
            "slot {n}"
        );
    }
}

#[test]
fn the_address_space_shows_the_image_and_nothing_else() {
    let mut world = World::small();
    // The image crosses a page table's border.
    (world.virtual_start, world.entry) = (0x5f_f000, 0x60_0010);
    let b = booted(&world);
    let root = PhysicalAddress(b.plan.objects.vspace);
    let Cap::VSpace(vspace) = b.cap(3) else {
        panic!("no root")
    };
    assert_eq!((vspace.root, vspace.asid), (at(root.0), Some(1)));
    assert_eq!(crate::object::asid::root(&b.k, 1), Some(at(root.0)));
    assert_eq!(b.k.machine.root(), (Some(root), 1));

    for n in 0..3 {
        let page = b.page(0x5f_f000 + n * 4096);
        assert_eq!(
            word(&page, 8 * n as usize),
            IMAGE_WORD + 0x30_0000 + n * 4096
        );
        let Cap::Frame(frame) = b.cap(b.plan.slots.image.start + n) else {
            panic!("no frame")
        };
        assert_eq!(frame.base, PhysicalAddress(0x30_0000 + n * 4096));
        let mapping = frame.mapping.expect("mapped");
        assert_eq!(
            (mapping.asid, mapping.address),
            (1, VirtualAddress(0x5f_f000 + n * 4096))
        );
        assert_eq!((frame.rights, frame.device), (VmRights::ReadWrite, false));
    }
    assert!(
        b.page(b.plan.layout.ipc_buffer)
            .iter()
            .all(|byte| *byte == 0)
    );
    let end = b.plan.layout.extra.end;
    for outside in [0, 0x5f_e000, end, 0x4000_0000, (1 << 47) - 4096] {
        assert_eq!(
            b.k.machine.walk(root, VirtualAddress(outside)),
            None,
            "{outside:#x}"
        );
    }
    // One table of each level but the last, which has two; each where its capability says.
    let spans = BOOT_RULES.table_spans.iter().map(|bits| 1u64 << bits);
    let starts = spans.map(|span| 0x5f_f000 & !(span - 1)).chain([0x60_0000]);
    let mut slots = b.plan.slots.paging.start..b.plan.slots.paging.end;
    for (n, start) in slots.by_ref().zip(starts) {
        let Cap::PageTable(table) = b.cap(n) else {
            panic!("no table at {n}")
        };
        assert_eq!(
            table.mapping.expect("mapped").address,
            VirtualAddress(start)
        );
    }
    let count = b.plan.slots.paging.end - b.plan.slots.paging.start;
    assert_eq!(count, BOOT_RULES.table_spans.len() as u64 + 1);
}

#[test]
fn the_first_thread_runs_at_the_entry_with_its_time() {
    let b = booted(&World::small());
    let (k, thread) = (&b.k, b.thread());
    assert_eq!(b.resume, Resume::Thread(thread.context()));
    let context = &k[thread.context()];
    assert_eq!(context.next_ip(), 0x40_1234);
    assert_eq!(context.capability(), b.plan.layout.boot_info);
    let mut fresh = Context::new();
    fresh.set_badge(b.plan.layout.boot_info);
    fresh.set_fault_ip(0x40_1234);
    fresh.continue_at_fault_ip();
    assert_eq!(*context, fresh, "nothing but entry and argument");

    let tcb = &k[thread];
    assert_eq!((tcb.priority, tcb.max_controlled_priority), (255, 255));
    assert_eq!(
        (tcb.state, tcb.domain, tcb.core),
        (ThreadState::Running, 0, 0)
    );
    assert_eq!(
        (tcb.name(), tcb.buffer),
        ("rootserver", b.plan.layout.ipc_buffer)
    );
    assert!(!tcb.ready_queued && !tcb.release_queued);
    let own = |slot: TcbSlot| k[thread.slot(slot)].cap();
    assert_eq!(own(TcbSlot::CSpace), b.cap(2));
    assert_eq!(own(TcbSlot::VSpace), b.cap(3));
    assert!(own(TcbSlot::Buffer).same_object(&b.cap(10)));
    assert!(own(TcbSlot::FaultHandler).is_null() && own(TcbSlot::TimeoutHandler).is_null());

    let Cap::SchedContext(cap) = b.cap(14) else {
        panic!("no scheduling context")
    };
    let sc = cap.sched_context;
    assert_eq!(cap.bits, 7);
    assert_eq!((tcb.sched_context, k[sc].tcb), (Some(sc), Some(thread)));
    assert!(k[sc].ring.active() && k[sc].ring.round_robin());
    let head = sched_context::head(k, sc);
    let slice = PROFILE.boot_thread_time_slice_ms * 1000 * TICKS_PER_US;
    assert_eq!((head.time, head.amount), (777, slice));
    assert_eq!((k.current(), k.node().current_sc), (Some(thread), Some(sc)));
    let close = 777 + slice - k.limits.min_budget;
    assert_eq!(k.machine.deadline(), Some(close));
    assert_eq!(k.all_threads, FLAVOUR.debug().then_some(thread));
}

#[test]
fn interrupts_are_nobodys_but_for_the_timer() {
    let b = booted(&World::small());
    let timer = b.k.machine.timer_irq();
    for n in 0..crate::isa::IRQS as u16 {
        let irq = machine::Irq(n);
        let expected = if irq == timer {
            IrqState::Reserved
        } else {
            IrqState::Inactive
        };
        assert_eq!(b.k.irqs.state(irq), expected, "{irq:?}");
        assert!(b.k[b.k.irqs.slot(irq)].is_empty());
    }
}

/// Every object is where the plan says, and nothing else is alive.
#[test]
fn nothing_lives_outside_the_plan() {
    let world = World::small();
    let b = booted(&world);
    let slots = Region::new(IRQ_SLOTS, IRQ_SLOTS + IrqTable::SLOT_BYTES);
    let places = [b.plan.objects.all, world.image, slots];
    for live in b.k.machine.live() {
        let start = live.at.physical().0;
        let lies_in = |place: &Region| place.start <= start && start + live.len <= place.end;
        assert!(places.iter().any(lies_in), "{live:?}");
    }
}

#[test]
fn what_cannot_start_changes_nothing() {
    let mut world = World::small();
    world.memory = vec![physical(0x10_0000, 0x31_0000)];
    let mut k = new_kernel();
    let before = k.machine.clone();
    let error = world
        .with(|platform| boot(&mut k, platform))
        .expect_err("too little memory");
    assert!(matches!(error, BootError::TooLittleMemory { .. }));
    assert_eq!(k.machine.difference(&before), None);
    assert_eq!(k.machine.live().count(), 0);
    assert_eq!(k.current(), None);
}

#[test]
fn untypeds_that_are_not_listed_are_reported() {
    let mut world = World::small();
    world.devices.extend(
        (0..40).map(|n| physical(0x2000_1000 + n * 0x10_0000, 0x2000_2000 + n * 0x10_0000)),
    );
    let b = booted(&world);
    let first = b.plan.slots.untyped.start;
    assert!(matches!(b.cap(first + 229), Cap::Untyped(_)));
    assert!(b.cap(first + 230).is_null());
    let said = b.k.machine.console();
    assert_eq!(
        said.contains(&format!("{} more untypeds", b.plan.untypeds_lost)),
        FLAVOUR.printing(),
        "{said}"
    );
}

#[test]
fn every_invariant_holds_from_the_first_moment() {
    let b = booted(&World::small());
    assert_eq!(crate::check::all(&b.k, &b.k.machine), Ok(()));
}
