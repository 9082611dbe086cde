//! Scenarios of the kernel under Miri: Tree Borrows, and no pointer from an integer.

use std::num::NonZeroUsize;
use std::process::Command;
use std::thread;

use miette::{Result, miette};

use super::trust::{NIGHT, SHORT, tests};
use super::{Context, Step, command};
use crate::kind::Arch;
use crate::report::Case;
use crate::setup;
use crate::workspace::from_first_error;

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
    let log = format!("Miri {}", arch.name());
    tests(context, &log, exactly(context, arch, names)?, SHORT)
}

/// In as many processes as there are cores: each takes ten seconds of a core to begin, and boots
/// once for all its scenarios.
fn all(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let names = scenarios(context, arch)?;
    let mut parts = Vec::new();
    for part in 0..cores {
        let names: Vec<_> = names.iter().skip(part).step_by(cores).collect();
        let log = format!("Miri all {} {part}", arch.name());
        parts.push((log, exactly(context, arch, &names)?));
    }
    let cases = thread::scope(|scope| {
        let run =
            |(log, part): (String, Command)| scope.spawn(move || tests(context, &log, part, NIGHT));
        let running: Vec<_> = parts.into_iter().map(run).collect();
        let ended = running.into_iter().map(|part| {
            part.join()
                .unwrap_or_else(|_| Err(miette!("a part was not run")))
        });
        ended.collect::<Result<Vec<_>>>()
    })?;
    let cases = cases.concat();
    if cases.len() == names.len() {
        Ok(cases)
    } else {
        Err(miette!(
            "{} of {} scenarios were run",
            cases.len(),
            names.len()
        ))
    }
}

/// The names of all scenarios.
fn scenarios(context: &Context, arch: Arch) -> Result<Vec<String>> {
    let mut list = miri(context, arch)?;
    list.args(["--", "--list", "--format", "terse"]);
    let log = context.log(&format!("Miri list {}", arch.name()));
    let listed = command::run(list, &log, SHORT)?;
    let names: Vec<_> = listed.text.lines().filter_map(test_name).collect();
    if names.is_empty() {
        return Err(miette!("{}", from_first_error(&listed.text)));
    }
    Ok(names)
}

fn test_name(line: &str) -> Option<String> {
    line.strip_suffix(": test").map(str::to_owned)
}

/// Scenarios of these names, one after another.
fn exactly(context: &Context, arch: Arch, names: &[impl AsRef<str>]) -> Result<Command> {
    let mut exactly = miri(context, arch)?;
    exactly
        .args(["--", "--exact", "--test-threads", "1"])
        .args(names.iter().map(AsRef::as_ref));
    Ok(exactly)
}

fn miri(context: &Context, arch: Arch) -> Result<Command> {
    setup::nightly("miri")?;
    setup::nightly("rust-src")?;
    let mut miri = context.workspace.nightly_cargo();
    miri.args(["miri", "test"])
        .args(["--package", "linchpin-kernel", "--test", "scenarios"])
        .arg("--target-dir")
        .arg(context.workspace.output().join("build/miri"))
        .env("LINCHPIN_ISA", arch.name())
        .env(
            "MIRIFLAGS",
            "-Zmiri-strict-provenance -Zmiri-tree-borrows -Zmiri-disable-isolation \
             -Zmiri-provenance-gc=1000",
        );
    Ok(miri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tests_is_read() {
        let text = "warning: Miri\nipc::a: test\nipc::b: bench\n\n2 tests, 1 benchmark\n";
        let names: Vec<_> = text.lines().filter_map(test_name).collect();
        assert_eq!(names, ["ipc::a"]);
    }
}
