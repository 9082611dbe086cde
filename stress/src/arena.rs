//! What the attackers have: all of it made from one piece of memory, and taken back with it.

use crate::attack::{self, Numbers};
use crate::isa::TABLES;
use crate::layout::{self, ATTACKERS, Kind, OWN_PAGES, PAGE, PLAYGROUND, RADIX};
use crate::machine;
use abi::bootinfo::BootInfo;
use abi::{CapRights, Invocation, ObjectType, Word};
use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU64;
use user_api::invoke::invoke;
use user_api::{
    AsidPool, Attributes, Budget, CNode, CPtr, Capability, Endpoint, Error, Frame, FrameSize,
    Guard, MissingTable, SchedContext, SchedControl, SlotPath, SlotWindow, Space, Tcb, TcbFlags,
    Untyped, VSPACE_OBJECT, VSpaceRoot, starting_context,
};
use user_runtime::boot::root;
use user_runtime::image;

/// log2 of the bytes of the arena.
pub(crate) const MEMORY_BITS: usize = 21;
/// Slots of the supervisor that a round may use.
pub(crate) const SLOTS: Word = 700;
/// The highest priority that attackers may give.
const MAX_PRIORITY: Word = 120;
/// Objects that are made anew with every rescue, as far as there is room.
const FRESH: usize = 4;
/// How many address spaces there are.
const SPACES: usize = 3;

/// An attacker's stack and board: pages of the supervisor's image that are mapped for it.
#[repr(C, align(4096))]
pub(crate) struct Own {
    stack: UnsafeCell<[u8; layout::STACK_PAGES * PAGE as usize]>,
    /// How many calls it has begun.
    pub(crate) calls: AtomicU64,
    /// How many invocations the kernel has answered with success.
    pub(crate) successes: AtomicU64,
    _rest: [u8; PAGE as usize - 16],
}

// SAFETY: the stack is used by attackers only; the rest is atomic.
unsafe impl Sync for Own {}

pub(crate) static OWN: [Own; ATTACKERS] = [const {
    Own {
        stack: UnsafeCell::new([0; layout::STACK_PAGES * PAGE as usize]),
        calls: AtomicU64::new(0),
        successes: AtomicU64::new(0),
        _rest: [0; PAGE as usize - 16],
    }
}; ATTACKERS];

/// What the supervisor lends to every round.
#[derive(Clone, Copy)]
pub(crate) struct Lent {
    pub(crate) boot: &'static BootInfo,
    pub(crate) memory: Untyped,
    pub(crate) first_slot: Word,
    pub(crate) control: SchedControl,
    /// First of the slots with handlers of interrupts that never come.
    pub(crate) handlers: (Word, Word),
    /// First of the slots with IO ports that nobody listens to, or what is next to that.
    pub(crate) ports: (Word, Word),
}

/// An attacker that can be started again: the supervisor has kept its capabilities.
#[derive(Clone, Copy)]
struct Kept {
    id: usize,
    tcb: Tcb,
    context: SchedContext,
    space: Space,
    buffer: Frame,
    handler: CPtr,
}

/// One round.
pub(crate) struct Arena {
    lent: Lent,
    next_slot: Word,
    shared: CNode,
    own: CNode,
    kept: [Option<Kept>; ATTACKERS],
}

impl Arena {
    /// Makes everything and starts the attackers.
    pub(crate) fn build(lent: Lent, numbers: &mut Numbers) -> Result<Self, Error> {
        let mut arena = Self {
            lent,
            next_slot: lent.first_slot,
            shared: CNode::new(0),
            own: CNode::new(0),
            kept: [None; ATTACKERS],
        };
        arena.shared = arena.make(ObjectType::CNode, RADIX)?;
        arena.own = arena.make(ObjectType::CNode, RADIX)?;
        for node in [arena.shared, arena.own] {
            let (slot, _) = Kind::Root.slots();
            let guard = Guard::zeros(64 - RADIX).cap_data();
            node.slot(slot, RADIX as Word)
                .mint_from(path(node), CapRights::ALL, guard)?;
        }
        let handler = arena.communication()?;
        arena.material()?;
        arena.authority()?;
        let spaces = arena.spaces()?;
        for id in 0..ATTACKERS {
            arena.attacker(id, spaces, handler, numbers)?;
        }
        arena.give_spaces(spaces)?;
        Ok(arena)
    }

