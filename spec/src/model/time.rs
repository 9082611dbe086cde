//! Time: how much a thread may use, and when it comes back.

use super::call::Told;
use super::{Place, State};
use abi::Word;

impl State {
    /// The thread's scheduling context is brought up to date as it wakes.
    pub fn wake_context(&mut self, _thread: Place) {}

    /// As a thread starts again; without time now it waits for it.
    pub fn resume_context(&mut self, _thread: Place) {}

    /// A thread that was answered goes on, if it has time.
    pub fn go_on(&mut self, thread: Place, _context: Place, _timed_out: bool, _told: &mut Told) {
        self.consider(thread);
    }

    /// The current thread's time slice is over.
    pub fn use_up(&mut self, _context: Place) {
        if let Some(current) = self.current
            && self.schedulable(current)
        {
            self.stand_last(current);
            self.choose_anew();
        }
    }

    /// Whether a scheduling context could be run on now.
    pub fn released(&self, context: Place) -> bool {
        self.sched_context(context)
            .is_some_and(|context| context.time.is_some())
    }

    /// What has been used of it until now counts.
    pub fn charge_now(&mut self, _context: Place) {}

    /// What was used since the last report, in microseconds.
    pub fn report_consumed(&mut self, _context: Place) -> Word {
        0
    }
}
