//! Whole kernels: an input is a sequence of system calls with any register contents, interrupts,
//! faults and passing time. Nothing panics; every so often the invariants hold, and the fast ways
//! end where the slow one does.
//!
//! An input is eaten from its front: a byte says what happens, the bytes behind it with what.
//! Words are mostly one byte that means something (a slot, a page, a border), so that little
//! changes of an input are little changes of what happens.

use std::cell::OnceCell;

use abi::{Invocation, LABELS, MessageInfo, ObjectType, Word};
use kernel::Kernel;
use kernel::cap::Cap;
use kernel::check;
use kernel::entry::{self, Event};
use kernel::object::store::Ref;
use kernel::object::tcb::{Tcb, TcbSlot};
use machine::model::{Config, TIMER_IRQ};
use machine::{KernelAddress, Machine, PhysicalAddress};

use crate::bytes::Input;
use crate::world::objects::DEPTH;
use crate::world::{AFTER_SYSCALL, SYSCALL_AT, World, arch};

#[cfg(isa = "aarch64")]
use abi::aarch64 as names;
#[cfg(isa = "riscv64")]
use abi::riscv64 as names;
#[cfg(isa = "x86_64")]
use abi::x86_64 as names;

/// System calls from one check of the invariants to the next.
const CHECK_EVERY: u64 = 1024;
/// One in so many is made on a copy of the kernel too, without the fast ways.
const COMPARE_EVERY: u64 = 509;
/// A sequence ends here.
const MOST_STEPS: u64 = 4000;
/// Where pages are mapped.
const PAGES_AT: Word = 0x1000_0000;

/// Numbers with a chance to be at a border of something.
pub(crate) const BORDERS: [Word; 24] = [
    DEPTH,
    PAGES_AT,
    PAGES_AT + 0x1000,
    0x40_0000,
    1 << 12,
    1 << 21,
    1 << 30,
    1 << 39,
    (1 << 47) - 0x1000,
    1 << 47,
    1 << 63,
    Word::MAX,
    Word::MAX - 7,
    0xffff_8000_0000_0000,
    0xff,
    0x100,
    1 << 16,
    (1 << 32) - 1,
    1 << 32,
    10_000,
    1_000_000,
    63,
    65,
    127,
];

/// Makes the calls that the input says. Answers how many.
pub fn run(bytes: &[u8]) -> u64 {
    let mut run = Run::new(Input::new(bytes));
    run.go();
    run.calls
}

thread_local! {
    /// A kernel with threads and objects to play with, made once.
    static BEGINNING: OnceCell<Beginning> = const { OnceCell::new() };
}

/// Where every sequence begins.
struct Beginning {
    k: Kernel,
    cast: Cast,
}

/// Who takes part.
#[derive(Clone, Copy)]
struct Cast {
    root: Ref<Tcb>,
    /// What the root task waits for, and the handler of the interrupt that rings it.
    bell: Word,
    bell_handler: Word,
    /// The threads that make the calls of the input, by their capabilities.
    threads: [(Ref<Tcb>, Word); 3],
}

fn beginning() -> (Kernel, Cast) {
    BEGINNING.with(|beginning| {
        let beginning = beginning.get_or_init(playground);
        let k = &beginning.k;
        (k.on(k.machine.clone()), beginning.cast)
    })
}

/// Three threads beside the root task, two of each object, and some memory.
fn playground() -> Beginning {
    let mut w = World::with(&Config {
        ram: vec![(PhysicalAddress(0x10_0000), 2 << 20)],
        ..Config::default()
    });
    let endpoints = [w.endpoint(), w.endpoint()];
    let badged = [w.badged(endpoints[0], 1), w.badged(endpoints[0], 2)];
    let notifications = [w.notification(), w.notification()];
    w.badged(notifications[0], 4);
    for _ in 0..3 {
        w.reply_object();
    }
    let threads = [100, 100, 101].map(|priority| {
        let thread = w.thread_at(priority);
        w.set_mcp(thread.tcb, 150);
        w.set_fault_handler(thread, badged[0]);
        (thread.object, thread.tcb.0)
    });
    w.sched_context(100, 1000);
    w.cnode(2);
    w.cnode(1);
    w.untyped(14);
    w.untyped(12);
    w.frame();
    w.frame();
    for table in arch::TABLES {
        w.object(table, 0);
    }
    w.object(ObjectType::Tcb, 0);
    let handler = w.irq_handler(5);
    w.set_irq_notification(handler, notifications[1]);
    let bell = w.notification();
    let bell_handler = w.irq_handler(BELL_LINE);
    w.set_irq_notification(bell_handler, bell);
    let cast = Cast {
        root: w.root().object,
        bell: bell.0,
        bell_handler: bell_handler.0,
        threads,
    };
    w.root_sleeps();
    Beginning {
        k: w.k.on(w.k.machine.clone()),
        cast,
    }
}

