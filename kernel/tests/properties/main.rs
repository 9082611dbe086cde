//! Properties: what holds for any input, looked for by machine. A silly model stands beside
//! every clever structure.

extern crate linchpin_kernel as kernel;

// The worlds write x86_64 registers.
#[cfg(isa = "x86_64")]
#[path = "../world/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "scenarios use all of the world, properties a part"
)]
mod world;

#[cfg(isa = "x86_64")]
mod chaos;
#[cfg(isa = "x86_64")]
mod derivation;
mod refill;
