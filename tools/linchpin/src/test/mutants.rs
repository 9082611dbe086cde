//! Small changes to the kernel, one at a time, that its tests have to notice.

use std::path::Path;

use miette::{Result, miette};

use super::trust::NIGHT;
use super::{Context, Step, command};
use crate::report::Case;
use crate::workspace::from_first_error;
use crate::{setup, workspace};

/// Files of the kernel that are changed.
const FILES: [&str; 13] = [
    "cdt",
    "queue",
    "refill",
    "sched",
    "ready",
    "time",
    "timer",
    "turn",
    "cspace",
    "delete",
    "object/untyped",
    "object/endpoint",
    "object/reply",
];
/// Seconds of a core that one test may take, ten times what the slowest does. A test that hangs
/// fails by this, on a busy machine too.
const CPU_SECONDS: u32 = 20;
/// Seconds of a clock, for what hangs and does nothing.
const TIMEOUT: &str = "900";

pub(super) fn by_night(part: &str) -> Step {
    let part = part.to_owned();
    Step::new(format!("mutants, part {part}"), move |context| {
        mutants(context, &part)
    })
}

/// One test for each mutant: that some test fails. What is known to change nothing is not tried
/// (`.cargo/mutants.toml`).
fn mutants(context: &Context, part: &str) -> Result<Vec<Case>> {
    setup::cargo_program("cargo-nextest")?;
    setup::cargo_program("cargo-mutants")?;
    let folder = context.workspace.output().join("mutants");
    let mut mutants = context.workspace.cargo();
    mutants.arg("mutants");
    for file in FILES {
        mutants.arg("--file").arg(format!("kernel/src/{file}.rs"));
    }
    mutants
        .args(["--package", "linchpin-kernel", "--profile", "mutation"])
        .args(["--shard", part, "--sharding", "round-robin"])
        .args(["--test-tool", "nextest", "--timeout", TIMEOUT])
        .arg("--output")
        .arg(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            format!("prlimit --cpu={CPU_SECONDS}"),
        )
        // The memory of each world is fresh from the host, which clears what is touched; what the
        // allocator kept of an earlier world it would clear all of.
        .env("MALLOC_MMAP_THRESHOLD_", "65536")
        .args(["--", "--test", "scenarios", "--test", "properties"])
        .args(["--profile", "mutants"]);
    let finished = command::run(mutants, &context.log("cargo mutants"), NIGHT)?;
    let cases = read(&folder.join("mutants.out"));
    // Its exit status is bad if a mutant was missed, too.
    if cases.is_empty() {
        return Err(miette!("{}", from_first_error(&finished.text)));
    }
    Ok(cases)
}

/// What became of each mutant, from the lists that cargo-mutants writes.
fn read(folder: &Path) -> Vec<Case> {
    let names = |list: &str| {
        let text = workspace::read(&folder.join(list)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let caught = names("caught.txt").into_iter().map(Case::passed);
    let timeout = names("timeout.txt").into_iter();
    let timeout = timeout.map(|name| Case::passed(format!("{name} (timeout)")));
    let unviable = names("unviable.txt").into_iter();
    let unviable = unviable.map(|name| Case::skipped(name, "it does not compile"));
    let missed = names("missed.txt").into_iter();
    let missed = missed.map(|name| Case::failed(name, "no test noticed it"));
    caught
        .chain(timeout)
        .chain(unviable)
        .chain(missed)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Count;

    #[test]
    fn a_mutant_that_no_test_notices_is_a_failure() {
        let folder = std::env::temp_dir().join(format!("linchpin-mutants-{}", std::process::id()));
        for (file, text) in [
            ("caught.txt", "a\nb\n"),
            ("timeout.txt", "c\n"),
            ("unviable.txt", "d\n"),
            ("missed.txt", "e\n"),
        ] {
            workspace::write(&folder.join(file), text.as_bytes()).expect("a file is written");
        }
        let cases = read(&folder);
        std::fs::remove_dir_all(&folder).expect("the folder is there");
        assert!(cases.contains(&Case::failed("e", "no test noticed it")));
        assert_eq!(
            Count::of(&cases),
            Count {
                passed: 3,
                failed: 1,
                skipped: 1
            }
        );
        assert!(read(&folder).is_empty());
    }
}
