//! Where long operations give way. (`abi/semantics-core.md` section 6.)

use crate::Kernel;
use crate::error::Preempted;
use crate::object::{domain, sched_context};
use crate::time;
use abi::PROFILE;
use machine::Machine;

impl Kernel {
    /// Work that counts for `units` preemption points, at a place that is none.
    pub(crate) fn count_work(&mut self, units: u32) {
        self.work = self.work.saturating_add(units);
    }

    /// A place where a long operation may give way: at every 100th, if an interrupt waits or the
    /// caller's time is over. (`abi/semantics-core.md` 6.)
    #[inline]
    pub fn preemption_point(&mut self) -> Result<(), Preempted> {
        self.preemption_point_after(1)
    }

    /// As [`Self::preemption_point`], after work that counts for `units` of them.
    pub fn preemption_point_after(&mut self, units: u32) -> Result<(), Preempted> {
        self.count_work(units);
        if self.work < PROFILE.max_work_units as u32 {
            return Ok(());
        }
        self.work = 0;
        if self.machine.interrupt_pending() {
            return Err(Preempted);
        }
        time::update(self);
        let used = self.node().consumed;
        let has_time = self
            .node()
            .current_sc
            .is_some_and(|sc| self[sc].ring.active() && sched_context::sufficient(self, sc, used));
        if has_time && !domain::expired(self) {
            Ok(())
        } else {
            Err(Preempted)
        }
    }
}
