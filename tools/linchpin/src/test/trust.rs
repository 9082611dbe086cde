//! The steps that look for what tests do not: Miri, sanitizers, fuzzing, mutants, theorems. A
//! short part of them belongs to every run, all of them to `--nightly`.

use std::process::Command;
use std::time::Duration;

use clap::Args;
use miette::{Result, miette};

use super::host::read_libtest;
use super::{Context, Step, bounds, command, fuzz, host, miri, mutants};
use crate::bench::paths;
use crate::build;
use crate::kind::{Arch, Flavour, Kind};
use crate::report::{Case, Verdict};
use crate::setup;
use crate::workspace::from_first_error;

/// Nothing at night takes longer.
pub(super) const NIGHT: Duration = Duration::from_secs(4 * 3600);
/// What a run for every change may take.
pub(super) const SHORT: Duration = Duration::from_secs(1800);

/// How much is done by night.
#[derive(Args, Clone, Debug)]
pub(super) struct Night {
    /// Seconds for each target of fuzzing by coverage
    #[arg(long, value_name = "N", default_value_t = 300, requires = "nightly")]
    fuzz_seconds: u32,
    /// Which part of the mutants is tried: the K-th of N from 0, each with some of every file
    #[arg(long, value_name = "K/N", default_value = "0/1", requires = "nightly")]
    mutants: String,
}

/// For every change.
pub(super) fn by_day() -> Vec<Step> {
    let mut steps = vec![
        fuzz::by_day(),
        Step::new("exploration with domains", |context| {
            with_domains(context, &["--skip", "deep"])
        }),
    ];
    steps.extend(miri::by_day());
    steps
}

/// All of it, and what takes hours.
pub(super) fn by_night(night: &Night) -> Vec<Step> {
    let mut steps = vec![
        Step::new("exploration, large scopes", |context| {
            explored(context, Arch::X86_64, &["--release"], "large")
        }),
        Step::new("exploration with domains, deep", |context| {
            with_domains(context, &["deep"])
        }),
        Step::new("AddressSanitizer, small scopes", sanitized),
    ];
    for arch in Arch::ALL {
        steps.push(miri::by_night(arch));
        steps.push(
            Step::new("theorems of machine code", move |context| {
                theorems(context, arch)
            })
            .on(arch),
        );
        steps.push(
            Step::new(
                format!("negative controls of exploration, {}", arch.name()),
                move |context| explored(context, arch, &[], "defects"),
            )
            .on(arch),
        );
        steps.push(
            Step::new("negative control: panic", move |context| {
                bounds::unchecked_index(context, &Kind::new(arch, Flavour::Release))
            })
            .on(arch),
        );
        steps.push(
            Step::new("longest paths", move |context| {
                paths::check(context.workspace, arch)
            })
            .on(arch),
        );
    }
    steps.extend(fuzz::by_night(night.fuzz_seconds));
    steps.push(mutants::by_night(&night.mutants));
    steps
}

/// The tests that a command prints.
pub(super) fn tests(
    context: &Context,
    name: &str,
    command: Command,
    bound: Duration,
) -> Result<Vec<Case>> {
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

/// What the sanitizers and libFuzzer compile for: a target that is named leaves build scripts alone.
pub(super) const HOST: &str = "x86_64-unknown-linux-gnu";

/// Cargo for optimized host crates of a profile with domains. Fuzzing needs optimized ones, and only
/// here is the code that domains add looked at: so both share a build.
pub(super) fn domains_cargo(context: &Context) -> Command {
    let mut cargo = context.workspace.cargo();
    let folder = context.workspace.output().join("build/domains");
    cargo
        .env("LINCHPIN_PROFILE", "domains")
        .env("CARGO_TARGET_DIR", folder);
    cargo
}

fn with_domains(context: &Context, names: &[&str]) -> Result<Vec<Case>> {
    let mut explore = domains_cargo(context);
    explore
        .args(["test", "--release", "--package", "linchpin-spec"])
        .args(["--test", "domains", "--", "--ignored"])
        .args(names);
    tests(context, "explore domains", explore, NIGHT)
}

fn explored(context: &Context, arch: Arch, profile: &[&str], test: &str) -> Result<Vec<Case>> {
    let mut explore = host::cargo(context, arch);
    explore.arg("test").args(profile).args([
        "--package",
        "linchpin-spec",
        "--test",
        test,
        "--",
        "--ignored",
    ]);
    let name = format!("explore {test} {}", arch.name());
    tests(context, &name, explore, NIGHT)
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
fn theorems(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    let folder = context.workspace.root.join("theorems");
    let python = setup::python(
        &context.workspace.output().join("theorems"),
        &folder.join("requirements.txt"),
    )?;
    let kind = Kind::new(arch, Flavour::Release);
    let elf = build::theorems(context.workspace, &kind)?;
    let mut prove = Command::new(python);
    prove.arg(folder.join("prove.py")).arg(elf);
    tests(context, &format!("theorems {}", arch.name()), prove, NIGHT)
}
