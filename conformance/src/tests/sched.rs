//! Time: scheduling contexts, budgets, donation, directed yields.

use super::tcb::counter;
use crate::DRIVER_PRIORITY;
use crate::report::{Outcome, check, check_eq, fail};
use crate::threads::Board;
use crate::world::{Clock, Start, Thread, World};
use abi::Word;
use user_api::{
    Budget, Endpoint, Error, Fault, Message, Notification, Reply, SchedContext, syscalls,
};
use user_runtime::boot::root;

crate::list!["sched":
    without_time_nothing_runs, binding_starts, unbinding_stops, a_context_has_one_thread, a_thread_has_one_context,
    a_context_without_budget_gives_no_time, budgets_throttle, unused_budget_is_not_hoarded, consumed_time_is_counted,
    consumed_time_is_reported_once, timeouts_are_faults, a_timeout_without_answer_stops, round_robin_has_no_timeouts,
    equals_take_turns, yield_lets_equals_run, yield_does_not_let_lower_ones_run, a_passive_server_runs_on_its_callers,
    time_comes_back_with_the_answer, a_chain_of_servers, a_send_lends_no_time, a_server_can_get_time_later,
    the_callers_account_is_charged, a_deleted_reply_object_returns_the_time, a_notification_lends_time,
    a_lent_context_returns_to_its_notification, a_context_serves_thread_and_notification, yield_to_runs_another_first,
    yield_to_a_lower_one_does_nothing, yield_to_needs_authority, yield_to_answers_what_was_used,
    deleting_the_context_stops_the_thread, faults_lend_time_to_the_handler, reconfiguring_changes_the_budget,
    sched_params_bind_and_unbind, limits_are_reported,
];

fn done(_: &'static Board) {}

/// Spins until word 0 is set; notes how long by the clock it ran, in word 8.
fn spin(board: &'static Board) {
    counter(board);
}

fn without_time_nothing_runs(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            budget: None,
            ..Start::above()
        },
        done,
        &[],
    )?;
    world.settle()?;
    check!(!thread.is_done());
    Ok(())
}

fn context(world: &mut World, budget: Budget) -> Outcome<SchedContext> {
    let context = world.context(8)?;
    world.sched_control().configure(context, budget)?;
    Ok(context)
}

fn binding_starts(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            budget: None,
            ..Start::above()
        },
        done,
        &[],
    )?;
    let context = context(world, Budget::round_robin(5_000))?;
    context.bind(thread.tcb)?;
    check!(thread.is_done(), "it is above us and ready");
    Ok(())
}

fn unbinding_stops(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    thread.context.unbind_object(thread.tcb.cptr())?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    thread.context.bind(thread.tcb)?;
    world.wait_for(1_000, || thread.board.get(8) > count)?;
    thread.context.unbind()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    Ok(())
}

fn a_context_has_one_thread(world: &mut World) -> Outcome {
    let context = context(world, Budget::round_robin(5_000))?;
    let (first, second) = (world.tcb()?, world.tcb()?);
    context.bind(first)?;
    check_eq!(context.bind(second), Err(Error::IllegalOperation));
    check_eq!(context.bind(first), Err(Error::IllegalOperation));
    check_eq!(
        context.unbind_object(second.cptr()),
        Err(Error::IllegalOperation)
    );
    context.unbind()?;
    check_eq!(context.bind(second), Ok(()));
    Ok(())
}

fn a_thread_has_one_context(world: &mut World) -> Outcome {
    let first = context(world, Budget::round_robin(5_000))?;
    let second = context(world, Budget::round_robin(5_000))?;
    let tcb = world.tcb()?;
    first.bind(tcb)?;
    check_eq!(second.bind(tcb), Err(Error::IllegalOperation));
    check_eq!(
        root::SCHED_CONTEXT.unbind(),
        Err(Error::IllegalOperation),
        "the caller's own"
    );
    check_eq!(
        root::SCHED_CONTEXT.unbind_object(root::TCB.cptr()),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn a_context_without_budget_gives_no_time(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            budget: None,
            ..Start::above()
        },
        done,
        &[],
    )?;
    let empty = world.context(8)?;
    empty.bind(thread.tcb)?;
    world.settle()?;
    check!(!thread.is_done());
    world
        .sched_control()
        .configure(empty, Budget::round_robin(5_000))?;
    check!(thread.is_done());
    Ok(())
}

