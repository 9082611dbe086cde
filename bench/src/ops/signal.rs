//! Notifications.

use crate::bench::{Area, Bench, HIGHER};
use crate::measure;
use abi::{ObjectType, Word};
use user_alloc::Result;
use user_api::Notification;
use user_runtime::boot::root;

static WAITER: Area = Area::new();

pub(crate) fn run(bench: &mut Bench) -> Result {
    let notification: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    measure::steady("signal", "nobody waits", || notification.signal());
    notification.poll();
    measure::steady("poll", "empty", || {
        notification.poll();
    });
    measure::steady("signal+poll", "", || {
        notification.signal();
        notification.poll();
    });
    let argument = notification.cptr().bits();
    let waiter = bench.thread(&WAITER, root::SPACE, wait, argument, HIGHER)?;
    waiter.tcb.resume()?;
    measure::steady("signal+wait", "waiter has a higher priority", || {
        notification.signal();
    });
    waiter.tcb.suspend()?;
    Ok(())
}

/// Waits for one notification, again and again.
pub(super) extern "C" fn wait(notification: Word) {
    loop {
        Notification::new(notification).wait();
    }
}
