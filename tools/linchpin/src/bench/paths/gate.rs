//! The gate: how long the longest paths of the repository's figures are. They may not grow.

use std::path::PathBuf;

use miette::{IntoDiagnostic, Result, WrapErr};

use super::{Paths, Way, joined, measure};
use crate::build::{self, Show};
use crate::kind::Arch;
use crate::report::Case;
use crate::workspace::{self, Workspace};

/// What the longest may grow by.
const TOLERANCE: f64 = 0.02;

fn file(workspace: &Workspace, arch: Arch) -> PathBuf {
    let name = format!("bench/baseline/paths-{}.jsonl", arch.name());
    workspace.root.join(name)
}

/// Measures the baseline anew: a line for each kind of entry, so that a test more does not change
/// it if its calls are no longer than others.
pub(crate) fn update(workspace: &Workspace, arch: Arch) -> Result<()> {
    let paths = measure::over(measure::STEADY, workspace, arch, Show::Progress)?;
    let file = file(workspace, arch);
    let kinds = Paths {
        ways: kinds(&paths),
        setting: paths.setting,
    };
    workspace::write(&file, kinds.to_lines()?.as_bytes())?;
    println!(
        "{} kinds of entry in {}",
        kinds.ways.len(),
        build::shown(&file)
    );
    Ok(())
}

fn kinds(paths: &Paths) -> Vec<Way> {
    joined(paths.ways.iter().map(|way| Way {
        way: way.kind().to_owned(),
        ..way.clone()
    }))
}

/// Measures, and holds the figures against the baseline: a case for each kind of entry.
pub(crate) fn check(workspace: &Workspace, arch: Arch) -> Result<Vec<Case>> {
    let paths = measure::over(measure::STEADY, workspace, arch, Show::OnFailure)?;
    let file = file(workspace, arch);
    let text = String::from_utf8_lossy(&workspace::read(&file)?).into_owned();
    let baseline = Paths::from_lines(&text)
        .into_diagnostic()
        .wrap_err_with(|| format!("{} is no baseline of paths", file.display()))?;
    let mut cases = vec![Case::passed("every stay can be measured")];
    let differences = paths.setting.differences(&baseline.setting);
    if differences.is_empty() {
        cases.extend(judge(&kinds(&paths), &baseline.ways));
    } else {
        cases.push(Case::skipped(
            "paths against the baseline",
            format!("measured in another way: {}", differences.join("; ")),
        ));
    }
    Ok(cases)
}

fn judge(now: &[Way], before: &[Way]) -> Vec<Case> {
    let find = |ways: &[Way], name: &str| ways.iter().find(|way| way.way == name).cloned();
    let measured = now
        .iter()
        .map(|way| match verdict(way, find(before, &way.way)) {
            Ok(()) => Case::passed(&way.way),
            Err(why) => Case::failed(&way.way, why),
        });
    let lost = before
        .iter()
        .filter(|way| find(now, &way.way).is_none())
        .map(|way| {
            Case::failed(
                &way.way,
                "it is in the baseline, and nobody entered in this way",
            )
        });
    measured.chain(lost).collect()
}

fn verdict(now: &Way, before: Option<Way>) -> Result<(), String> {
    const REMEDY: &str = "if that is meant: `cargo linchpin bench --paths --update-baseline`";
    let before = before.ok_or_else(|| format!("the baseline has no such kind; {REMEDY}"))?;
    for (what, now, before) in [
        ("stay", &now.stay, &before.stay),
        ("run without a look for interrupts", &now.run, &before.run),
    ] {
        if now.instructions as f64 > before.instructions as f64 * (1.0 + TOLERANCE) {
            return Err(format!(
                "the longest {what} has {} instructions, {} before, in {}: {}; {REMEDY}",
                now.instructions,
                before.instructions,
                now.program,
                super::places(now)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{paths, way};
    use super::*;

    fn failed(now: &[Way], before: &[Way]) -> Vec<bool> {
        judge(now, before).iter().map(Case::is_failed).collect()
    }

    #[test]
    fn the_longest_may_not_grow() {
        let before = [way("Call", 1000, 500)];
        assert_eq!(failed(&[way("Call", 1020, 510)], &before), [false]);
        assert_eq!(failed(&[way("Call", 1021, 500)], &before), [true]);
        assert_eq!(failed(&[way("Call", 1000, 511)], &before), [true]);
        assert_eq!(failed(&[way("Call", 10, 5)], &before), [false]);
    }

    #[test]
    fn what_is_new_or_lost_is_a_failure() {
        let (one, other) = (way("Call", 1, 1), way("Wait", 1, 1));
        let both = [one.clone(), other];
        assert_eq!(failed(&both, &both[..1]), [false, true]);
        assert_eq!(failed(&[one], &both), [false, true]);
    }

    #[test]
    fn invocations_are_no_kinds() {
        let all = paths(vec![way("Call UntypedRetype", 9, 2), way("Call", 5, 4)]);
        let kinds = kinds(&all);
        assert_eq!(kinds.len(), 1);
        assert_eq!(kinds[0].stay.instructions, 9);
        assert_eq!(kinds[0].run.instructions, 4);
    }
}
