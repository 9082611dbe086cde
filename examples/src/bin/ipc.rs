//! IPC: a client and a server that has no time of its own and runs on its clients' time.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};
use user_alloc::Allocator;
use user_api::{Budget, Endpoint, Notification, ObjectType, Reply, SchedContext, Tcb, ipc_buffer};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::prelude::*;
use user_runtime::thread::{Beginning, ThreadArea};

user_runtime::entry!(main);

static SERVER: ThreadArea<16384> = ThreadArea::new();

// What the server is told before it starts: slots of our common capability space.
static ENDPOINT: AtomicU64 = AtomicU64::new(0);
static REPLY: AtomicU64 = AtomicU64::new(0);
static GIFT: AtomicU64 = AtomicU64::new(0);

/// What a message asks for.
const SUM: Word = 1;
const GIVE: Word = 2;
/// The answer to anything else.
const WHAT: Word = Word::MAX >> 12;

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    let endpoint: Endpoint = allocator.make(ObjectType::Endpoint, 0)?;
    let reply: Reply = allocator.make(ObjectType::Reply, 0)?;
    let notification: Notification = allocator.make(ObjectType::Notification, 0)?;
    let gift = allocator.mint(notification, CapRights::ALL, 0x91f7)?;
    ENDPOINT.store(endpoint.cptr().bits(), Ordering::SeqCst);
    REPLY.store(reply.cptr().bits(), Ordering::SeqCst);
    GIFT.store(gift.cptr().bits(), Ordering::SeqCst);

    let (tcb, context) = start_server(boot, &mut allocator)?;
    // It has run up to its first receive. From now on it does not need time of its own.
    context.unbind()?;
    println!("The server waits, and has no time: only a caller can make it run.");

    // A badge tells the server who calls.
    let client = allocator.mint(endpoint, CapRights::WRITE | CapRights::GRANT, 7)?;
    let answer = client.call(Message::new(SUM).with_words(&[20, 22]));
    assert_eq!(
        (answer.label(), answer.words[0], answer.words[1]),
        (0, 42, 7)
    );
    println!(
        "20 + 22 is {}, says the server to the client with badge {}.",
        answer.words[0], answer.words[1]
    );

    // Longer messages continue in the IPC buffer: 120 words at most.
    let numbers: [Word; 120] = core::array::from_fn(|index| index as Word);
    let answer = client.call(Message::new(SUM).with_words(&numbers));
    assert_eq!(answer.words[0], (0..120).sum());
    println!("The sum of 0 to 119 is {}.", answer.words[0]);

    // Capabilities travel too, into the slot that the receiver holds open.
    let slot = allocator.slot()?;
    ipc_buffer::set_receive_path(slot);
    let answer = client.call(Message::new(GIVE));
    assert_eq!(answer.info.extra_caps(), 1);
    CPtr::new(slot.index).cast::<Notification>().signal();
    assert_eq!(notification.poll(), 0x91f7);
    println!("The server gave us a capability; it works.");

    // Without the grant right the client could still call, but not pass capabilities on; without
    // the write right it cannot even call.
    let deaf = allocator.copy(endpoint, CapRights::READ)?;
    let refused = Error::decode(&deaf.call(Message::new(SUM)));
    assert_eq!(refused, Some(Error::InvalidCapability { which: 0 }));
    println!(
        "A call without the write right: {}.",
        refused.expect("refused")
    );

    assert_eq!(client.call(Message::new(99)).label(), WHAT);
    let used = root::SCHED_CONTEXT.consumed()?;
    println!("All of that, the server's work included, was on our account: {used} us so far.");
    tcb.suspend()?;
    Ok(())
}

/// The server's thread, with time until it waits for the first time.
fn start_server(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
) -> user_alloc::Result<(Tcb, SchedContext)> {
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    boot::sched_control(boot, 0)
        .expect("there is a core")
        .configure(context, Budget::round_robin(5_000))?;
    SERVER.prepare(
        boot,
        root::SPACE,
        Beginning {
            tcb,
            function: serve,
            argument: 0,
        },
    )?;
    // Below the server, so that it runs at once.
    root::TCB.set_priority(root::TCB, 100)?;
    tcb.set_sched_params(root::TCB, 0, 101, context, CPtr::NULL)?;
    tcb.resume()?;
    Ok((tcb, context))
}

/// Receives, answers, receives: one system call for each request.
extern "C" fn serve(_: Word) {
    let endpoint = Endpoint::new(ENDPOINT.load(Ordering::SeqCst));
    let reply = Reply::new(REPLY.load(Ordering::SeqCst));
    let mut request = endpoint.recv(reply);
    loop {
        let answer = match request.label() {
            SUM => {
                let sum: Word = (0..request.length()).map(|index| request.word(index)).sum();
                Message::new(0).with_words(&[sum, request.badge])
            }
            GIVE => Message::new(0).with_caps(&[CPtr::new(GIFT.load(Ordering::SeqCst))]),
            _ => Message::new(WHAT),
        };
        request = endpoint.reply_recv(answer, reply);
    }
}
