//! The steps that need nothing but this machine: format, lints, host tests.

use std::process::Command;
use std::time::Duration;

use miette::{Result, miette};
use regex::Regex;

use super::command;
use super::{Context, Step};
use crate::kind::Arch;
use crate::report::{Case, Verdict};
use crate::setup;
use crate::workspace::from_first_error;

/// A compilation on a slow machine takes minutes; what takes longer than this hangs.
pub(super) const BOUND: Duration = Duration::from_secs(1500);

pub(super) fn steps(arch: Arch) -> Vec<Step> {
    vec![
        Step::new(
            format!("lints of host crates, {}", arch.name()),
            move |context| clippy(context, arch),
        )
        .on(arch),
        Step::new(format!("host tests, {}", arch.name()), move |context| {
            tests(context, arch)
        })
        .on(arch)
        .holding_tests(),
    ]
}

pub(super) fn format(context: &Context) -> Result<Vec<Case>> {
    let mut fmt = context.workspace.cargo();
    fmt.args(["fmt", "--all", "--check", "--", "--color", "never"]);
    single("cargo fmt --check", None, fmt, context)
}

fn clippy(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    let mut clippy = cargo(context, arch);
    clippy.args(["clippy", "--all-targets", "--", "-Dwarnings"]);
    single("cargo clippy", Some(arch), clippy, context)
}

/// A command that is one test: its exit status decides.
pub(super) fn single(
    name: &str,
    arch: Option<Arch>,
    command: Command,
    context: &Context,
) -> Result<Vec<Case>> {
    let log = match arch {
        Some(arch) => context.log_of(arch, name),
        None => context.log(name),
    };
    let finished = command::run(command, &log, BOUND)?;
    Ok(vec![if finished.good {
        Case::passed(name)
    } else {
        Case::failed(name, from_first_error(&finished.text))
    }])
}

/// Cargo for the host crates as this architecture sees them. The default architecture shares the
/// user's own target folder and environment; each other one has a folder of its own.
pub(super) fn cargo(context: &Context, arch: Arch) -> Command {
    let mut cargo = context.workspace.cargo();
    if arch != Arch::X86_64 {
        let folder = context.workspace.output().join("host").join(arch.name());
        cargo
            .env("LINCHPIN_ISA", arch.name())
            .env("CARGO_TARGET_DIR", folder);
    }
    cargo
}

fn tests(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let filter = context.inner_filter.as_deref();
    if setup::find_program("cargo-nextest").is_some() {
        let mut nextest = cargo(context, arch);
        nextest
            .args(["nextest", "run", "--no-fail-fast", "--no-tests", "pass"])
            .args(filter);
        cases.extend(tested(nextest, "nextest", arch, context, read_nextest)?);
        let mut doc_tests = cargo(context, arch);
        doc_tests
            .args(["test", "--doc", "--no-fail-fast"])
            .args(filter);
        cases.extend(tested(doc_tests, "doc tests", arch, context, read_libtest)?);
    } else {
        let mut test = cargo(context, arch);
        test.args(["test", "--no-fail-fast"]).args(filter);
        cases.extend(tested(test, "cargo test", arch, context, read_libtest)?);
    }
    if arch != Arch::X86_64 {
        // User space's own libraries follow the host's architecture, not the kernel's.
        return Ok(cases);
    }
    // A library beside a program for the target: its package is no default member.
    let mut demo = cargo(context, arch);
    demo.args(["test", "--package", "linchpin-demo", "--lib"])
        .args(filter);
    cases.extend(tested(
        demo,
        "library of the demo",
        arch,
        context,
        read_libtest,
    )?);
    Ok(cases)
}

/// Runs a test runner. If it fails without a failed test, it failed before it came to the tests.
fn tested(
    command: Command,
    name: &str,
    arch: Arch,
    context: &Context,
    read: fn(&str) -> Vec<Case>,
) -> Result<Vec<Case>> {
    let finished = command::run(command, &context.log_of(arch, name), BOUND)?;
    let cases = read(&finished.text);
    if !finished.good && !cases.iter().any(Case::is_failed) {
        return Err(miette!(
            "{name} failed before any test did:\n{}",
            from_first_error(&finished.text)
        ));
    }
    Ok(cases)
}

