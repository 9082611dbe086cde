//! Time: how much a thread may use, and when it comes back.
//!
//! A scheduling context may use `amount` ticks from `time` on, for each of its refills, the
//! earliest first. What is used comes back one period later. With period 0 (round robin) it has
//! two: what is left of the time slice, and what is gone of it; their times mean nothing.

use super::call::{Args, Told};
use super::state::{Fault, Time, thread_slot};
use super::{Cap, Error, Place, State};
use abi::Word;
use abi::sched::{MIN_BUDGET_US, MIN_REFILLS, SCHED_CONTEXT_SPORADIC};

/// Ticks in a microsecond, in every world.
pub const TICKS: u64 = 10;
/// Nothing smaller is worth a switch.
pub(super) const LEAST: u64 = MIN_BUDGET_US * TICKS;
/// The longest period in microseconds.
const LONGEST_US: u64 = u64::MAX / TICKS / 8;

impl Time {
    fn round_robin(&self) -> bool {
        self.period == 0
    }

    fn head(&self) -> (u64, u64) {
        self.refills.first().copied().unwrap_or_default()
    }

    /// Time that was used comes back: joined to the last refill if that ends later, or if there
    /// is no room for another.
    fn append(&mut self, (time, amount): (u64, u64)) {
        let room = (self.refills.len() as u64) < self.most;
        match self.refills.last_mut() {
            Some(last) if last.0 + last.1 >= time => last.1 += amount,
            Some(last) if !room => *last = (time - last.1, last.1 + amount),
            _ => self.refills.push((time, amount)),
        }
    }

    /// `used` ticks have been used.
    fn charge(&mut self, mut used: u64) {
        self.consumed += used;
        if self.round_robin() {
            let gone = used.min(self.head().1);
            self.refills[0].1 -= gone;
            self.refills[1].1 += gone;
            return;
        }
        while self.head().1 <= used {
            let (time, amount) = self.refills.remove(0);
            used -= amount;
            self.append((time + self.period, amount));
        }
        if used > 0 {
            let (time, amount) = self.head();
            self.refills[0] = (time + used, amount - used);
            self.append((time + self.period, used));
        }
        // What is too little to run with waits for the next.
        while self.head().1 < LEAST && self.refills.len() > 1 {
            let (_, small) = self.refills.remove(0);
            let (time, amount) = self.head();
            self.refills[0] = (time - small, amount + small);
        }
    }

    /// The time slice is over: a new one begins.
    fn renew(&mut self) {
        self.refills[0].1 += self.refills[1].1;
        self.refills[1].1 = 0;
    }

    /// Time that was not used while it could have been is used from now on.
    fn bring_up_to_date(&mut self, now: u64) {
        if self.round_robin() || self.head().0 > now {
            return;
        }
        self.refills[0].0 = now;
        while self.refills.len() > 1 && self.refills[1].0 <= now + self.refills[0].1 {
            let (_, amount) = self.refills.remove(1);
            self.refills[0].1 += amount;
        }
    }

    /// Everything is there from `now` on.
    fn new(most: u64, budget: u64, period: u64, now: u64) -> Self {
        let mut refills = vec![(now, budget)];
        if period == 0 {
            refills.push((now, 0));
        }
        Self {
            period,
            most,
            refills,
            sporadic: false,
            consumed: 0,
        }
    }

    /// The same for one that is being used: what is left of its head stays.
    fn changed(&self, most: u64, budget: u64, period: u64, now: u64) -> Self {
        let (time, left) = self.head();
        let time = if time <= now { now } else { time };
        let mut refills = vec![(time, left.min(budget))];
        if budget > left {
            refills.push((time + period, budget - left));
        } else if period == 0 {
            refills.push((time, 0));
        }
        Self {
            period,
            most,
            refills,
            ..self.clone()
        }
    }
}

impl State {
    fn time(&self, context: Place) -> Option<&Time> {
        self.sched_context(context)?.time.as_ref()
    }

    fn time_mut(&mut self, context: Place) -> Option<&mut Time> {
        self.sched_context_mut(context)?.time.as_mut()
    }

    fn ready_now(&self, context: Place) -> bool {
        self.time(context)
            .is_some_and(|time| time.head().0 <= self.now)
    }

    /// Whether a scheduling context could be run on now.
    pub fn released(&self, context: Place) -> bool {
        let enough = |time: &Time| time.head().1 >= LEAST;
        self.ready_now(context) && self.time(context).is_some_and(enough)
    }

    // --- In the course of a step -----------------------------------------------------------

