//! Who runs, and for how long.

use crate::world::objects::TCB;
use crate::world::{BUDGET_US, CPtr, PRIORITY, Thread, World, error, msg};
use abi::error::ErrorCode;
use abi::{Invocation, Syscall, Word};
use kernel::object::tcb::ThreadState;
use machine::Machine;

/// Which of `threads` runs.
fn who(w: &World, threads: &[Thread]) -> Option<usize> {
    threads.iter().position(|thread| w.is_current(*thread))
}

/// A thread with a budget and a longer period, ready to run.
fn throttled(w: &mut World, priority: Word, budget_us: Word, period_us: Word) -> Thread {
    let thread = w.passive_thread(priority);
    let sc = w.sched_context(budget_us, period_us);
    w.bind(sc, thread.tcb);
    w.resume(thread);
    Thread { sc, ..thread }
}

#[test]
fn the_highest_priority_runs() {
    let mut w = World::new();
    let threads = [w.thread_at(10), w.thread_at(30), w.thread_at(20)];
    w.root_sleeps();
    assert_eq!(who(&w, &threads), Some(1));
    w.suspend(threads[1]);
    assert_eq!(who(&w, &threads), Some(2));
    w.set_priority(threads[0].tcb, 25);
    assert_eq!(who(&w, &threads), Some(0));
}

#[test]
fn priorities_of_equal_bits_in_different_words_are_told_apart() {
    for low in [5, 69, 133] {
        let mut w = World::new();
        let [low, middle, high] = [low, low + 64, low + 65].map(|at| w.thread_at(at));
        w.root_sleeps();
        for thread in [high, middle, low] {
            assert!(w.is_current(thread));
            w.suspend(thread);
        }
    }
}

#[test]
fn nobody_runs_when_nobody_can() {
    let mut w = World::new();
    w.root_sleeps();
    assert_eq!(w.current(), None);
    let thread = w.thread();
    w.root_sleeps();
    assert!(w.is_current(thread));
}

#[test]
fn equals_take_turns_when_they_yield() {
    let mut w = World::new();
    let threads = [w.thread(), w.thread(), w.thread()];
    w.root_sleeps();
    let mut order = Vec::new();
    for _ in 0..6 {
        let Some(now) = who(&w, &threads) else {
            panic!("idle")
        };
        order.push(now);
        w.yield_now(threads[now]);
    }
    assert_eq!(order[..3], order[3..], "the same order twice: {order:?}");
    let mut each = order[..3].to_vec();
    each.sort_unstable();
    assert_eq!(each, [0, 1, 2]);
}

#[test]
fn equals_take_turns_when_their_time_slices_end() {
    let mut w = World::new();
    let threads = [w.thread(), w.thread()];
    w.root_sleeps();
    let first = who(&w, &threads).expect("one runs");
    w.pass(crate::world::BUDGET_US / 2);
    assert_eq!(who(&w, &threads), Some(first));
    w.pass(crate::world::BUDGET_US / 2);
    assert_eq!(who(&w, &threads), Some(1 - first));
    w.pass(crate::world::BUDGET_US);
    assert_eq!(who(&w, &threads), Some(first));
}

#[test]
fn a_thread_that_is_preempted_keeps_its_turn() {
    let mut w = World::new();
    let threads = [w.thread(), w.thread()];
    w.root_sleeps();
    let first = who(&w, &threads).expect("one runs");
    w.as_root(|_| ());
    assert_eq!(who(&w, &threads), Some(first));
}

#[test]
fn a_thread_without_time_does_not_run_until_it_gets_some() {
    let mut w = World::new();
    let thread = w.passive_thread(PRIORITY);
    w.resume(thread);
    w.root_sleeps();
    assert_eq!(w.current(), None);
    let unconfigured = w.object(abi::ObjectType::SchedContext, 8);
    w.bind(unconfigured, thread.tcb);
    assert_eq!(w.current(), None);
    w.sched_configure(unconfigured, 1000, 1000);
    assert!(w.is_current(thread));
}

