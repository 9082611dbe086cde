//! The tests, from what the kernel hands over at boot to what needs everything else.

mod asid;
mod badges;
mod boot;
mod breakpoint;
mod cnode;
mod device;
mod fault;
pub(crate) mod ipc;
mod misc;
mod notification;
mod pitfall;
mod reply;
pub(crate) mod retype;
mod sched;
mod tcb;
mod transfer;
mod vspace;

use crate::Test;

/// All of them, in the order in which they run.
pub(crate) const ALL: &[&[Test]] = &[
    boot::TESTS,
    retype::TESTS,
    cnode::TESTS,
    badges::TESTS,
    ipc::TESTS,
    transfer::TESTS,
    reply::TESTS,
    notification::TESTS,
    fault::TESTS,
    tcb::TESTS,
    vspace::TESTS,
    asid::TESTS,
    device::TESTS,
    crate::isa::TESTS,
    sched::TESTS,
    breakpoint::TESTS,
    misc::TESTS,
    pitfall::TESTS,
];

/// Reads a word of mapped memory.
#[expect(unsafe_code, reason = "tests map memory and look at it")]
pub(crate) fn peek(address: usize) -> u64 {
    // SAFETY: the test has mapped it, or means to fault; any value is a valid word.
    unsafe { core::ptr::with_exposed_provenance::<u64>(address).read_volatile() }
}

/// Writes a word of mapped memory.
#[expect(unsafe_code, reason = "tests map memory and write it")]
pub(crate) fn poke(address: usize, value: u64) {
    // SAFETY: the test has mapped it for this purpose, or means to fault; nothing of Rust's is there.
    unsafe { core::ptr::with_exposed_provenance_mut::<u64>(address).write_volatile(value) }
}
