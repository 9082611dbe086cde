//! What the in-QEMU suite prints, read back.
//!
//! A line per test, `test NAME ... ok`, `test NAME ... FAILED: why` or `test NAME ... skipped: why`,
//! and a closing line, `conformance: N passed, N failed, N skipped`.

use regex::Regex;

use crate::report::{Case, Count};

/// The tests in the order in which they ran. A missing or contradicting closing line is a failure of
/// its own: a suite that stopped half way has not passed.
pub(crate) fn read(lines: &[String]) -> Vec<Case> {
    let mut cases: Vec<Case> = lines.iter().filter_map(|line| case(line)).collect();
    let counted = Count::of(&cases);
    match lines.iter().rev().find_map(|line| closing(line)) {
        None => cases.push(Case::failed("closing line", "the suite never printed it")),
        Some(said) if said != counted => cases.push(Case::failed(
            "closing line",
            format!("it says {said}, the lines before it {counted}"),
        )),
        Some(_) => {}
    }
    cases
}

fn case(line: &str) -> Option<Case> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let verdict = verdict.trim();
    if verdict == "ok" {
        Some(Case::passed(name))
    } else if let Some(why) = verdict.strip_prefix("skipped") {
        Some(Case::skipped(name, why.trim_start_matches([':', ' '])))
    } else {
        // What is not clearly good is bad.
        Some(Case::failed(
            name,
            verdict
                .trim_start_matches("FAILED")
                .trim_start_matches([':', ' ']),
        ))
    }
}

fn closing(line: &str) -> Option<Count> {
    let form = Regex::new(r"^conformance: (\d+) passed, (\d+) failed, (\d+) skipped$").ok()?;
    let found = form.captures(line.trim_end())?;
    Some(Count {
        passed: found[1].parse().ok()?,
        failed: found[2].parse().ok()?,
        skipped: found[3].parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn reads_every_verdict() {
        let cases = read(&lines(
            "hello\ntest a::b ... ok\ntest c ... FAILED: got 3, wanted 4\ntest d ... skipped: one core\n\
             conformance: 1 passed, 1 failed, 1 skipped\n",
        ));
        assert_eq!(
            cases,
            [
                Case::passed("a::b"),
                Case::failed("c", "got 3, wanted 4"),
                Case::skipped("d", "one core")
            ]
        );
    }

    #[test]
    fn a_suite_that_stops_half_way_has_failed() {
        let cases = read(&lines("test a ... ok\n"));
        assert!(cases[1].is_failed());
    }

    #[test]
    fn a_wrong_count_is_a_failure() {
        let cases = read(&lines(
            "test a ... ok\nconformance: 2 passed, 0 failed, 0 skipped\n",
        ));
        assert!(matches!(&cases[1].verdict, Verdict::Failed(why) if why.contains("2 passed")));
    }

    #[test]
    fn an_unknown_verdict_is_a_failure() {
        assert_eq!(case("test a ... okay?"), Some(Case::failed("a", "okay?")));
        assert_eq!(case("test a"), None);
    }
}
