//! Small worlds: a kernel, booted on a small model machine, in which the root task has made a few
//! objects in one piece of memory, and has stopped. What then happens is up to the threads that
//! it left behind. Everything is made by system calls.

use crate::bystander::Bystander;
use crate::model::Request;
use crate::model::state::Trap;
use crate::model::time::TICKS;
use crate::refinement::{Frame, Lens};
use abi::invocation::{Invocation, LABELS};
use abi::ipc_buffer::{CAPS_OR_BADGES, MSG};
use abi::message::{MESSAGE_REGISTERS, MessageInfo};
use abi::object::{NOTIFICATION_BITS, OBJECT_TYPES, ObjectType, TCB_BITS};
use abi::syscall::Syscall;
use abi::{Isa, Word, bootinfo};
use core::mem::offset_of;
use kernel::Kernel;
use kernel::boot::{self, Platform, UserImage};
use kernel::cap::{CNodeCap, Cap};
use kernel::console::Level;
use kernel::entry::{self, Event};
use kernel::isa::Context;
use kernel::object::cnode;
use kernel::object::irq::IrqTable;
use kernel::object::store::Ref;
use kernel::object::tcb::{self, Access, Tcb, TcbSlot, ThreadState};
use machine::model::{Config, Live, Model};
use machine::{Irq, KernelAddress, Kind, Machine, PhysicalAddress, Population};

/// Where every program has its one instruction: a system call.
pub const SYSCALL_AT: Word = 0x40_0000;
/// Behind it.
pub const AFTER_SYSCALL: Word = SYSCALL_AT + 2;
/// Address of the root CNode in itself.
pub const CNODE: Word = bootinfo::INIT_CNODE as Word;
/// Address of the root task's thread.
const TCB: Word = bootinfo::INIT_TCB as Word;
/// Address of its address space.
const VSPACE: Word = bootinfo::INIT_VSPACE as Word;
/// Depth of addresses in the root CNode.
pub const DEPTH: Word = 64;

const RAM: PhysicalAddress = PhysicalAddress(0x10_0000);
const RAM_BYTES: u64 = 2 << 20;
const PAGE: u64 = 4096;

/// A thread of the world.
#[derive(Clone, Copy, Debug)]
pub struct Player {
    /// Its control block.
    pub tcb: Ref<Tcb>,
    /// Where its IPC buffer is in physical memory.
    pub buffer: PhysicalAddress,
    /// Addresses, for the root task, of its TCB, the frame of its buffer, and its scheduling
    /// context.
    pub tcb_cap: Word,
    pub frame_cap: Word,
    pub sc_cap: Word,
}

/// A kernel, and the piece of memory that is the world.
pub struct World {
    pub k: Kernel,
    /// The world's memory.
    pub base: PhysicalAddress,
    pub bytes: u64,
    pub players: Vec<Player>,
    root: Ref<Tcb>,
    root_buffer: PhysicalAddress,
    memory: Word,
    world: Word,
    source: Word,
    free: Word,
    surroundings: Surroundings,
    /// Whether the alphabet starts stopped threads again.
    pub resumable: bool,
    /// The lines that interrupt: the first, and how many.
    pub lines: (u16, u16),
    /// A thread that has nothing to do with it.
    pub bystander: Option<Bystander>,
    /// User addresses that are looked at in every address space after each step.
    pub addresses: Vec<Word>,
}

/// What lives around the world, and does not change while it is explored.
#[derive(Clone, Debug, Default)]
pub struct Surroundings(Vec<(KernelAddress, u64, Kind)>);

/// Everything that lives: what the invariants are checked on.
pub struct Everything<'a> {
    k: &'a Kernel,
    inside: Vec<Live>,
    surroundings: &'a Surroundings,
}

impl<'a> Everything<'a> {
    /// In the world, and around it.
    pub fn new(k: &'a Kernel, frame: Frame, surroundings: &'a Surroundings) -> Self {
        let start = KernelAddress::of(frame.base);
        Self {
            k,
            inside: k.machine.live_in(start, frame.bytes).collect(),
            surroundings,
        }
    }
}

