//! When the timer interrupts: seldom, and before anything is due that nobody asks for.
//! ([decision 9](../../docs/decisions/0009-the-timer-says-when-the-clock-counts.md).)

use crate::Kernel;
use crate::kernel::DOMAINS;
use crate::object::sched_context;
use machine::{Machine, Ticks};

/// Sets the timer, where all time has been charged.
#[inline(never)]
pub(crate) fn set(k: &mut Kernel) {
    program(k);
}

/// The first moment that lies `margin` before the end of what the current scheduling context has, which has
/// not been charged `since`, or of the domain's slice; or at which a wait ends.
#[inline(always)]
fn earliest(k: &Kernel, since: Ticks, margin: Ticks) -> Ticks {
    let current = k.node().current_sc;
    let amount = current.map(|sc| sched_context::head(k, sc).amount);
    moment(k, since, margin, amount)
}

/// As [`earliest`], where `amount` is what the current scheduling context has.
#[inline(always)]
pub(crate) fn moment(k: &Kernel, since: Ticks, margin: Ticks, amount: Option<Ticks>) -> Ticks {
    let node = k.node();
    // At most `release::NEVER`.
    let mut at = node.release.alarm();
    if let Some(amount) = amount {
        // A budget is less than an eighth of all time.
        at = at.min(since.wrapping_add(amount.saturating_sub(margin)));
    }
    if DOMAINS > 1 {
        let remaining = k.schedule.remaining.saturating_sub(margin);
        at = at.min(node.now.saturating_add(remaining));
    }
    at
}

/// When something is due that nobody asks for: somebody's turn ends, or comes.
fn due(k: &Kernel) -> Ticks {
    earliest(k, since(k), k.machine.timer_precision())
}

/// From when on the current scheduling context has not been charged.
fn since(k: &Kernel) -> Ticks {
    k.node().now.saturating_sub(k.node().consumed)
}

/// Sets the timer, after all time has been charged: it interrupts when something is near, and then
/// once more when it is due.
#[inline(always)]
pub(crate) fn program(k: &mut Kernel) {
    let now = k.node().now;
    debug_assert!(k.node().consumed == 0, "time that is not charged");
    let near = earliest(k, now, k.near);
    if near <= now {
        return await_due(k);
    }
    k.node_mut().quick = true;
    set_alarm(k, near);
}

/// Something is near: entries read the clock until it has come.
#[cold]
#[inline(never)]
fn await_due(k: &mut Kernel) {
    k.node_mut().quick = false;
    let due = due(k);
    set_alarm(k, due);
}

/// The timer interrupts at `alarm`, or sooner. If it is set to come sooner it is left alone, since
/// setting it takes long: when it has come, the kernel finds that it is too soon.
#[inline(always)]
fn set_alarm(k: &mut Kernel, alarm: Ticks) {
    if k.node().alarm > alarm {
        ask_for(k, alarm);
    }
}

#[cold]
#[inline(never)]
fn ask_for(k: &mut Kernel, alarm: Ticks) {
    k.node_mut().alarm = alarm;
    k.machine.set_deadline(alarm);
}

/// The timer has interrupted, and the clock has been read: whether something is due. If not, the
/// timer is set again.
pub(crate) fn rang(k: &mut Kernel) -> bool {
    // Later than anything: whatever it is set to next, it is set.
    k.node_mut().alarm = Ticks::MAX;
    let now = k.node().now;
    if due(k) <= now {
        return true;
    }
    let near = earliest(k, since(k), k.near);
    if near <= now {
        await_due(k);
    } else {
        set_alarm(k, near);
    }
    false
}

/// Whether an entry at this moment need not read the clock: nothing can have happened but that
/// time passed. (Up to the time that an interrupt takes: one that the entry has overtaken comes
/// when it ends.)
#[inline(always)]
pub(crate) fn quick(k: &Kernel) -> bool {
    k.node().quick
}

/// Whether the timer interrupts before an entry would have to know the time that does not ask
/// for it, and before anything is due.
pub fn in_time(k: &Kernel) -> bool {
    let latest = match k.node().quick {
        true => earliest(k, since(k), k.near),
        false => due(k),
    };
    k.node().alarm <= latest
}
