//! Hostile user space: threads that make any system call with any registers, message and
//! capabilities, from a capability space full of things to break.
//!
//! Nothing is expected of a single call. What must hold: the kernel answers all of them and goes
//! on, the driver keeps its time, and all memory can be had back afterwards, again and again.
//!
//! `LINCHPIN_STRESS_CALLS` (default 1000000) and `LINCHPIN_STRESS_SEED` at build time choose how
//! many and which.

mod attacker;
mod chaos;
mod game;

use crate::report::{self, Outcome, Tally};
use crate::world::World;
use abi::bootinfo::BootInfo;
use game::Game;
use user_runtime::println;

/// Calls after which everything is taken back and built anew.
const ROUND: u64 = 50_000;

/// Runs the attack; the exit code.
pub fn run(boot: &'static BootInfo) -> u32 {
    let calls = number(option_env!("LINCHPIN_STRESS_CALLS")).unwrap_or(1_000_000);
    let seed = number(option_env!("LINCHPIN_STRESS_SEED")).unwrap_or(0x5eed);
    let mut tally = Tally::default();
    let outcome = match World::new(boot) {
        Ok(mut world) => attack(&mut world, calls, seed),
        Err(error) => Err(report::fail(format_args!("no memory: {error:?}"))),
    };
    tally.count("stress::hostile_user_space", &outcome);
    tally.close()
}

fn attack(world: &mut World, calls: u64, seed: u64) -> Outcome {
    println!("stress: {calls} calls, seed {seed:#x}");
    let (mut made, mut done, mut round) = (0, 0, 0);
    while made < calls {
        let game = Game::new(world, seed + round)?;
        made += game.play(world, ROUND.min(calls - made))?;
        done += game.done();
        world.clean()?;
        Game::check_memory(world)?;
        world.clean()?;
        round += 1;
        if round % 5 == 0 {
            println!("stress: {made} calls");
        }
    }
    println!("stress: {made} calls in {round} rounds, {done} of them answered without an error");
    // Attackers that only ever fail test nothing but the first check of each call.
    report::check!(
        done > made / 100,
        "only {done} of {made} calls did anything"
    );
    Ok(())
}

/// A decimal or (with `0x`) hexadecimal number.
fn number(text: Option<&str>) -> Option<u64> {
    let text = text?;
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