/// Something wrong, done after so many calls.
#[derive(Clone, Copy)]
struct Sabotage {
    after: u64,
    act: fn(&mut Kernel, Cast),
}

struct Run<'a> {
    k: Kernel,
    cast: Cast,
    input: Input<'a>,
    calls: u64,
    /// What a test does to the kernel after some calls: this has to be noticed.
    sabotage: Option<Sabotage>,
}

impl<'a> Run<'a> {
    fn new(input: Input<'a>) -> Self {
        let (k, cast) = beginning();
        Self {
            k,
            cast,
            input,
            calls: 0,
            sabotage: None,
        }
    }

    fn go(&mut self) {
        for _ in 0..MOST_STEPS {
            if self.input.is_empty() {
                break;
            }
            self.step();
            if let Some(sabotage) = self.sabotage.filter(|s| self.calls >= s.after) {
                (sabotage.act)(&mut self.k, self.cast);
                self.sabotage = None;
            }
        }
        self.check();
    }

    fn check(&self) {
        check::all(&self.k, &self.k.machine)
            .unwrap_or_else(|violation| panic!("after {} calls: {violation:?}", self.calls));
    }

    fn step(&mut self) {
        let what = self.input.byte();
        if what >= 250 {
            let us = 100 * u64::from(self.input.byte());
            return self.pass(us);
        }
        if what >= 240 {
            let line = u16::from(self.input.byte() % 8);
            self.k.machine.raise(arch::line(line));
            return self.interrupts();
        }
        let thread = match self.k.current() {
            Some(thread) if thread != self.cast.root => thread,
            Some(_) => return self.rescue(),
            None => return self.wake_somebody(),
        };
        if what >= 230 {
            let event = self.fault();
            self.leave_syscall(thread);
            return self.enter(event);
        }
        if what >= 220 {
            // Every preemption point looks, and one of them finds something.
            self.k.work = abi::PROFILE.max_work_units as u32 - 1;
            let point = 1 + u64::from(self.input.byte() % 16);
            self.k.machine.raise_at_ask(point, TIMER_IRQ);
        }
        self.system_call(thread, what);
        self.k.machine.drop_script();
    }

    /// One system call by whoever runs.
    fn system_call(&mut self, thread: Ref<Tcb>, what: u8) {
        let number = if what % 23 == 22 {
            self.input.word().cast_signed()
        } else {
            -1 - i64::from(what % 11)
        };
        let info = self.info();
        let [cap, reply, destination] = [(); 3].map(|()| self.slot());
        let message = [(); 4].map(|()| self.word());
        let more = info.extra_caps() > 0 || info.length() > 4;
        if more && let Some(buffer) = self.buffer(thread) {
            let words = info.length().min(12) + info.extra_caps();
            for n in 4..4 + words {
                let word = self.word();
                let place = if n < info.length() {
                    1 + n
                } else {
                    122 + n % 4
                };
                self.k.machine.store(buffer.plus(8 * place as u64), word);
            }
        }
        self.call_with(thread, number, [cap, reply, destination], info, message);
    }

