//! The steps that look for what tests do not: Miri, sanitizers, fuzzing, mutants, theorems. A
//! short part of them belongs to every run, all of them to `--nightly`.

use std::process::Command;
use std::time::Duration;

use miette::{Result, miette};

use super::host::{read_libtest, single_within};
use super::{Context, Step, bounds, command};
use crate::build;
use crate::kind::{Arch, Flavour, Kind};
use crate::report::{Case, Verdict};
use crate::setup;
use crate::workspace::from_first_error;

/// Nothing at night takes longer.
const NIGHT: Duration = Duration::from_secs(4 * 3600);
/// What a run for every change may take.
const SHORT: Duration = Duration::from_secs(1800);
/// Seconds for each fuzz target: half a minute for all five by day.
const DAY_SECONDS: u32 = 6;
const NIGHT_SECONDS: u32 = 300;
/// The targets of the package `fuzz`.
const TARGETS: [&str; 5] = ["system-calls", "device-tree", "acpi", "loaders", "elf"];
/// Some scenarios for each architecture, by their whole names: Miri takes some twenty seconds of
/// a core for each, and most of it for boot.
const MIRI_BY_DAY: [(Arch, &[&str]); 3] = [
    (
        Arch::X86_64,
        &[
            "replies_and_donation::a_passive_server_runs_on_the_time_of_its_client",
            "capabilities::revoking_an_untyped_ends_everything_made_from_it",
        ],
    ),
    (
        Arch::AArch64,
        &["capabilities::deleting_a_thread_stops_it_and_frees_what_it_held"],
    ),
    (
        Arch::RiscV64,
        &["untyped::new_objects_are_new_whatever_the_memory_held"],
    ),
];

/// For every change.
pub(super) fn by_day() -> Vec<Step> {
    let mut steps = vec![Step::new("fuzz, half a minute", |context| {
        mutated(context, DAY_SECONDS)
    })];
    for (arch, names) in MIRI_BY_DAY {
        let step = Step::new(
            format!("Miri, some scenarios, {}", arch.name()),
            move |context| miri(context, arch, names, SHORT),
        );
        steps.push(step.on(arch));
    }
    steps
}

/// All of it, and what takes hours.
pub(super) fn by_night() -> Vec<Step> {
    let mut steps = vec![
        Step::new("exploration, large scopes", |context| {
            explored(context, &["--release"], "large")
        }),
        Step::new("negative controls of exploration", |context| {
            explored(context, &[], "defects")
        }),
        Step::new("AddressSanitizer, small scopes", sanitized),
        Step::new("theorems of machine code", theorems),
    ];
    for arch in Arch::ALL {
        steps.push(
            Step::new(
                format!("Miri, all scenarios, {}", arch.name()),
                move |context| miri(context, arch, &[], NIGHT),
            )
            .on(arch),
        );
        steps.push(
            Step::new("negative control: panic", move |context| {
                bounds::unchecked_index(context, &Kind::new(arch, Flavour::Release))
            })
            .on(arch),
        );
    }
    for target in TARGETS {
        steps.push(Step::new(
            format!("fuzz by coverage: {target}"),
            move |context| guided(context, target),
        ));
    }
    steps.push(Step::new("mutants, a sample", mutants));
    steps
}

fn tests(context: &Context, name: &str, command: Command, bound: Duration) -> Result<Vec<Case>> {
    let finished = command::run(command, &context.log(name), bound)?;
    let mut cases = read_libtest(&finished.text);
    for case in &mut cases {
        if let Verdict::Failed(why) = &mut case.verdict
            && why.is_empty()
        {
            *why = bounds::below(&finished.text, &case.name);
        }
    }
    if !finished.good && !cases.iter().any(Case::is_failed) {
        return Err(miette!("{}", from_first_error(&finished.text)));
    }
    Ok(cases)
}

fn mutated(context: &Context, seconds: u32) -> Result<Vec<Case>> {
    let mut fuzz = context.workspace.cargo();
    fuzz.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "linchpin-fuzz",
        "--",
    ])
    .args(["--seconds", &seconds.to_string()]);
    tests(context, "fuzz", fuzz, SHORT)
}