/// Runs `thread` for so many microseconds of the clock, the driver below it; what the thread and
/// what the driver used, by their accounts.
fn run_for(world: &World, thread: &Thread, micros: u64) -> Outcome<(u64, u64)> {
    root::SCHED_CONTEXT.consumed()?;
    thread.context.consumed()?;
    let clock = Clock::start(world.boot);
    thread.tcb.resume()?;
    while clock.micros() < micros {}
    thread.tcb.suspend()?;
    Ok((thread.context.consumed()?, root::SCHED_CONTEXT.consumed()?))
}

fn budgets_throttle(world: &mut World) -> Outcome {
    let (budget, period) = (5_000, 50_000);
    let start = Start {
        budget: Some(Budget::new(budget, period)),
        resume: false,
        ..Start::above()
    };
    let thread = world.thread(start, spin, &[])?;
    let (used, ours) = run_for(world, &thread, 6 * period)?;
    check!(thread.board.get(8) > 0, "it ran");
    // A tenth is its share; on a busy machine the end of a budget is noticed late.
    check!(
        used >= 2 * budget && used < ours / 2,
        "it used {used} us, we {ours} us"
    );
    Ok(())
}

fn unused_budget_is_not_hoarded(world: &mut World) -> Outcome {
    let (budget, period) = (4_000, 40_000);
    let start = Start {
        budget: Some(Budget::new(budget, period)),
        resume: false,
        ..Start::above()
    };
    let thread = world.thread(start, spin, &[])?;
    // Many periods go by while it is not ready.
    let clock = Clock::start(world.boot);
    while clock.micros() < 10 * period {}
    let (used, ours) = run_for(world, &thread, period)?;
    // Two refills are its due, a fifth of the time; hoarded ones would fill all of it.
    check!(used < ours, "it used {used} us, we {ours} us");
    Ok(())
}

fn consumed_time_is_counted(world: &mut World) -> Outcome {
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        spin,
        &[],
    )?;
    check_eq!(thread.context.consumed(), Ok(0));
    thread.tcb.resume()?;
    let clock = Clock::start(world.boot);
    world.wait_for(1_000, || clock.micros() > 50_000)?;
    thread.tcb.suspend()?;
    let used = thread.context.consumed()?;
    check!((5_000..10_000_000).contains(&used), "it used {used} us");
    Ok(())
}

fn consumed_time_is_reported_once(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), spin, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100_000)?;
    thread.tcb.suspend()?;
    check!(thread.context.consumed()? > 0);
    check_eq!(thread.context.consumed(), Ok(0));
    Ok(())
}

/// A spinning thread with a small budget and somebody who hears of its end.
fn with_timeouts(world: &mut World, budget: Budget) -> Outcome<(Thread, Endpoint, Reply)> {
    let (endpoint, handler, reply) = super::ipc::fault_handler(world)?;
    let start = Start {
        budget: Some(budget),
        resume: false,
        ..Start::below()
    };
    let thread = world.thread(start, spin, &[])?;
    thread.tcb.set_timeout_endpoint(handler.cptr())?;
    thread.tcb.resume()?;
    Ok((thread, endpoint, reply))
}

/// The next timeout, waited for with the processor shared.
fn timeout(world: &World, endpoint: Endpoint, reply: Reply) -> Outcome<(Word, u64)> {
    let mut found = None;
    world.wait_for(1_000, || {
        let message = endpoint.nb_recv(reply);
        if message.badge != 0 {
            found = Fault::decode(&message);
        }
        message.badge != 0
    })?;
    match found {
        Some(Fault::Timeout { data, consumed }) => Ok((data, consumed)),
        other => Err(fail(format_args!("{other:?}"))),
    }
}

fn timeouts_are_faults(world: &mut World) -> Outcome {
    let budget = Budget {
        badge: 0x7177,
        ..Budget::new(2_000, 10_000)
    };
    let (thread, endpoint, reply) = with_timeouts(world, budget)?;
    let mut counts = [0; 3];
    for (number, count) in counts.iter_mut().enumerate() {
        let (data, consumed) = timeout(world, endpoint, reply)?;
        check_eq!(data, 0x7177);
        // The first budget comes in one piece; later ones may have been cut.
        let least = if number == 0 { 1_500 } else { 1 };
        check!(
            (least..100_000).contains(&consumed),
            "consumed {consumed} us"
        );
        *count = thread.board.get(8);
        reply.send(Message::restart());
    }
    check!(counts[2] > counts[0], "answered, it goes on: {counts:?}");
    Ok(())
}

