//! Faults: from the thread that faults to its handler, and back by the handler's answer.

use crate::bench::{Bench, LOWER};
use crate::isa::Loop;
use crate::measure;
use abi::ObjectType;
use user_alloc::Result;
use user_api::{Endpoint, Message, Reply, syscalls};
use user_runtime::boot::root;

/// Nothing is mapped here: the image begins above.
const NOTHING: u64 = 0x1000;

pub(crate) fn run(bench: &mut Bench) -> Result {
    if !measure::wanted("fault") {
        return Ok(());
    }
    let endpoint: Endpoint = bench.allocator.make(ObjectType::Endpoint, 0)?;
    let reply: Reply = bench.allocator.make(ObjectType::Reply, 0)?;
    for (what, name) in [(Loop::Illegal, "illegal instruction"), (Loop::Read, "page")] {
        let faulter = bench.looping(what, NOTHING, LOWER)?;
        faulter
            .tcb
            .set_sched_params(root::TCB, 0, LOWER, faulter.context, endpoint.cptr())?;
        faulter.tcb.resume()?;
        syscalls::recv(endpoint, reply);
        measure::steady(
            "fault",
            format_args!("{name}, handled and answered"),
            || {
                syscalls::reply_recv(endpoint, Message::default(), reply);
            },
        );
        faulter.tcb.suspend()?;
    }
    Ok(())
}
