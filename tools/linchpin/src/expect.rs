//! What decides how a run went: the system's own report, or markers on the serial line.

use clap::ValueEnum;
use miette::{IntoDiagnostic, Result, WrapErr};
use regex::Regex;

use crate::report::{Case, Count};
use crate::{conformance, qemu, sel4test};

/// A suite whose output the tool can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// The public suite's driver.
    Sel4test,
    /// The project's own suite, also on a kernel that has no exit device.
    Conformance,
}

impl Preset {
    fn pass(self) -> &'static str {
        match self {
            Preset::Sel4test => "^All is well in the universe",
            Preset::Conformance => r"^conformance: \d+ passed, 0 failed",
        }
    }

    fn fail(self) -> &'static str {
        match self {
            Preset::Sel4test => r"^\*\*\* FAILURES DETECTED \*\*\*",
            Preset::Conformance => r"^conformance: \d+ passed, [1-9]\d* failed",
        }
    }

    /// How long it may take, in seconds, if the user names no bound.
    pub(crate) fn bound(self) -> u64 {
        match self {
            Preset::Sel4test => 3000,
            Preset::Conformance => 600,
        }
    }

    /// How much memory its machine has, if the user does not say.
    pub(crate) fn memory(self) -> &'static str {
        match self {
            // Its test of large frames wants 1 GiB in one piece: on the machine that we run,
            // less memory has none.
            Preset::Sel4test => "4G",
            Preset::Conformance => qemu::MEMORY,
        }
    }

    pub(crate) fn read(self, lines: &[String]) -> Vec<Case> {
        match self {
            Preset::Sel4test => sel4test::read(lines),
            Preset::Conformance => conformance::read(lines),
        }
    }

    /// One line about the whole.
    pub(crate) fn summary(self, cases: &[Case], lines: &[String]) -> String {
        let count = Count::of(cases);
        match (self, sel4test::disabled(lines)) {
            (Preset::Sel4test, Some(disabled)) => {
                format!("{count}, {disabled} disabled by its configuration")
            }
            _ => count.to_string(),
        }
    }
}

/// Lines that end a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markers {
    pass: Option<Regex>,
    fail: Option<Regex>,
}

/// What a line says about the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Pass,
    Fail,
    /// The kernel has stopped.
    Fatal,
}

impl Markers {
    /// The user's own expressions come before those of the preset.
    pub(crate) fn new(
        pass: Option<&str>,
        fail: Option<&str>,
        preset: Option<Preset>,
    ) -> Result<Self> {
        Ok(Self {
            pass: compile("--pass", pass.or(preset.map(Preset::pass)))?,
            fail: compile("--fail", fail.or(preset.map(Preset::fail)))?,
        })
    }

    /// Whether the run must show a mark to be good.
    pub(crate) fn demand_pass(&self) -> bool {
        self.pass.is_some()
    }

    pub(crate) fn judge(&self, line: &str) -> Option<Mark> {
        let matches =
            |marker: &Option<Regex>| marker.as_ref().is_some_and(|marker| marker.is_match(line));
        if line.starts_with("linchpin: fatal:") {
            Some(Mark::Fatal)
        } else if matches(&self.fail) {
            Some(Mark::Fail)
        } else if matches(&self.pass) {
            Some(Mark::Pass)
        } else {
            None
        }
    }
}

fn compile(option: &str, expression: Option<&str>) -> Result<Option<Regex>> {
    expression
        .map(|text| {
            Regex::new(text)
                .into_diagnostic()
                .wrap_err_with(|| format!("`{text}` ({option}) is no regular expression"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fatal_and_failure_win_over_success() {
        let markers = Markers::new(Some("done"), Some("broken"), None).expect("valid");
        assert_eq!(markers.judge("all done"), Some(Mark::Pass));
        assert_eq!(markers.judge("done, but broken"), Some(Mark::Fail));
        assert_eq!(markers.judge("linchpin: fatal: done"), Some(Mark::Fatal));
        assert_eq!(markers.judge("going on"), None);
        assert!(Markers::new(Some("("), None, None).is_err());
    }

    #[test]
    fn presets_know_their_end_markers() {
        let suite = Markers::new(None, None, Some(Preset::Sel4test)).expect("valid");
        assert_eq!(suite.judge("All is well in the universe"), Some(Mark::Pass));
        assert_eq!(suite.judge("*** FAILURES DETECTED ***"), Some(Mark::Fail));
        let own = Markers::new(None, None, Some(Preset::Conformance)).expect("valid");
        assert_eq!(
            own.judge("conformance: 10 passed, 0 failed, 0 skipped"),
            Some(Mark::Pass)
        );
        assert_eq!(
            own.judge("conformance: 10 passed, 10 failed, 0 skipped"),
            Some(Mark::Fail)
        );
    }

    #[test]
    fn without_markers_the_system_reports_itself() {
        let none = Markers::default();
        assert!(!none.demand_pass());
        assert_eq!(none.judge("All is well in the universe"), None);
    }
}
