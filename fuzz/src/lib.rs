//! Fuzz targets: functions that take any bytes and must come back.
//!
//! `cargo run -p linchpin-fuzz` mutates the inputs of `fuzz/corpus`, the same ones each time;
//! with the feature `guided`, libFuzzer looks for new ones by coverage. Both print the input that
//! a target does not survive, in a file that can be passed to `fuzz --input`.

#[path = "../../kernel/tests/world/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "scenarios use all of the world, this a part"
)]
mod world;

mod bytes;
mod mutate;
mod readers;
pub mod specification;
pub mod system_calls;

pub use mutate::Mutator;

/// What can be fuzzed.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, also that of its folder of inputs.
    pub name: &'static str,
    /// Runs it on some bytes. Answers how much was done: system calls, or 1.
    pub run: fn(&[u8]) -> u64,
    /// Inputs longer than this find nothing new.
    pub longest: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "system-calls",
        run: system_calls::run,
        longest: 1 << 14,
    },
    Target {
        name: "specification",
        run: specification::run,
        longest: 1 << 13,
    },
    Target {
        name: "device-tree",
        run: readers::device_tree,
        longest: 2048,
    },
    Target {
        name: "acpi",
        run: readers::acpi,
        longest: 2048,
    },
    Target {
        name: "loaders",
        run: readers::loaders,
        longest: 2048,
    },
    Target {
        name: "elf",
        run: readers::elf,
        longest: 2048,
    },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