    /// The thread that runs makes a system call with these registers.
    fn call_with(
        &mut self,
        thread: Ref<Tcb>,
        number: i64,
        [cap, reply, destination]: [Word; 3],
        info: MessageInfo,
        message: [Word; 4],
    ) {
        let context = &mut self.k[thread.context()];
        context.write_register(names::CAP_REGISTER, cap);
        context.write_register(names::MSG_INFO_REGISTER, info.0);
        // On some architectures one register serves both.
        context.write_register(names::NB_SEND_DEST_REGISTER, destination);
        context.write_register(names::REPLY_REGISTER, reply);
        for (register, word) in names::MESSAGE_REGISTERS.into_iter().zip(message) {
            context.write_register(register, word);
        }
        context.write_register(names::SYSCALL_NUMBER, number.cast_unsigned());
        context.fault_ip = SYSCALL_AT;
        context.next_ip = AFTER_SYSCALL;
        mark_fast_return(context);
        self.enter(Event::Syscall(number));
    }

    fn enter(&mut self, event: Event) {
        self.calls += 1;
        let compared =
            matches!(event, Event::Syscall(_)) && self.calls.is_multiple_of(COMPARE_EVERY);
        let twin = compared.then(|| self.k.on(self.k.machine.clone()));
        let _ = entry::enter(&mut self.k, 0, event);
        if let Some(mut twin) = twin {
            let _ = entry::enter_slow(&mut twin, 0, event);
            check::twins::same(&self.k, &twin, &self.k.machine)
                .unwrap_or_else(|violation| panic!("fast and slow, {event:?}: {violation:?}"));
        }
        if self.calls.is_multiple_of(CHECK_EVERY) {
            self.check();
        }
        self.interrupts();
    }

    fn interrupts(&mut self) {
        // Each is masked or acknowledged by the kernel: a storm is one of its faults.
        for _ in 0..64 {
            let Some(irq) = self.k.machine.take_interrupt() else {
                return;
            };
            if let Some(thread) = self.k.current() {
                let context = &mut self.k[thread.context()];
                context.fault_ip = context.next_ip;
            }
            let _ = entry::enter(&mut self.k, 0, Event::Interrupt(irq));
        }
        panic!("interrupts without end");
    }

    /// Nobody runs: time passes, or the root task's bell rings. If it does not hear, all begins
    /// anew.
    fn wake_somebody(&mut self) {
        let now = self.k.machine.now();
        // Far behind this there is only the deadline that never comes.
        let soon = now..now.saturating_add(1 << 40);
        match self.k.machine.deadline().filter(|due| soon.contains(due)) {
            Some(due) if self.input.byte() & 1 == 0 => {
                self.k.machine.set_now(due);
                self.interrupts();
            }
            _ => {
                self.k.machine.raise(arch::line(BELL_LINE));
                self.interrupts();
                if self.k.current().is_none() {
                    self.check();
                    (self.k, self.cast) = beginning();
                }
            }
        }
    }

    /// The root task, awake, lets the others go on, and sleeps again.
    fn rescue(&mut self) {
        self.root_invokes(self.cast.bell_handler, Invocation::IrqAckIrq);
        for (thread, capability) in self.cast.threads {
            // Any of them may have been deleted, and its place taken.
            if self.k.current() == Some(self.cast.root) && self.is_thread(capability, thread) {
                self.root_invokes(capability, Invocation::TcbSuspend);
            }
            if self.k.current() == Some(self.cast.root) && self.is_thread(capability, thread) {
                self.leave_syscall(thread);
                self.root_invokes(capability, Invocation::TcbResume);
            }
        }
        if self.k.current() == Some(self.cast.root) {
            self.root_calls(abi::Syscall::Wait, self.cast.bell, 0);
        }
    }

    fn is_thread(&self, capability: Word, thread: Ref<Tcb>) -> bool {
        let space = self.k[self.cast.root.slot(TcbSlot::CSpace)].cap();
        let Cap::CNode(cnode) = space else {
            return false;
        };
        capability < 1 << cnode.radix && self.k[cnode.slot(capability)].cap() == Cap::Tcb(thread)
    }

    fn root_invokes(&mut self, capability: Word, what: Invocation) {
        self.root_calls(
            abi::Syscall::Call,
            capability,
            LABELS.label(what).unwrap_or(0),
        );
    }

    fn root_calls(&mut self, syscall: abi::Syscall, capability: Word, label: Word) {
        let info = MessageInfo::new(label, 0, 0, 0);
        self.call_with(
            self.cast.root,
            syscall.number(),
            [capability, 0, 0],
            info,
            [0; 4],
        );
    }