#[test]
fn a_used_up_budget_comes_back_one_period_later() {
    let mut w = World::new();
    let thread = throttled(&mut w, PRIORITY, 1000, 5000);
    let other = w.thread_at(PRIORITY - 1);
    w.root_sleeps();
    assert!(w.is_current(thread));
    w.pass(999);
    assert!(w.is_current(thread));
    w.pass(1);
    assert!(w.is_current(other), "the budget is used up");
    w.pass(3999);
    assert!(w.is_current(other));
    w.pass(1);
    assert!(w.is_current(thread), "one period after it began");
}

#[test]
fn a_throttled_thread_gets_its_share_and_no_more() {
    let mut w = World::new();
    let thread = throttled(&mut w, PRIORITY, 1000, 10_000);
    let other = w.thread_at(PRIORITY - 1);
    w.root_sleeps();
    let mut share = 0;
    for _ in 0..10_000 {
        share += u64::from(w.is_current(thread)) * 10;
        w.pass(10);
    }
    assert_eq!(share, 10_000, "a tenth of 100 ms");
    assert!(w.is_current(thread) || w.is_current(other));
}

#[test]
fn a_thread_that_slept_gets_one_budget_in_a_period_and_no_more() {
    for flags in [
        abi::sched::SCHED_CONTEXT_NO_FLAG,
        abi::sched::SCHED_CONTEXT_SPORADIC,
    ] {
        let mut w = World::new();
        let thread = throttled(&mut w, PRIORITY, 1000, 5000);
        w.try_sched_configure(thread.sc, &[1000, 5000, 6, 0, flags])
            .expect("flags");
        let n = w.notification();
        w.root_sleeps();
        w.pass(400);
        w.wait(thread, n);
        w.pass(20_000);
        w.as_root(|w| w.signal(w.root(), n));
        assert!(w.is_current(thread), "flags {flags}");
        w.pass(999);
        assert!(w.is_current(thread), "flags {flags}: all of its budget");
        w.pass(1);
        assert_eq!(
            w.current(),
            None,
            "flags {flags}: not what it did not use while it slept"
        );
        w.pass(3999);
        assert_eq!(w.current(), None, "flags {flags}");
        w.pass(1);
        assert!(
            w.is_current(thread),
            "flags {flags}: one period after it woke"
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn a_thread_that_is_woken_again_and_again_gets_one_budget_in_a_period() {
    for flags in [
        abi::sched::SCHED_CONTEXT_NO_FLAG,
        abi::sched::SCHED_CONTEXT_SPORADIC,
    ] {
        let mut w = World::new();
        let thread = throttled(&mut w, PRIORITY, 1000, 5000);
        w.try_sched_configure(thread.sc, &[1000, 5000, 6, 0, flags])
            .expect("flags");
        let n = w.notification();
        w.root_sleeps();
        // When it ran, by 50 microseconds.
        let mut ran = Vec::new();
        for step in 0..400 {
            if w.is_current(thread) {
                ran.push(step);
                w.pass(50);
                if step % 3 == 0 && w.is_current(thread) {
                    w.wait(thread, n);
                }
            } else {
                w.pass(50);
            }
            if step % 7 == 0 {
                w.as_root(|w| w.signal(w.root(), n));
            }
        }
        assert!(ran.len() >= 40, "flags {flags}: it ran {} times", ran.len());
        for start in 0..400 {
            let inside = ran
                .iter()
                .filter(|step| (start..start + 100).contains(*step))
                .count();
            assert!(
                inside <= 20,
                "flags {flags}: {inside} times 50 us in the period from {start}"
            );
        }
    }
}

#[test]
fn yield_gives_up_the_rest_of_the_budget() {
    let mut w = World::new();
    let thread = throttled(&mut w, PRIORITY, 1000, 5000);
    w.root_sleeps();
    w.pass(100);
    w.yield_now(thread);
    assert_eq!(w.current(), None, "until the period is over");
    w.pass(4899);
    assert_eq!(w.current(), None);
    w.pass(101);
    assert!(w.is_current(thread));
}

#[test]
fn consumed_reports_the_microseconds_used_since_the_last_report() {
    let mut w = World::new();
    let thread = w.thread();
    w.root_sleeps();
    w.pass(1234);
    let consumed =
        |w: &mut World| w.root_invokes(thread.sc, Invocation::SchedContextConsumed, &[], &[]);
    assert_eq!(consumed(&mut w), Ok(vec![1234]));
    assert_eq!(consumed(&mut w), Ok(vec![0]));
}

#[test]
fn budget_and_period_have_limits() {
    let mut w = World::new();
    let sc = w.object(abi::ObjectType::SchedContext, 8);
    let max = w.k.max_period_us();
    let min = abi::sched::MIN_BUDGET_US;
    let range = |min, max| Err(error(ErrorCode::RangeError, &[min, max]));
    let cases: [([Word; 5], _); 8] = [
        ([max + 1, 1000, 0, 0, 0], range(min, max)),
        ([1000, max + 1, 0, 0, 0], range(min, max)),
        ([min - 1, 1000, 0, 0, 0], range(min, max)),
        ([min, min - 1, 0, 0, 0], range(min, max)),
        ([1001, 1000, 0, 0, 0], range(min, 1000)),
        ([1000, 2000, 9, 0, 0], range(0, 8)),
        ([1000, 2000, 8, 0, 0], Ok(vec![])),
        ([min, min, 0, 0, 0], Ok(vec![])),
    ];
    for (words, expected) in cases {
        assert_eq!(w.try_sched_configure(sc, &words), expected, "{words:?}");
    }
    let control = w.sched_control();
    let not_sc = w.root_invokes(
        control,
        Invocation::SchedControlConfigureFlags,
        &[1000, 1000, 0, 0, 0],
        &[TCB],
    );
    assert_eq!(not_sc, Err(error(ErrorCode::InvalidCapability, &[1])));
}

#[test]
fn binding_has_conditions() {
    let mut w = World::new();
    let (bound, free) = (w.thread(), w.passive_thread(PRIORITY));
    let (sc, n, second) = (
        w.sched_context(1000, 1000),
        w.notification(),
        w.notification(),
    );
    let illegal = Err(error(ErrorCode::IllegalOperation, &[]));
    let bind =
        |w: &mut World, sc, what| w.root_invokes(sc, Invocation::SchedContextBind, &[], &[what]);
    assert_eq!(bind(&mut w, bound.sc, free.tcb), illegal, "it has a thread");
    assert_eq!(bind(&mut w, sc, bound.tcb), illegal, "the thread has time");
    assert_eq!(
        bind(&mut w, sc, sc),
        Err(error(ErrorCode::InvalidCapability, &[1]))
    );
    assert_eq!(bind(&mut w, sc, n), Ok(vec![]));
    assert_eq!(bind(&mut w, sc, second), illegal, "it has a notification");
    assert_eq!(
        bind(&mut w, bound.sc, n),
        illegal,
        "the notification has time"
    );
    assert_eq!(
        bind(&mut w, sc, free.tcb),
        Ok(vec![]),
        "a thread as well as a notification"
    );
    let unbind = |w: &mut World, sc, what| {
        w.root_invokes(sc, Invocation::SchedContextUnbindObject, &[], &[what])
    };
    assert_eq!(unbind(&mut w, bound.sc, free.tcb), illegal);
    assert_eq!(unbind(&mut w, sc, second), illegal);
    assert_eq!(unbind(&mut w, sc, n), Ok(vec![]));
    assert_eq!(unbind(&mut w, sc, free.tcb), Ok(vec![]));
}

#[test]
fn a_thread_cannot_take_away_its_own_time() {
    let mut w = World::new();
    let thread = w.thread();
    let illegal = Err(error(ErrorCode::IllegalOperation, &[]));
    assert_eq!(
        w.invoke(thread, thread.sc, Invocation::SchedContextUnbind, &[], &[]),
        illegal
    );
    assert_eq!(
        w.invoke(
            thread,
            thread.sc,
            Invocation::SchedContextUnbindObject,
            &[],
            &[thread.tcb]
        ),
        illegal
    );
}

#[test]
fn unbinding_stops_and_binding_starts_a_thread() {
    let mut w = World::new();
    let [a, b] = [w.thread_at(20), w.thread_at(10)];
    w.root_sleeps();
    assert!(w.is_current(a));
    w.unbind(a.sc, a.tcb);
    assert!(w.is_current(b));
    w.bind(a.sc, a.tcb);
    assert!(w.is_current(a));
}

#[test]
fn deleting_a_scheduling_context_stops_its_thread() {
    let mut w = World::new();
    let [a, b] = [w.thread_at(20), w.thread_at(10)];
    w.root_sleeps();
    w.delete(a.sc);
    assert!(w.is_current(b));
    assert_eq!(
        (w.state(a), w.sched_context_of(a)),
        (ThreadState::Running, None)
    );
}

#[test]
fn a_thread_that_deletes_its_own_time_stops() {
    let mut w = World::new();
    let [a, b] = [w.thread(), w.thread()];
    w.run(a);
    let words = [a.sc.0, crate::world::objects::DEPTH];
    w.call_words_for_effect(
        a,
        crate::world::objects::CNODE,
        Invocation::CNodeDelete,
        &words,
    );
    assert!(w.is_current(b));
}

// --- Yielding to somebody ------------------------------------------------------------------------

#[test]
fn yield_to_a_higher_or_equal_priority_switches_and_returns_what_was_consumed() {
    let mut w = World::new();
    let [a, b] = [w.thread(), w.thread()];
    w.run(a);
    w.call_for_effect(a, b.sc, Invocation::SchedContextYieldTo);
    assert!(w.is_current(b));
    w.pass(300);
    assert!(w.is_current(b));
    w.suspend(b);
    assert!(w.is_current(a));
    assert_eq!(w.answer(a), Ok(vec![300]));
}

#[test]
fn yield_to_a_lower_priority_returns_at_once() {
    let mut w = World::new();
    let [a, b] = [w.thread_at(20), w.thread_at(10)];
    assert_eq!(
        w.invoke(a, b.sc, Invocation::SchedContextYieldTo, &[], &[]),
        Ok(vec![0])
    );
    assert!(w.is_current(a));
}

#[test]
fn yield_to_has_conditions() {
    let mut w = World::new();
    let [a, b] = [w.thread_at(20), w.thread_at(20)];
    let free = w.sched_context(1000, 1000);
    let illegal = Err(error(ErrorCode::IllegalOperation, &[]));
    assert_eq!(
        w.invoke(a, free, Invocation::SchedContextYieldTo, &[], &[]),
        illegal,
        "nobody's"
    );
    assert_eq!(
        w.invoke(a, a.sc, Invocation::SchedContextYieldTo, &[], &[]),
        illegal,
        "its own"
    );
    w.set_mcp(a.tcb, 19);
    assert_eq!(
        w.invoke(a, b.sc, Invocation::SchedContextYieldTo, &[], &[]),
        illegal,
        "above its MCP"
    );
}

#[test]
fn the_yielder_continues_when_what_it_yields_to_is_deleted() {
    let mut w = World::new();
    let [a, b] = [w.thread(), w.thread()];
    w.run(a);
    w.call_for_effect(a, b.sc, Invocation::SchedContextYieldTo);
    w.pass(100);
    w.delete(b.sc);
    w.run(a);
    assert_eq!(w.answer(a), Ok(vec![100]));
}

// --- Timeouts ----------------------------------------------------------------------------------

#[test]
fn a_timeout_handler_is_told_when_the_budget_ends() {
    let mut w = World::new();
    let handler = w.thread_at(PRIORITY + 10);
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let thread = throttled(&mut w, PRIORITY, 1000, 5000);
    w.try_sched_configure(thread.sc, &[1000, 5000, 0, 0x5c, 0])
        .expect("a badge");
    let badged = w.badged(ep, 6);
    w.set_timeout_handler(thread, badged);
    w.recv(handler, ep, reply);
    assert!(w.is_current(thread));
    w.pass(1000);
    assert!(w.is_current(handler));
    let fault = w.received(handler);
    assert_eq!(
        (fault.label, fault.badge, &fault.words[..]),
        (5, 6, &[0x5c, 1000][..])
    );
    // The handler gives more time, and lets the thread go on.
    w.as_root(|w| w.sched_configure(thread.sc, 2000, 5000));
    w.reply_recv(handler, reply, [], ep);
    assert!(w.is_current(thread));
}

#[test]
fn a_timeout_that_is_answered_without_more_time_is_not_told_again() {
    let mut w = World::new();
    let handler = w.thread_at(PRIORITY + 10);
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let thread = throttled(&mut w, PRIORITY, 1000, 5000);
    w.set_timeout_handler(thread, ep);
    w.recv(handler, ep, reply);
    w.pass(1000);
    assert!(w.is_current(handler));
    w.reply_recv(handler, reply, [], ep);
    assert_eq!(w.current(), None, "it waits for its refill");
    w.pass(4000);
    assert!(w.is_current(thread));
}

#[test]
fn round_robin_never_times_out() {
    let mut w = World::new();
    let handler = w.thread_at(PRIORITY + 10);
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let thread = w.thread();
    w.set_timeout_handler(thread, ep);
    w.recv(handler, ep, reply);
    w.pass(3 * crate::world::BUDGET_US);
    assert!(w.is_blocked(handler));
    assert!(w.is_current(thread));
}

#[test]
fn a_timeout_handler_needs_the_right_to_send_and_to_be_replied_to() {
    use abi::rights::CapRights;
    let mut w = World::new();
    let (thread, ep, n) = (w.thread(), w.endpoint(), w.notification());
    let refused = Err(error(ErrorCode::InvalidCapability, &[1]));
    let set = |w: &mut World, cap: CPtr| {
        w.root_invokes(thread.tcb, Invocation::TcbSetTimeoutEndpoint, &[], &[cap])
    };
    for rights in [
        CapRights::WRITE,
        CapRights::GRANT | CapRights::READ,
        CapRights::READ,
    ] {
        let weak = w.copy(ep, rights);
        assert_eq!(set(&mut w, weak), refused, "{rights:?}");
    }
    assert_eq!(set(&mut w, n), refused);
    for rights in [
        CapRights::WRITE | CapRights::GRANT,
        CapRights::WRITE | CapRights::GRANT_REPLY,
    ] {
        let enough = w.copy(ep, rights);
        assert_eq!(set(&mut w, enough), Ok(vec![]));
    }
    assert_eq!(set(&mut w, CPtr::NULL), Ok(vec![]));
}

// --- Time that nobody pays for ---------------------------------------------------------------------

#[test]
fn idle_time_is_charged_to_nobody() {
    let mut w = World::new();
    let thread = throttled(&mut w, PRIORITY, 1000, 5000);
    let n = w.notification();
    w.wait(thread, n);
    assert_eq!(w.current(), None);
    w.pass(100_000);
    w.as_root(|w| w.signal(w.root(), n));
    assert!(w.is_current(thread));
    w.pass(999);
    assert!(w.is_current(thread), "the whole budget is there");
}

#[test]
fn the_time_of_a_call_is_the_callers_even_in_a_passive_server() {
    let mut w = World::new();
    let client = w.thread();
    let (ep, reply) = (w.endpoint(), w.reply_object());
    let server = w.passive_server(ep, reply);
    w.call(client, ep, []);
    w.pass(700);
    assert!(w.is_current(server));
    let consumed = w.root_invokes(client.sc, Invocation::SchedContextConsumed, &[], &[]);
    assert_eq!(consumed, Ok(vec![700]));
}

#[test]
fn unknown_calls_without_handler_stop_the_thread() {
    let mut w = World::new();
    let thread = w.thread();
    w.run(thread);
    w.set_syscall(thread, 12345);
    w.settle();
    assert_eq!(w.state(thread), ThreadState::Inactive);
    assert_ne!(Syscall::Yield.number(), 12345);
}

#[test]
fn entries_read_the_clock_only_while_something_is_near() {
    let mut w = World::new();
    let thread = w.thread();
    w.run(thread);
    assert!(w.k.node().quick);
    w.pass(BUDGET_US - 1);
    assert!(!w.k.node().quick, "the end of its slice is near");
    w.pass(1);
    assert!(w.k.node().quick, "the next slice has begun");
}

#[test]
fn a_call_after_the_end_of_the_budget_waits_for_the_next() {
    let mut w = World::new();
    let (one, two) = w.pair();
    let notification = w.notification();
    let signal = w.badged(notification, 1);
    w.run(one);
    // The timer has said that the end is near: from then on, each entry reads the clock.
    w.pass(BUDGET_US - 1);
    w.prepare(one, signal, &msg(0));
    w.k.machine.advance(2 * w.k.machine.ticks_per_us());
    w.syscall_before_interrupts(one, Syscall::Send);
    assert!(w.is_current(two));
    w.nb_wait(two, notification);
    assert_eq!(w.badge(two), 0, "it has not been made");
    w.yield_now(two);
    w.nb_wait(two, notification);
    assert_eq!(w.badge(two), 1, "it was made in the next turn");
}
