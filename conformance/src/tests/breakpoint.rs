//! Breakpoints, watchpoints and single steps, in profiles that have them.

use super::ipc::fault_handler;
use crate::isa;
use crate::report::{Outcome, check, check_eq, fail, skip};
use crate::threads::{Board, Body};
use crate::world::{Start, Thread, World};
use abi::{PROFILE, Word};
use core::sync::atomic::{AtomicU64, Ordering};
use user_api::{Breakpoint, Endpoint, Error, Fault, Message, Reply};

crate::list!["breakpoint":
    what_is_set_can_be_read, arguments_are_checked, a_watchpoint_catches_a_write, a_watchpoint_of_another_thread,
    a_breakpoint_stops_before_the_instruction, a_thread_can_be_stepped, a_break_instruction_is_a_fault,
];

const DATA: Word = 0;
const INSTRUCTION: Word = 1;
const SINGLE_STEP: Word = 2;
const SOFTWARE: Word = 3;
const READ: Word = 0;
const WRITE: Word = 1;
const BOTH: Word = 2;

static WATCHED: AtomicU64 = AtomicU64::new(0);

fn watched() -> Word {
    (&raw const WATCHED).addr() as Word
}

/// Writes word 0 to the watched place, then reads it.
fn touch(board: &'static Board) {
    WATCHED.store(board.get(0), Ordering::SeqCst);
    board.set(8, WATCHED.load(Ordering::SeqCst));
}

/// A function with an address of its own.
#[inline(never)]
fn marked(board: &'static Board) {
    board.add(8);
}

fn calls_marked(board: &'static Board) {
    let function = core::hint::black_box(marked as Body);
    function(board);
    board.add(9);
}

struct Scene {
    thread: Thread,
    endpoint: Endpoint,
    reply: Reply,
}

impl Scene {
    fn new(world: &mut World, body: Body) -> Outcome<Self> {
        if !PROFILE.hardware_debug_api {
            skip!("the profile has no hardware debug API");
        }
        let (endpoint, handler, reply) = fault_handler(world)?;
        let start = Start {
            resume: false,
            fault_handler: handler.cptr(),
            ..Start::below()
        };
        let thread = world.thread(start, body, &[77])?;
        Ok(Self {
            thread,
            endpoint,
            reply,
        })
    }

    /// The fault that waits, if one does.
    fn fault(&self) -> Option<Fault> {
        let message = self.endpoint.nb_recv(self.reply);
        if message.badge == 0 {
            None
        } else {
            Fault::decode(&message)
        }
    }

    fn answer(&self, world: &World, message: Message) -> Outcome {
        self.reply.send(message);
        world.settle()
    }
}

fn write_watch() -> Breakpoint {
    Breakpoint {
        address: watched(),
        kind: DATA,
        size: 4,
        access: WRITE,
        enabled: true,
    }
}

fn what_is_set_can_be_read(world: &mut World) -> Outcome {
    let scene = Scene::new(world, touch)?;
    for number in 0..isa::BREAKPOINTS {
        let fits = |kind: Word| match kind {
            DATA => isa::DATA_BREAKPOINTS.contains(&number),
            _ => isa::INSTRUCTION_BREAKPOINTS.contains(&number),
        };
        let settings = [(DATA, 1, WRITE), (DATA, 4, BOTH), (INSTRUCTION, 0, READ)];
        for (kind, size, access) in settings.into_iter().filter(|(kind, ..)| fits(*kind)) {
            let set = Breakpoint {
                address: watched(),
                kind,
                size,
                access,
                enabled: true,
            };
            scene.thread.tcb.set_breakpoint(number, set)?;
            let found = scene.thread.tcb.breakpoint(number)?;
            check_eq!(
                (found.address, found.kind, found.access, found.enabled),
                (set.address, kind, access, true)
            );
        }
        scene.thread.tcb.unset_breakpoint(number)?;
        check!(!scene.thread.tcb.breakpoint(number)?.enabled);
    }
    Ok(())
}

fn arguments_are_checked(world: &mut World) -> Outcome {
    let scene = Scene::new(world, touch)?;
    let good = write_watch();
    let set = |number, breakpoint| scene.thread.tcb.set_breakpoint(number, breakpoint);
    let invalid = |which| Err(Error::InvalidArgument { which });
    let range = Err(Error::RangeError {
        min: 0,
        max: isa::BREAKPOINTS - 1,
    });
    let first = isa::DATA_BREAKPOINTS.start;
    check_eq!(set(isa::BREAKPOINTS, good), range);
    check_eq!(
        set(
            first,
            Breakpoint {
                address: isa::USER_TOP,
                ..good
            }
        ),
        invalid(1)
    );
    check_eq!(set(first, Breakpoint { kind: 7, ..good }), invalid(2));
    check_eq!(set(first, Breakpoint { size: 0, ..good }), invalid(3));
    check_eq!(set(first, Breakpoint { size: 3, ..good }), invalid(3));
    check_eq!(
        set(
            0,
            Breakpoint {
                kind: INSTRUCTION,
                size: 4,
                access: READ,
                ..good
            }
        ),
        invalid(3)
    );
    check_eq!(
        set(
            0,
            Breakpoint {
                kind: INSTRUCTION,
                size: 0,
                access: WRITE,
                ..good
            }
        ),
        invalid(4)
    );
    check_eq!(
        set(
            first,
            Breakpoint {
                address: good.address + 1,
                ..good
            }
        ),
        Err(Error::AlignmentError)
    );
    check_eq!(scene.thread.tcb.unset_breakpoint(isa::BREAKPOINTS), range);
    check_eq!(
        scene
            .thread
            .tcb
            .breakpoint(isa::BREAKPOINTS + 5)
            .map(|_| ()),
        range
    );
    Ok(())
}

