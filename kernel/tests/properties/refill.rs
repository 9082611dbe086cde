//! Refill arithmetic against a silly model: a plain vector of (time, amount), and the promise
//! that the arithmetic is for: *in any window as long as the period, no more than the budget is
//! used.*

use kernel::refill::{Limits, Refill, Refills, Ring};
use proptest::prelude::*;

const MIN_BUDGET: u64 = 20;
const LIMITS: Limits = Limits {
    min_budget: MIN_BUDGET,
    max_release_time: u64::MAX / 2,
};

/// The rules of `abi/semantics-tcb-sched.md` section 3, on a vector.
#[derive(Clone, Debug)]
struct Silly {
    refills: Vec<(u64, u64)>,
    period: u64,
    room: usize,
}

impl Silly {
    fn append(&mut self, time: u64, amount: u64) {
        match self.refills.last().copied() {
            Some((t, a)) if t + a >= time => {
                self.refills.pop();
                self.refills.push((t, a + amount));
            }
            Some((_, a)) if self.refills.len() == self.room => {
                self.refills.pop();
                self.refills.push((time - a, a + amount));
            }
            _ => self.refills.push((time, amount)),
        }
    }

    fn charge(&mut self, mut used: u64) {
        while self.refills[0].1 <= used {
            let (time, amount) = self.refills.remove(0);
            self.append(time + self.period, amount);
            used -= amount;
        }
        if used > 0 {
            let (time, amount) = self.refills[0];
            self.refills[0] = (time + used, amount - used);
            self.append(time + self.period, used);
        }
        while self.refills.len() > 1 && self.refills[0].1 < MIN_BUDGET {
            let (_, amount) = self.refills.remove(0);
            self.refills[0].0 -= amount;
            self.refills[0].1 += amount;
        }
    }

    fn unblock(&mut self, now: u64) {
        if self.refills[0].0 > now {
            return;
        }
        self.refills[0].0 = now;
        while self.refills.len() > 1 && self.refills[1].0 <= self.refills[0].0 + self.refills[0].1 {
            let (_, amount) = self.refills.remove(1);
            self.refills[0].1 += amount;
        }
    }
}

/// The kernel's ring with storage of its own.
struct Real {
    ring: Ring,
    storage: Vec<Refill>,
}

impl Real {
    fn new(room: usize, budget: u64, period: u64, now: u64) -> Self {
        let mut real = Self {
            ring: Ring::default(),
            storage: vec![Refill::default(); room],
        };
        real.with().start(room as u64, budget, period, now);
        real
    }

    fn with(&mut self) -> Refills<'_> {
        Refills {
            ring: &mut self.ring,
            storage: &mut self.storage,
        }
    }

    fn list(&mut self) -> Vec<(u64, u64)> {
        let count = self.ring.count;
        let refills = self.with();
        (0..count)
            .map(|n| refills.get(n))
            .map(|r| (r.time, r.amount))
            .collect()
    }
}

/// What happens to a scheduling context.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Its thread runs, and is charged for it.
    Run(u64),
    /// It sleeps that long, and wakes.
    Sleep(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1u64..400).prop_map(Act::Run),
        (0u64..3000).prop_map(Act::Sleep)
    ]
}

/// Budget at least the minimum, a longer period, and room.
fn parameters() -> impl Strategy<Value = (usize, u64, u64)> {
    (2usize..8, MIN_BUDGET..300)
        .prop_flat_map(|(room, budget)| (Just(room), Just(budget), budget + 1..2000))
}

proptest! {
    #![proptest_config(crate::config(400))]

    #[test]
    fn ring_and_vector_agree((room, budget, period) in parameters(), acts in prop::collection::vec(act(), 1..60)) {
        let mut now = 1000;
        let mut silly = Silly { refills: vec![(now, budget)], period, room };
        let mut real = Real::new(room, budget, period, now);
        for act in acts {
            match act {
                Act::Run(time) => {
                    now += time;
                    silly.charge(time);
                    real.with().charge(time, LIMITS);
                }
                Act::Sleep(time) => {
                    now += time;
                    silly.unblock(now);
                    real.with().unblock(now);
                }
            }
            let list = real.list();
            prop_assert_eq!(&list, &silly.refills, "after {:?}", act);
            prop_assert_eq!(list.iter().map(|r| r.1).sum::<u64>(), budget, "the sum is the budget");
            prop_assert!(list.len() <= room);
            prop_assert!(list.windows(2).all(|w| w[0].0 + w[0].1 < w[1].0), "ordered and apart: {list:?}");
        }
    }

    #[test]
    fn no_window_as_long_as_the_period_holds_more_than_the_budget(
        (room, budget, period) in parameters(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut now = 1000u64;
        let mut real = Real::new(room, budget, period, now);
        // When time was used: start and length, in order.
        let mut used: Vec<(u64, u64)> = Vec::new();
        for act in acts {
            match act {
                Act::Run(wanted) => {
                    // A thread waits for its refill, and is stopped at its end.
                    let head = real.with().head();
                    now = now.max(head.time);
                    let time = wanted.min(head.amount);
                    used.push((now, time));
                    now += time;
                    // What was ready before counts from when it is used.
                    let ready = now - time;
                    if head.time < ready {
                        real.with().unblock(ready);
                    }
                    real.with().charge(time, LIMITS);
                }
                Act::Sleep(time) => {
                    now += time;
                    real.with().unblock(now);
                }
            }
        }
        for &(start, _) in &used {
            let end = start + period;
            let inside: u64 = used.iter().map(|&(s, l)| (s + l).min(end).saturating_sub(s.max(start))).sum();
            prop_assert!(inside <= budget, "{inside} used from {start} to {end}: {used:?}");
        }
    }
}

#[test]
fn round_robin_time_is_always_ready() {
    let mut real = Real::new(2, 100, 0, 5);
    real.with().use_slice(30);
    assert_eq!(real.list(), [(5, 70), (5, 30)]);
    real.with().use_slice(70);
    real.with().renew_slice();
    assert_eq!(real.list(), [(5, 100), (5, 0)]);
}

#[test]
fn a_smaller_budget_takes_effect_at_once_and_a_larger_one_later() {
    let mut real = Real::new(4, 100, 1000, 0);
    real.with().charge(40, LIMITS);
    real.with().reconfigure(4, 50, 1000, 200);
    assert_eq!(real.list(), [(200, 50)]);
    real.with().reconfigure(4, 80, 1000, 300);
    assert_eq!(real.list(), [(300, 50), (1300, 30)]);
}

#[test]
fn times_far_away_are_no_longer_advanced() {
    let end = LIMITS.max_release_time;
    for used in [30, 100] {
        let mut real = Real::new(4, 100, 1000, end);
        real.with().charge(used, LIMITS);
        assert_eq!(real.list(), [(end, 100)], "{used} used");
    }
    // Just before, they are.
    let mut real = Real::new(4, 100, 1000, end - 1);
    real.with().charge(100, LIMITS);
    assert_eq!(real.list(), [(end + 999, 100)]);
}

#[test]
fn nothing_used_changes_nothing() {
    let mut real = Real::new(4, 100, 1000, 5);
    real.with().charge(30, LIMITS);
    let before = real.list();
    real.with().charge(0, LIMITS);
    assert_eq!(real.list(), before);
}
