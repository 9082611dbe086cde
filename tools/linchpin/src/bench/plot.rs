//! Figures as a drawing: bars for ratios, lines for costs that should not grow with the number of
//! objects.

use std::fmt::Write;

use super::figures::{Figure, Run};
use super::table::ratio;

const WIDTH: f64 = 900.0;
const ROW: f64 = 16.0;
const MARGIN: f64 = 20.0;
/// Where bars begin, behind the names.
const NAMES: f64 = 480.0;
/// A bar of this ratio ends at the right margin.
const LARGEST: f64 = 2.0;
/// The height of one drawing of scaling.
const HEIGHT: f64 = 160.0;
const COLOURS: [&str; 2] = ["#1f77b4", "#d62728"];

/// The whole drawing.
pub(crate) fn svg(ours: &Run, other: Option<&Run>) -> String {
    let mut body = String::new();
    let mut y = MARGIN;
    if let Some(other) = other {
        y = bars(&mut body, y, ours, other);
    }
    for curve in curves(ours) {
        y = scaling(&mut body, y, &curve, other);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n",
        y + MARGIN
    )
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        body,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

/// A bar for each operation that both have; a line where they are equal.
fn bars(body: &mut String, top: f64, ours: &Run, other: &Run) -> f64 {
    let scale = (WIDTH - NAMES - MARGIN) / LARGEST;
    let mut y = top + ROW;
    text(
        body,
        NAMES,
        y,
        "start",
        "ours / the other's: shorter is better",
    );
    let first = y;
    for figure in &ours.figures {
        let Some(ratio) = other.find(figure).and_then(|other| ratio(figure, other)) else {
            continue;
        };
        y += ROW;
        let name = format!("{} {}", figure.op, figure.parameter);
        text(body, NAMES - 6.0, y, "end", &name);
        let colour = COLOURS[usize::from(ratio > 1.0)];
        let _ = writeln!(
            body,
            "<rect x=\"{NAMES}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" fill=\"{colour}\"/>",
            y - 9.0,
            ratio.min(LARGEST) * scale
        );
        text(body, NAMES + 4.0, y, "start", &format!("{ratio:.2}"));
    }
    let equal = NAMES + scale;
    let _ = writeln!(
        body,
        "<line x1=\"{equal:.1}\" x2=\"{equal:.1}\" y1=\"{first:.1}\" y2=\"{y:.1}\" stroke=\"black\"/>"
    );
    y + 2.0 * ROW
}

/// One operation among growing numbers of the same things.
struct Curve<'a> {
    name: String,
    points: Vec<(f64, &'a Figure)>,
}

/// The number behind `N=` in a parameter, and the parameter without it.
fn number(parameter: &str) -> Option<(f64, String)> {
    let word = parameter.split(' ').find(|word| word.starts_with("N="))?;
    let rest: Vec<&str> = parameter
        .split(' ')
        .filter(|other| *other != word)
        .collect();
    Some((word[2..].parse().ok()?, rest.join(" ")))
}

fn curves(run: &Run) -> Vec<Curve<'_>> {
    let mut curves: Vec<Curve> = Vec::new();
    for figure in &run.figures {
        let Some((number, rest)) = number(&figure.parameter) else {
            continue;
        };
        let name = format!("{} {rest}", figure.op);
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push((number, figure)),
            None => curves.push(Curve {
                name,
                points: vec![(number, figure)],
            }),
        }
    }
    curves.retain(|curve| curve.points.len() > 1);
    curves
}

/// Cost over number, the latter logarithmic.
fn scaling(body: &mut String, top: f64, curve: &Curve, other: Option<&Run>) -> f64 {
    let theirs: Vec<(f64, f64)> = curve
        .points
        .iter()
        .filter_map(|(n, figure)| Some((*n, other?.find(figure)?.each())))
        .collect();
    let ours: Vec<(f64, f64)> = curve.points.iter().map(|(n, f)| (*n, f.each())).collect();
    let all = || ours.iter().chain(&theirs);
    let highest = all().map(|(_, cost)| *cost).fold(1.0, f64::max);
    let farthest = all().map(|(n, _)| n.log10()).fold(0.1, f64::max);
    let bottom = top + HEIGHT - 2.0 * ROW;
    text(body, MARGIN, top + ROW - 4.0, "start", &curve.name);
    text(
        body,
        NAMES,
        top + ROW - 4.0,
        "start",
        &format!("top: {highest:.0}"),
    );
    let _ = writeln!(
        body,
        "<line x1=\"{MARGIN}\" x2=\"{:.1}\" y1=\"{bottom:.1}\" y2=\"{bottom:.1}\" stroke=\"black\"/>",
        WIDTH - MARGIN
    );
    for (points, colour) in [(&ours, COLOURS[0]), (&theirs, COLOURS[1])] {
        let mut line = String::new();
        for (n, cost) in points {
            let x = MARGIN + n.log10() / farthest * (WIDTH - 4.0 * MARGIN);
            let y = bottom - cost / highest * (bottom - top - ROW);
            let _ = write!(line, "{x:.1},{y:.1} ");
            text(body, x, bottom + ROW - 4.0, "middle", &format!("{n:.0}"));
        }
        let _ = writeln!(
            body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.trim_end()
        );
    }
    top + HEIGHT
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{figure, run};
    use super::*;

    #[test]
    fn operations_with_a_number_become_a_curve() {
        let mut figures = vec![figure("call", 10)];
        for n in [1, 10, 100] {
            let mut figure = figure("yield", 500 + n);
            figure.parameter = format!("N={n} threads are ready");
            figures.push(figure);
        }
        let run = run(figures);
        let curves = curves(&run);
        assert_eq!(curves.len(), 1);
        assert_eq!(curves[0].name, "yield threads are ready");
        assert_eq!(curves[0].points.len(), 3);
        let drawing = svg(&run, Some(&run));
        assert_eq!(drawing.matches("<polyline").count(), 2);
        assert!(drawing.starts_with("<svg") && drawing.ends_with("</svg>\n"));
    }
}
