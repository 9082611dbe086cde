//! The debug calls: numbers that only debug flavours have.

use super::Name;
use crate::Kernel;
use crate::cap::{CNodeCap, Cap};
use crate::cspace;
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb, ThreadState};
use crate::usage;
use abi::syscall::Syscall;
use abi::{Word, cap_type};
use machine::Machine;

/// A call that only debug and benchmark flavours have.
pub(crate) fn debug_call(k: &mut Kernel, thread: Ref<Tcb>, call: Syscall) {
    let argument = k[thread.context()].capability();
    match call {
        Syscall::DebugPutChar => k.machine.put_byte(argument as u8),
        Syscall::DebugDumpScheduler => dump_scheduler(k),
        Syscall::DebugHalt => {
            let name = k[thread].name;
            let name = core::str::from_utf8(&name)
                .unwrap_or("?")
                .trim_end_matches('\0');
            k.say(format_args!(
                "Debug halt syscall from user thread {thread:?} \"{name}\""
            ));
            k.machine.halt();
        }
        Syscall::DebugCapIdentify => {
            let number =
                cspace::lookup(k, thread, argument).map_or(0, |slot| cap_number(&k[slot].cap()));
            k[thread.context()].set_badge(number);
        }
        Syscall::DebugSnapshot => snapshot(k, thread),
        Syscall::DebugNameThread => name_thread(k, thread, argument),
        call if usage::TRACKED => usage::call(k, thread, call),
        _ => {}
    }
}

/// The number by which debug calls tell kinds of capabilities.
pub fn cap_number(cap: &Cap) -> Word {
    match cap {
        Cap::Null => cap_type::NULL,
        Cap::Untyped(_) => cap_type::UNTYPED,
        Cap::Endpoint(_) => cap_type::ENDPOINT,
        Cap::Notification(_) => cap_type::NOTIFICATION,
        Cap::Reply(_) => cap_type::REPLY,
        Cap::CNode(_) => cap_type::CNODE,
        Cap::Tcb(_) => cap_type::THREAD,
        Cap::SchedContext(_) => cap_type::SCHED_CONTEXT,
        Cap::SchedControl { .. } => cap_type::SCHED_CONTROL,
        Cap::IrqControl => cap_type::IRQ_CONTROL,
        Cap::IrqHandler(_) => cap_type::IRQ_HANDLER,
        Cap::Domain => cap_type::DOMAIN,
        Cap::Zombie(_) => cap_type::ZOMBIE,
        Cap::Frame(_) => cap_type::FRAME,
        Cap::AsidControl => cap_type::ASID_CONTROL,
        Cap::AsidPool(_) => cap_type::ASID_POOL,
        Cap::PageTable(c) => c.level.cap_number(),
        Cap::VSpace(_) => crate::isa::VSPACE_CAP_NUMBER,
        Cap::Isa(c) => c.cap_number(),
    }
}

fn name_thread(k: &mut Kernel, thread: Ref<Tcb>, address: Word) {
    let named = cspace::lookup(k, thread, address).map(|slot| k[slot].cap());
    let (Ok(Cap::Tcb(named)), Some(buffer)) = (named, tcb::buffer(k, thread, Access::Read)) else {
        k.say(format_args!(
            "linchpin: DebugNameThread: no thread capability at {address:#x}, or no IPC buffer"
        ));
        k.machine.halt();
        return;
    };
    let mut name = Name::default();
    'words: for n in 0..abi::message::MSG_MAX_LENGTH {
        for byte in buffer.word(k, n).to_le_bytes() {
            if byte == 0 {
                break 'words;
            }
            name.push(byte);
        }
    }
    k[named].name = name.bytes;
}

fn state_number(state: ThreadState) -> (u8, &'static str) {
    match state {
        ThreadState::Inactive => (0, "inactive"),
        ThreadState::Running => (1, "running"),
        ThreadState::Restart => (2, "restart"),
        ThreadState::BlockedOnReceive { .. } => (3, "blocked on recv"),
        ThreadState::BlockedOnSend { .. } => (4, "blocked on send"),
        ThreadState::BlockedOnReply { .. } => (5, "blocked on reply"),
        ThreadState::BlockedOnNotification { .. } => (6, "blocked on ntfn"),
    }
}

fn dump_scheduler(k: &mut Kernel) {
    k.say(format_args!("Dumping all tcbs!"));
    k.say(format_args!(
        "{:<40} {:<16} {:<18} {:<4} {:<6}",
        "Name", "State", "IP", "Prio", "Core"
    ));
    k.say(format_args!("{:-<86}", ""));
    let mut next = k.all_threads;
    while let Some(thread) = next {
        let (tcb, ip) = (k[thread], k[thread.context()].fault_ip());
        let (_, state) = state_number(tcb.state);
        k.say(format_args!(
            "{:<40} {state:<16} {ip:#018x} {:<4} {:<6}",
            tcb.name(),
            tcb.priority,
            tcb.core
        ));
        next = tcb.all_next;
    }
}

/// Every thread with its capabilities, one line each.
fn snapshot(k: &mut Kernel, caller: Ref<Tcb>) {
    let name = k[caller].name;
    let name = core::str::from_utf8(&name)
        .unwrap_or("?")
        .trim_end_matches('\0');
    k.say(format_args!(
        "Debug snapshot syscall from user thread {caller:?} \"{name}\""
    ));
    let mut next = k.all_threads;
    while let Some(thread) = next {
        let tcb = k[thread];
        k.say(format_args!(
            "thread {thread:?} '{}' {:?}",
            tcb.name(),
            tcb.state
        ));
        for slot in [
            tcb::TcbSlot::CSpace,
            tcb::TcbSlot::VSpace,
            tcb::TcbSlot::FaultHandler,
        ] {
            let cap = k[thread.slot(slot)].cap();
            k.say(format_args!("  {slot:?}: {cap:?}"));
            if let Cap::CNode(node) = cap {
                snapshot_node(k, node);
            }
        }
        next = tcb.all_next;
    }
}

fn snapshot_node(k: &mut Kernel, node: CNodeCap) {
    for index in 0..crate::bits::size(node.radix) {
        let cap = k[node.slot(index)].cap();
        if !cap.is_null() {
            k.say(format_args!("    {index:#x}: {cap:?}"));
        }
    }
}