impl Population for Everything<'_> {
    fn each_live(&self, visit: &mut dyn FnMut(KernelAddress, u64, Kind)) {
        for &(at, len, kind) in &self.surroundings.0 {
            visit(at, len, kind);
        }
        for live in &self.inside {
            visit(live.at, live.len, live.kind);
        }
    }

    fn live_at(&self, at: KernelAddress) -> Kind {
        self.k.machine.kind_at(at)
    }

    fn was_reached(&self, _: KernelAddress) -> bool {
        true
    }
}

impl World {
    /// A world of `2^bits` bytes.
    pub fn new(bits: u32) -> Self {
        let mut k = booted(RAM_BYTES.max(4 << bits));
        k.log = Level::Quiet;
        assert_eq!(k.ticks_per_us.get(), TICKS, "the unit of time");
        let Some(root) = k.current() else {
            panic!("the root task runs after boot")
        };
        go_on_at(&mut k[root.context()], AFTER_SYSCALL);
        let Cap::Frame(buffer) = k[root.slot(TcbSlot::Buffer)].cap() else {
            panic!("the root task has an IPC buffer")
        };
        let mut world = Self {
            k,
            base: PhysicalAddress(0),
            bytes: 1 << bits,
            players: vec![],
            root,
            root_buffer: buffer.base,
            memory: 0,
            world: 0,
            source: 0,
            free: 0,
            surroundings: Surroundings::default(),
            resumable: false,
            lines: (0, 0),
            bystander: None,
            addresses: vec![],
        };
        let slots = 1 << world.root_cnode().radix;
        let is = |world: &Self, n: Word, wanted: fn(Cap) -> Option<u8>| wanted(world.root_cap(n));
        let untyped = |cap| match cap {
            Cap::Untyped(c) if !c.device => Some(c.bits),
            _ => None,
        };
        let largest = (0..slots)
            .filter_map(|n| Some((is(&world, n, untyped)?, n)))
            .max();
        let Some((_, memory)) = largest else {
            panic!("there is memory")
        };
        world.memory = memory;
        world.free = (16..slots)
            .rev()
            .find(|n| !world.root_cap(*n).is_null())
            .map_or(16, |n| n + 1);
        world.world = world.make_in(memory, ObjectType::Untyped, Word::from(bits));
        world.source = world.world;
        let Cap::Untyped(c) = world.root_cap(world.world) else {
            panic!("the world is untyped memory")
        };
        world.base = c.base;
        world
    }

    fn root_cnode(&self) -> CNodeCap {
        let Cap::CNode(cnode) = self.k[self.root.slot(TcbSlot::CSpace)].cap() else {
            panic!("the root task has a CSpace")
        };
        cnode
    }

    /// What the root task holds at an address.
    pub fn root_cap(&self, n: Word) -> Cap {
        self.k[self.root_cnode().slot(n)].cap()
    }

    // --- What the root task does ---------------------------------------------------------

    /// The root task invokes `cap`; it must succeed.
    pub fn must(&mut self, cap: Word, invocation: Invocation, words: &[Word], caps: &[Word]) {
        let Some(label) = LABELS.label(invocation) else {
            panic!("this build has {invocation:?}")
        };
        let request = Request {
            syscall: Syscall::Call.number(),
            cap,
            reply: 0,
            destination: 0,
            label,
            words: words.to_vec(),
            caps: caps.to_vec(),
        };
        let (root, buffer) = (self.root, self.root_buffer);
        say(&mut self.k, root, buffer, &request);
        step(&mut self.k, request.syscall, Way::Fast);
        let info = MessageInfo(self.k[root.context()].message_info());
        let answer = (info.label(), self.k[root.context()].message_registers());
        let runs = self.k.current() == Some(root);
        assert!(
            !runs || info.label() == 0,
            "{invocation:?} {words:?}: {answer:?}"
        );
    }

    fn make_in(&mut self, untyped: Word, kind: ObjectType, bits: Word) -> Word {
        let at = self.free;
        self.free += 1;
        let Some(number) = OBJECT_TYPES.number(kind) else {
            panic!("this build has {kind:?}")
        };
        let words = [number, bits, 0, 0, at, 1];
        self.must(untyped, Invocation::UntypedRetype, &words, &[CNODE]);
        at
    }

    /// An object in the world's memory; its capability is the root task's at first.
    pub fn make(&mut self, kind: ObjectType, bits: Word) -> Word {
        self.make_in(self.source, kind, bits)
    }