/// `test NAME ... ok`, as the standard test harness prints it.
pub(super) fn read_libtest(text: &str) -> Vec<Case> {
    text.lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
        .map(|(name, verdict)| Case {
            name: name.to_owned(),
            verdict: libtest_verdict(name, verdict, text),
        })
        .collect()
}

fn libtest_verdict(name: &str, verdict: &str, text: &str) -> Verdict {
    if verdict.starts_with("ok") {
        Verdict::Passed
    } else if verdict.starts_with("ignored") {
        Verdict::Skipped("ignored".into())
    } else {
        Verdict::Failed(paragraph(text, &format!("---- {name} stdout ----")))
    }
}

/// `PASS [ 0.004s] (1/3) PACKAGE NAME`, as nextest prints it. Failures are repeated at the end.
fn read_nextest(text: &str) -> Vec<Case> {
    let Ok(form) =
        Regex::new(r"^\s*([A-Z][A-Z0-9 +-]*?) \[[^\]]*\] (?:\(\s*\d+/\s*\d+\) )?(\S+) +(\S.*)$")
    else {
        return Vec::new();
    };
    let mut cases: Vec<Case> = Vec::new();
    for found in text.lines().filter_map(|line| form.captures(line)) {
        let name = format!("{} {}", &found[2], &found[3]);
        if &found[1] == "SLOW" || cases.iter().any(|case| case.name == name) {
            continue;
        }
        let verdict = match &found[1] {
            "PASS" | "LEAK" => Verdict::Passed,
            "SKIP" => Verdict::Skipped("ignored".into()),
            word => Verdict::Failed(format!("{word}\n{}", nextest_output(text, &found[3]))),
        };
        cases.push(Case { name, verdict });
    }
    cases
}

/// What a failed test printed: the text between its line and the next test's.
fn nextest_output(text: &str, name: &str) -> String {
    text.lines()
        .skip_while(|line| !(line.trim_start().starts_with("FAIL") && line.ends_with(name)))
        .skip(1)
        .take_while(|line| {
            !line.trim_start().starts_with("PASS [") && !line.trim_start().starts_with("Summary [")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The lines from a headline to the next empty one.
fn paragraph(text: &str, headline: &str) -> String {
    text.lines()
        .skip_while(|line| *line != headline)
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_standard_harness() {
        let text = "running 3 tests\ntest a::b ... ok\ntest c ... ignored\ntest d ... FAILED\n\nfailures:\n\n\
                    ---- d stdout ----\nthread 'd' panicked\n\nfailures:\n    d\n";
        assert_eq!(
            read_libtest(text),
            [
                Case::passed("a::b"),
                Case::skipped("c", "ignored"),
                Case::failed("d", "thread 'd' panicked")
            ]
        );
    }

    #[test]
    fn reads_nextest() {
        let text = "        PASS [   0.004s] (1/3) linchpin-abi tests::one\n\
                    \x20       FAIL [   0.005s] (2/3) linchpin-abi tests::two\n  stdout ---\n    it broke\n\
                    \x20       PASS [   0.004s] (3/3) linchpin-kernel::properties three\n\
                    \x20    Summary [   0.010s] 3 tests run: 2 passed, 1 failed, 0 skipped\n\
                    \x20       FAIL [   0.005s] (2/3) linchpin-abi tests::two\n";
        let cases = read_nextest(text);
        assert_eq!(cases.len(), 3, "{cases:?}");
        assert_eq!(cases[0], Case::passed("linchpin-abi tests::one"));
        assert_eq!(
            cases[1],
            Case::failed(
                "linchpin-abi tests::two",
                "FAIL\n  stdout ---\n    it broke"
            )
        );
    }

    #[test]
    fn a_crash_is_a_failure_and_a_slow_test_is_not_twice() {
        let text = "     SIGABRT [   0.1s] p a\n        SLOW [> 60.000s] p b\n        PASS [  61.000s] p b\n";
        let cases = read_nextest(text);
        assert_eq!(cases.len(), 2);
        assert!(cases[0].is_failed());
        assert_eq!(cases[1], Case::passed("p b"));
    }
}
