//! Messages: calls and their answers, and messages that expect none.

use crate::bench::{Area, Bench, HIGHER, LOWER, OURS, with_fpu, without_fpu};
use crate::server::{Server, Time, Where};
use crate::{isa, measure, space};
use abi::{CapRights, ObjectType, Word};
use user_alloc::Result;
use user_api::{Endpoint, Message, Notification, Reply, syscalls};
use user_runtime::boot::root;

/// Lengths of messages: in registers, at their border, and in the buffer.
const WORDS: [usize; 8] = [0, 1, 4, 8, 12, 16, 64, 120];
/// Fewer of them, for what differs little.
const FEW_WORDS: [usize; 3] = [0, 4, 64];

static PARTNER: Area = Area::new();
static SENDER: Area = Area::new();

/// The server in our own space goes on for who needs one later.
pub(crate) fn run(bench: &mut Bench) -> Result<Option<Server>> {
    receiver_waits(bench)?;
    sender_waits(bench)?;
    nobody_waits(bench)?;
    if !["call", "scaling"].into_iter().any(measure::any_wanted) {
        return Ok(None);
    }
    let space = space::twin(bench)?;
    let server = Server::start(bench, Where::Other, space)?;
    all_calls(bench, &server)?;
    let server = Server::start(bench, Where::Same, root::SPACE)?;
    all_calls(bench, &server)?;
    with_floating_point(bench, &server)?;
    Ok(Some(server))
}

/// Between threads of which one or both use the FPU in between.
fn with_floating_point(bench: &mut Bench, without: &Server) -> Result {
    if !measure::wanted("call+fpu") {
        return Ok(());
    }
    let with = Server::start(bench, Where::SameWithFpu, root::SPACE)?;
    with_fpu(root::TCB)?;
    for (server, name) in [(without, "caller"), (&with, "both")] {
        measure::steady("call+fpu", format_args!("{name} space=same"), || {
            isa::use_fpu();
            server.call(0);
        });
    }
    Ok(without_fpu(root::TCB)?)
}

fn all_calls(bench: &mut Bench, server: &Server) -> Result {
    calls(server, "equal", Time::Passive, &WORDS);
    capabilities(bench, server)?;
    server.time(Time::Passive, Time::Active)?;
    calls(server, "equal", Time::Active, &WORDS);
    server.time(Time::Active, Time::Passive)?;
    server.priority(HIGHER)?;
    calls(server, "higher", Time::Passive, &FEW_WORDS);
    server.priority(OURS)?;
    Ok(())
}

fn calls(server: &Server, priority: &str, time: Time, lengths: &[usize]) {
    for &words in lengths {
        let parameter = format_args!(
            "words={words} space={} server={} priority={priority}",
            server.place.name(),
            time.name()
        );
        measure::steady("call", parameter, || server.call(words));
    }
}

/// A capability that is copied and deleted again, and one that is recognised as the endpoint's.
fn capabilities(bench: &mut Bench, server: &Server) -> Result {
    let copied: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    let own = bench
        .allocator
        .mint(server.endpoint, CapRights::ALL, 1 << 4)?;
    let place = server.place.name();
    for (cap, name) in [
        (copied.cptr(), "copied, then deleted"),
        (own.cptr(), "unwrapped"),
    ] {
        measure::steady("call+cap", format_args!("{name} space={place}"), || {
            server.call_with(cap);
        });
    }
    Ok(())
}

/// Messages to a thread of higher priority that waits for them with time of its own.
fn receiver_waits(bench: &mut Bench) -> Result {
    let endpoint: Endpoint = bench.allocator.make(ObjectType::Endpoint, 0)?;
    let argument = endpoint.cptr().bits();
    let receiver = bench.thread(&PARTNER, root::SPACE, receive, argument, HIGHER)?;
    receiver.tcb.resume()?;
    for words in FEW_WORDS {
        let message = Message {
            length: words,
            ..Message::default()
        };
        measure::steady("send+wait", format_args!("words={words}"), || {
            syscalls::send(endpoint, message);
        });
        measure::steady("nbsend+wait", format_args!("words={words}"), || {
            syscalls::nb_send(endpoint, message);
        });
    }
    receiver.tcb.suspend()?;
    Ok(())
}

extern "C" fn receive(endpoint: Word) {
    loop {
        Endpoint::new(endpoint).wait();
    }
}

/// Messages from a thread of lower priority that is blocked with the next one.
fn sender_waits(bench: &mut Bench) -> Result {
    let endpoint: Endpoint = bench.allocator.make(ObjectType::Endpoint, 0)?;
    let reply: Reply = bench.allocator.make(ObjectType::Reply, 0)?;
    let argument = endpoint.cptr().bits();
    let sender = bench.thread(&SENDER, root::SPACE, send, argument, LOWER)?;
    sender.tcb.resume()?;
    measure::steady("recv+send", "a sender of lower priority follows", || {
        syscalls::recv(endpoint, reply);
    });
    sender.tcb.suspend()?;
    Ok(())
}

extern "C" fn send(endpoint: Word) {
    loop {
        Endpoint::new(endpoint).send(Message::default());
    }
}

fn nobody_waits(bench: &mut Bench) -> Result {
    let endpoint: Endpoint = bench.allocator.make(ObjectType::Endpoint, 0)?;
    let reply: Reply = bench.allocator.make(ObjectType::Reply, 0)?;
    measure::steady("nbsend", "nobody waits", || {
        syscalls::nb_send(endpoint, Message::default());
    });
    measure::steady("nbrecv", "nobody sends", || {
        syscalls::nb_recv(endpoint, reply);
    });
    Ok(())
}
