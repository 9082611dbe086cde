//! Interrupts: handlers for two lines, and who hears them.

use super::nothing;
use crate::alphabet::{self, talk};
use crate::explore::Scope;
use crate::model::Request;
use crate::world::World;
use abi::invocation::Invocation as I;
use abi::object::ObjectType as T;
use abi::syscall::Syscall;
use abi::{Isa, Word, bootinfo};

// Slots of the CNode of both threads.
const CNODE: Word = 0;
const HEARD: Word = 1;
const HEARD_BADGED: Word = 2;
const OTHER: Word = 3;
const CONTROL: Word = 4;
const HANDLERS: [Word; 2] = [5, 6];
const HEARD_ONLY: Word = 7;
const RADIX: Word = 4;

/// The first of the two lines.
const LINE: u16 = match abi::ISA {
    Isa::X86_64 => abi::x86_64::irq::USER_MIN as u16 + 3,
    Isa::AArch64 | Isa::RiscV64 => 40,
};

/// Two threads, the more important of which listens at first; two lines, one control of interrupts,
/// which all may be taken away again.
pub fn interrupts(depth: usize) -> Scope {
    let mut world = World::new(14);
    world.lines = (LINE, 2);
    let cnode = world.make(T::CNode, RADIX);
    let players = [100, 101].map(|priority| world.player(cnode, RADIX, priority));
    let notifications = [0; 2].map(|_| world.make(T::Notification, 0));
    for player in players {
        world.time(player, 10_000, 10_000, 0);
    }
    let [heard, other] = notifications;
    world.lend(heard, cnode, RADIX, HEARD_BADGED, 15, 4);
    world.lend(heard, cnode, RADIX, HEARD_ONLY, 2, 0);
    world.give(heard, cnode, RADIX, HEARD);
    world.give(other, cnode, RADIX, OTHER);
    world.give(bootinfo::IRQ_CONTROL as Word, cnode, RADIX, CONTROL);
    world.lend(cnode, cnode, RADIX, CNODE, 15, 0);
    players.iter().for_each(|player| world.start(*player));
    world.leave();
    Scope {
        name: "interrupts",
        world,
        calls: calls(),
        depth: Some(depth),
        pauses: vec![],
        lines: vec![LINE, LINE + 1],
        traps: vec![],
        interrupted: false,
        leaves_out: nothing,
    }
}

/// The handler of `line`, in slot `to`.
fn get(line: u16, to: Word) -> Request {
    let line = Word::from(line);
    let (invocation, words) = match abi::ISA {
        Isa::X86_64 => {
            let vector = line - abi::x86_64::irq::USER_MIN;
            (
                I::X86IrqIssueIrqHandlerIoapic,
                vec![to, RADIX, 0, 5, 1, 1, vector],
            )
        }
        Isa::AArch64 => (I::ArmIrqIssueIrqHandlerTrigger, vec![line, 1, to, RADIX]),
        Isa::RiscV64 => (I::RiscvIrqIssueIrqHandlerTrigger, vec![line, 1, to, RADIX]),
    };
    alphabet::invoke(CONTROL, invocation, &words, &[CNODE])
}

fn calls() -> Vec<Request> {
    let mut calls = vec![
        talk(Syscall::Wait, HEARD, 0, 0),
        talk(Syscall::Wait, OTHER, 0, 0),
        talk(Syscall::NbWait, HEARD, 0, 0),
        talk(Syscall::Send, HEARD_BADGED, 0, 0),
        talk(Syscall::Yield, 0, 0, 0),
        get(LINE, HANDLERS[0]),
        get(LINE, HANDLERS[1]),
        get(LINE + 1, HANDLERS[1]),
    ];
    let mut invoke = |cap, invocation, words: &[Word], caps: &[Word]| {
        calls.push(alphabet::invoke(cap, invocation, words, caps));
    };
    // By number alone, in range and not.
    invoke(
        CONTROL,
        I::IrqIssueIrqHandler,
        &[Word::from(LINE), HANDLERS[0], RADIX],
        &[CNODE],
    );
    invoke(
        CONTROL,
        I::IrqIssueIrqHandler,
        &[1 << 20, HANDLERS[0], RADIX],
        &[CNODE],
    );
    let out_of_range = match abi::ISA {
        Isa::X86_64 => [HANDLERS[0], RADIX, 1, 24, 2, 2, 108],
        Isa::AArch64 => [160, 1, HANDLERS[0], RADIX, 0, 0, 0],
        Isa::RiscV64 => [0, 1, HANDLERS[0], RADIX, 0, 0, 0],
    };
    let by_trigger = match abi::ISA {
        Isa::X86_64 => I::X86IrqIssueIrqHandlerMsi,
        Isa::AArch64 => I::ArmIrqIssueIrqHandlerTrigger,
        Isa::RiscV64 => I::RiscvIrqIssueIrqHandlerTrigger,
    };
    invoke(CONTROL, by_trigger, &out_of_range, &[CNODE]);
    for handler in HANDLERS {
        for notification in [HEARD, HEARD_BADGED, HEARD_ONLY, OTHER] {
            invoke(handler, I::IrqSetIrqHandler, &[], &[notification]);
        }
        invoke(handler, I::IrqClearIrqHandler, &[], &[]);
        invoke(handler, I::IrqAckIrq, &[], &[]);
    }
    let copy = [HANDLERS[1], RADIX, HANDLERS[0], RADIX, 15];
    invoke(CNODE, I::CNodeCopy, &copy, &[CNODE]);
    for slot in [HEARD, HEARD_BADGED, OTHER, HANDLERS[0], HANDLERS[1]] {
        invoke(CNODE, I::CNodeDelete, &[slot, RADIX], &[]);
    }
    for slot in [HEARD, CONTROL, HANDLERS[0]] {
        invoke(CNODE, I::CNodeRevoke, &[slot, RADIX], &[]);
    }
    calls
}