    /// Takes everything back.
    pub(crate) fn clear(self) -> Result<(), Error> {
        path(self.lent.memory).revoke()?;
        for slot in self.lent.first_slot..self.next_slot {
            root::CNODE.absolute(slot).delete()?;
        }
        Ok(())
    }

    /// Lets those go on that can: who has made calls since the last time goes on behind the one
    /// that it waits in, the others begin anew. How many that were.
    pub(crate) fn rescue(&self, calls: &[u64; ATTACKERS], numbers: &mut Numbers) -> usize {
        for _ in 0..FRESH {
            self.replenish(numbers);
        }
        let again = |kept: &&Kept| {
            let done = if calls[kept.id] > 0 {
                go_on(kept.tcb)
            } else {
                self.start(kept, numbers)
            };
            done.is_ok()
        };
        self.kept.iter().flatten().filter(again).count()
    }

    /// A new object in a slot that may have become empty.
    fn replenish(&self, numbers: &mut Numbers) {
        let moving = numbers.below(Kind::MOVING.len() as u64) as usize;
        let Some((object, [_, bits])) = Kind::MOVING[moving].object() else {
            return;
        };
        let kind = Kind::MOVING[moving];
        let slot = kind.slots().0 + numbers.below(kind.full());
        let window = SlotWindow::one(self.shared, slot);
        // The slot may be full, and the memory used up.
        let _ = self.lent.memory.retype(object, bits.into(), window);
    }

    fn start(&self, kept: &Kept, numbers: &mut Numbers) -> Result<(), Error> {
        kept.tcb.suspend()?;
        // They may be bound to each other, to others, or to nobody.
        let _ = kept.context.unbind();
        let parameters = |context| {
            kept.tcb.set_sched_params(
                root::TCB,
                MAX_PRIORITY,
                99 + kept.id as Word % 4,
                context,
                kept.handler,
            )
        };
        parameters(SchedContext::default())?;
        self.lent
            .control
            .configure(kept.context, Budget::round_robin(3_000))?;
        kept.tcb.set_flags(TcbFlags::FPU_DISABLED, TcbFlags(0))?;
        kept.tcb
            .configure(kept.space, layout::buffer(kept.id), kept.buffer)?;
        parameters(kept.context)?;
        let arguments = [kept.id as Word, numbers.next(), 0];
        let stack = layout::board(kept.id);
        let begin = attack::begin as *const () as Word;
        let registers = starting_context(begin, arguments, stack, 0);
        kept.tcb.write_registers(&registers, true)
    }

    fn slot(&mut self) -> SlotPath {
        let slot = self.next_slot;
        assert!(
            slot < self.lent.first_slot + SLOTS,
            "a round needs more slots"
        );
        self.next_slot += 1;
        root::CNODE.absolute(slot)
    }

    fn make<C: Capability>(&mut self, object: ObjectType, bits: usize) -> Result<C, Error> {
        let slot = self.slot();
        let window = SlotWindow::one(root::CNODE, slot.index);
        self.lent.memory.retype(object, bits, window)?;
        Ok(CPtr::new(slot.index).cast())
    }

    fn copy<C: Capability>(&mut self, cap: C) -> Result<C, Error> {
        let slot = self.slot();
        slot.copy_from(path(cap), CapRights::ALL)?;
        Ok(CPtr::new(slot.index).cast())
    }

    /// Gives the attackers a copy, as number `n` of its kind.
    fn give(&self, kind: Kind, n: usize, cap: impl Capability) -> Result<(), Error> {
        self.place(kind, n).copy_from(path(cap), CapRights::ALL)?;
        self.share(kind, n);
        Ok(())
    }

    /// Gives the attackers the only capability: with it, they can end the object.
    fn give_away(&self, kind: Kind, n: usize, cap: impl Capability) -> Result<(), Error> {
        self.place(kind, n).move_from(path(cap))?;
        self.share(kind, n);
        Ok(())
    }

    fn place(&self, kind: Kind, n: usize) -> SlotPath {
        self.shared.slot(kind.slots().0 + n as Word, RADIX as Word)
    }