    /// It is `now`.
    pub fn time_passes(&mut self, now: u64) {
        self.spend_turn(now - self.now);
        self.uncharged += now - self.now;
        self.now = now;
    }

    /// Whether what runs has time for one more entry. If not, its time slice is over, or the turn
    /// of its domain.
    pub fn has_budget(&mut self, told: &mut Told) -> bool {
        let Some(context) = self.charged else {
            return true;
        };
        let used = self.uncharged;
        let left = |time: &Time| time.head().1.saturating_sub(used) >= LEAST;
        if self.time(context).is_some_and(left) {
            let over = self.turn_is_over();
            if over {
                self.choose_anew();
            }
            return !over;
        }
        self.end_slice(context, used, true, told);
        false
    }

    fn end_slice(&mut self, context: Place, used: u64, report: bool, told: &mut Told) {
        self.uncharged = 0;
        self.settle = true;
        if let Some(time) = self.time_mut(context) {
            if time.round_robin() {
                time.renew();
                time.consumed += used;
            } else {
                time.charge(used);
            }
        }
        let Some(current) = self.current else { return };
        if !self.schedulable(current) {
            return;
        }
        if let Some(context) = self.context_of(current) {
            let round_robin = self.time(context).is_some_and(Time::round_robin);
            if report && !round_robin && self.has_timeout_handler(current) {
                self.time_out(current, context, told);
            } else if self.released(context) {
                self.stand_last(current);
            } else {
                self.postpone(current);
            }
        }
        self.choose_anew();
    }

    /// The current thread gives up what is left of its head refill; only what it used counts as
    /// consumed.
    pub fn yield_slice(&mut self, told: &mut Told) {
        let Some(context) = self.charged else { return };
        let Some(time) = self.time(context) else {
            return;
        };
        let (consumed, rest) = (time.consumed + self.uncharged, time.head().1);
        self.end_slice(context, rest, false, told);
        if let Some(time) = self.time_mut(context) {
            time.consumed = consumed;
        }
    }

    /// `thread` waits for its next refill.
    fn postpone(&mut self, thread: Place) {
        self.stand_aside(thread);
        if self.release.contains(&thread) {
            return;
        }
        let mine = self.release_time(thread);
        let place = self
            .release
            .iter()
            .position(|other| self.release_time(*other) > mine);
        let place = place.unwrap_or(self.release.len());
        self.release.insert(place, thread);
        self.settle = true;
    }

    fn release_time(&self, thread: Place) -> u64 {
        let context = self.context_of(thread);
        let time = context.and_then(|context| self.time(context));
        time.map_or(0, |time| time.head().0)
    }

    /// `thread` does not wait for time any longer.
    pub fn leave_release(&mut self, thread: Place) {
        if self.release.contains(&thread) {
            self.release.retain(|other| *other != thread);
            self.settle = true;
        }
    }

    /// Threads whose time has come could run.
    pub fn awaken(&mut self) {
        while let Some(first) = self.release.first().copied()
            && self
                .context_of(first)
                .is_some_and(|context| self.ready_now(context))
        {
            self.leave_release(first);
            self.consider(first);
        }
    }

    /// From now on the time of whoever runs is used; until now it was another's.
    pub fn switch_time(&mut self) {
        let next = self.current.and_then(|current| self.context_of(current));
        if self.charged != next {
            self.settle = true;
            let now = self.now;
            if let Some(time) = next.and_then(|context| self.time_mut(context))
                && !time.sporadic
            {
                time.bring_up_to_date(now);
            }
        }
        if self.settle {
            self.charge_until_now();
        }
        self.charged = next;
        self.settle = false;
    }

    fn charge_until_now(&mut self) {
        let used = std::mem::take(&mut self.uncharged);
        if used > 0
            && let Some(time) = self.charged.and_then(|context| self.time_mut(context))
        {
            time.charge(used);
        }
    }

    /// When the timer has to interrupt: at the end of what may be used, of a turn, or of a wait
    /// for time.
    pub fn deadline(&self) -> u64 {
        let since = self.now - self.uncharged;
        let head = self
            .charged
            .and_then(|context| self.time(context))
            .map(Time::head);
        let end = head.map(|(_, amount)| since + amount);
        let release = self
            .release
            .first()
            .map(|thread| self.release_time(*thread));
        let turn = self.left_of_turn().map(|left| self.now + left);
        let all = end.into_iter().chain(release).chain(turn);
        all.min().unwrap_or(u64::MAX)
    }

    // --- Threads that wake --------------------------------------------------------------------