    /// A pool of ASIDs out of a page of memory.
    pub fn pool(&mut self, memory: Word, invocation: Invocation) -> Word {
        let at = self.free;
        self.free += 1;
        let control = bootinfo::ASID_CONTROL as Word;
        self.must(control, invocation, &[at, DEPTH], &[memory, CNODE]);
        at
    }

    /// From now on objects are made from this untyped memory, which is in the world.
    pub fn makes_from(&mut self, untyped: Word) {
        self.source = untyped;
    }

    /// Moves a capability of the root task to slot `to` of the CNode `cnode` of `2^radix` slots.
    pub fn give(&mut self, cap: Word, cnode: Word, radix: Word, to: Word) {
        let words = [to, radix, cap, DEPTH];
        self.must(cnode, Invocation::CNodeMove, &words, &[CNODE]);
    }

    /// A copy of a capability, with less rights and a badge unless that is 0, in slot `to` of `cnode`.
    pub fn lend(
        &mut self,
        cap: Word,
        cnode: Word,
        radix: Word,
        to: Word,
        rights: Word,
        badge: Word,
    ) {
        let words = [to, radix, cap, DEPTH, rights, badge];
        let (invocation, words) = match badge {
            0 => (Invocation::CNodeCopy, &words[..5]),
            _ => (Invocation::CNodeMint, &words[..]),
        };
        self.must(cnode, invocation, words, &[CNODE]);
    }

    /// A copy of a capability of the root task's, with less rights and a badge, which it keeps.
    pub fn badged(&mut self, cap: Word, rights: Word, badge: Word) -> Word {
        let to = self.free;
        self.free += 1;
        let words = [to, DEPTH, cap, DEPTH, rights, badge];
        self.must(CNODE, Invocation::CNodeMint, &words, &[CNODE]);
        to
    }

    /// A thread with the CSpace `cnode` of `2^radix` slots, an IPC buffer, and time; not started.
    pub fn player(&mut self, cnode: Word, radix: Word, priority: Word) -> usize {
        let tcb = self.make(ObjectType::Tcb, 0);
        let frame = self.make_in(self.memory, small_page(), 0);
        let guard = abi::cnode::CNodeCapData::new(0, (64 - radix) as _).0;
        self.must(
            tcb,
            Invocation::TcbConfigure,
            &[guard, 0, 0x10_0000],
            &[cnode, VSPACE, frame],
        );
        self.must(tcb, Invocation::TcbSetPriority, &[priority], &[TCB]);
        self.must(tcb, Invocation::TcbSetMcPriority, &[priority], &[TCB]);
        let (Cap::Tcb(object), Cap::Frame(buffer)) = (self.root_cap(tcb), self.root_cap(frame))
        else {
            panic!("a thread and a frame")
        };
        self.players.push(Player {
            tcb: object,
            buffer: buffer.base,
            tcb_cap: tcb,
            frame_cap: frame,
            sc_cap: 0,
        });
        self.players.len() - 1
    }

    /// A thread that is less important than all others, holds whatever it is made of, and is ready.
    pub fn bystander(&mut self) {
        const RADIX: Word = 3;
        let cnode = self.make(ObjectType::CNode, RADIX);
        let notification = self.make(ObjectType::Notification, 0);
        let player = self.player(cnode, RADIX, 1);
        self.time(player, 10_000, 10_000, 0);
        self.start(player);
        let Some(Player {
            tcb,
            tcb_cap,
            sc_cap,
            ..
        }) = self.players.pop()
        else {
            return;
        };
        // It goes on where it is, from the first time on.
        go_on_at(&mut self.k[tcb.context()], AFTER_SYSCALL);
        let memory = |cap: &Cap| match cap {
            Cap::CNode(c) => (c.slots.address(), 32 << RADIX),
            Cap::Notification(c) => (c.notification.address(), 1 << NOTIFICATION_BITS),
            Cap::SchedContext(c) => (c.sched_context.address(), 1 << c.bits),
            _ => {
                let start = tcb.address().bits() & !((1 << TCB_BITS) - 1);
                let back = tcb.address().bits() - start;
                (tcb.address().plus(back.wrapping_neg()), 1 << TCB_BITS)
            }
        };
        let caps = [tcb_cap, sc_cap, notification, cnode];
        let pieces = caps.map(|cap| memory(&self.root_cap(cap)));
        self.bystander = Some(Bystander {
            thread: tcb,
            memory: pieces.to_vec(),
            time: pieces[1],
        });
        for (cap, to) in caps.into_iter().zip(1..) {
            self.give(cap, cnode, RADIX, to);
        }
    }

