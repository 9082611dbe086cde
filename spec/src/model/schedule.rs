//! Who runs.
//!
//! In the course of a step the question is only noted ([`Decision`]); it is answered once, at the
//! end. A thread that becomes ready may run at once instead of the one that runs, if nothing else
//! has happened; otherwise whoever comes first in the highest priority runs.

use super::state::{Decision, ThreadState};
use super::{Place, State};

impl State {
    /// Could run: it is not stopped, has configured time, and does not wait for time.
    pub fn schedulable(&self, at: Place) -> bool {
        self.thread(at).is_some_and(|thread| {
            let configured = thread
                .context
                .and_then(|context| self.sched_context(context))
                .is_some_and(|context| context.time.is_some());
            thread.runnable() && configured && !self.release.contains(&at)
        })
    }

    fn priority(&self, at: Place) -> Option<u8> {
        self.thread(at).map(|thread| thread.priority)
    }

    /// The queue that `at` stands in when it is ready.
    fn place_in_line(&self, at: Place) -> Option<(u8, u8)> {
        self.thread(at)
            .map(|thread| (thread.domain, thread.priority))
    }

    fn queued(&self, at: Place) -> bool {
        self.ready.values().any(|queue| queue.contains(&at)) || self.release.contains(&at)
    }

    /// `at` stands first of its priority, unless it stands somewhere.
    pub fn stand_first(&mut self, at: Place) {
        if let Some(place) = self.place_in_line(at)
            && !self.queued(at)
        {
            self.ready.entry(place).or_default().insert(0, at);
        }
    }

    /// `at` stands last of its priority, unless it stands somewhere.
    pub fn stand_last(&mut self, at: Place) {
        if let Some(place) = self.place_in_line(at)
            && !self.queued(at)
        {
            self.ready.entry(place).or_default().push(at);
        }
    }

    /// `at` does not stand with the ready threads any longer.
    pub fn stand_aside(&mut self, at: Place) {
        for queue in self.ready.values_mut() {
            queue.retain(|thread| *thread != at);
        }
        self.ready.retain(|_, queue| !queue.is_empty());
    }

    /// Sets what `at` is doing. If it runs and cannot go on, somebody else must.
    pub fn set_state(&mut self, at: Place, state: ThreadState) {
        if let Some(thread) = self.thread_mut(at) {
            if state == ThreadState::Running {
                thread.says = None;
            }
            thread.state = state;
        }
        if self.current == Some(at) && self.decision == Decision::Stay && !self.schedulable(at) {
            self.decision = Decision::Choose;
        }
    }

    /// Whoever comes first is to run.
    pub fn choose_anew(&mut self) {
        if let Decision::Consider(candidate) = self.decision
            && self.schedulable(candidate)
        {
            self.stand_first(candidate);
        }
        self.decision = Decision::Choose;
    }

    /// `at` could run now, perhaps instead of whoever runs.
    pub fn consider(&mut self, at: Place) {
        let has_time = self
            .thread(at)
            .is_some_and(|thread| thread.context.is_some());
        if !has_time || self.release.contains(&at) {
            return;
        }
        if !self.has_its_turn(at) {
            self.stand_first(at);
        } else if self.decision == Decision::Stay {
            self.decision = Decision::Consider(at);
        } else {
            self.choose_anew();
            self.stand_first(at);
        }
    }

    /// Decides who runs.
    pub fn decide(&mut self) {
        let decision = std::mem::take(&mut self.decision);
        let going_on = self.current.filter(|current| self.schedulable(*current));
        if decision != Decision::Stay
            && let Some(current) = going_on
        {
            self.stand_first(current);
        }
        match decision {
            Decision::Stay => {}
            Decision::Consider(candidate) if self.schedulable(candidate) => {
                self.weigh(candidate, going_on);
            }
            _ => self.run_first(),
        }
        self.activate();
    }

    /// Whether `candidate` runs, or whoever comes first.
    fn weigh(&mut self, candidate: Place, going_on: Option<Place>) {
        let mine = self.priority(candidate);
        let running = self.current.and_then(|current| self.priority(current));
        let highest = self.in_turn().next_back().map(|((_, highest), _)| *highest);
        if mine < running || self.current.is_none() {
            // It does not follow that nobody else is more important.
            if highest > mine {
                self.stand_first(candidate);
                return self.run_first();
            }
        } else if mine == running && going_on.is_some() {
            self.stand_last(candidate);
            return self.run_first();
        }
        self.stand_aside(candidate);
        self.current = Some(candidate);
    }

    /// The ready threads of the domain whose turn it is, by priority.
    fn in_turn(&self) -> impl DoubleEndedIterator<Item = (&(u8, u8), &Vec<Place>)> {
        let domain = self.turns.domain;
        self.ready.range((domain, 0)..=(domain, u8::MAX))
    }

    fn run_first(&mut self) {
        if self.turn_is_over() {
            self.next_turn();
        }
        let highest = self.in_turn().next_back();
        self.current = highest.and_then(|(_, queue)| queue.first().copied());
        if let Some(current) = self.current {
            self.stand_aside(current);
        }
    }

    fn activate(&mut self) {
        if let Some(current) = self.current
            && let Some(thread) = self.thread_mut(current)
            && thread.state == ThreadState::Restart
        {
            thread.state = ThreadState::Running;
        }
    }

    /// Puts `at` among `waiting` by priority, behind its equals.
    pub fn by_priority(&self, waiting: &[Place], at: Place) -> Vec<Place> {
        let mine = self.priority(at);
        let place = waiting
            .iter()
            .position(|other| self.priority(*other) < mine);
        let mut waiting = waiting.to_vec();
        waiting.insert(place.unwrap_or(waiting.len()), at);
        waiting
    }
}
