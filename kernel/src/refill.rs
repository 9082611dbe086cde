//! Sporadic-server arithmetic: pure functions on a ring of refills.
//!
//! A scheduling context may use `amount` ticks from `time` on, for each of its refills, in the
//! order of the ring. What is used comes back one period later. The sum of all amounts is the
//! budget, always. (`abi/semantics-tcb-sched.md` section 3.)

use machine::Ticks;

/// Some time that becomes available at some time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Refill {
    pub time: Ticks,
    pub amount: Ticks,
}

/// The state of a ring, beside its storage.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Ring {
    /// 0: round robin, the whole budget is always ready.
    pub period: Ticks,
    /// How many refills may exist. 0: not configured, the scheduling context is inactive.
    pub max: u64,
    /// Index of the first refill.
    pub head: u64,
    /// How many refills exist; at least 1 when configured.
    pub count: u64,
}

/// Limits that come from the machine and the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Nothing smaller is worth a context switch.
    pub min_budget: Ticks,
    /// Refills from this time on are so far away that their times are no longer advanced.
    pub max_release_time: Ticks,
}

/// A ring with its storage.
pub struct Refills<'a> {
    pub ring: &'a mut Ring,
    pub storage: &'a mut [Refill],
}

/// What is left of a time slice, and what is gone, after `used` ticks more.
#[inline(always)]
pub(crate) fn spend(left: Ticks, gone: Ticks, used: Ticks) -> (Ticks, Ticks) {
    let used = used.min(left);
    // Both are parts of one budget.
    (left.wrapping_sub(used), gone.wrapping_add(used))
}

impl Ring {
    /// Whether it is configured.
    #[inline(always)]
    pub fn active(&self) -> bool {
        self.max > 0
    }

    /// Whether budget equals period.
    #[inline(always)]
    pub fn round_robin(&self) -> bool {
        self.period == 0
    }

    fn index(&self, n: u64) -> usize {
        // `head < max` and `n <= count <= max`; wrapping only while not configured.
        let at = self.head.wrapping_add(n);
        (if at >= self.max {
            at.wrapping_sub(self.max)
        } else {
            at
        }) as usize
    }
}

