//! How init prints: by the kernel's console at first, by the serial driver once there is one.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use demo_common::console;
use user_api::Endpoint;

/// The slot of the driver's endpoint; 0 before there is one.
static DRIVER: AtomicU64 = AtomicU64::new(0);

/// From now on everything is printed by the driver.
pub(crate) fn connect(driver: Endpoint) {
    DRIVER.store(driver.cptr().bits(), Ordering::Relaxed);
}

/// The driver, once there is one.
pub(crate) fn driver() -> Option<Endpoint> {
    let slot = DRIVER.load(Ordering::Relaxed);
    (slot != 0).then_some(Endpoint::new(slot))
}

/// For the macros.
pub(crate) fn print(arguments: fmt::Arguments<'_>) {
    match driver() {
        Some(driver) => console::print(driver, arguments),
        None => user_runtime::print!("{arguments}"),
    }
}

/// Prints.
macro_rules! out {
    ($($argument:tt)*) => { $crate::init::console::print(format_args!($($argument)*)) };
}

/// Prints a line.
macro_rules! outln {
    ($($argument:tt)*) => { $crate::init::console::print(format_args!("{}\n", format_args!($($argument)*))) };
}

pub(crate) use {out, outln};