fn a_timeout_without_answer_stops(world: &mut World) -> Outcome {
    let (thread, endpoint, reply) = with_timeouts(world, Budget::new(2_000, 10_000))?;
    timeout(world, endpoint, reply)?;
    let count = thread.board.get(8);
    let clock = Clock::start(world.boot);
    world.wait_for(1_000, || clock.micros() > 30_000)?;
    check_eq!(thread.board.get(8), count, "it waits for the answer");
    reply.send(Message::stay_stopped());
    world.settle()?;
    check_eq!(thread.board.get(8), count, "it was told to stay");
    Ok(())
}

fn round_robin_has_no_timeouts(world: &mut World) -> Outcome {
    let (thread, endpoint, reply) = with_timeouts(world, Budget::round_robin(2_000))?;
    let clock = Clock::start(world.boot);
    world.wait_for(1_000, || clock.micros() > 50_000)?;
    check_eq!(endpoint.nb_recv(reply).badge, 0);
    check!(thread.board.get(8) > 0);
    Ok(())
}

fn equals_take_turns(world: &mut World) -> Outcome {
    let start = Start {
        budget: Some(Budget::round_robin(1_000)),
        ..Start::below()
    };
    let (first, second) = (
        world.thread(start, spin, &[])?,
        world.thread(start, spin, &[])?,
    );
    for _ in 0..3 {
        let (a, b) = (first.board.get(8), second.board.get(8));
        world.wait_for(1_000, || first.board.get(8) > a && second.board.get(8) > b)?;
    }
    Ok(())
}

fn yield_lets_equals_run(world: &mut World) -> Outcome {
    let thread = world.thread(Start::at(DRIVER_PRIORITY), done, &[])?;
    check!(!thread.is_done());
    // Once is enough, unless the machine was busy for the whole of the thread's time slice.
    for _ in 0..5 {
        syscalls::yield_now();
    }
    check!(thread.is_done());
    Ok(())
}

fn yield_does_not_let_lower_ones_run(world: &mut World) -> Outcome {
    let thread = world.thread(Start::at(DRIVER_PRIORITY - 1), done, &[])?;
    for _ in 0..10 {
        syscalls::yield_now();
    }
    check!(!thread.is_done());
    Ok(())
}

/// Receives and answers forever; word 8 counts requests.
fn serve(board: &'static Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    let mut message = endpoint.recv(reply);
    loop {
        board.add(8);
        message = endpoint.reply_recv(Message::new(message.label() + 1), reply);
    }
}

/// A server that has lost its time while it waits for its first request.
fn passive(world: &mut World, priority: Word) -> Outcome<(Thread, Endpoint, Reply)> {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let thread = world.thread(Start::at(priority), serve, &words)?;
    world.settle()?;
    thread.context.unbind_object(thread.tcb.cptr())?;
    Ok((thread, endpoint, reply))
}

fn a_passive_server_runs_on_its_callers(world: &mut World) -> Outcome {
    let (server, endpoint, _) = passive(world, DRIVER_PRIORITY + 1)?;
    for number in 0..20 {
        check_eq!(endpoint.call(Message::new(number)).label(), number + 1);
    }
    check_eq!(server.board.get(8), 20);
    let (below, endpoint, _) = passive(world, DRIVER_PRIORITY - 1)?;
    check_eq!(
        endpoint.call(Message::new(5)).label(),
        6,
        "at a lower priority"
    );
    check_eq!(below.board.get(8), 1);
    Ok(())
}

fn time_comes_back_with_the_answer(world: &mut World) -> Outcome {
    let (_server, endpoint, _) = passive(world, DRIVER_PRIORITY + 1)?;
    let body = |board: &'static Board| {
        let endpoint: Endpoint = board.cap(0);
        for number in 0..10 {
            board.set(8, endpoint.call(Message::new(number)).label());
            board.add(9);
        }
    };
    let client = world.thread(Start::below(), body, &[endpoint.cptr().bits()])?;
    world.settle()?;
    check!(client.is_done());
    check_eq!((client.board.get(8), client.board.get(9)), (10, 10));
    check_eq!(
        client.context.unbind_object(client.tcb.cptr()),
        Ok(()),
        "its context is its own again"
    );
    Ok(())
}