fn a_watchpoint_catches_a_write(world: &mut World) -> Outcome {
    let scene = Scene::new(world, touch)?;
    scene
        .thread
        .tcb
        .set_breakpoint(isa::DATA_BREAKPOINTS.start + 1, write_watch())?;
    scene.thread.tcb.resume()?;
    world.settle()?;
    match scene.fault() {
        Some(Fault::Debug {
            reason: DATA,
            trigger,
            breakpoint,
            ..
        }) => {
            check_eq!(
                (trigger, breakpoint),
                (watched(), isa::DATA_BREAKPOINTS.start + 1)
            );
        }
        other => return Err(fail(format_args!("{other:?}"))),
    }
    if isa::WATCHED_BEFORE {
        // The write would be watched again.
        let number = isa::DATA_BREAKPOINTS.start + 1;
        scene.thread.tcb.unset_breakpoint(number)?;
    }
    scene.answer(world, Message::restart())?;
    check_eq!(
        (scene.thread.is_done(), scene.thread.board.get(8)),
        (true, 77),
        "reading is not watched"
    );
    Ok(())
}

fn a_watchpoint_of_another_thread(world: &mut World) -> Outcome {
    let scene = Scene::new(world, touch)?;
    scene
        .thread
        .tcb
        .set_breakpoint(isa::DATA_BREAKPOINTS.start, write_watch())?;
    // The driver, and a thread without it, may write.
    WATCHED.store(1, Ordering::SeqCst);
    let other = world.thread(Start::below(), touch, &[5])?;
    world.settle()?;
    check!(other.is_done());
    check_eq!(scene.fault(), None);
    scene
        .thread
        .tcb
        .unset_breakpoint(isa::DATA_BREAKPOINTS.start)?;
    scene.thread.tcb.resume()?;
    world.settle()?;
    check!(scene.thread.is_done(), "disarmed");
    Ok(())
}

fn a_breakpoint_stops_before_the_instruction(world: &mut World) -> Outcome {
    let scene = Scene::new(world, calls_marked)?;
    let address = marked as Body as usize as Word;
    let breakpoint = Breakpoint {
        address,
        kind: INSTRUCTION,
        size: 0,
        access: READ,
        enabled: true,
    };
    scene.thread.tcb.set_breakpoint(0, breakpoint)?;
    scene.thread.tcb.resume()?;
    world.settle()?;
    match scene.fault() {
        Some(Fault::Debug {
            ip,
            reason: INSTRUCTION,
            trigger,
            breakpoint: 0,
        }) => {
            check_eq!((ip, trigger), (address, address));
        }
        other => return Err(fail(format_args!("{other:?}"))),
    }
    check_eq!(scene.thread.board.get(8), 0);
    scene.thread.tcb.unset_breakpoint(0)?;
    scene.answer(world, Message::restart())?;
    check_eq!(
        (scene.thread.board.get(8), scene.thread.board.get(9)),
        (1, 1)
    );
    Ok(())
}

fn a_thread_can_be_stepped(world: &mut World) -> Outcome {
    let scene = Scene::new(world, calls_marked)?;
    scene.thread.tcb.single_step(0, 1)?;
    scene.thread.tcb.resume()?;
    world.settle()?;
    let mut last = 0;
    for number in 0..20 {
        match scene.fault() {
            Some(Fault::Debug {
                ip,
                reason: SINGLE_STEP,
                ..
            }) => {
                check!(ip != last, "step {number} did not move from {ip:#x}");
                last = ip;
            }
            other => return Err(fail(format_args!("step {number}: {other:?}"))),
        }
        // The answer says after how many instructions to stop next.
        scene.answer(world, Message::new(0).with_words(&[1]))?;
    }
    check!(matches!(
        scene.fault(),
        Some(Fault::Debug {
            reason: SINGLE_STEP,
            ..
        })
    ));
    scene.answer(world, Message::new(0).with_words(&[0]))?;
    check!(scene.thread.is_done(), "0 ends the stepping");
    Ok(())
}

fn breaks(board: &'static Board) {
    isa::break_instruction();
    board.add(8);
}

fn a_break_instruction_is_a_fault(world: &mut World) -> Outcome {
    let scene = Scene::new(world, breaks)?;
    scene.thread.tcb.resume()?;
    world.settle()?;
    let fault = scene.fault();
    check!(
        matches!(
            fault,
            Some(Fault::Debug {
                reason: SOFTWARE,
                ..
            })
        ),
        "{fault:?}"
    );
    check!(!scene.thread.is_done());
    Ok(())
}