    fn pass(&mut self, us: u64) {
        let ticks = us * self.k.machine.ticks_per_us();
        let now = self.k.machine.now();
        self.k.machine.set_now(now + ticks);
        self.interrupts();
    }

    fn fault(&mut self) -> Event {
        match self.input.byte() % 4 {
            0 => Event::VmFault {
                address: self.word(),
                status: Word::from(self.input.byte()),
                instruction: false,
            },
            1 => Event::UserException {
                number: Word::from(self.input.byte() % 32),
                code: 0,
            },
            2 => Event::FpuUnavailable,
            _ => Event::Syscall(self.word().cast_signed() & 0xffff),
        }
    }

    fn leave_syscall(&mut self, thread: Ref<Tcb>) {
        let context = &mut self.k[thread.context()];
        context.fault_ip = AFTER_SYSCALL;
        context.next_ip = AFTER_SYSCALL;
    }

    /// The thread's IPC buffer.
    fn buffer(&self, thread: Ref<Tcb>) -> Option<KernelAddress> {
        match self.k[thread.slot(TcbSlot::Buffer)].cap() {
            Cap::Frame(frame) if !frame.device => Some(KernelAddress::of(frame.base)),
            _ => None,
        }
    }

    fn info(&mut self) -> MessageInfo {
        let label = match self.input.byte() {
            255 => return MessageInfo(self.input.word()),
            byte => Invocation::ALL[usize::from(byte) % Invocation::ALL.len()],
        };
        let label = LABELS.label(label).unwrap_or(0);
        let shape = usize::from(self.input.byte());
        MessageInfo::new(label, 0, shape >> 6, shape % 12)
    }

    /// An address of a capability: a slot that is used, mostly.
    fn slot(&mut self) -> Word {
        match self.input.byte() {
            255 => self.input.word(),
            byte => Word::from(byte % 100),
        }
    }

    fn word(&mut self) -> Word {
        match self.input.byte() {
            255 => self.input.word(),
            byte @ 200.. => BORDERS[usize::from(byte - 200) % BORDERS.len()],
            byte => Word::from(byte),
        }
    }
}

/// The line that wakes the root task.
const BELL_LINE: u16 = 61;

#[cfg(isa = "x86_64")]
fn mark_fast_return(context: &mut kernel::isa::Context) {
    context.fast_return = 1;
}

#[cfg(not(isa = "x86_64"))]
fn mark_fast_return(_: &mut kernel::isa::Context) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mutator;

    fn noise(seed: u64) -> Vec<u8> {
        Mutator::new(seed).input(&[], 8000)
    }

    /// An input that makes at least so many calls.
    fn long_noise(calls: u64) -> Vec<u8> {
        let long = (1..200).map(noise).find(|bytes| run(bytes) > calls);
        long.expect("some noise is long")
    }

    #[test]
    fn noise_does_something_to_many_objects() {
        let bytes = long_noise(100);
        let mut run = Run::new(Input::new(&bytes));
        run.go();
        assert_ne!(
            check::twins::same(&run.k, &beginning().0, &run.k.machine),
            Ok(()),
            "nothing happened"
        );
    }

    #[test]
    fn the_same_input_ends_in_the_same_state() {
        let bytes = long_noise(100);
        let ends = [(); 2].map(|()| {
            let mut run = Run::new(Input::new(&bytes));
            run.go();
            run.k
        });
        assert_eq!(
            check::twins::same(&ends[0], &ends[1], &ends[0].machine),
            Ok(())
        );
    }

    /// The negative control: a kernel that does something wrong is noticed.
    #[test]
    #[should_panic(expected = "calls: ")]
    fn a_broken_invariant_is_noticed() {
        let bytes = long_noise(100);
        let mut run = Run::new(Input::new(&bytes));
        run.sabotage = Some(Sabotage {
            after: 50,
            // A thread that waits stands among those that are ready.
            act: |k, cast| {
                let waits = cast.threads.map(|(thread, _)| thread);
                let waits = waits.into_iter().find(|t| !k[*t].runnable());
                kernel::ready::enqueue_last(k, waits.unwrap_or(cast.root));
            },
        });
        run.go();
    }
}
