//! The root task comes to life as planned: objects, capabilities, address space, thread. Its
//! capabilities are derived from nothing, so each is the root of a derivation tree.

use super::Platform;
use super::plan::{MAX_LEVELS, PAGE, Plan};
use super::region::Region;
use crate::Kernel;
use crate::cap::{AsidPoolCap, CNodeCap, Cap, SchedContextCap, UntypedCap, VSpaceCap};
use crate::cdt;
use crate::isa;
use crate::isa::vspace::boot as vspace;
use crate::object::asid;
use crate::object::cnode::Slot;
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb, TcbSlot, ThreadState};
use crate::object::untyped::{self, NewObject};
use crate::sched;
use abi::PROFILE;
use abi::bootinfo::{SlotRegion, slot};
use abi::object::{MAX_PRIO, MIN_SCHED_CONTEXT_BITS, SLOT_BITS, TCB_BITS};
use abi::sched::MIN_REFILLS;
use machine::{KernelAddress, Machine, PhysicalAddress};

/// The address space identifier of the root task.
const ASID: u16 = 1;
/// What debug output calls its thread.
const NAME: &[u8] = b"rootserver";

/// The capabilities that more than one step needs.
pub(super) struct Caps {
    node: CNodeCap,
    vspace: VSpaceCap,
    asid_pool: AsidPoolCap,
    thread: Ref<Tcb>,
    sched_context: SchedContextCap,
}

impl Caps {
    fn slot(&self, index: u64) -> Ref<Slot> {
        self.node.slot(index)
    }

    fn give(&self, k: &mut Kernel, index: u64, cap: Cap) {
        cdt::insert_root(k, cap.into(), self.slot(index));
    }
}

fn kernel_address(at: u64) -> KernelAddress {
    KernelAddress::of(PhysicalAddress(at))
}

/// The kernel objects of the root task, in memory that is cleared here.
pub(super) fn create_objects(k: &mut Kernel, plan: &Plan) -> Caps {
    let objects = &plan.objects;
    k.machine
        .clear(kernel_address(objects.all.start), objects.all.size());

    let radix = PROFILE.root_cnode_size_bits as u8;
    let mut create = |object: NewObject, at: u64, bits: usize| {
        untyped::create(k, object, PhysicalAddress(at), bits as u8, false);
    };
    create(
        NewObject::CNode,
        objects.cnode,
        PROFILE.root_cnode_size_bits.saturating_add(SLOT_BITS),
    );
    create(NewObject::Tcb, objects.tcb, TCB_BITS);
    create(
        NewObject::SchedContext,
        objects.sched_context,
        MIN_SCHED_CONTEXT_BITS,
    );

    let pool = asid::create_pool(k, kernel_address(objects.asid_pool));
    k.asids.set_pool(0, Some(pool));
    let vspace = vspace::create_root(k, PhysicalAddress(objects.vspace));
    asid::set_root(k, ASID, Some(vspace.root));
    Caps {
        // Guard and radix consume all bits of an address.
        node: CNodeCap {
            slots: Ref::new(kernel_address(objects.cnode)),
            radix,
            guard: 0,
            guard_bits: 64u8.saturating_sub(radix),
        },
        vspace: VSpaceCap {
            asid: Some(ASID),
            ..vspace
        },
        asid_pool: AsidPoolCap { pool, index: 0 },
        thread: Ref::new(kernel_address(objects.tcb)),
        sched_context: SchedContextCap {
            sched_context: Ref::new(kernel_address(objects.sched_context)),
            bits: MIN_SCHED_CONTEXT_BITS as u8,
        },
    }
}

/// The capabilities whose slots never move, but for the two frames.
pub(super) fn give_fixed_caps(k: &mut Kernel, caps: &Caps) {
    let fixed = [
        (slot::INIT_TCB, Cap::Tcb(caps.thread)),
        (slot::INIT_CNODE, Cap::CNode(caps.node)),
        (slot::INIT_VSPACE, Cap::VSpace(caps.vspace)),
        (slot::IRQ_CONTROL, Cap::IrqControl),
        (slot::ASID_CONTROL, Cap::AsidControl),
        (slot::INIT_ASID_POOL, Cap::AsidPool(caps.asid_pool)),
        (slot::DOMAIN, Cap::Domain),
        (slot::INIT_SC, Cap::SchedContext(caps.sched_context)),
    ];
    for (index, cap) in fixed.into_iter().chain(isa::BOOT_CAPS.iter().copied()) {
        caps.give(k, index as u64, cap);
    }
}

/// Authority over the time of each core.
pub(super) fn give_sched_control(k: &mut Kernel, caps: &Caps, plan: &Plan) {
    for (index, core) in indices(plan.slots.sched_control).zip(0..u8::MAX) {
        caps.give(k, index, Cap::SchedControl { core });
    }
}

