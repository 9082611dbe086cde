//! Random inputs: by day mutated ones, by night libFuzzer, guided by coverage.

use miette::{Result, miette};

use super::trust::{HOST, NIGHT, SHORT, domains_cargo, tests};
use super::{Context, Step, command};
use crate::report::Case;
use crate::setup;
use crate::workspace::from_first_error;

/// Seconds for each target: half a minute for all six.
const DAY_SECONDS: u32 = 5;
/// The targets of the package `fuzz`.
const TARGETS: [&str; 6] = [
    "system-calls",
    "specification",
    "device-tree",
    "acpi",
    "loaders",
    "elf",
];

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
    let mut fuzz = domains_cargo(context);
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

/// libFuzzer, on an input folder that stays from night to night. What fails is kept beside it.
fn guided(context: &Context, target: &str, seconds: u32) -> Result<Vec<Case>> {
    setup::ensure(&setup::CXX, context.consent)?;
    let inputs = context.workspace.output().join("fuzz");
    let folder = inputs.join(target);
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
    .arg(format!("-artifact_prefix={}/{target}-", inputs.display()))
    .arg(&folder)
    .arg(context.workspace.root.join("fuzz/corpus").join(target));
    let name = format!("libFuzzer {target}");
    let finished = command::run(fuzz, &context.log(&name), NIGHT)?;
    Ok(vec![if finished.good {
        Case::passed(name)
    } else {
        Case::failed(name, defect(&finished.text, target))
    }])
}

/// The panic among all that libFuzzer prints, and how to see it again.
fn defect(text: &str, target: &str) -> String {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.contains(" panicked at "));
    let Some(place) = lines.next() else {
        return from_first_error(text).to_owned();
    };
    let message = lines.next().unwrap_or_default();
    let kept = text
        .lines()
        .find_map(|line| line.split_once("Test unit written to "));
    let again = kept.map_or(String::new(), |(_, file)| {
        format!("\nagain: cargo run --release -p linchpin-fuzz -- --target {target} --input {file}")
    });
    format!("{place}\n{message}{again}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_found_among_what_libfuzzer_prints() {
        let text = "INFO: Seed: 1\n#2 INITED cov: 3\nthread '<unnamed>' (1) panicked at kernel/src/a.rs:1:2:\n\
                    it broke\nstack backtrace:\nartifact_prefix='out/'; Test unit written to out/elf-crash-1\n";
        assert_eq!(
            defect(text, "elf"),
            "thread '<unnamed>' (1) panicked at kernel/src/a.rs:1:2:\nit broke\n\
             again: cargo run --release -p linchpin-fuzz -- --target elf --input out/elf-crash-1"
        );
        assert_eq!(defect("a\nerror: no C++\n", "elf"), "error: no C++\n");
    }
}
