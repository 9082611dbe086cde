//! Scenarios of the kernel under Miri: Tree Borrows, and no pointer from an integer.

use std::process::Command;

use miette::Result;

use super::host::{read_nextest, tested_within};
use super::trust::{NIGHT, SHORT, tests};
use super::{Context, Step};
use crate::kind::Arch;
use crate::report::Case;
use crate::setup;

/// Some scenarios for each architecture, by their whole names: Miri takes some ten seconds of a
/// core for each, most of it to begin and to boot.
const BY_DAY: [(Arch, &[&str]); 3] = [
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

pub(super) fn by_day() -> impl Iterator<Item = Step> {
    BY_DAY.into_iter().map(|(arch, names)| {
        let name = format!("Miri, some scenarios, {}", arch.name());
        Step::new(name, move |context| some(context, arch, names)).on(arch)
    })
}

pub(super) fn by_night(arch: Arch) -> Step {
    let name = format!("Miri, all scenarios, {}", arch.name());
    Step::new(name, move |context| all(context, arch)).on(arch)
}

fn some(context: &Context, arch: Arch, names: &[&str]) -> Result<Vec<Case>> {
    let mut some = miri(context, arch, &["test"])?;
    some.args(["--", "--exact"]).args(names);
    tests(context, &format!("Miri {}", arch.name()), some, SHORT)
}

/// Each in a process of its own, as many at a time as there are cores; `.config/nextest.toml` says
/// how long one may take.
fn all(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    setup::cargo_program("cargo-nextest")?;
    let mut all = miri(context, arch, &["nextest", "run"])?;
    all.arg("--no-fail-fast");
    tested_within(all, "Miri all", arch, context, read_nextest, NIGHT)
}

fn miri(context: &Context, arch: Arch, subcommand: &[&str]) -> Result<Command> {
    setup::nightly("miri")?;
    setup::nightly("rust-src")?;
    let mut miri = context.workspace.nightly_cargo();
    miri.arg("miri")
        .args(subcommand)
        .args(["--package", "linchpin-kernel", "--test", "scenarios"])
        .arg("--target-dir")
        .arg(context.workspace.output().join("build/miri"))
        .env("LINCHPIN_ISA", arch.name())
        .env(
            "MIRIFLAGS",
            "-Zmiri-strict-provenance -Zmiri-tree-borrows -Zmiri-disable-isolation",
        );
    Ok(miri)
}
