//! Properties: what holds for any input, looked for by machine. A silly model stands beside
//! every clever structure.

extern crate linchpin_kernel as kernel;

#[path = "../world/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "scenarios use all of the world, properties a part"
)]
mod world;

#[cfg(isa = "x86_64")]
mod chaos;
mod clock;
mod derivation;
mod preemption;
mod refill;
mod release;

/// Random, but the same for everybody: one seed, or the one that `LINCHPIN_SEED` gives.
fn config(cases: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    Config {
        cases: number("LINCHPIN_CASES").map_or(cases, |n| n as u32),
        rng_seed: RngSeed::Fixed(number("LINCHPIN_SEED").unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    }
}
