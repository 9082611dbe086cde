//! Random inputs: by day mutated ones, by night libFuzzer, guided by coverage.

use miette::{Result, miette};

use super::host::single_within;
use super::trust::{HOST, NIGHT, SHORT, tests};
use super::{Context, Step};
use crate::report::Case;
use crate::setup;

/// Seconds for each target: half a minute for all five.
const DAY_SECONDS: u32 = 6;
/// The targets of the package `fuzz`.
const TARGETS: [&str; 5] = ["system-calls", "device-tree", "acpi", "loaders", "elf"];

pub(super) fn by_day() -> Step {
    Step::new("fuzz, half a minute", mutated)
}

pub(super) fn by_night(seconds: u32) -> impl Iterator<Item = Step> {
    TARGETS.into_iter().map(move |target| {
        Step::new(format!("fuzz by coverage: {target}"), move |context| {
            guided(context, target, seconds)
        })
    })
}

fn mutated(context: &Context) -> Result<Vec<Case>> {
    let mut fuzz = context.workspace.cargo();
    fuzz.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "linchpin-fuzz",
        "--",
    ])
    .args(["--seconds", &DAY_SECONDS.to_string()]);
    tests(context, "fuzz", fuzz, SHORT)
}

/// libFuzzer, on an input folder that stays from night to night.
fn guided(context: &Context, target: &str, seconds: u32) -> Result<Vec<Case>> {
    setup::ensure(&setup::CXX, context.consent)?;
    let folder = context.workspace.output().join("fuzz").join(target);
    std::fs::create_dir_all(&folder).map_err(|error| miette!("{}: {error}", folder.display()))?;
    let coverage = [
        "-Cpasses=sancov-module",
        "-Cllvm-args=-sanitizer-coverage-level=4",
        "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
        "-Cllvm-args=-sanitizer-coverage-pc-table",
        "-Cllvm-args=-sanitizer-coverage-trace-compares",
        "-Ccodegen-units=1",
    ];
    let mut fuzz = context.workspace.cargo();
    fuzz.args([
        "run",
        "--release",
        "--package",
        "linchpin-fuzz",
        "--bin",
        "guided",
    ])
    .args(["--features", "guided", "--target", HOST])
    .arg("--target-dir")
    .arg(context.workspace.output().join("build/fuzz"))
    .env("CARGO_ENCODED_RUSTFLAGS", coverage.join("\u{1f}"))
    .env("LINCHPIN_TARGET", target)
    .arg("--")
    .args([
        format!("-max_total_time={seconds}"),
        "-rss_limit_mb=2048".into(),
    ])
    .args(["-max_len=4096", "-print_final_stats=1"])
    .arg(&folder)
    .arg(context.workspace.root.join("fuzz/corpus").join(target));
    single_within(&format!("libFuzzer {target}"), None, fuzz, context, NIGHT)
}