impl Refills<'_> {
    /// The `n`th refill from the head.
    pub fn get(&self, n: u64) -> Refill {
        self.storage
            .get(self.ring.index(n))
            .copied()
            .unwrap_or_default()
    }

    fn set(&mut self, n: u64, refill: Refill) {
        let index = self.ring.index(n);
        if let Some(place) = self.storage.get_mut(index) {
            *place = refill;
        }
    }

    /// The first refill.
    pub fn head(&self) -> Refill {
        self.get(0)
    }

    fn set_head(&mut self, refill: Refill) {
        self.set(0, refill);
    }

    fn last_index(&self) -> u64 {
        self.ring.count.saturating_sub(1)
    }

    fn pop_head(&mut self) -> Refill {
        let head = self.head();
        self.ring.head = self.ring.index(1) as u64;
        self.ring.count = self.ring.count.saturating_sub(1);
        head
    }

    fn push_last(&mut self, refill: Refill) {
        let count = self.ring.count;
        self.set(count, refill);
        self.ring.count = count.saturating_add(1);
    }

    /// Starts anew: everything is available at `now`.
    #[doc(alias = "refill_new")]
    pub fn start(&mut self, max: u64, budget: Ticks, period: Ticks, now: Ticks) {
        *self.ring = Ring {
            period,
            max,
            head: 0,
            count: 1,
        };
        self.set_head(Refill {
            time: now,
            amount: budget,
        });
        self.add_second_if_round_robin();
    }

    /// New parameters for a scheduling context that is running: what is left of the head stays.
    #[doc(alias = "refill_update")]
    pub fn reconfigure(&mut self, max: u64, budget: Ticks, period: Ticks, now: Ticks) {
        let mut head = self.head();
        if head.time <= now {
            head.time = now;
        }
        *self.ring = Ring {
            period,
            max,
            head: 0,
            count: 1,
        };
        let missing = budget.saturating_sub(head.amount);
        head.amount = head.amount.min(budget);
        self.set_head(head);
        if missing == 0 {
            self.add_second_if_round_robin();
        } else {
            self.push_last(Refill {
                time: head.time.saturating_add(period),
                amount: missing,
            });
        }
    }

    fn add_second_if_round_robin(&mut self) {
        if self.ring.round_robin() {
            let time = self.head().time;
            self.push_last(Refill { time, amount: 0 });
        }
    }

    /// Adds used time that comes back at `refill.time`.
    #[doc(alias = "schedule_used")]
    fn append(&mut self, refill: Refill) {
        if self.ring.count == 0 {
            self.push_last(refill);
            return;
        }
        let last_index = self.last_index();
        let last = self.get(last_index);
        let amount = last.amount.saturating_add(refill.amount);
        if last.time.saturating_add(last.amount) >= refill.time {
            self.set(last_index, Refill { amount, ..last });
        } else if self.ring.count < self.ring.max {
            self.push_last(refill);
        } else {
            // No room: all of it comes as late as its latest part, but without a gap.
            let time = refill.time.saturating_sub(last.amount);
            self.set(last_index, Refill { time, amount });
        }
    }

    /// `used` ticks have been used; not for round robin.
    #[doc(alias = "refill_budget_check")]
    pub fn charge(&mut self, mut used: Ticks, limits: Limits) {
        while self.head().amount <= used && self.head().time < limits.max_release_time {
            let mut spent = self.pop_head();
            used = used.saturating_sub(spent.amount);
            spent.time = spent.time.saturating_add(self.ring.period);
            self.append(spent);
            if spent.amount == 0 {
                break;
            }
        }
        let head = self.head();
        if used > 0 && head.time < limits.max_release_time {
            let used = used.min(head.amount);
            self.set_head(Refill {
                time: head.time.saturating_add(used),
                amount: head.amount.saturating_sub(used),
            });
            self.append(Refill {
                time: head.time.saturating_add(self.ring.period),
                amount: used,
            });
        }
        self.merge_small_heads(limits);
    }

    /// A head that is too small to run with joins the next refill.
    fn merge_small_heads(&mut self, limits: Limits) {
        while self.head().amount < limits.min_budget && self.ring.count > 1 {
            let small = self.pop_head();
            let next = self.head();
            self.set_head(Refill {
                time: next.time.saturating_sub(small.amount),
                amount: next.amount.saturating_add(small.amount),
            });
        }
    }

    /// Moves what is ready up to `now`, and joins refills that then overlap. Not for round
    /// robin. Done when a thread that may have slept becomes ready.
    #[doc(alias = "refill_unblock_check")]
    pub fn unblock(&mut self, now: Ticks) {
        let mut head = self.head();
        if self.ring.round_robin() || now < head.time {
            return;
        }
        head.time = now;
        self.set_head(head);
        while self.ring.count > 1 && self.get(1).time <= head.time.saturating_add(head.amount) {
            let first = self.pop_head();
            head = Refill {
                time: first.time,
                amount: first.amount.saturating_add(self.head().amount),
            };
            self.set_head(head);
        }
    }

    /// Round robin: `used` ticks move from what is left of this time slice to what is gone. Whether
    /// there is one.
    #[inline(always)]
    pub fn use_slice(&mut self, used: Ticks) -> bool {
        let Some((left, gone)) = self.slice() else {
            return false;
        };
        (left.amount, gone.amount) = spend(left.amount, gone.amount, used);
        true
    }

    /// Round robin: a new time slice begins.
    #[inline(always)]
    pub fn renew_slice(&mut self) {
        if let Some((left, gone)) = self.slice() {
            left.amount = left.amount.wrapping_add(gone.amount);
            gone.amount = 0;
        }
    }

    /// Round robin: what is left of this time slice, and what is gone. Its ring never turns.
    #[inline(always)]
    fn slice(&mut self) -> Option<(&mut Refill, &mut Refill)> {
        debug_assert!(self.ring.head == 0, "a round-robin ring has turned");
        match self.storage {
            [left, gone, ..] => Some((left, gone)),
            _ => None,
        }
    }
}
