//! Whether the kernel still does what it is for: a client, a server, and an answer to every call.

use abi::ObjectType;
use abi::bootinfo::BootInfo;
use core::sync::atomic::{AtomicU64, Ordering};
use user_alloc::Allocator;
use user_api::{Budget, CPtr, Endpoint, Message, Reply, SchedContext, Tcb, Word};
use user_runtime::boot::{self, root};
use user_runtime::thread::{Beginning, ThreadArea};

static SERVER: ThreadArea<8192> = ThreadArea::new();
static REPLY: AtomicU64 = AtomicU64::new(0);
const CALLS: Word = 1000;

/// Whether a server answers as it should.
pub(crate) fn holds(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
) -> user_alloc::Result<bool> {
    let endpoint: Endpoint = allocator.make(ObjectType::Endpoint, 0)?;
    let reply: Reply = allocator.make(ObjectType::Reply, 0)?;
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    REPLY.store(reply.cptr().bits(), Ordering::Relaxed);
    let beginning = Beginning {
        tcb,
        function: serve,
        argument: endpoint.cptr().bits(),
    };
    SERVER.prepare(boot, root::SPACE, beginning)?;
    if let Some(control) = boot::sched_control(boot, 0) {
        control.configure(context, Budget::round_robin(5_000))?;
    }
    tcb.set_sched_params(root::TCB, 0, 200, context, CPtr::NULL)?;
    tcb.resume()?;
    Ok((0..CALLS).all(|n| {
        let answer = endpoint.call(Message::new(n).with_words(&[n, n, n, n, n, n]));
        answer.label() == n + 1 && answer.words() == [6 * n]
    }))
}

/// Answers with the sum.
extern "C" fn serve(endpoint: Word) {
    let endpoint = Endpoint::new(endpoint);
    let reply = Reply::new(REPLY.load(Ordering::Relaxed));
    let mut request = endpoint.recv(reply);
    loop {
        let sum = request.words::<6>().iter().sum();
        let answer = Message::new(request.label() + 1).with_words(&[sum]);
        request = endpoint.reply_recv(answer, reply);
    }
}
