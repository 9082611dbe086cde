//! Results of tests: what was run, how it went, and the tables that say so.

use std::fmt::{self, Write};

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

impl Case {
    pub(crate) fn passed(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Passed,
        }
    }

    pub(crate) fn failed(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Failed(why.into()),
        }
    }

    pub(crate) fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Skipped(why.into()),
        }
    }

    pub(crate) fn is_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Count {
    pub(crate) fn of<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Self {
        let mut count = Self::default();
        for case in cases {
            match case.verdict {
                Verdict::Passed => count.passed += 1,
                Verdict::Failed(_) => count.failed += 1,
                Verdict::Skipped(_) => count.skipped += 1,
            }
        }
        count
    }
}

/// The closing line: machines read it.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Longer names push the rest of their row aside.
const WIDEST_NAME: usize = 24;

/// All tests of a suite, several to a line, and then why some failed.
pub(crate) fn suite_table(cases: &[Case]) -> String {
    let width = cases
        .iter()
        .map(|case| case.name.len())
        .max()
        .unwrap_or(0)
        .min(WIDEST_NAME);
    let columns = (100 / (width + 9)).max(1);
    let mut table = String::new();
    for row in cases.chunks(columns) {
        for case in row {
            let word = match case.verdict {
                Verdict::Passed => "pass",
                Verdict::Failed(_) => "FAIL",
                Verdict::Skipped(_) => "skip",
            };
            let _ = write!(table, "  {word} {:<width$}", case.name);
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    for case in cases {
        if let Verdict::Failed(why) = &case.verdict {
            let _ = writeln!(table, "  {}: {why}", case.name);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_has_its_form() {
        let cases = [
            Case::passed("a"),
            Case::failed("b", "why"),
            Case::passed("c"),
        ];
        assert_eq!(Count::of(&cases).to_string(), "2 passed, 1 failed");
        assert_eq!(
            Count::of(&[Case::skipped("d", "no")]).to_string(),
            "0 passed, 0 failed, 1 skipped"
        );
    }

    #[test]
    fn the_table_names_every_test_and_explains_failures() {
        let table = suite_table(&[
            Case::passed("ONE"),
            Case::failed("TWO", "it broke"),
            Case::skipped("THREE", ""),
        ]);
        assert_eq!(
            table,
            "  pass ONE    FAIL TWO    skip THREE\n  TWO: it broke\n"
        );
    }
}
