//! Figures for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Method;
use super::figures::{Figure, Instructions, Run};

/// Each operation, and how much of another kernel's cost it is.
pub(crate) fn table(ours: &Run, other: Option<&Run>) -> String {
    let mut text = heading(ours, other);
    let widest = |name: fn(&Figure) -> usize| ours.figures.iter().map(name).max().unwrap_or(0);
    let (op, width) = (
        widest(|figure| figure.op.len()),
        widest(|figure| figure.parameter.len()),
    );
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for figure in &ours.figures {
        let _ = write!(
            text,
            "{:<op$} {:<width$} {:>10.1}",
            figure.op,
            figure.parameter,
            figure.each()
        );
        if let Some(other) = other.and_then(|other| other.find(figure)) {
            let _ = write!(text, " {:>10.1} ", other.each());
            match ratio(figure, other) {
                Some(ratio) => {
                    ratios.entry(&figure.op).or_default().push(ratio);
                    let _ = write!(text, "{ratio:>6.2}");
                }
                None => text.push_str("     -"),
            }
        }
        text.push_str(&memory(figure));
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.push_str(&means(&ratios));
    text
}

/// Operations that were measured with many parameters do not weigh more than others.
fn means(ratios: &BTreeMap<&str, Vec<f64>>) -> String {
    let of_ops: Vec<f64> = ratios
        .values()
        .filter_map(|op| geometric_mean(op))
        .collect();
    let all: Vec<f64> = ratios.values().flatten().copied().collect();
    let (Some(mean), Some(of_all)) = (geometric_mean(&of_ops), geometric_mean(&all)) else {
        return String::new();
    };
    format!(
        "geometric mean of {} operations: {mean:.3}; of all {} rows: {of_all:.3}, {} of them above 1\n",
        of_ops.len(),
        all.len(),
        all.iter().filter(|&&ratio| ratio > 1.0).count()
    )
}

fn heading(ours: &Run, other: Option<&Run>) -> String {
    let what = match ours.setting.method {
        Method::Icount => "instructions for each operation, the user's side included",
        Method::Plugin => "kernel and firmware instructions for each operation",
        Method::Rocket => "cycles for each operation, the user's side included",
    };
    let mut text = format!(
        "{}: {what} ({}; {})\n",
        ours.setting.arch, ours.setting.emulator, ours.setting.compiler
    );
    if let Some(name) = other.and_then(|other| other.figures.first()) {
        let _ = writeln!(text, "columns: ours, {}, ratio", name.kernel);
    }
    if ours.setting.method == Method::Plugin {
        text.push_str("last: user instructions; kernel loads, stores; lines of code, of data\n");
    }
    text
}

/// None where one of them is nothing.
pub(crate) fn ratio(ours: &Figure, other: &Figure) -> Option<f64> {
    (ours.each() >= 1.0 && other.each() >= 1.0).then(|| ours.each() / other.each())
}

pub(crate) fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

fn memory(figure: &Figure) -> String {
    let (Some(memory), Some(Instructions::Split { user, .. })) =
        (figure.memory, figure.instructions)
    else {
        return String::new();
    };
    let each = |count: u64| count as f64 / figure.count.max(1) as f64;
    format!(
        "   {:>6.0} {:>6.0} {:>6.0} {:>5} {:>5}",
        each(user),
        each(memory.loads),
        each(memory.stores),
        memory.lines.code,
        memory.lines.data
    )
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figure, run};
    use super::*;

    #[test]
    fn the_mean_is_of_ratios() {
        let ours = run(vec![figure("call", 500), figure("yield", 2000)]);
        let other = run(vec![figure("call", 1000), figure("yield", 1000)]);
        let text = table(&ours, Some(&other));
        assert!(
            text.contains("of 2 operations: 1.000; of all 2 rows: 1.000, 1 of them above 1"),
            "{text}"
        );
        assert!(text.contains("  0.50\n"), "{text}");
    }

    #[test]
    fn what_the_other_lacks_has_no_ratio() {
        let text = table(
            &run(vec![figure("call", 500)]),
            Some(&run(vec![figure("poll", 5)])),
        );
        assert!(text.contains("50.0\n") && !text.contains("mean"), "{text}");
    }
}