/// Passes requests on to the endpoint of word 2, and answers what that answers.
fn forward(board: &'static Board) {
    let (endpoint, reply, next): (Endpoint, Reply, Endpoint) =
        (board.cap(0), board.cap(1), board.cap(2));
    let mut message = endpoint.recv(reply);
    loop {
        let answer = next.call(Message::new(message.label() + 1));
        board.add(8);
        message = endpoint.reply_recv(Message::new(answer.label()), reply);
    }
}

fn a_chain_of_servers(world: &mut World) -> Outcome {
    let (_last, last, _) = passive(world, DRIVER_PRIORITY + 1)?;
    let mut next = last;
    for _ in 0..3 {
        let (endpoint, reply) = (world.endpoint()?, world.reply()?);
        let words = [
            endpoint.cptr().bits(),
            reply.cptr().bits(),
            next.cptr().bits(),
        ];
        let thread = world.thread(Start::at(DRIVER_PRIORITY + 1), forward, &words)?;
        thread.context.unbind_object(thread.tcb.cptr())?;
        next = endpoint;
    }
    for _ in 0..5 {
        check_eq!(
            next.call(Message::new(10)).label(),
            14,
            "each of the four adds one"
        );
    }
    Ok(())
}

fn a_send_lends_no_time(world: &mut World) -> Outcome {
    let (server, endpoint, _) = passive(world, DRIVER_PRIORITY + 1)?;
    endpoint.send(Message::new(1));
    world.settle()?;
    check_eq!(server.board.get(8), 0, "it has the message, but no time");
    Ok(())
}

fn a_server_can_get_time_later(world: &mut World) -> Outcome {
    let (server, endpoint, _) = passive(world, DRIVER_PRIORITY + 1)?;
    endpoint.send(Message::new(1));
    check_eq!(server.board.get(8), 0);
    server.context.bind(server.tcb)?;
    world.settle()?;
    check_eq!(server.board.get(8), 1);
    Ok(())
}

/// Receives, spins for word 2 microseconds' worth of rounds, answers.
fn work(board: &'static Board) {
    let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
    loop {
        endpoint.recv(reply);
        for _ in 0..board.get(2) {
            board.add(8);
        }
        reply.send(Message::new(1));
    }
}

fn the_callers_account_is_charged(world: &mut World) -> Outcome {
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let words = [endpoint.cptr().bits(), reply.cptr().bits(), 200_000];
    let server = world.thread(Start::above(), work, &words)?;
    server.context.unbind_object(server.tcb.cptr())?;
    server.context.consumed()?;
    root::SCHED_CONTEXT.consumed()?;
    let clock = Clock::start(world.boot);
    endpoint.call(Message::new(1));
    let whole = clock.micros();
    // An account is settled when somebody else's begins.
    world.thread(Start::above(), done, &[])?;
    let (ours, theirs) = (root::SCHED_CONTEXT.consumed()?, server.context.consumed()?);
    check_eq!(theirs, 0);
    check!(ours >= whole / 5, "{ours} of {whole} us");
    Ok(())
}

fn a_deleted_reply_object_returns_the_time(world: &mut World) -> Outcome {
    // A passive server takes a request and does not answer: it spins.
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let body = |board: &'static Board| {
        let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
        endpoint.recv(reply);
        counter(board);
    };
    let words = [0, 0];
    let server = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        body,
        &words,
    )?;
    // Word 0 ends the counter, so the server finds its capabilities there before it starts.
    server
        .board
        .fill(&[endpoint.cptr().bits(), reply.cptr().bits()]);
    server.tcb.resume()?;
    world.settle()?;
    server.board.set(0, 0);
    server.context.unbind_object(server.tcb.cptr())?;
    let call = |board: &'static Board| {
        board.cap::<Endpoint>(0).call(Message::new(1));
    };
    let client = world.thread(Start::below(), call, &[endpoint.cptr().bits()])?;
    world.wait_for(1_000, || server.board.get(8) > 100)?;
    world.path(reply).delete()?;
    let count = server.board.get(8);
    world.settle()?;
    check_eq!(
        server.board.get(8),
        count,
        "the server has no time any more"
    );
    check!(
        !client.is_done(),
        "the client has its time back, but no answer"
    );
    check_eq!(client.context.unbind_object(client.tcb.cptr()), Ok(()));
    Ok(())
}