    /// Most of what is in the shared space is in the other one too.
    fn share(&self, kind: Kind, n: usize) {
        let from = self.place(kind, n);
        if !from.index.is_multiple_of(3) {
            let to = self.own.slot(from.index, RADIX as Word);
            // What cannot be copied is in one space only.
            let _ = to.copy_from(from, CapRights::ALL);
        }
    }

    /// Endpoints, notifications, reply objects. Answers a handler of faults.
    fn communication(&mut self) -> Result<CPtr, Error> {
        let mut handler = CPtr::NULL;
        for n in 0..4 {
            let endpoint: Endpoint = self.make(ObjectType::Endpoint, 0)?;
            let slot = self.slot();
            slot.mint_from(path(endpoint), CapRights::ALL, n as Word + 1)?;
            handler = CPtr::new(slot.index);
            self.give(Kind::Endpoint, 4 + n, handler)?;
            self.give_away(Kind::Endpoint, n, endpoint)?;
            let notification: CPtr = self.make(ObjectType::Notification, 0)?;
            let badge = 1 << n;
            self.place(Kind::Notification, 4 + n).mint_from(
                path(notification),
                CapRights::ALL,
                badge,
            )?;
            self.give_away(Kind::Notification, n, notification)?;
        }
        for n in 0..8 {
            let reply: CPtr = self.make(ObjectType::Reply, 0)?;
            self.give_away(Kind::Reply, n, reply)?;
        }
        Ok(handler)
    }

    /// What more can be made of.
    fn material(&mut self) -> Result<(), Error> {
        for (n, bits) in [16, 14, 14, 12, 12, 12, 12].into_iter().enumerate() {
            let memory: CPtr = self.make(ObjectType::Untyped, bits)?;
            self.give_away(Kind::Untyped, n, memory)?;
        }
        for (n, bits) in [2, 4, 1, 3].into_iter().enumerate() {
            let node: CPtr = self.make(ObjectType::CNode, bits)?;
            self.give_away(Kind::CNode, n, node)?;
        }
        for (kind, from) in [
            (Kind::Frame, ATTACKERS),
            (Kind::PageTable, 6),
            (Kind::PageDirectory, 0),
            (Kind::Pdpt, 0),
            (Kind::SchedContext, ATTACKERS),
            (Kind::Tcb, ATTACKERS),
        ] {
            let Some((object, [_, bits])) = kind.object() else {
                continue;
            };
            for n in from..from + 2 {
                let made: CPtr = self.make(object, bits.into())?;
                self.give_away(kind, n, made)?;
            }
        }
        Ok(())
    }

    /// Authority over more than objects: as much of it as can do no harm to the supervisor.
    fn authority(&mut self) -> Result<(), Error> {
        self.give(Kind::SchedControl, 0, self.lent.control)?;
        self.give(Kind::AsidControl, 0, root::ASID_CONTROL)?;
        self.give(Kind::DomainSet, 0, root::DOMAIN_SET)?;
        for (kind, (first, count)) in [
            (Kind::IrqHandler, self.lent.handlers),
            (Kind::IoPort, self.lent.ports),
        ] {
            for n in 0..count {
                self.give(kind, n as usize, CPtr::new(first + n))?;
            }
        }
        Ok(())
    }

    /// The address spaces. The second one is the attackers' to break: its root, its pool of
    /// identifiers and the table under their code are theirs alone; the supervisor can start nobody there again.
    fn spaces(&mut self) -> Result<[VSpaceRoot; SPACES], Error> {
        let memory: Untyped = self.make(ObjectType::Untyped, 12)?;
        let slot = self.slot();
        root::ASID_CONTROL.make_pool(memory, slot)?;
        let pool = AsidPool::new(slot.index);
        let mut spaces = [VSpaceRoot::new(0); SPACES];
        for (n, place) in spaces.iter_mut().enumerate() {
            let space: VSpaceRoot = self.make(VSPACE_OBJECT, 0)?;
            let from = if n == 1 { pool } else { root::ASID_POOL };
            from.assign(space)?;
            let code = image::range().start as Word;
            let (upper, last) = MissingTable::DOWNWARDS.split_at(MissingTable::DOWNWARDS.len() - 1);
            for table in upper {
                let made: CPtr = self.make(table.object(), 0)?;
                table.install(made, space, code)?;
            }
            for (area, at) in [code, layout::stack(0), PLAYGROUND].into_iter().enumerate() {
                let made: CPtr = self.make(TABLES[0], 0)?;
                last[0].install(made, space, at)?;
                match (n, area) {
                    (1, 0) | (1 | 2, 2) => {
                        // Code is mapped before its table is given away.
                        if area == 0 {
                            self.map_code(space)?;
                        }
                        self.give_away(Kind::PageTable, n + area, made)?;
                    }
                    (_, 0) => self.map_code(space)?,
                    _ => {}
                }
            }
            *place = space;
        }
        self.give_away(Kind::AsidPool, 0, pool)?;
        Ok(spaces)
    }