/// Tables and frames of the root task, mapped.
pub(super) fn give_address_space(
    k: &mut Kernel,
    caps: &Caps,
    plan: &Plan,
    platform: &Platform<'_>,
) {
    let (layout, objects) = (&plan.layout, &plan.objects);
    give_tables(k, caps, plan);

    let page = |at: u64| Region::new(at, at.saturating_add(PAGE));
    let fixed = |index: usize| index as u64..(index as u64).saturating_add(1);
    let boot_info = page(objects.boot_info);
    give_frames(
        k,
        caps,
        fixed(slot::BOOT_INFO_FRAME),
        boot_info,
        layout.boot_info,
        Content::Data,
    );
    let buffer = page(objects.ipc_buffer);
    give_frames(
        k,
        caps,
        fixed(slot::INIT_IPC_BUFFER),
        buffer,
        layout.ipc_buffer,
        Content::Data,
    );

    let extra = Region::new(
        objects.extra,
        objects.extra.saturating_add(layout.extra.size()),
    );
    give_frames(
        k,
        caps,
        indices(plan.slots.extra),
        extra,
        layout.extra.start,
        Content::Data,
    );
    let image = platform.user_image_region();
    give_frames(
        k,
        caps,
        indices(plan.slots.image),
        image,
        layout.image.start,
        Content::Program,
    );
}

fn give_tables(k: &mut Kernel, caps: &Caps, plan: &Plan) {
    let mut next = plan.objects.tables;
    let mut slots = indices(plan.slots.paging);
    for (level, depth) in plan.levels.iter().zip(0..MAX_LEVELS) {
        let mut address = level.first;
        for index in slots.by_ref().take(level.count as usize) {
            let table =
                vspace::map_new_table(k, caps.vspace, depth, PhysicalAddress(next), address);
            caps.give(k, index, Cap::PageTable(table));
            next = next.saturating_add(PAGE);
            address = address.saturating_add(level.span);
        }
    }
}

/// What a page holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// May be executed.
    Program,
    /// May not, where the ISA can say so.
    Data,
}

/// As many of the pages of `memory` as there are `slots`, mapped from `address` on.
fn give_frames(
    k: &mut Kernel,
    caps: &Caps,
    slots: impl Iterator<Item = u64>,
    memory: Region,
    address: u64,
    content: Content,
) {
    let bases = (memory.start..memory.end).step_by(PAGE as usize);
    for ((index, base), page) in slots.zip(bases).zip(0..u64::MAX) {
        let address = address.saturating_add(page.saturating_mul(PAGE));
        let frame = vspace::map_new_frame(k, caps.vspace, PhysicalAddress(base), address, content);
        caps.give(k, index, Cap::Frame(frame));
    }
}

/// All other memory. It is cleared when objects are made of it, so nothing is in use yet.
pub(super) fn give_untypeds(k: &mut Kernel, caps: &Caps, plan: &Plan) {
    for (index, untyped) in indices(plan.slots.untyped).zip(plan.untypeds()) {
        let cap = UntypedCap {
            base: PhysicalAddress(untyped.piece.start),
            bits: untyped.piece.bits as u8,
            device: untyped.device,
            watermark: 0,
            cleared: 0,
        };
        caps.give(k, index, Cap::Untyped(cap));
    }
}

/// The first thread gets its time and becomes the current one.
pub(super) fn start_thread(k: &mut Kernel, caps: &Caps, plan: &Plan, entry: u64) {
    let (thread, sc) = (caps.thread, caps.sched_context.sched_context);
    let own = [
        (slot::INIT_CNODE, TcbSlot::CSpace),
        (slot::INIT_VSPACE, TcbSlot::VSpace),
        (slot::INIT_IPC_BUFFER, TcbSlot::Buffer),
    ];
    for (index, place) in own {
        copy(k, caps.slot(index as u64), thread.slot(place));
    }

    let context = &mut k[thread.context()];
    context.set_fault_ip(entry);
    context.continue_at_fault_ip();
    // Where a badge arrives, the first argument of a function does.
    context.set_badge(plan.layout.boot_info);

    let tcb = &mut k[thread];
    tcb.state = ThreadState::Running;
    tcb.priority = MAX_PRIO as u8;
    tcb.max_controlled_priority = MAX_PRIO as u8;
    tcb.buffer = plan.layout.ipc_buffer;
    tcb.sched_context = Some(sc);
    tcb.name
        .iter_mut()
        .zip(NAME)
        .for_each(|(to, from)| *to = *from);

    tcb::remember_buffer(k, thread);

    let now = k.node().now;
    let budget = k.ticks_of(PROFILE.boot_thread_time_slice_ms.saturating_mul(1000));
    let refills = MIN_REFILLS as u64;
    k[sc].tcb = Some(thread);
    k[sc].core = k.core as u8;
    k[sc].ring.max = refills;
    // Period 0: round robin.
    sched_context::refills(k, sc).start(refills, budget, 0, now);

    let node = k.node_mut();
    node.current = Some(thread);
    node.current_sc = Some(sc);
    node.reprogram = true;
    sched::schedule(k);
}

/// Puts a copy of the capability in `source` into `destination`.
fn copy(k: &mut Kernel, source: Ref<Slot>, destination: Ref<Slot>) {
    if let Ok(cap) = k[source].cap().derive(|| false) {
        cdt::insert(k, cap.into(), source, destination);
    }
}

fn indices(slots: SlotRegion) -> core::ops::Range<u64> {
    slots.start..slots.end
}
