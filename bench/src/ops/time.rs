//! Who runs when.

use crate::bench::{Bench, OURS};
use crate::isa::Loop;
use crate::measure;
use abi::syscall::Syscall;
use user_alloc::Result;
use user_api::syscalls;

pub(crate) fn run(bench: &mut Bench) -> Result {
    measure::steady("yield", "nobody else", syscalls::yield_now);
    let number = Syscall::Yield.number() as u64;
    let other = bench.looping(Loop::Syscall, number, OURS)?;
    other.tcb.resume()?;
    measure::steady_times("yield", "another thread, per switch", 32, 2, || {
        syscalls::yield_now();
    });
    other.tcb.suspend()?;
    Ok(())
}
