//! An entry reads the clock only where it has to, and the timer says in time when that is
//! everywhere. The schedule is the same as if every entry had read it.

use crate::world::{CPtr, PRIORITY, Thread, World};
use kernel::check::twins;
use proptest::prelude::*;

/// What happens next; the thread is whoever runs.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pass(u64),
    Yield,
    Signal(usize),
    Wait(usize),
    Poll(usize),
    Call(usize),
    Serve(usize),
    /// The root task signals everything.
    Rouse,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..30u64).prop_map(Act::Pass),
        2 => (1..1500u64).prop_map(Act::Pass),
        3 => Just(Act::Yield),
        3 => (0..2usize).prop_map(Act::Signal),
        3 => (0..2usize).prop_map(Act::Wait),
        1 => (0..2usize).prop_map(Act::Poll),
        3 => (0..2usize).prop_map(Act::Call),
        3 => (0..2usize).prop_map(Act::Serve),
        1 => Just(Act::Rouse),
    ]
}

/// Threads that share the processor in all ways there are.
struct Crowd {
    w: World,
    threads: Vec<Thread>,
    notifications: [CPtr; 2],
    endpoints: [CPtr; 2],
    replies: Vec<CPtr>,
}

impl Crowd {
    fn new() -> Self {
        let mut w = World::new();
        let mut threads = vec![w.thread(), w.thread(), w.thread_at(PRIORITY + 1)];
        // Little time, and a period that is longer; one of them comes back to it late.
        let sporadic = abi::sched::SCHED_CONTEXT_SPORADIC;
        for (priority, budget, period, flags) in [
            (PRIORITY, 100, 250, 0),
            (PRIORITY + 2, 40, 1000, 0),
            (PRIORITY + 1, 60, 700, sporadic),
            (PRIORITY, 200, 200, 0),
        ] {
            let thread = w.passive_thread(priority);
            let sc = w.sched_context(budget, period);
            w.try_sched_configure(sc, &[budget, period, 3, 0, flags])
                .expect("a budget");
            w.bind(sc, thread.tcb);
            w.resume(thread);
            threads.push(Thread { sc, ..thread });
        }
        let notifications = [w.notification(), w.notification()];
        let endpoints = [w.endpoint(), w.endpoint()];
        let replies = threads.iter().map(|_| w.reply_object()).collect();
        w.root_sleeps();
        Self {
            w,
            threads,
            notifications,
            endpoints,
            replies,
        }
    }

    /// The same, but every entry reads the clock.
    fn reading(&self) -> Self {
        let mut w = self.w.clone();
        w.slow = true;
        Self {
            w,
            threads: self.threads.clone(),
            replies: self.replies.clone(),
            ..*self
        }
    }

    fn act(&mut self, act: Act) {
        let w = &mut self.w;
        let runs = self.threads.iter().position(|thread| w.is_current(*thread));
        let (Some(n), false) = (runs, matches!(act, Act::Pass(_) | Act::Rouse)) else {
            return match act {
                Act::Pass(us) => w.pass(us),
                _ => self.rouse(),
            };
        };
        let (thread, reply) = (self.threads[n], self.replies[n]);
        match act {
            Act::Yield => w.yield_now(thread),
            Act::Signal(to) => w.signal(thread, self.notifications[to]),
            Act::Wait(on) => w.wait(thread, self.notifications[on]),
            Act::Poll(on) => w.nb_wait(thread, self.notifications[on]),
            Act::Call(to) => w.call(thread, self.endpoints[to], [1]),
            Act::Serve(from) => w.reply_recv(thread, reply, [2], self.endpoints[from]),
            Act::Pass(_) | Act::Rouse => {}
        }
    }

    fn rouse(&mut self) {
        let all = self.notifications;
        self.w.as_root(|w| {
            for notification in all {
                w.signal(w.root(), notification);
            }
        });
    }
}

proptest! {
    #![proptest_config(crate::config(60))]

    #[test]
    fn the_schedule_is_that_of_a_kernel_that_always_reads_the_clock(
        acts in prop::collection::vec(act(), 1..120)
    ) {
        let mut quick = Crowd::new();
        let mut reading = quick.reading();
        for act in acts {
            quick.act(act);
            reading.act(act);
            twins::same(&quick.w.k, &reading.w.k, &quick.w.k.machine)
                .unwrap_or_else(|violation| panic!("after {act:?}: {violation:?}"));
        }
    }
}