/// Waits on a notification again and again; word 8 counts, word 9 collects badges.
fn listen(board: &'static Board) {
    let notification: Notification = board.cap(0);
    loop {
        board.set(9, notification.wait());
        board.add(8);
    }
}

fn a_notification_lends_time(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let badged = world.mint(notification, abi::CapRights::WRITE, 4)?;
    let thread = world.thread(Start::above(), listen, &[notification.cptr().bits()])?;
    thread.context.unbind_object(thread.tcb.cptr())?;
    thread.context.bind_notification(notification)?;
    for number in 1..=3 {
        badged.signal();
        world.settle()?;
        check_eq!((thread.board.get(8), thread.board.get(9)), (number, 4));
    }
    Ok(())
}

fn a_lent_context_returns_to_its_notification(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let thread = world.thread(Start::above(), listen, &[notification.cptr().bits()])?;
    thread.context.unbind_object(thread.tcb.cptr())?;
    thread.context.bind_notification(notification)?;
    notification.signal();
    world.settle()?;
    check_eq!(thread.board.get(8), 1);
    check_eq!(
        thread.context.unbind_object(thread.tcb.cptr()),
        Err(Error::IllegalOperation),
        "it waits again, without"
    );
    check_eq!(thread.context.unbind_object(notification.cptr()), Ok(()));
    notification.signal();
    world.settle()?;
    check_eq!(thread.board.get(8), 1, "woken, but without time");
    Ok(())
}

fn a_context_serves_thread_and_notification(world: &mut World) -> Outcome {
    let context = context(world, Budget::round_robin(5_000))?;
    let (tcb, notification, other) = (world.tcb()?, world.notification()?, world.notification()?);
    check_eq!(context.bind(tcb), Ok(()));
    check_eq!(context.bind_notification(notification), Ok(()));
    check_eq!(
        context.bind_notification(other),
        Err(Error::IllegalOperation)
    );
    check_eq!(context.unbind(), Ok(()));
    check_eq!(
        context.unbind_object(notification.cptr()),
        Err(Error::IllegalOperation),
        "unbound from both"
    );
    check_eq!(
        context.unbind_object(tcb.cptr()),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn yield_to_runs_another_first(world: &mut World) -> Outcome {
    let first = world.thread(Start::at(DRIVER_PRIORITY), done, &[])?;
    let second = world.thread(Start::at(DRIVER_PRIORITY), done, &[])?;
    check!(!first.is_done() && !second.is_done());
    second.context.yield_to()?;
    check!(second.is_done());
    check!(!first.is_done(), "the first was not asked");
    Ok(())
}

fn yield_to_a_lower_one_does_nothing(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), done, &[])?;
    thread.context.yield_to()?;
    check!(!thread.is_done());
    Ok(())
}

fn yield_to_needs_authority(world: &mut World) -> Outcome {
    let empty = context(world, Budget::round_robin(5_000))?;
    check_eq!(
        empty.yield_to(),
        Err(Error::IllegalOperation),
        "nobody has it"
    );
    check_eq!(
        root::SCHED_CONTEXT.yield_to(),
        Err(Error::IllegalOperation),
        "the caller has it"
    );
    let high = world.thread(
        Start {
            resume: false,
            ..Start::at(180)
        },
        done,
        &[],
    )?;
    let body = |board: &'static Board| {
        let error = board.cap::<SchedContext>(0).yield_to();
        board.set(8, Word::from(error == Err(Error::IllegalOperation)));
    };
    let weak = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        body,
        &[high.context.cptr().bits()],
    )?;
    weak.tcb.set_mc_priority(root::TCB, 179)?;
    weak.tcb.resume()?;
    world.settle()?;
    check_eq!((weak.is_done(), weak.board.get(8)), (true, 1));
    Ok(())
}

fn yield_to_answers_what_was_used(world: &mut World) -> Outcome {
    let body = |board: &'static Board| {
        for _ in 0..300_000 {
            board.add(8);
        }
    };
    let thread = world.thread(Start::at(DRIVER_PRIORITY), body, &[])?;
    let mut used = 0;
    while !thread.is_done() {
        used += thread.context.yield_to()?;
    }
    used += thread.context.consumed()?;
    check!((1..10_000_000).contains(&used), "{used} us");
    Ok(())
}

