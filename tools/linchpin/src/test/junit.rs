//! The results as JUnit XML, which CI systems read.

use std::fmt::Write;

use super::Done;
use crate::report::{Case, Count, Verdict};

pub(super) fn document(done: &[Done]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for step in done {
        let count = Count::of(&step.cases);
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
            escape(&step.name),
            step.cases.len(),
            count.failed,
            count.skipped,
            step.time.as_secs_f32()
        );
        step.cases
            .iter()
            .for_each(|case| xml.push_str(&element(&step.name, case)));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn element(step: &str, case: &Case) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\"",
        escape(step),
        escape(&case.name)
    );
    match &case.verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Failed(why) => format!("{head}><failure>{}</failure></testcase>\n", escape(why)),
        Verdict::Skipped(why) => {
            format!("{head}><skipped message=\"{}\"/></testcase>\n", escape(why))
        }
    }
}

/// Control characters have no form in XML at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_verdict_has_its_element() {
        let step = Done {
            name: "a & b".into(),
            arch: None,
            cases: vec![
                Case::passed("x"),
                Case::failed("y", "1 < 2\u{1b}"),
                Case::skipped("z", "\"no\""),
            ],
            time: Duration::from_millis(1500),
        };
        let xml = document(&[step]);
        assert!(xml.contains(
            "<testsuite name=\"a &amp; b\" tests=\"3\" failures=\"1\" skipped=\"1\" time=\"1.500\">"
        ));
        assert!(xml.contains("name=\"y\"><failure>1 &lt; 2\u{fffd}</failure>"));
        assert!(xml.contains("<skipped message=\"&quot;no&quot;\"/>"));
    }
}