    /// Lets a thread run in an address space of the root task's.
    pub fn runs_in(&mut self, player: usize, cnode: Word, radix: Word, space: Word) {
        let tcb = self.players[player].tcb_cap;
        let guard = abi::cnode::CNodeCapData::new(0, (64 - radix) as _).0;
        let caps = [0, cnode, space];
        self.must(tcb, Invocation::TcbSetSpace, &[guard, 0], &caps);
    }

    /// Lets an endpoint capability of the root task handle a thread's faults.
    pub fn handler(&mut self, player: usize, cnode: Word, radix: Word, handler: Word) {
        let tcb = self.players[player].tcb_cap;
        let guard = abi::cnode::CNodeCapData::new(0, (64 - radix) as _).0;
        let caps = [handler, cnode, VSPACE];
        self.must(tcb, Invocation::TcbSetSpace, &[guard, 0], &caps);
    }

    /// Lets an endpoint capability of the root task handle the ends of a thread's budget.
    pub fn timeout_handler(&mut self, player: usize, handler: Word) {
        let tcb = self.players[player].tcb_cap;
        self.must(tcb, Invocation::TcbSetTimeoutEndpoint, &[], &[handler]);
    }

    /// Gives a thread time of its own: budget and period in microseconds.
    pub fn time(&mut self, player: usize, budget: Word, period: Word, flags: Word) {
        let sc = self.make(ObjectType::SchedContext, 8);
        let control = self.sched_control();
        let words = [budget, period, 0, 0, flags];
        self.must(
            control,
            Invocation::SchedControlConfigureFlags,
            &words,
            &[sc],
        );
        let tcb = self.players[player].tcb_cap;
        self.must(sc, Invocation::SchedContextBind, &[], &[tcb]);
        self.players[player].sc_cap = sc;
    }

    /// The capability to control time.
    pub fn sched_control(&self) -> Word {
        let found = (0..self.free).find(|n| matches!(self.root_cap(*n), Cap::SchedControl { .. }));
        let Some(control) = found else {
            panic!("the root task controls time")
        };
        control
    }