    /// A sporadic scheduling context is brought up to date as its thread wakes.
    pub fn wake_context(&mut self, thread: Place) {
        let now = self.now;
        if let Some(context) = self.context_of(thread)
            && self.charged != Some(context)
            && let Some(time) = self.time_mut(context)
            && time.sporadic
        {
            time.bring_up_to_date(now);
        }
    }

    /// As a thread starts again; without time now it waits for it.
    pub fn resume_context(&mut self, thread: Place) {
        self.wake_context(thread);
        self.wait_for_time(thread);
    }

    fn wait_for_time(&mut self, thread: Place) {
        if let Some(context) = self.context_of(thread)
            && self.schedulable(thread)
            && !self.released(context)
        {
            self.postpone(thread);
        }
    }

    /// A thread that was answered goes on, if it has time; else it is a matter for its timeout
    /// handler, unless that has just been asked.
    pub fn go_on(&mut self, thread: Place, context: Place, timed_out: bool, told: &mut Told) {
        if self.released(context) {
            self.consider(thread);
        } else if !timed_out && self.has_timeout_handler(thread) {
            self.time_out(thread, context, told);
        } else {
            self.postpone(thread);
        }
    }

    fn has_timeout_handler(&self, thread: Place) -> bool {
        let handler = self.of_thread(thread, thread_slot::TIMEOUT_HANDLER);
        matches!(handler, Some(Cap::Endpoint { .. }))
    }

    fn time_out(&mut self, thread: Place, context: Place, told: &mut Told) {
        let badge = self
            .sched_context(context)
            .map_or(0, |context| context.badge);
        let fault = Fault::Timeout { badge };
        self.tell_handler(thread, thread_slot::TIMEOUT_HANDLER, fault, false, told);
    }

    // --- Asked for ------------------------------------------------------------------------------

    /// What has been used of it until now counts.
    pub fn charge_now(&mut self, context: Place) {
        if self.charged == Some(context) {
            self.charge_until_now();
            self.settle = true;
        }
    }

    /// What was used since the last report, in microseconds.
    pub fn report_consumed(&mut self, context: Place) -> Word {
        self.time_mut(context)
            .map_or(0, |time| std::mem::take(&mut time.consumed) / TICKS)
    }

    /// New parameters for a scheduling context.
    pub fn configure(&mut self, args: &Args) -> Result<(), Error> {
        let slot = args.cap(0)?;
        let [budget_us, period_us, extra, badge, flags] = args.words()?;
        let out_of_range = |most| Err(Error::RangeError(MIN_BUDGET_US, most));
        if budget_us > LONGEST_US || period_us > LONGEST_US {
            return out_of_range(LONGEST_US);
        }
        let (budget, period) = (budget_us * TICKS, period_us * TICKS);
        if budget < LEAST || period < LEAST {
            return out_of_range(LONGEST_US);
        }
        if budget > period {
            return out_of_range(period_us);
        }
        let Some(Cap::SchedContext { at, bits }) = self.cap(slot) else {
            return Err(Error::InvalidCapability(1));
        };
        let least = MIN_REFILLS as u64;
        let room = least + ((1 << bits) - 128) / 16;
        if extra + least > room {
            return Err(Error::RangeError(0, room - least));
        }
        let (period, most) = match budget == period {
            true => (0, least),
            false => (period, least + extra),
        };
        self.set_time(
            at,
            most,
            budget,
            period,
            badge,
            flags & SCHED_CONTEXT_SPORADIC != 0,
        );
        Ok(())
    }

    fn set_time(
        &mut self,
        at: Place,
        most: u64,
        budget: u64,
        period: u64,
        badge: Word,
        sporadic: bool,
    ) {
        let bound = self.runs_on(at);
        if let Some(thread) = bound {
            self.leave_release(thread);
            self.stand_aside(thread);
        }
        self.charge_now(at);
        let now = self.now;
        let in_use = bound.is_some_and(|bound| self.thread(bound).is_some_and(|t| t.runnable()));
        if let Some(context) = self.sched_context_mut(at) {
            context.badge = badge;
            let consumed = context.time.as_ref().map_or(0, |time| time.consumed);
            let time = match &context.time {
                Some(time) if in_use => time.changed(most, budget, period, now),
                _ => Time::new(most, budget, period, now),
            };
            context.time = Some(Time {
                sporadic,
                consumed,
                ..time
            });
        }
        let Some(thread) = bound else { return };
        self.wait_for_time(thread);
        if self.current == Some(thread) {
            self.choose_anew();
        } else if self.schedulable(thread) {
            self.consider(thread);
        }
    }
}
