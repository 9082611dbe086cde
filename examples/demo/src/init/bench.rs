//! What a round trip costs: Call to a passive server, which answers by ReplyRecv.
//!
//! Two servers do the same: a thread of init, in init's own address space, and the server process.

use super::arena::{Arena, Size};
use super::console::outln;
use super::home::Home;
use super::isa::meter::{self, BATCH};
use abi::syscall::Syscall;
use abi::{ObjectType, Word};
use demo_common::clock;
use demo_common::protocol::server::ECHO;
use user_alloc::Result;
use user_api::{
    Budget, CPtr, Endpoint, Message, Notification, Reply, SchedContext, Tcb, debug, syscalls,
};
use user_runtime::boot::root;
use user_runtime::thread::{Beginning, ThreadArea};

/// Message words of the measured messages: none, what travels in registers, and what does not.
const LENGTHS: [usize; 4] = [0, 4, 16, 120];
/// The fastest of some batches counts.
const BATCHES: u64 = 10;

static ECHO_AREA: ThreadArea<16384> = ThreadArea::new();

/// The server thread in init's address space.
pub(crate) struct Echo {
    /// Its kernel objects.
    pub(crate) arena: Arena,
    endpoint: Endpoint,
}

impl Echo {
    /// Starts it, and makes it passive once it waits for callers.
    ///
    /// # Errors
    /// If there is too little of something.
    pub(crate) fn start(home: &mut Home) -> Result<Self> {
        let mut arena = Arena::new(
            home,
            "echo thread",
            Size {
                bits: 13,
                slots: 64,
            },
        )?;
        let endpoint: Endpoint = arena.allocator.make(ObjectType::Endpoint, 0)?;
        let reply: Reply = arena.allocator.make(ObjectType::Reply, 0)?;
        let ready: Notification = arena.allocator.make(ObjectType::Notification, 0)?;
        let tcb: Tcb = arena.allocator.make(ObjectType::Tcb, 0)?;
        let time: SchedContext = arena.allocator.make(ObjectType::SchedContext, 8)?;
        home.time.configure(time, Budget::round_robin(5_000))?;
        let slots = [endpoint.cptr(), reply.cptr(), ready.cptr()];
        let beginning = Beginning {
            tcb,
            function: echo,
            argument: pack(slots),
        };
        ECHO_AREA.prepare(home.boot, root::SPACE, beginning)?;
        if debug::available(Syscall::DebugNameThread) {
            debug::name_thread(tcb, "echo");
        }
        tcb.set_sched_params(root::TCB, 0, super::PRIORITY, time, CPtr::NULL)?;
        tcb.resume()?;
        ready.wait();
        time.unbind_object(tcb.cptr())?;
        Ok(Self { arena, endpoint })
    }

    /// Measures both servers.
    pub(crate) fn measure(&self, process: Endpoint) {
        let unit = Unit::find();
        outln!(
            "   {} per round trip of Call and ReplyRecv (the fastest of {BATCHES} x {BATCH}):",
            unit.name()
        );
        outln!("   words   same address space   other address space");
        for length in LENGTHS {
            let [same, other] =
                [self.endpoint, process].map(|server| unit.of(fastest(server, length)));
            outln!("   {length:5}   {same:18}   {other:19}");
        }
        outln!("   {}", unit.meaning());
    }
}

/// Three slots of init's, 20 bits each: a thread begins with one word.
fn pack(slots: [CPtr; 3]) -> Word {
    slots.iter().fold(0, |word, slot| word << 20 | slot.bits())
}

extern "C" fn echo(slots: Word) {
    let [endpoint, reply, ready] = [40, 20, 0].map(|shift| CPtr::new(slots >> shift & 0xf_ffff));
    let reply: Reply = reply.cast();
    let mut message = syscalls::nb_send_recv(ready, Message::default(), endpoint, reply);
    loop {
        let answer = Message {
            words: message.words,
            length: message.length(),
            ..Message::default()
        };
        message = syscalls::reply_recv(endpoint, answer, reply);
    }
}

/// Counts of a round trip.
fn fastest(server: Endpoint, length: usize) -> u64 {
    let message = Message {
        label: ECHO,
        length,
        ..Message::default()
    };
    let batch = |_| {
        let before = meter::counts();
        for _ in 0..BATCH {
            server.call(message);
        }
        (meter::counts() - before) / BATCH
    };
    (0..BATCHES).map(batch).min().unwrap_or(0)
}

/// What is counted here.
pub(crate) enum Unit {
    /// Instructions: an emulator's counter that is driven by them (QEMU's `-icount`), with so many
    /// counts for each.
    Instructions(u64),
    /// Something else.
    Counts {
        /// What.
        name: &'static str,
        /// What that means.
        meaning: &'static str,
    },
}

impl Unit {
    fn find() -> Self {
        let instructions = if meter::MAY_COUNT_INSTRUCTIONS {
            counts_per_instruction()
        } else {
            None
        };
        instructions.map_or_else(meter::unit, Self::Instructions)
    }

    fn of(&self, counts: u64) -> u64 {
        match self {
            Self::Instructions(each) => counts / each,
            Self::Counts { .. } => counts,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Instructions(_) => "instructions",
            Self::Counts { name, .. } => name,
        }
    }

    fn meaning(&self) -> &'static str {
        match self {
            Self::Instructions(_) => {
                "(the emulated counter is driven by instructions, user and kernel: exact, no time)"
            }
            Self::Counts { meaning, .. } => meaning,
        }
    }
}

/// Counts of so many rounds. One piece of code for all numbers: its own instructions count too.
#[inline(never)]
fn counts_of(rounds: u64) -> u64 {
    let once = |_| {
        let before = meter::counts();
        clock::run_instructions(rounds);
        meter::counts() - before
    };
    (0..5).map(once).min().unwrap_or(0)
}

/// How far the counter moves per instruction, if that is always the same power of two.
fn counts_per_instruction() -> Option<u64> {
    const ROUNDS: u64 = 1_000;
    let [one, two, three] = [1, 2, 3].map(|times| counts_of(times * ROUNDS));
    let difference = two.checked_sub(one)?;
    let instructions = 2 * ROUNDS;
    let each = difference / instructions;
    let is_exact = three.checked_sub(two) == Some(difference)
        && difference.is_multiple_of(instructions)
        && each.is_power_of_two();
    is_exact.then_some(each)
}