    /// Where a thread wants to receive capabilities: a slot of a CNode in its CSpace.
    pub fn receives_at(&mut self, player: usize, root: Word, index: Word, depth: Word) {
        use abi::ipc_buffer::{RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
        let buffer = self.players[player].buffer;
        for (n, word) in [
            (RECEIVE_CNODE, root),
            (RECEIVE_INDEX, index),
            (RECEIVE_DEPTH, depth),
        ] {
            let at = KernelAddress::of(buffer).plus(n as u64 * 8);
            self.k.machine.store(at, word);
        }
    }

    /// Starts a thread.
    pub fn start(&mut self, player: usize) {
        let Player { tcb, tcb_cap, .. } = self.players[player];
        self.k[tcb.context()].set_fault_ip(AFTER_SYSCALL);
        self.must(tcb_cap, Invocation::TcbResume, &[], &[]);
    }

    /// How to look at it.
    pub fn lens(&self) -> Lens {
        let root = self.root_cnode();
        Lens {
            frame: Frame {
                base: self.base,
                bytes: self.bytes,
            },
            world: root.slot(self.world),
            root,
            thread_slots: {
                let slots = self.root.slot(TcbSlot::CSpace).address();
                slots.bits().wrapping_sub(self.root.address().bits())
            },
            resumable: self.resumable,
            lines: self.lines,
        }
    }

    /// The root task stops for good.
    pub fn leave(&mut self) {
        self.must(TCB, Invocation::TcbSuspend, &[], &[]);
        assert!(
            self.k.current() != Some(self.root),
            "the root task has stopped"
        );
        self.surroundings = self.look_around();
        self.k.machine.track();
    }

    /// Of slots, only those that hold something: nobody will fill another one.
    fn look_around(&self) -> Surroundings {
        let mut found = vec![];
        let frame = self.lens().frame;
        for live in self.k.machine.live() {
            if frame.holds(live.at) {
                continue;
            }
            if live.kind != Kind::Slots {
                found.push((live.at, live.len, live.kind));
                continue;
            }
            let bytes = size_of::<cnode::Slot>() as u64;
            for n in 0..live.len / bytes {
                let at = live.at.plus(n * bytes);
                let words = (0..4).map(|n| self.k.machine.peek(at.plus(n * 8).physical()));
                if words.into_iter().flatten().any(|word| word != 0) || self.is_of_line(at) {
                    found.push((at, bytes, Kind::Slots));
                }
            }
        }
        Surroundings(found)
    }

    /// Whether this is the slot of a line that interrupts.
    fn is_of_line(&self, at: KernelAddress) -> bool {
        let (first, count) = self.lines;
        let mut lines = (first..first + count).map(Irq);
        lines.any(|irq| self.k.irqs.slot(irq).address() == at)
    }

    /// Whether a word around the world may change: a link in a list that the world is part of,
    /// or a word of an IPC buffer.
    pub fn may_change(&self, at: KernelAddress) -> bool {
        let kind = self.k.machine.kind_at(at);
        let offset = |start: KernelAddress| at.bits().wrapping_sub(start.bits()) as usize;
        match kind {
            Kind::Frame => self
                .players
                .iter()
                .any(|player| offset(KernelAddress::of(player.buffer)) < PAGE as usize),
            Kind::Slots => at.bits() as usize % size_of::<cnode::Slot>() >= 16,
            Kind::Tcb => {
                let links = [offset_of!(Tcb, all_next), offset_of!(Tcb, all_previous)];
                let threads = self
                    .surroundings
                    .0
                    .iter()
                    .filter(|(_, _, kind)| *kind == Kind::Tcb);
                threads
                    .into_iter()
                    .any(|(start, _, _)| links.contains(&offset(*start)))
            }
            // Which root an ASID names is part of the abstract state, whoever holds the pool.
            Kind::AsidPool => true,
            _ => false,
        }
    }

    /// What lives around the world.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}

/// `thread` puts a request into its registers and its buffer.
pub fn say(k: &mut Kernel, thread: Ref<Tcb>, buffer: PhysicalAddress, request: &Request) {
    let at = |word: usize| KernelAddress::of(buffer).plus(word as u64 * 8);
    for (n, word) in request.words.iter().enumerate().skip(MESSAGE_REGISTERS) {
        k.machine.store(at(MSG + n), *word);
    }
    for (n, cap) in request.caps.iter().enumerate() {
        k.machine.store(at(CAPS_OR_BADGES + n), *cap);
    }
    let word = |n: usize| request.words.get(n).copied().unwrap_or(0);
    let info = MessageInfo::new(request.label, 0, request.caps.len(), request.words.len());
    let (reply, destination, number) = input_registers();
    let context = &mut k[thread.context()];
    context.set_badge(request.cap);
    context.set_message_info(info.0);
    for n in 0..MESSAGE_REGISTERS {
        context.set_message_register(n, word(n));
    }
    context.write_register(reply, request.reply);
    context.write_register(destination, request.destination);
    context.write_register(number, request.syscall as Word);
    go_on_at(context, AFTER_SYSCALL);
    context.set_fault_ip(SYSCALL_AT);
}

/// The program of whoever runs is at `address`.
pub fn trap_at(k: &mut Kernel, address: Word) {
    if let Some(current) = k.current() {
        go_on_at(&mut k[current.context()], address);
    }
}

/// The processor stops the program of whoever runs.
pub fn trap(k: &mut Kernel, trap: Trap, way: Way) {
    let event = match trap {
        Trap::Memory {
            address,
            status,
            instruction,
        } => Event::VmFault {
            address,
            status,
            instruction,
        },
        Trap::Exception { number, code } => Event::UserException { number, code },
    };
    enter(k, event, way);
}

/// What has become of a thread's system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It is over.
    Done,
    /// It is to be made again.
    Again,
    /// The thread has ended, or does not run.
    Stopped,
}

/// How far `thread` is.
pub fn progress(k: &Kernel, thread: Ref<Tcb>) -> Progress {
    if k.machine.kind_at(thread.address()) != Kind::Context {
        return Progress::Stopped;
    }
    let context = &k[thread.context()];
    match k[thread].state {
        ThreadState::Running if context.next_ip() == SYSCALL_AT => Progress::Again,
        ThreadState::Restart => Progress::Again,
        ThreadState::Running => Progress::Done,
        _ => Progress::Stopped,
    }
}

/// An interrupt comes. Whoever runs goes on where it is.
pub fn interrupt(k: &mut Kernel, irq: Irq) {
    if let Some(current) = k.current() {
        let context = &mut k[current.context()];
        let next = context.next_ip();
        context.set_fault_ip(next);
    }
    let _ = entry::enter(k, 0, Event::Interrupt(irq));
}

/// What a thread has in its registers and its buffer: what it said.
pub fn said(k: &Kernel, thread: Ref<Tcb>) -> Request {
    let (reply, destination, number) = input_registers();
    let context = &k[thread.context()];
    let info = MessageInfo(context.message_info());
    let registers = context.message_registers();
    let buffer = tcb::buffer(k, thread, Access::Read);
    let in_buffer = |n: usize| buffer.map_or(0, |buffer| buffer.get(k, n));
    let word = |n: usize| {
        registers
            .get(n)
            .copied()
            .unwrap_or_else(|| in_buffer(MSG + n))
    };
    Request {
        syscall: context.register(number) as i64,
        cap: context.capability(),
        reply: context.register(reply),
        destination: context.register(destination),
        label: info.label(),
        words: (0..info.length()).map(word).collect(),
        caps: (0..info.extra_caps())
            .map(|n| in_buffer(CAPS_OR_BADGES + n))
            .collect(),
    }
}

/// The thread executes its system call instruction with the registers that it has.
pub fn goes_on(k: &mut Kernel, thread: Ref<Tcb>) {
    let context = &mut k[thread.context()];
    go_on_at(context, AFTER_SYSCALL);
    context.set_fault_ip(SYSCALL_AT);
}

/// Places in the user context of what a system call reads beside the message: the reply
/// capability, the destination of NBSendRecv, the number.
fn input_registers() -> (usize, usize, usize) {
    match abi::ISA {
        Isa::X86_64 => {
            use abi::x86_64::register;
            (register::R12, register::R13, register::RDX)
        }
        Isa::AArch64 => {
            use abi::aarch64::{REPLY_REGISTER, register};
            (REPLY_REGISTER, register::X8, register::X7)
        }
        Isa::RiscV64 => {
            use abi::riscv64::{REPLY_REGISTER, register};
            (REPLY_REGISTER, register::T0, register::A7)
        }
    }
}

fn go_on_at(context: &mut Context, ip: Word) {
    context.set_fault_ip(ip);
    context.continue_at_fault_ip();
}

/// The frame that IPC buffers are made of.
fn small_page() -> ObjectType {
    match abi::ISA {
        Isa::X86_64 => ObjectType::X86SmallPage,
        Isa::AArch64 => ObjectType::ArmSmallPage,
        Isa::RiscV64 => ObjectType::RiscvSmallPage,
    }
}

/// Which way a system call takes through the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// The one for all calls.
    Slow,
    /// That of the most usual ones, where nothing unusual is in the way.
    Fast,
}