    /// The code and constants of the image, to read only.
    fn map_code(&mut self, space: VSpaceRoot) -> Result<(), Error> {
        let (start, end) = (image::range().start, machine::code_end());
        for at in (start..end).step_by(PAGE as usize) {
            self.map_own(space, at, at as Word, CapRights::READ)?;
        }
        Ok(())
    }

    /// Maps the page of the image at `from` in another address space.
    fn map_own(
        &mut self,
        space: VSpaceRoot,
        from: usize,
        at: Word,
        rights: CapRights,
    ) -> Result<(), Error> {
        let frame = image::frame_of(self.lent.boot, from).ok_or(Error::IllegalOperation)?;
        self.copy(frame)?
            .map(space, at, rights, Attributes::DEFAULT)
    }

    fn attacker(
        &mut self,
        id: usize,
        spaces: [VSpaceRoot; SPACES],
        handler: CPtr,
        numbers: &mut Numbers,
    ) -> Result<(), Error> {
        let space = spaces
            .into_iter()
            .nth([0, 0, 2, 1, 0, 1][id % 6])
            .unwrap_or(root::VSPACE);
        let from = (&raw const OWN[id]).addr();
        for page in 0..OWN_PAGES {
            let offset = page * PAGE as usize;
            let at = layout::stack(id) + offset as Word;
            self.map_own(space, from + offset, at, CapRights::READ_WRITE)?;
        }
        let buffer: Frame = self.make(FrameSize::Small.object(), 0)?;
        buffer.map(
            space,
            layout::buffer(id),
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
        let tcb: Tcb = self.make(ObjectType::Tcb, 0)?;
        let context: SchedContext = self.make(ObjectType::SchedContext, 8)?;
        let cspace = if id == 2 { self.own } else { self.shared };
        let space = Space {
            cspace,
            guard: Some(Guard::zeros(64 - RADIX)),
            vspace: space,
        };
        let kept = Kept {
            id,
            tcb,
            context,
            space,
            buffer,
            handler: if id == 0 { CPtr::NULL } else { handler },
        };
        self.start(&kept, numbers)?;
        if id.is_multiple_of(2) {
            self.kept[id] = Some(kept);
            self.give(Kind::Tcb, id, tcb)?;
            self.give(Kind::SchedContext, id, context)?;
            self.give(Kind::Frame, id, buffer)
        } else {
            self.give_away(Kind::Tcb, id, tcb)?;
            self.give_away(Kind::SchedContext, id, context)?;
            self.give_away(Kind::Frame, id, buffer)
        }
    }

    /// The roots of address spaces go last: all threads have to be configured with them.
    fn give_spaces(&self, spaces: [VSpaceRoot; SPACES]) -> Result<(), Error> {
        let [first, second, third] = spaces;
        self.give(Kind::VSpace, 0, first)?;
        self.give_away(Kind::VSpace, 1, second)?;
        self.give(Kind::VSpace, 2, third)
    }
}

/// Wherever the thread waits, it goes on as if its system call had come back.
fn go_on(tcb: Tcb) -> Result<(), Error> {
    let words = [1, 1, machine::after_syscall()];
    invoke(tcb, Invocation::TcbWriteRegisters, &words, &[]).map(|_| ())
}

/// The slot of a capability of the supervisor.
pub(crate) fn path(cap: impl Capability) -> SlotPath {
    root::CNODE.absolute(cap.cptr().bits())
}
