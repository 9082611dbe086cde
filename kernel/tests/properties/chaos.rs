//! Any system call at any time: threads that hold capabilities to nearly everything, and use
//! them without sense. After every entry to the kernel the invariants hold; nothing panics.

mod alphabet;

use crate::world::objects::{CNODE, DEPTH, TCB, VSPACE};
use crate::world::{CPtr, Thread, World};
use abi::bootinfo::slot;
use abi::ipc_buffer::{CAPS_OR_BADGES, MSG, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
use abi::{LABELS, MessageInfo, OBJECT_TYPES, ObjectType, Syscall, Word};
use alphabet::{Act, Arg, Kind, OPERATIONS, act};
use kernel::cap::Cap;
use kernel::entry::Event;
use kernel::object::tcb::{TcbSlot, ThreadState};
use machine::model::TIMER_IRQ;
use machine::{Irq, VirtualAddress};
use proptest::prelude::*;

/// Where pages are mapped.
const AT: Word = 0x1000_0000;
/// What every world has; none of it can be asked to be deleted.
const FIXED: usize = 9;

/// The world, and the slots that its threads play with.
struct Chaos {
    w: World,
    /// Slots: first those of the fixed capabilities, then those of objects, then empty ones.
    caps: Vec<CPtr>,
    threads: Vec<Thread>,
    /// How many invocations succeeded, so that a test can see that something happened.
    successes: usize,
}

impl Chaos {
    fn new() -> Self {
        let mut w = World::new();
        w.compare_every = 61;
        let fixed = [
            slot::IRQ_CONTROL,
            slot::ASID_CONTROL,
            slot::INIT_ASID_POOL,
            slot::DOMAIN,
        ];
        let mut caps = vec![CPtr::NULL, CNODE, VSPACE];
        caps.extend(fixed.map(|slot| CPtr(slot as Word)));
        caps.extend([w.sched_control(), TCB]);
        assert_eq!(caps.len(), FIXED);
        let eps = [w.endpoint(), w.endpoint()];
        let badged = [w.badged(eps[0], 1), w.badged(eps[0], 2)];
        let notifications = [w.notification(), w.notification()];
        let flags = [w.badged(notifications[0], 4), w.badged(notifications[1], 8)];
        caps.extend(
            eps.into_iter()
                .chain(badged)
                .chain(notifications)
                .chain(flags),
        );
        caps.extend([w.reply_object(), w.reply_object(), w.reply_object()]);
        let threads: Vec<Thread> = [100, 100, 101, 99]
            .map(|priority| w.thread_at(priority))
            .into();
        for thread in &threads {
            w.set_mcp(thread.tcb, 150);
            w.set_fault_handler(*thread, badged[0]);
            caps.extend([thread.tcb, thread.sc]);
        }
        let throttled = w.sched_context(100, 1000);
        caps.extend([
            throttled,
            w.cnode(2),
            w.cnode(1),
            w.untyped(14),
            w.untyped(12),
            w.frame(),
            w.frame(),
        ]);
        caps.extend(
            [ObjectType::X86PageTable, ObjectType::X86PageDirectory].map(|o| w.object(o, 0)),
        );
        let handler = w.irq_handler(5);
        w.set_irq_notification(handler, flags[0]);
        caps.push(handler);
        caps.extend((0..12).map(|_| w.free_slot()));
        w.root_sleeps();
        Self {
            w,
            caps,
            threads,
            successes: 0,
        }
    }

    fn is(&self, at: CPtr, kind: Kind) -> bool {
        match (kind, self.w.cap(at)) {
            (Kind::Any, _) | (Kind::Null, Cap::Null) => true,
            (Kind::RootCNode, Cap::CNode(_)) => at == CNODE,
            (Kind::CNode, Cap::CNode(_)) => at != CNODE,
            (Kind::Untyped, Cap::Untyped(_))
            | (Kind::Endpoint, Cap::Endpoint(_))
            | (Kind::Notification, Cap::Notification(_))
            | (Kind::Reply, Cap::Reply(_))
            | (Kind::SchedContext, Cap::SchedContext(_))
            | (Kind::SchedControl, Cap::SchedControl { .. })
            | (Kind::Frame, Cap::Frame(_))
            | (Kind::Table, Cap::PageTable(_))
            | (Kind::VSpace, Cap::VSpace(_))
            | (Kind::AsidPool, Cap::AsidPool(_))
            | (Kind::AsidControl, Cap::AsidControl)
            | (Kind::IrqControl, Cap::IrqControl)
            | (Kind::IrqHandler, Cap::IrqHandler(_))
            | (Kind::Domain, Cap::Domain) => true,
            (Kind::Tcb, Cap::Tcb(_)) => at != TCB,
            _ => false,
        }
    }

    /// One of the slots that hold such a capability; any slot if there is none.
    fn pick(&self, kind: Kind, choice: u16) -> CPtr {
        let fitting: Vec<CPtr> = self
            .caps
            .iter()
            .copied()
            .filter(|at| self.is(*at, kind))
            .collect();
        let from = if fitting.is_empty() {
            &self.caps
        } else {
            &fitting
        };
        from[usize::from(choice) % from.len()]
    }

    fn word(&self, arg: Arg, choice: u16) -> Word {
        let choice = Word::from(choice);
        let playing = &self.caps[FIXED..];
        let slot = |empty: bool| {
            let fitting = playing
                .iter()
                .filter(|at| (self.w.cap(**at) == Cap::Null) == empty);
            let fitting: Vec<Word> = fitting.map(|at| at.0).collect();
            fitting
                .get(choice as usize % fitting.len().max(1))
                .copied()
                .unwrap_or(0)
        };
        match arg {
            Arg::Full => slot(false),
            Arg::Empty => slot(true),
            Arg::Depth => DEPTH,
            Arg::Rights => [15, 15, 3, 1, 2, 9][choice as usize % 6],
            Arg::Badge => choice % 3,
            Arg::Bits => choice % 5,
            Arg::Flag => choice % 2,
            Arg::Priority => 98 + choice % 5,
            Arg::Time => [20, 100, 1000, 1000, 10_000][choice as usize % 5],
            Arg::Page => AT + choice % 4 * 0x1000,
            Arg::Type => choice % OBJECT_TYPES.count(),
            Arg::Size => [0, 1, 2, 4, 7, 8, 12][choice as usize % 7],
            Arg::Zero => 0,
            Arg::One => 1,
            Arg::Buffer => choice % 2 * 0x1000,
            Arg::Register => 1 + choice % 20,
            Arg::Vector => 5 + choice % 3,
            Arg::Copy => [0, 1, 2, 3, 8, 9][choice as usize % 6],
        }
    }

    /// Whoever runs, as the world knows threads.
    fn current(&self) -> Option<Thread> {
        let object = self.w.current()?;
        let buffer = match self.w.k[object.slot(TcbSlot::Buffer)].cap() {
            Cap::Frame(frame) if !frame.device => Some(frame.base),
            _ => None,
        };
        Some(Thread {
            tcb: CPtr::NULL,
            sc: CPtr::NULL,
            object,
            buffer,
        })
    }

    /// `thread`, which runs, makes a system call.
    fn call(
        &mut self,
        thread: Thread,
        syscall: Syscall,
        registers: [CPtr; 3],
        label: Word,
        words: &[Word],
        caps: &[CPtr],
    ) {
        if thread.buffer.is_some() {
            for (n, cap) in caps.iter().enumerate() {
                self.w.set_buffer_word(thread, CAPS_OR_BADGES + n, cap.0);
            }
            for (n, word) in words.iter().enumerate().skip(4) {
                self.w.set_buffer_word(thread, MSG + n, *word);
            }
            let receive = self.word(Arg::Empty, label as u16);
            for (n, word) in [
                (RECEIVE_CNODE, CNODE.0),
                (RECEIVE_INDEX, receive),
                (RECEIVE_DEPTH, DEPTH),
            ] {
                self.w.set_buffer_word(thread, n, word);
            }
        }
        let word = |n: usize| words.get(n).copied().unwrap_or(0);
        self.w
            .set_info(thread, MessageInfo::new(label, 0, caps.len(), words.len()));
        let [cap, reply, destination] = registers;
        self.w.set_cap(thread, cap);
        self.w.set_reply(thread, reply);
        self.w.set_destination(thread, destination);
        for n in 0..4 {
            self.w.set_message_register(thread, n, word(n));
        }
        self.w.set_syscall(thread, syscall.number());
        self.w.settle();
    }

    fn invoke(
        &mut self,
        operation: usize,
        choices: [u16; 12],
        by: Syscall,
        noise: Option<(u8, u64)>,
    ) {
        let Some(thread) = self.current() else { return };
        let (invocation, service, args, kinds) = OPERATIONS[operation];
        let mut choices = choices.into_iter().cycle();
        let mut choose = || choices.next().unwrap_or(0);
        let service = self.pick(service, choose());
        let mut words: Vec<Word> = args.iter().map(|arg| self.word(*arg, choose())).collect();
        let mut caps: Vec<CPtr> = kinds
            .iter()
            .map(|kind| self.pick(*kind, choose()))
            .collect();
        if let Some((place, value)) = noise {
            let place = usize::from(place) % (words.len() + caps.len() + 1);
            if let Some(word) = words.get_mut(place) {
                // See [`Arg::Copy`].
                *word = if invocation == abi::Invocation::TcbCopyRegisters {
                    value & !4
                } else {
                    value
                };
            } else if let Some(cap) = caps.get_mut(place - words.len()) {
                *cap = self.pick(Kind::Any, value as u16);
            } else {
                words.pop();
            }
        }
        let label = LABELS.label(invocation).unwrap_or(0);
        // Where the capability is: in the first register, or for the combined call in the last.
        let (reply, ep) = (
            self.pick(Kind::Reply, choose()),
            self.pick(Kind::Endpoint, choose()),
        );
        let first = if by == Syscall::NbSendRecv {
            [ep, reply, service]
        } else {
            [service, reply, ep]
        };
        self.call(thread, by, first, label, &words, &caps);
        let answered = by == Syscall::Call && self.w.current() == Some(thread.object);
        if answered && self.w.info(thread).label() == 0 {
            self.successes += 1;
        }
    }

    fn talk(&mut self, syscall: Syscall, choices: [u16; 4], length: usize, caps: usize) {
        let Some(thread) = self.current() else { return };
        let kinds = [
            Kind::Endpoint,
            Kind::Endpoint,
            Kind::Notification,
            Kind::Reply,
        ];
        let to = self.pick(kinds[usize::from(choices[0]) % 4], choices[1]);
        let (reply, other) = (
            self.pick(Kind::Reply, choices[2]),
            self.pick(kinds[usize::from(choices[3]) % 4], choices[2]),
        );
        let words: Vec<Word> = (0..length as Word).collect();
        let caps: Vec<CPtr> = (0..caps as u16)
            .map(|n| self.pick(Kind::Any, choices[3].wrapping_add(n * 7)))
            .collect();
        self.call(thread, syscall, [to, reply, other], 0, &words, &caps);
    }

    fn fault(&mut self, event: Event) {
        let Some(thread) = self.current() else { return };
        self.w.move_past_syscall(thread);
        self.w.enter(event);
    }

    /// The root task gives some threads that do not run another chance, as it would by Suspend,
    /// WriteRegisters and Resume.
    fn rescue(&mut self, which: u8) {
        self.w.root_wakes_if_it_can();
        if !self.w.is_current(self.w.root()) {
            return;
        }
        for (n, thread) in self.threads.clone().into_iter().enumerate() {
            // Somebody may have taken its priority or its time, or what it does may wake another.
            if !self.w.is_current(self.w.root()) {
                return;
            }
            let exists = self.w.cap(thread.tcb) == Cap::Tcb(thread.object);
            if which >> n & 1 == 0 || !exists {
                continue;
            }
            // Asking anything else than a scheduling context might send a message.
            let time = matches!(self.w.cap(thread.sc), Cap::SchedContext(_));
            if time && self.w.sched_context_of(thread).is_none() {
                let _ = self.w.root_invokes(
                    thread.sc,
                    abi::Invocation::SchedContextBind,
                    &[],
                    &[thread.tcb],
                );
            }
            if matches!(
                self.w.state(thread),
                ThreadState::Running | ThreadState::Restart
            ) {
                continue;
            }
            for what in [abi::Invocation::TcbSuspend, abi::Invocation::TcbResume] {
                if self.w.is_current(self.w.root()) {
                    let _ = self.w.root_invokes(thread.tcb, what, &[], &[]);
                    self.w.move_past_syscall(thread);
                }
            }
        }
        if self.w.is_current(self.w.root()) {
            self.w.root_sleeps();
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Invoke {
                operation,
                choices,
                by,
                noise,
                interrupt_at,
            } => {
                if interrupt_at > 0 {
                    // Every preemption point looks, instead of every hundredth.
                    self.w.k.work = abi::PROFILE.max_work_units as u32 - 1;
                    self.w.k.machine.raise_at_ask(interrupt_at, TIMER_IRQ);
                }
                self.invoke(operation, choices, by, noise);
                self.w.k.machine.drop_script();
            }
            Act::Talk {
                syscall,
                choices,
                length,
                caps,
            } => self.talk(syscall, choices, length, caps),
            Act::Pass(us) => self.w.pass(us),
            Act::Interrupt(line) => self.w.interrupt(Irq(16 + line)),
            Act::Touch(page) => {
                let _ = self
                    .w
                    .k
                    .machine
                    .translate(VirtualAddress(AT + page * 0x1000));
            }
            Act::Fault(kind) => self.fault(match kind % 4 {
                0 => Event::VmFault {
                    address: 8,
                    status: 4,
                    instruction: false,
                },
                1 => Event::UserException { number: 3, code: 0 },
                2 => Event::FpuUnavailable,
                _ => Event::Syscall(1234),
            }),
            Act::Rescue(which) => self.rescue(which),
        }
        if self.w.current().is_none() {
            self.rescue(0b101);
        }
    }
}

proptest! {
    #![proptest_config(crate::config(60))]

    #[test]
    fn the_invariants_survive_any_sequence_of_calls(acts in prop::collection::vec(act(), 1..200)) {
        let mut chaos = Chaos::new();
        for act in &acts {
            chaos.act(act);
        }
        chaos.w.check_deep();
    }
}