/// The current thread executes its system call.
pub fn step(k: &mut Kernel, syscall: i64, way: Way) {
    enter(k, Event::Syscall(syscall), way);
}

fn enter(k: &mut Kernel, event: Event, way: Way) {
    let _ = match way {
        Way::Slow => entry::enter_slow(k, 0, event),
        Way::Fast => entry::enter(k, 0, event),
    };
}

fn booted(ram_bytes: u64) -> Kernel {
    let model = Model::new(&Config {
        ram: vec![(RAM, ram_bytes)],
        ..Config::default()
    });
    let slots = RAM.0 + 0x1_0000;
    let image = slots + IrqTable::SLOT_BYTES.next_multiple_of(PAGE);
    let (free, end) = (image + 2 * PAGE, RAM.0 + ram_bytes);
    let mut k = Kernel::new(model, KernelAddress::of(PhysicalAddress(slots)));
    let platform = Platform {
        kernel_image: RAM..PhysicalAddress(image),
        boot_memory_end: RAM,
        memory: &[PhysicalAddress(free)..PhysicalAddress(end)],
        devices: &[],
        user_image: UserImage {
            physical: PhysicalAddress(image)..PhysicalAddress(free),
            virtual_start: SYSCALL_AT,
            entry: SYSCALL_AT,
        },
        extra: &[],
        cores: 1,
    };
    assert!(boot::boot(&mut k, &platform).is_ok(), "the kernel boots");
    k
}
