//! The gate: figures in the repository that later ones are held against.

use std::path::PathBuf;

use miette::{Result, miette};

use super::figures::{Figure, Run};
use super::machine::Bench;
use super::{Method, read};
use crate::build::{self, Show};
use crate::kind::Arch;
use crate::report::Case;
use crate::workspace::{self, Workspace};

/// Operations of which not one instruction may be added without a new baseline.
const HOT: [&str; 14] = [
    "nothing",
    "call",
    "call+cap",
    "send+wait",
    "nbsend+wait",
    "recv+send",
    "nbsend",
    "nbrecv",
    "signal",
    "poll",
    "signal+poll",
    "signal+wait",
    "yield",
    "fault",
];
/// What others may grow by.
const TOLERANCE: f64 = 0.02;

fn file(workspace: &Workspace, arch: &str) -> PathBuf {
    workspace.root.join(format!("bench/baseline/{arch}.jsonl"))
}

/// Makes these figures the baseline.
pub(crate) fn write(workspace: &Workspace, run: &Run) -> Result<()> {
    if run.setting.method != Method::Icount {
        return Err(miette!("the baseline is measured with --method icount"));
    }
    let file = file(workspace, &run.setting.arch);
    workspace::write(&file, run.to_lines()?.as_bytes())?;
    println!(
        "{} operations in {}",
        run.figures.len(),
        build::shown(&file)
    );
    Ok(())
}

/// Measures, and holds the figures against the baseline: a case for each operation.
pub(crate) fn check(workspace: &Workspace, arch: Arch) -> Result<Vec<Case>> {
    let bench = Bench::new(workspace, arch, Method::Icount, &[])?;
    let run = bench.run(&bench.ours(Show::OnFailure)?)?;
    let baseline = read(&file(workspace, arch.name()))?;
    let differences = run.setting.differences(&baseline.setting);
    let mut cases = vec![Case::passed("everything can be measured")];
    if differences.is_empty() {
        cases.extend(judge(&run, &baseline));
    } else {
        cases.push(Case::skipped(
            "figures against the baseline",
            format!("measured in another way: {}", differences.join("; ")),
        ));
    }
    Ok(cases)
}

fn judge(run: &Run, baseline: &Run) -> Vec<Case> {
    let measured = run.figures.iter().map(|figure| {
        let name = format!("{} {}", figure.op, figure.parameter);
        match verdict(figure, baseline.find(figure)) {
            Ok(()) => Case::passed(name),
            Err(why) => Case::failed(name, why),
        }
    });
    let lost = baseline
        .figures
        .iter()
        .filter(|figure| run.find(figure).is_none());
    measured
        .chain(lost.map(|figure| {
            Case::failed(
                format!("{} {}", figure.op, figure.parameter),
                "it is in the baseline and was not measured",
            )
        }))
        .collect()
}

fn verdict(figure: &Figure, before: Option<&Figure>) -> Result<(), String> {
    const REMEDY: &str = "if that is meant: `cargo linchpin bench --update-baseline`";
    let before = before.ok_or_else(|| format!("the baseline has no such figure; {REMEDY}"))?;
    let tolerance = if HOT.contains(&figure.op.as_str()) {
        0.0
    } else {
        TOLERANCE
    };
    if figure.each() <= before.each() * (1.0 + tolerance) {
        return Ok(());
    }
    Err(format!(
        "{:.2} instructions, {:.2} before; {REMEDY}",
        figure.each(),
        before.each()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figure, run};
    use super::*;

    fn failed(now: &[(&str, u64)], before: &[(&str, u64)]) -> Vec<bool> {
        let figures = |rows: &[(&str, u64)]| {
            let figures = rows.iter().map(|&(op, cost)| figure(op, cost));
            run(figures.collect())
        };
        judge(&figures(now), &figures(before))
            .iter()
            .map(Case::is_failed)
            .collect()
    }

    #[test]
    fn a_hot_operation_may_not_grow_at_all() {
        let before = [("call", 1000), ("retype", 1000)];
        assert_eq!(
            failed(&[("call", 1000), ("retype", 1019)], &before),
            [false, false]
        );
        assert_eq!(
            failed(&[("call", 1001), ("retype", 1021)], &before),
            [true, true]
        );
        assert_eq!(
            failed(&[("call", 900), ("retype", 10)], &before),
            [false, false]
        );
    }

    #[test]
    fn what_is_new_or_lost_is_a_failure() {
        assert_eq!(
            failed(&[("call", 1), ("new", 1)], &[("call", 1)]),
            [false, true]
        );
        assert_eq!(
            failed(&[("call", 1)], &[("call", 1), ("old", 1)]),
            [false, true]
        );
    }
}