fn deleting_the_context_stops_the_thread(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    world.path(thread.context).delete()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    let other = context(world, Budget::round_robin(5_000))?;
    other.bind(thread.tcb)?;
    world.wait_for(1_000, || thread.board.get(8) > count)?;
    Ok(())
}

fn faults_lend_time_to_the_handler(world: &mut World) -> Outcome {
    // A handler without time of its own, woken by a fault.
    let (endpoint, reply) = (world.endpoint()?, world.reply()?);
    let handler = |board: &'static Board| {
        let (endpoint, reply): (Endpoint, Reply) = (board.cap(0), board.cap(1));
        let message = endpoint.recv(reply);
        board.set(8, message.label());
        reply.send(Message::stay_stopped());
    };
    let words = [endpoint.cptr().bits(), reply.cptr().bits()];
    let server = world.thread(Start::above(), handler, &words)?;
    server.context.unbind_object(server.tcb.cptr())?;
    let start = Start {
        fault_handler: endpoint.cptr(),
        ..Start::below()
    };
    let body = |_: &'static Board| {
        syscalls::raw(1_000, user_api::sys::Entry::default());
    };
    world.thread(start, body, &[])?;
    world.settle()?;
    check_eq!(server.board.get(8), abi::FaultType::UnknownSyscall.number());
    Ok(())
}

fn reconfiguring_changes_the_budget(world: &mut World) -> Outcome {
    let (budget, period) = (9_000, 10_000);
    let start = Start {
        budget: Some(Budget::new(budget, period)),
        resume: false,
        ..Start::above()
    };
    let thread = world.thread(start, spin, &[])?;
    run_for(world, &thread, 2 * period)?;
    world
        .sched_control()
        .configure(thread.context, Budget::new(1_000, period))?;
    let (used, ours) = run_for(world, &thread, 10 * period)?;
    check!(used < ours, "it used {used} us, we {ours} us");
    Ok(())
}

fn sched_params_bind_and_unbind(world: &mut World) -> Outcome {
    let thread = world.thread(Start::below(), counter, &[])?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    let nothing = user_api::CPtr::NULL;
    let low = DRIVER_PRIORITY / 2;
    thread
        .tcb
        .set_sched_params(root::TCB, 0, low, SchedContext::default(), nothing)?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count, "without a context");
    thread
        .tcb
        .set_sched_params(root::TCB, 0, low, thread.context, nothing)?;
    world.wait_for(1_000, || thread.board.get(8) > count)?;
    check_eq!(
        thread
            .tcb
            .set_sched_params(root::TCB, 0, low, thread.context, nothing),
        Ok(()),
        "the same again"
    );
    let other = context(world, Budget::round_robin(5_000))?;
    let result = thread
        .tcb
        .set_sched_params(root::TCB, 0, low, other, nothing);
    check_eq!(result, Err(Error::IllegalOperation), "another one");
    Ok(())
}

fn limits_are_reported(world: &mut World) -> Outcome {
    let context = world.context(8)?;
    let control = world.sched_control();
    let least = abi::sched::MIN_BUDGET_US;
    for budget in [
        Budget::new(0, 10_000),
        Budget::new(least - 1, 10_000),
        Budget::new(0, 0),
    ] {
        let result = control.configure(context, budget);
        check!(
            matches!(result, Err(Error::RangeError { min, .. }) if min == least),
            "{budget:?}: {result:?}"
        );
    }
    check_eq!(
        control.configure(context, Budget::new(least, least)),
        Ok(())
    );
    let Err(Error::RangeError { max, .. }) =
        control.configure(context, Budget::new(Word::MAX, Word::MAX))
    else {
        return Err(fail(format_args!("the longest time of all was accepted")));
    };
    check!(max > 1_000_000);
    check_eq!(
        control.configure(context, Budget::new(least, max)),
        Ok(()),
        "the longest period"
    );
    let more = abi::sched::max_refills(8) - abi::sched::MIN_REFILLS;
    let refills = |extra_refills| Budget {
        extra_refills,
        ..Budget::new(1_000, 2_000)
    };
    check_eq!(control.configure(context, refills(more)), Ok(()));
    check_eq!(
        control.configure(context, refills(more + 1)),
        Err(Error::RangeError {
            min: 0,
            max: more as Word
        })
    );
    Ok(())
}
