//! The console output of the public suite, read back.
//!
//! Tests that run in processes of their own print `Running test NAME (…)` and later
//! `Test NAME passed` or `failed`. The first ones, which run inside the driver itself, print only
//! `Starting test N: NAME`, and `Error: …` when something is wrong.

use regex::Regex;

use crate::report::{Case, Verdict};

/// Reads the transcript: one case per test that was started, and one for a closing line that is
/// missing or contradicts them.
pub(crate) fn read(lines: &[String]) -> Vec<Case> {
    let Some(grammar) = Grammar::new() else {
        return Vec::new();
    };
    let mut suite = Suite::default();
    for line in lines {
        suite.take(&grammar, line.trim());
    }
    suite.finish()
}

/// How many tests the suite says its configuration disables.
pub(crate) fn disabled(lines: &[String]) -> Option<usize> {
    let form = Regex::new(r"(\d+) tests disabled").ok()?;
    lines
        .iter()
        .rev()
        .find_map(|line| form.captures(line)?[1].parse().ok())
}

struct Grammar {
    start: Regex,
    running: Regex,
    end: Regex,
    error: Regex,
    closing: Regex,
}

impl Grammar {
    fn new() -> Option<Self> {
        Some(Self {
            start: Regex::new(r"Starting test \d+: (.+)$").ok()?,
            running: Regex::new(r"Running test \S+ \(").ok()?,
            end: Regex::new(r"Test (\S+) (passed|failed)$").ok()?,
            error: Regex::new(r"^(?:Failure|Error): .+").ok()?,
            closing: Regex::new(
                r"^Test suite (?:passed\. (\d+) tests passed|failed\. (\d+)/\d+ tests passed)",
            )
            .ok()?,
        })
    }
}

#[derive(Default)]
struct Suite {
    cases: Vec<Case>,
    open: Option<Open>,
    /// How many passed, by the suite's own count.
    claimed: Option<usize>,
}

/// A test that was started.
struct Open {
    name: String,
    /// It promised a line of its own at its end.
    owes_verdict: bool,
    error: Option<String>,
}

impl Suite {
    fn take(&mut self, grammar: &Grammar, line: &str) {
        if let Some(found) = grammar.start.captures(line) {
            self.close();
            self.open = Some(Open {
                name: found[1].to_owned(),
                owes_verdict: false,
                error: None,
            });
        } else if grammar.running.is_match(line) {
            if let Some(open) = &mut self.open {
                open.owes_verdict = true;
            }
        } else if let Some(found) = grammar.end.captures(line) {
            self.end(&found[1], &found[2]);
        } else if grammar.error.is_match(line) {
            if let Some(open) = &mut self.open {
                open.error.get_or_insert_with(|| line.to_owned());
            }
        } else if let Some(found) = grammar.closing.captures(line) {
            self.close();
            self.claimed = found
                .get(1)
                .or(found.get(2))
                .and_then(|number| number.as_str().parse().ok());
        }
    }

    fn end(&mut self, name: &str, word: &str) {
        let error = self.open.take().and_then(|open| open.error);
        let verdict = match (word, error) {
            ("passed", None) => Verdict::Passed,
            (_, error) => {
                Verdict::Failed(error.unwrap_or_else(|| "the suite gives no reason".into()))
            }
        };
        self.cases.push(Case {
            name: name.to_owned(),
            verdict,
        });
    }

    /// The next test begins: what does that say about the one before?
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.cases.push(match open.error {
            Some(error) => Case::failed(open.name, error),
            None if open.owes_verdict => Case::failed(open.name, "it was started and never ended"),
            None => Case::passed(open.name),
        });
    }

    fn finish(mut self) -> Vec<Case> {
        if let Some(open) = self.open.take() {
            let why = open
                .error
                .unwrap_or_else(|| "the output ends inside this test".into());
            self.cases.push(Case::failed(open.name, why));
        }
        let passed = self
            .cases
            .iter()
            .filter(|case| case.verdict == Verdict::Passed)
            .count();
        match self.claimed {
            None => self
                .cases
                .push(Case::failed("closing line", "the suite never printed it")),
            Some(claimed) if claimed != passed => self.cases.push(Case::failed(
                "closing line",
                format!("the suite counts {claimed} passed tests, its lines show {passed}"),
            )),
            Some(_) => {}
        }
        self.cases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    const BEGINNING: &str = "Starting test suite sel4test
Starting test 0: Test that there are tests
Starting test 1: SYSCALL0000
          Starting test 2: SYSCALL0001
Starting test 3: BIND0001
Running test BIND0001 (Bind a thread)
Test BIND0001 passed
";

    #[test]
    fn a_whole_run() {
        let text = format!(
            "{BEGINNING}Starting test 5: Test all tests ran\nTest suite passed. 5 tests passed. 32 tests disabled.\n\
             All is well in the universe\n"
        );
        let cases = read(&lines(&text));
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Test that there are tests",
                "SYSCALL0000",
                "SYSCALL0001",
                "BIND0001",
                "Test all tests ran"
            ]
        );
        assert!(cases.iter().all(|case| case.verdict == Verdict::Passed));
        assert_eq!(disabled(&lines(&text)), Some(32));
    }

    #[test]
    fn failures_keep_their_first_reason() {
        let text = format!(
            "{BEGINNING}Starting test 4: SCHED0011\nRunning test SCHED0011 (accuracy)\n\
             \tError: Check a <= b failed. at line 1018\n\tError: another\nTest SCHED0011 failed\n\
             \tFailure: result == SUCCESS at line 296\nStarting test 5: Test all tests ran\n\
             Test suite failed. 5/6 tests passed.\n*** FAILURES DETECTED ***\n"
        );
        let failed: Vec<Case> = read(&lines(&text))
            .into_iter()
            .filter(Case::is_failed)
            .collect();
        assert_eq!(
            failed,
            [Case::failed(
                "SCHED0011",
                "Error: Check a <= b failed. at line 1018"
            )]
        );
    }

    #[test]
    fn a_test_without_a_verdict_has_failed() {
        let text = format!(
            "{BEGINNING}Starting test 4: IPC0001\nRunning test IPC0001 (send)\nStarting test 5: IPC0002\n"
        );
        let failed: Vec<String> = read(&lines(&text))
            .into_iter()
            .filter(Case::is_failed)
            .map(|case| case.name)
            .collect();
        assert_eq!(failed, ["IPC0001", "IPC0002", "closing line"]);
    }

    #[test]
    fn the_suite_must_agree_with_its_lines() {
        let text = format!("{BEGINNING}Test suite passed. 9 tests passed. 0 tests disabled.\n");
        let last = read(&lines(&text)).pop().expect("cases");
        assert_eq!(
            last,
            Case::failed(
                "closing line",
                "the suite counts 9 passed tests, its lines show 4"
            )
        );
    }
}