/// libFuzzer, on an input folder that stays from night to night.
fn guided(context: &Context, target: &str) -> Result<Vec<Case>> {
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
        format!("-max_total_time={NIGHT_SECONDS}"),
        "-rss_limit_mb=2048".into(),
    ])
    .args(["-max_len=4096", "-print_final_stats=1"])
    .arg(&folder)
    .arg(context.workspace.root.join("fuzz/corpus").join(target));
    single_within(&format!("libFuzzer {target}"), None, fuzz, context, NIGHT)
}

const HOST: &str = "x86_64-unknown-linux-gnu";

fn explored(context: &Context, profile: &[&str], test: &str) -> Result<Vec<Case>> {
    let mut explore = context.workspace.cargo();
    explore.arg("test").args(profile).args([
        "--package",
        "linchpin-spec",
        "--test",
        test,
        "--",
        "--ignored",
    ]);
    tests(context, &format!("explore {test}"), explore, NIGHT)
}

/// These scenarios, or all, under Miri: Tree Borrows, and no pointer from an integer.
fn miri(context: &Context, arch: Arch, names: &[&str], bound: Duration) -> Result<Vec<Case>> {
    setup::nightly("miri")?;
    let mut miri = context.workspace.nightly_cargo();
    miri.args([
        "miri",
        "test",
        "--package",
        "linchpin-kernel",
        "--test",
        "scenarios",
    ])
    .arg("--target-dir")
    .arg(context.workspace.output().join("build/miri"))
    .env("LINCHPIN_ISA", arch.name())
    .env(
        "MIRIFLAGS",
        "-Zmiri-strict-provenance -Zmiri-tree-borrows -Zmiri-disable-isolation",
    )
    .arg("--")
    .args((!names.is_empty()).then_some("--exact"))
    .args(names);
    tests(context, &format!("Miri {}", arch.name()), miri, bound)
}

fn sanitized(context: &Context) -> Result<Vec<Case>> {
    setup::nightly("rust-src")?;
    let mut explore = context.workspace.nightly_cargo();
    explore
        .args([
            "test",
            "--package",
            "linchpin-spec",
            "--test",
            "small",
            "--target",
            HOST,
        ])
        .arg("--target-dir")
        .arg(context.workspace.output().join("build/sanitizer"))
        .env("CARGO_ENCODED_RUSTFLAGS", "-Zsanitizer=address");
    tests(context, "AddressSanitizer", explore, NIGHT)
}

/// Functions of the kernel core, compiled as in an image, and what holds of their machine code.
fn theorems(context: &Context) -> Result<Vec<Case>> {
    let folder = context.workspace.root.join("theorems");
    let python = setup::python(
        &context.workspace.output().join("theorems"),
        &folder.join("requirements.txt"),
    )?;
    let kind = Kind::new(Arch::X86_64, Flavour::Release);
    let elf = build::theorems(context.workspace, &kind)?;
    let mut prove = Command::new(python);
    prove.arg(folder.join("prove.py")).arg(elf);
    tests(context, "theorems", prove, NIGHT)
}

/// Files whose mutants the tests of the kernel have to notice.
const MUTATED: [&str; 9] = [
    "cdt",
    "queue",
    "refill",
    "sched",
    "cspace",
    "delete",
    "object/untyped",
    "object/endpoint",
    "object/reply",
];

fn mutants(context: &Context) -> Result<Vec<Case>> {
    setup::cargo_program("cargo-mutants")?;
    let mut mutants = context.workspace.cargo();
    mutants.arg("mutants");
    for file in MUTATED {
        mutants.arg("--file").arg(format!("kernel/src/{file}.rs"));
    }
    mutants
        .args([
            "--shard",
            "1/8",
            "--package",
            "linchpin-kernel",
            "--profile",
            "mutation",
        ])
        .args(["--timeout", "120", "--output"])
        .arg(context.workspace.output().join("mutants"))
        .args(["--", "--test", "scenarios", "--test", "properties"]);
    single_within("cargo mutants", None, mutants, context, NIGHT)
}
